"""Limbs lie in space as a detector saw them: the light and shade of an image tell which end is nearer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...body.limbs import LIMB_JOINTS, LIMBS, limb_confidence, limb_directions
from ..energy import BodyState, Residuals, Term
from ..robust import geman_mcclure
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

_ABOVE, _BELOW = ([LIMB_JOINTS.index(limb[end]) for limb in LIMBS] for end in (0, 1))


class LimbDirectionTerm(Term):
    """w * GM(u - d), component by component, of each limb's direction u and the one that was seen, d.

    Args:
        directions: (B, 8, 3) unit vectors, camera frame, in the order of `LIMBS`; NaN where nothing was seen.
        weight: (B, 8) w, in reference pixels.
        sigma: the kernel's scale; the residual is about the angle in radians.
    """

    name = "limb_directions"
    point_names = LIMB_JOINTS

    def __init__(self, directions: Tensor, weight: Tensor, *, sigma: float = 0.5) -> None:
        known = torch.isfinite(directions).all(-1) & (weight > 0)
        self.evidence = known.any(1)
        self._directions = torch.where(known[..., None], directions, 0.0)
        self._weight = torch.where(known, weight, 0.0)[..., None]
        self._sigma = sigma

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        along = state.points[:, _BELOW] - state.points[:, _ABOVE]
        length = along.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        unit = along / length
        weight = self._weight[rows]
        rho, slope = geman_mcclure(unit - self._directions[rows], self._sigma)
        moved = (state.jacobian[:, _BELOW] - state.jacobian[:, _ABOVE]) / length[..., None]  # (B, 8, 3, D)
        across = moved - unit[..., None] * (unit[..., None] * moved).sum(-2, keepdim=True)
        return Residuals((weight * rho).flatten(1), ((weight * slope)[..., None] * across).flatten(1, 2))


@dataclass(frozen=True, kw_only=True)
class LimbDirections(TermSpec):
    """Spec of `LimbDirectionTerm`, where a detector saw joints in space."""

    name: str = "limb_directions"
    weight: float = 10.0  # reference pixels, times the confidence of both ends
    sigma: float = 0.5  # about radians, Geman-McClure

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        if bool(problem.observations.world.isnan().all()):
            return None
        seen = limb_directions(problem.observations.world)
        if bool(seen.isnan().any(-1).all()):
            return None
        return LimbDirectionTerm(seen, self.weight * limb_confidence(problem.observations.confidence), sigma=self.sigma)
