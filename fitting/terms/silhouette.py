"""Contours: points of the body's outline and of the mask's outline pull at each other, along the mask's normal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...camera import NEAREST_DEPTH, project, project_with_jacobian
from ...rows import filled
from ..contours import Matches, mask_outline, match_outlines, surface_sample, usable_mask, vertices_in_sight
from ..energy import BodyState, Energy, Residuals, Term
from ..robust import geman_mcclure
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

_FEWEST_MESHES = 4  # products of parameters with a whole mesh: see `rows.FEWEST_ROWS`
SURFACE_SAMPLE = 400  # vertices that may take part in an outline


class SilhouetteTerm(Term):
    """w_m * GM(n_m . (projection of vertex v_m - p_m)) for matches m of a vertex and an outline's point.

    Matches go both ways: from the body's outline to the mask's and from the mask's to the body's.

    Args:
        vertices: V vertex indices of the body that matches may name.
        matches: of the B rows, in pixels of the reference frame; weights 0 where a row has fewer.
        intrinsics: (B, 3, 3) pixels of the reference frame.
        sigma: the kernel's scale, reference pixels.
    """

    name = "silhouette"

    def __init__(self, vertices: tuple[int, ...], matches: Matches, intrinsics: Tensor, *, sigma: float) -> None:
        self.point_names = tuple(f"vertex:{vertex}" for vertex in vertices)
        self._matches = matches
        self._intrinsics = intrinsics
        self._sigma = sigma

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        index = self._matches.index[rows]
        points = state.points.gather(1, index[..., None].expand(*index.shape, 3))  # (B, M, 3)
        pixels, by_point, _ = project_with_jacobian(points, self._intrinsics[rows])
        rho, slope = geman_mcclure(self._along(pixels, rows), self._sigma)
        weights = self._matches.weights[rows]
        along = (self._matches.normal[rows][..., None] * by_point).sum(-2) * (slope * weights)[..., None]  # (B, M, 3)
        chosen = state.jacobian.gather(1, index[..., None, None].expand(*index.shape, *state.jacobian.shape[2:]))
        return Residuals(rho * weights, (along[..., None] * chosen).sum(-2))

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        index = self._matches.index[rows]
        points = state.points.gather(1, index[..., None].expand(*index.shape, 3))
        pixels = project(points, self._intrinsics[rows], nearest=NEAREST_DEPTH)
        rho, _ = geman_mcclure(self._along(pixels, rows), self._sigma)
        return (rho * self._matches.weights[rows]).square().sum(-1)

    def _along(self, pixels: Tensor, rows: Tensor) -> Tensor:
        """(B, M) errors along the normals."""
        return ((pixels - self._matches.target[rows]) * self._matches.normal[rows]).sum(-1)


class _MatchedAnew(SilhouetteTerm):
    """The term of masks, whose matches are made anew from where the body stands."""

    def __init__(self, problem: FitProblem, spec: Silhouette, usable: list[bool]) -> None:
        vertices = surface_sample(problem.body, SURFACE_SAMPLE)
        device = problem.body.device
        count = len(usable)
        blank = Matches.blank(count, spec.points, problem.reference_intrinsics)
        super().__init__(vertices, blank, problem.reference_intrinsics, sigma=spec.sigma)
        self._problem, self._spec = problem, spec
        self._sample = torch.tensor(vertices, device=device)
        self._with_mask = [row for row, has in enumerate(usable) if has]
        self.evidence = torch.tensor(usable, device=device)
        self._outlines = [mask_outline(_mask(problem, row), spec.points) for row in self._with_mask]
        self._in_sight = vertices_in_sight(problem.body, problem.observations.confidence, self._sample)

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        problem, rows = self._problem, torch.tensor(self._with_mask, device=params.device)
        posed = problem.body.from_params(params[filled(rows, _FEWEST_MESHES)])
        found = match_outlines(
            posed.vertices[: len(rows)],
            problem.body.faces,
            problem.observations.intrinsics[rows],
            self._outlines,
            problem.observations.image_size[rows],
            self._sample,
            in_sight=self._in_sight[rows],
            weight=self._spec.weight,
            count=self._spec.points,
        )
        found = replace(found, target=problem.to_reference(found.target, rows))
        self._matches = self._matches.put(rows, found)
        return params


@dataclass(frozen=True, kw_only=True)
class Silhouette(TermSpec):
    """Spec of `SilhouetteTerm`, for rows with a mask that can be used."""

    name: str = "silhouette"
    weight: float = 4.0  # the root of the sum of squared weights, each way; see `docs/fitting.md`
    sigma: float = 30.0  # reference pixels, Geman-McClure
    points: int = 96  # matches each way
    from_stage: str = "outlines"

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        observations = problem.observations
        usable = [
            usable_mask(mask, (int(width), int(height))) is None
            for mask, (width, height) in zip(observations.masks, observations.image_size.tolist(), strict=True)
        ]
        return _MatchedAnew(problem, self, usable) if any(usable) else None


def _mask(problem: FitProblem, row: int) -> np.ndarray:
    mask = problem.observations.masks[row]
    assert mask is not None
    return mask
