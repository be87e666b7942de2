"""Balance: the centre of mass of people who stand is over their feet, and knees that were straight stay so.

Seen by one camera a body that leans towards it or away from it looks nearly upright; errors of a detector come out as
lean, and as bent knees. Where the prediction says that a person stands, this term holds the way from the feet to the
centre of mass near the gravity direction, of which the camera's pitch is known, or lies in a usual range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...body import CANONICAL_JOINTS, SMPL_JOINTS
from ...body.kinematics import compiled_points
from ...body.standing import OFFSET, STANDING_POINTS, centre_over_support, standing, tilt_of
from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from ..robust import geman_mcclure
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

KNEES = tuple(3 * SMPL_JOINTS.index(f"{side}_knee") for side in ("left", "right"))
"""Entries of the pose that bend the knees."""


class BalanceTerm(Term):
    """w * GM(lean beyond the tolerance), and w_k * (bend - start's) of each knee.

    The lean is the angle of the way from the feet to the centre of mass against the upright direction, about the
    camera's x axis: across the line of sight keypoints show it, and a camera's roll would spoil it.

    Args:
        upright: (B,) radians, lean of the gravity direction: minus the camera's pitch.
        tolerance: (B,) radians that cost nothing.
        weight: (B,) w, reference pixels.
        knees: (B, 2) the start's bends, radians.
        knee_weight: (B,) w_k, reference pixels.
        sigma: the kernel's scale, radians.
    """

    name = "balance"
    point_names = STANDING_POINTS

    def __init__(
        self,
        upright: Tensor,
        tolerance: Tensor,
        weight: Tensor,
        knees: Tensor,
        knee_weight: Tensor,
        *,
        sigma: float = 0.35,
    ) -> None:
        self.evidence = weight > 0
        self._upright, self._tolerance, self._weight = upright, tolerance, weight
        self._knees, self._knee_weight = knees, knee_weight
        self._sigma = sigma

    def _lean(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Residual (B,), its slope by the lean (B,), and the way to the centre of mass (B, 3)."""
        weight, upright, tolerance = (
            part.index_select(0, rows) for part in (self._weight, self._upright, self._tolerance)
        )
        offset = centre_over_support(state.points)
        lean = _wrapped(tilt_of(offset) - upright)
        beyond = lean - lean.clamp(-tolerance, tolerance)
        rho, slope = geman_mcclure(beyond, self._sigma)
        return weight * rho, weight * slope * (beyond != 0), offset

    def _bends(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Residuals (B, 2) of the knees and their weight (B, 1)."""
        weight = self._knee_weight.index_select(0, rows)[:, None]
        return weight * (state.params[:, KNEES] - self._knees.index_select(0, rows)), weight

    def _turned(self, state: BodyState, slope: Tensor, offset: Tensor) -> Tensor:
        """(B, D) derivative of the lean's residual."""
        share = offset.new_tensor(OFFSET)[:, None, None] * state.jacobian[:, :, 1:]
        moved = share.sum(1)  # (B, 2, D) of y and z
        y, z = offset[:, 1:].unbind(-1)
        scale = slope / (y.square() + z.square()).clamp_min(1e-8)
        return (scale * z)[:, None] * moved[:, 0] - (scale * y)[:, None] * moved[:, 1]

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        lean, slope, offset = self._lean(state, rows)
        bends, weight = self._bends(state, rows)
        jacobian = lean.new_zeros(len(lean), 3, state.layout.size)
        jacobian[:, 0] = self._turned(state, slope, offset)
        jacobian[:, (1, 2), KNEES] = weight
        return Residuals(torch.cat((lean[:, None], bends), 1), jacobian)

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._lean(state, rows)[0].square() + self._bends(state, rows)[0].square().sum(-1)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        lean, slope, offset = self._lean(state, rows)
        bends, weight = self._bends(state, rows)
        turned = self._turned(state, slope, offset)
        normal.cost.add_(lean.square() + bends.square().sum(-1))
        normal.gradient.addcmul_(turned, lean[:, None])
        normal.gradient[:, KNEES] += weight * bends
        normal.hessian.addcmul_(turned[:, :, None], turned[:, None])
        normal.hessian[:, KNEES, KNEES] += weight.square()


def _wrapped(angle: Tensor) -> Tensor:
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi


@dataclass(frozen=True, kw_only=True)
class Balance(TermSpec):
    """Spec of `BalanceTerm`, for people whose feet are seen and who stand by the prediction's own say."""

    name: str = "balance"
    weight: float = 150.0  # reference pixels a radian of lean
    sigma: float = 0.35  # radians, Geman-McClure
    knee_weight: float = 60.0  # reference pixels a radian of a knee's bend, from the prediction's
    usual_pitch_deg: float = 8.5  # middle of the usual range: people hold cameras higher than others' middles
    tolerance_deg: float = 11.5  # half of the usual range
    known_tolerance_deg: float = 2.0  # the same where the pitch is known

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        ankles = problem.observations.confidence[:, _ANKLES].amin(1)
        if not problem.predicted or not bool((ankles > 0).any()):
            return None
        given = torch.full_like(ankles, torch.nan) if problem.pitch is None else problem.pitch
        pitch = given.nan_to_num(math.radians(self.usual_pitch_deg))
        points = compiled_points(problem.body, STANDING_POINTS).points(problem.start)
        certainty = ankles * standing(points, pitch)
        if not bool((certainty > 0).any()):
            return None
        usual, known = (math.radians(one) for one in (self.tolerance_deg, self.known_tolerance_deg))
        return BalanceTerm(
            -pitch,
            torch.where(given.isnan(), usual, known).to(pitch),
            self.weight * certainty,
            problem.start[:, KNEES],
            self.knee_weight * certainty,
            sigma=self.sigma,
        )


_ANKLES = [CANONICAL_JOINTS.index(f"{side}_ankle") for side in ("left", "right")]
