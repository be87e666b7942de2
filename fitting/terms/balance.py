"""Balance: the centre of mass of people who stand is over their feet, along gravity.

Seen by one camera a body that leans towards it or away from it looks nearly upright; errors of a detector come out as
lean. Where the prediction says that a person stands and the direction of gravity is known, this term holds the way from
the feet to the centre of mass near it. Where gravity is not known, the prediction has been turned towards the usual
(`regressors.balance`) and nothing is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...body import CANONICAL_JOINTS
from ...body.standing import KNOWN_SIGMA_DEG, OFFSET, STANDING_POINTS, centre_over_support, tilt_of
from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from ..robust import geman_mcclure
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

_ANKLES = [CANONICAL_JOINTS.index(f"{side}_ankle") for side in ("left", "right")]


class BalanceTerm(Term):
    """w * GM(lean beyond the tolerance).

    The lean is the angle of the way from the feet to the centre of mass against the upright direction, about the
    camera's x axis: across the line of sight keypoints show it, and a camera's roll would spoil it.

    Args:
        upright: (B,) radians, lean of the gravity direction: minus the camera's pitch.
        tolerance: (B,) radians that cost nothing.
        weight: (B,) w, reference pixels.
        sigma: the kernel's scale, radians.
    """

    name = "balance"
    point_names = STANDING_POINTS

    def __init__(self, upright: Tensor, tolerance: Tensor, weight: Tensor, *, sigma: float = 0.35) -> None:
        self.evidence = weight > 0
        self._upright, self._tolerance, self._weight = upright, tolerance, weight
        self._sigma = sigma

    def _lean(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Residual (B,), its slope by the lean (B,), and the way to the centre of mass (B, 3)."""
        parts = (self._weight, self._upright, self._tolerance)
        weight, upright, tolerance = (part.index_select(0, rows) for part in parts)
        offset = centre_over_support(state.points)
        lean = torch.remainder(tilt_of(offset) - upright + math.pi, 2 * math.pi) - math.pi
        beyond = lean - lean.clamp(-tolerance, tolerance)
        rho, slope = geman_mcclure(beyond, self._sigma)
        return weight * rho, weight * slope * (beyond != 0), offset

    def _turned(self, state: BodyState, slope: Tensor, offset: Tensor) -> Tensor:
        """(B, D) derivative of the residual."""
        y, z = offset[:, 1:].unbind(-1)
        scale = slope / (y.square() + z.square()).clamp_min(1e-8)
        pull = torch.stack((scale * z, -scale * y), -1)  # by the offset's y and z
        shares = offset.new_tensor(OFFSET)[:, None] * pull[:, None]  # (B, 16, 2)
        return (shares[..., None] * state.jacobian[:, :, 1:]).flatten(1, 2).sum(1)

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        lean, slope, offset = self._lean(state, rows)
        return Residuals(lean[:, None], self._turned(state, slope, offset)[:, None])

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._lean(state, rows)[0].square()

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        lean, slope, offset = self._lean(state, rows)
        turned = self._turned(state, slope, offset)
        normal.cost.add_(lean.square())
        normal.gradient.addcmul_(turned, lean[:, None])
        normal.hessian.addcmul_(turned[:, :, None], turned[:, None])


@dataclass(frozen=True, kw_only=True)
class Balance(TermSpec):
    """Spec of `BalanceTerm`, for people whose feet are seen and who stand by the prediction's own say."""

    name: str = "balance"
    weight: float = 300.0  # reference pixels a radian of lean, where the camera's pitch is given
    sigma: float = 0.35  # radians, Geman-McClure

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        if problem.gravity is None or not problem.predicted:
            return None
        certainty = problem.standing * (problem.observations.confidence[:, _ANKLES] > 0).any(1)
        known = (math.radians(KNOWN_SIGMA_DEG) / problem.gravity.sigma).clamp(max=1.0)
        if not bool((certainty > 0).any()):
            return None
        gravity = problem.gravity
        return BalanceTerm(-gravity.pitch, gravity.sigma, self.weight * known * certainty, sigma=self.sigma)
