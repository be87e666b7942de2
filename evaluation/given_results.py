"""Results of any program as a method: its answers are read from files, and may be refined by keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..body import BodyModel
from ..observations import Observations
from ..pipeline import fit
from .answers import Answer, answer_of
from .estimates import Entry, PlacedBody, read_estimate, what_is_wrong
from .matching import match_results
from .methods import Variant
from .storage import Store

RESULTS, REFINED = "results", "results+2d"
"""Names of the two methods: what the files say, and the same after anchored fitting to the set's keypoints."""


@dataclass(frozen=True)
class GivenResults:
    """A method whose answers stand in files.

    Attributes:
        entries: the result of each person, by the benchmark's name.
        refined: whether bodies are then fitted to the keypoints that are given, held near the results.
    """

    entries: Mapping[str, Entry]
    refined: bool = False

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """Bodies in the camera of the observations; rows without a usable result are NaN, and so count as failed."""
        rows = [self._read(observations, row, body) for row in range(len(observations))]
        params = torch.stack(rows).to(body.v_template)
        known = [row for row, problem in enumerate(what_is_wrong(params)) if not problem]
        if self.refined and known:
            fitted = fit(observations.rows(known), body, init=params[known])
            params[known] = fitted.params.to(params)
        params[[row for row in range(len(params)) if row not in known]] = torch.nan
        return answer_of(params, body)

    def _read(self, observations: Observations, row: int, body: BodyModel) -> Tensor:
        entry = self.entries.get(observations.names[row])
        if entry is None:
            return torch.full((body.layout.size,), torch.nan, dtype=torch.float64)
        placed = read_estimate(entry)
        return seen_by_camera(
            placed, observations.intrinsics[row].double().cpu(), observations.image_size[row].cpu(), body
        )


def seen_by_camera(placed: PlacedBody, intrinsics: Tensor, image_size: Tensor, body: BodyModel) -> Tensor:
    """Parameters of the same body as another camera sees it where and as large as its own does.

    The root joint keeps its pixel, and its depth over the focal length: exact where the two cameras are one, else as
    exact as weak perspective is.

    Args:
        placed: a result with its camera.
        intrinsics: (3, 3) pixels of the camera that is wanted.
        image_size: (2,) width and height.
        body: that the result is of.
    Returns:
        (D,) float64 on the CPU.
    """
    params = body.own_params(placed.params[None].to(body.v_template)).double().cpu()
    parts = body.layout.split(params)
    pelvis = body.rest_joints(parts.betas.to(body.v_template))[0, 0].double().cpu()
    own = placed.intrinsics.double()
    middle = torch.where(own[:2, 2].isnan(), image_size.double() / 2, own[:2, 2])
    root = pelvis + parts.transl[0]
    focal, wanted = own.diagonal()[:2], intrinsics.diagonal()[:2]
    pixel = focal * root[:2] / root[2] + middle
    depth = root[2] * wanted.mean() / focal.mean()
    moved = torch.cat([(pixel - intrinsics[:2, 2]) * depth / wanted, depth[None]])
    return body.layout.join(**parts._replace(transl=(moved - pelvis)[None])._asdict())[0]


def methods_of_results(
    names: Sequence[str], labels: Sequence[tuple[str, ...]], entries: Sequence[Entry], what: str
) -> tuple[dict[str, Variant], tuple[str, ...]]:
    """The two methods of some results, by name, and a line for each result that is of no person.

    Args:
        names, labels: of the benchmark's people, as it calls them and as results may.
        entries: the results.
        what: the data set, as messages call it.
    Raises:
        EstimateError: as `match_results`.
    """
    matched = match_results(labels, entries, what)
    of_each = {name: entry for name, entry in zip(names, matched.entries, strict=True) if entry is not None}
    variants = {
        RESULTS: Variant(make=partial(_make, of_each, False), about="results that are there already"),
        REFINED: Variant(make=partial(_make, of_each, True), about="the same, anchored to the set's keypoints"),
    }
    return variants, matched.problems


def _make(entries: Mapping[str, Entry], refined: bool, body: BodyModel, store: Store | None) -> GivenResults:
    return GivenResults(entries, refined)
