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
from .blocks import Benchmark
from .datasets.lsp import Annotation
from .estimates import PlacedBody
from .scoring import centred


class Case(NamedTuple):
    """One person to be shown: observations and truth."""

    observations: Observations
    annotation: Annotation | None
    truth: Tensor | None
    photograph: Path | None


def case_of(benchmark: Benchmark, name: str, body: BodyModel, placed: PlacedBody | None = None) -> Case:
    """Case of a person by name.

    Args:
        benchmark: the people.
        name: of the person.
        body: of the truth.
        placed: a body that brings its own camera, by which it is drawn.
    Raises:
        ValueError: there is no person of this name.
    """
    for index, names in enumerate(benchmark.names):
        if name in names:
            row, block = list(names).index(name), benchmark.block(index, body)
            annotation = None if block.annotations is None else block.annotations[row]
            seen = block.detected.rows([row])
            return Case(
                observations=seen if placed is None else _before(placed, seen, annotation),
                annotation=annotation,
                truth=None if block.truth.bodies is None else block.truth.bodies[row],
                photograph=None if block.photographs is None else block.photographs[row],
            )
    raise ValueError(f"{name}: nobody of this name")


def _before(placed: PlacedBody, seen: Observations, annotation: Annotation | None) -> Observations:
    """The same before a body's own camera; keypoints of an image of another size are not of what it is drawn in."""
    known = tuple(int(side) for side in seen.image_size[0])
    own = known if all(known) else annotation.mask.shape[::-1] if annotation is not None else None
    width, height = placed.image_size or own or _extent(placed)
    same = own in (None, (width, height))
    return replace(
        seen,
        confidence=seen.confidence * same,
        intrinsics=centred(placed.intrinsics, width, height).to(seen.intrinsics)[None],
        image_size=torch.tensor([[width, height]]),
    )


def _extent(placed: PlacedBody) -> tuple[int, int]:
    """An image that holds the crop, or as large as two focal lengths where there is none."""
    if placed.crop is None:
        side = math.ceil(2 * float(placed.intrinsics[0, 0]))
        return side, side
    right, bottom = (placed.crop.corner + placed.crop.side).tolist()
    return max(1, math.ceil(right)), max(1, math.ceil(bottom))
