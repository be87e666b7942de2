"""One person of a benchmark to be shown: what was seen, what is known, and the camera that a body is drawn by."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel
from ..observations import Observations
from .blocks import Benchmark, known_sizes
from .datasets.lsp import Annotation
from .estimates import Entry, PlacedBody, read_estimate
from .scoring import centred


class Case(NamedTuple):
    """One person to be shown: observations and truth."""

    observations: Observations
    annotation: Annotation | None
    truth: Tensor | None
    photograph: Path | None


def case_of(benchmark: Benchmark, name: str, body: BodyModel) -> Case:
    """Case of a person by name.

    Args:
        benchmark: the people.
        name: of the person.
        body: of the truth.
    Raises:
        ValueError: there is no person of this name.
    """
    for index, names in enumerate(benchmark.names):
        if name in names:
            row, block = list(names).index(name), benchmark.block(index, body)
            annotation = None if block.annotations is None else block.annotations[row]
            return Case(
                observations=block.detected.rows([row]),
                annotation=annotation,
                truth=None if block.truth.bodies is None else block.truth.bodies[row],
                photograph=None if block.photographs is None else block.photographs[row],
            )
    raise ValueError(f"{name}: nobody of this name")


def case_of_entry(case: Case, entry: Entry, enlarged: float = 1.0) -> Case:
    """The same before the camera of a result, by which it is drawn; keypoints of an image of another size are not of
    what it is drawn in.

    Args:
        case: of the person.
        entry: the person's result.
        enlarged: as `estimates.read_estimate` takes it.
    Raises:
        ValueError, OSError: as `estimates.read_estimate`.
    """
    seen = case.observations
    (known,) = known_sizes(seen)
    own = known if known or case.annotation is None else case.annotation.mask.shape[::-1]
    placed = read_estimate(entry, enlarged=enlarged, image_size=known)
    width, height = placed.image_size or own or _extent(placed)
    same = own in (None, (width, height))
    shown = replace(
        seen,
        confidence=seen.confidence * same,
        intrinsics=centred(placed.intrinsics, width, height).to(seen.intrinsics)[None],
        image_size=torch.tensor([[width, height]]),
    )
    return case._replace(observations=shown)


def _extent(placed: PlacedBody) -> tuple[int, int]:
    """An image that holds the crop, or as large as two focal lengths where there is none."""
    if placed.crop is None:
        side = math.ceil(2 * float(placed.intrinsics[0, 0]))
        return side, side
    right, bottom = (placed.crop.corner + placed.crop.side).tolist()
    return max(1, math.ceil(right)), max(1, math.ceil(bottom))
