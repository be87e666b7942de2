"""The floor: soles are not below it, and what stands on it stays where it is.

A foot that stands shows in neighbouring frames of a video: its points are slow and low. They are held at one place on
the floor, the mean of where the frames have them, chosen anew in each round; so the term couples frames without a
system of all of them. All other points of the soles may be anywhere above the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ...body.floor import heights
from ..energy import BodyState, Energy, Residuals, Term
from ..least_squares import NormalEquations
from .points import PointTerm
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class FloorTerm(Term):
    """w min(0, h) of each sole point at height h, and w_c GM(|x - y|) along x - y of those that stand, at y.

    Args:
        names: N body points, of the soles.
        planes: (B, 4) normals and heights (see `anchorfit.body.floor`); not looked at where not finite.
        held: (B,) from 0 to 1, how firmly the floor holds soles up: shares of w.
        runs: (B, N) int64, which contact a point is in, -1: none. Points of one number stand at one place.
        weight: w for a metre, in reference pixels. contact_weight: w_c.
        sigma: metres, the scale of the contacts' Geman-McClure kernel.
    """

    name = "floor"

    def __init__(
        self,
        names: tuple[str, ...],
        planes: Tensor,
        held: Tensor,
        runs: Tensor,
        *,
        weight: float,
        contact_weight: float,
        sigma: float | None = 0.1,
    ) -> None:
        self.point_names = names
        self.evidence = torch.isfinite(planes).all(-1)
        self._planes = torch.where(self.evidence[:, None], planes, 0.0)
        self._runs = torch.where(self.evidence[:, None], runs, -1)
        self._weight = weight * self.evidence * held.to(planes)
        self._contact_weight, self._sigma = contact_weight, sigma
        self._contacts: PointTerm | None = None

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        if bool((self._runs >= 0).any()):
            points = energy.points_of(self, params)
            weights = self._contact_weight * (self._runs >= 0).to(points)
            places = standing_places(points, self._planes, self._runs)
            self._contacts = PointTerm(self.point_names, places, weights, sigma=self._sigma)
        return params

    def _below(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Depths below the floor (B, N), at most 0; weights (B, N), 0 above it; normals (B, 3)."""
        planes = self._planes.index_select(0, rows)
        depth = heights(state.points, planes)
        weight = self._weight.index_select(0, rows)[:, None] * (depth < 0)
        return depth.clamp(max=0.0), weight, planes[:, :3]

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        depth, weight, normal = self._below(state, rows)
        slope = (state.jacobian * normal[:, None, :, None]).sum(2)  # (B, N, D)
        below = Residuals(weight * depth, weight[..., None] * slope)
        if self._contacts is None:
            return below
        still = self._contacts.residuals(state, rows)
        return Residuals(torch.cat((below.values, still.values), 1), torch.cat((below.jacobian, still.jacobian), 1))

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        depth, weight, upward = self._below(state, rows)
        normal.cost.add_((weight * depth).square().sum(-1))
        slope = (state.jacobian * upward[:, None, :, None]).sum(2) * weight[..., None]
        transposed = slope.transpose(1, 2)
        normal.gradient.add_(torch.bmm(transposed, (weight * depth)[..., None])[..., 0])
        normal.hessian.baddbmm_(transposed, slope)
        if self._contacts is not None:
            Term.accumulate(self._contacts, state, rows, normal)


def standing_places(points: Tensor, planes: Tensor, runs: Tensor) -> Tensor:
    """(B, N, 3) on the floor, for points (B, N, 3) in contact: the mean place of all points of their run.

    Args:
        points: where they are. planes: (B, 4); the same in all rows of a run.
        runs: (B, N) int64, -1 for points that do not stand, whose places mean nothing.
    """
    count = int(runs.max()) + 1
    flat, own = runs.flatten(), points.flatten(0, 1).double()
    on = flat >= 0
    index = flat.clamp_min(0)
    total = own.new_zeros(count, 3).index_add(0, index[on], own[on])
    mean = total / own.new_zeros(count).index_add(0, index[on], torch.ones_like(own[on, 0])).clamp_min(1)[:, None]
    places = mean[index].view_as(points).to(points)
    return places - heights(places, planes)[..., None] * planes[:, None, :3]


@dataclass(frozen=True, kw_only=True)
class OnFloor(TermSpec):
    """Spec of `FloorTerm`, for rows that have a floor (`FitProblem.floors`)."""

    name: str = "floor"
    weight: float = 1000.0  # reference pixels for a metre below the floor
    contact_weight: float = 1000.0  # reference pixels for a metre
    sigma: float = 0.1  # metres, Geman-McClure
    from_stage: str = "floor"
    couples: ClassVar[bool] = True

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        grounds = problem.grounds
        if grounds is None or not bool(grounds.floors.known.any()):
            return None
        return FloorTerm(
            grounds.names,
            grounds.floors.planes,
            grounds.held,
            grounds.runs,
            weight=self.weight,
            contact_weight=self.contact_weight,
            sigma=self.sigma,
        )
