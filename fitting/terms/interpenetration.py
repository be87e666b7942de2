"""The body does not pass through itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...body import BodyModel
from ..capsules import Capsules, capsules_of, sphere_pairs
from ..energy import BodyState, Residuals, Term
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

SHARE_OF_RADIUS = 0.3  # the public code's: how much of a sphere counts as its inside

# SMPL's 24 joints, by the canonical names the data term uses too where there is one.
_JOINT_POINTS = (
    *("joint:pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine", "left_ankle"),
    *("right_ankle", "spine3", "left_foot", "right_foot", "neck_base", "left_collar", "right_collar", "head_base"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hand", "right_hand"),
)


class InterpenetrationTerm(Term):
    """w * sqrt(sum over pairs of exp(-d^2 / R)), R = (0.3 r_a)^2 + (0.3 r_b)^2; differentiated by pose only.

    Args:
        body: the body the capsules are of.
        capsules: its capsules.
        weight: w; the public code has 1e3.
    Source: Bogo et al. 2016, eq. 6. Not by betas, so that it does not thin the body.
    """

    name = "interpenetration"
    point_names = _JOINT_POINTS

    def __init__(self, body: BodyModel, capsules: Capsules, weight: float) -> None:
        self._capsules = capsules
        self._pairs = sphere_pairs(body, capsules)
        self._weight = weight

    def _overlaps(self, state: BodyState) -> tuple[Tensor, Tensor, Tensor]:
        """exp(-d^2 / R) (B, P), the vectors between the centres (B, P, 3) and R (B, P)."""
        between = self._pairs.offsets @ state.points
        squares = (SHARE_OF_RADIUS * self._capsules.radii(state.params[:, state.layout.betas])).square()
        reach = squares[:, self._pairs.first] + squares[:, self._pairs.second]
        return torch.exp(-between.square().sum(-1) / reach), between, reach

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        overlaps, between, reach = self._overlaps(state)
        root = (overlaps.sum(-1) + 1e-12).sqrt()  # smooth where nothing touches
        pull = -(overlaps / reach / root[:, None])[..., None] * between  # d root / d between
        by_joint = self._pairs.offsets.mT @ pull  # (B, 24, 3)
        count = len(root)
        # Matrix times vector: products of a single row with a matrix round by where they lie in memory (MKL).
        by_params = torch.bmm(state.jacobian.flatten(1, 2).transpose(1, 2), by_joint.view(count, -1, 1))
        jacobian = by_params.transpose(1, 2)  # (B, 1, D)
        by_pose = torch.zeros_like(jacobian)
        by_pose[..., state.layout.pose] = jacobian[..., state.layout.pose]
        return Residuals(self._weight * root[:, None], self._weight * by_pose)

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._weight**2 * (self._overlaps(state)[0].sum(-1) + 1e-12)

    def depth(self, state: BodyState) -> Tensor:
        """(B,) how deep the two spheres that overlap most lie in each other, metres; 0 where none touch."""
        between = self._pairs.offsets @ state.points
        radii = self._capsules.radii(state.params[:, state.layout.betas])
        touching = radii[:, self._pairs.first] + radii[:, self._pairs.second] - between.norm(dim=-1)
        return touching.amax(-1).clamp(min=0.0)


@lru_cache(maxsize=32)
def interpenetration_term(body: BodyModel, weight: float) -> InterpenetrationTerm:
    """The term with the body's own capsules, remembered for the bodies used last."""
    return InterpenetrationTerm(body, capsules_of(body), weight)


@dataclass(frozen=True, kw_only=True)
class Interpenetration(TermSpec):
    """Spec of `InterpenetrationTerm`."""

    name: str = "interpenetration"
    weight: float = 1e3  # the public code's
    from_stage: str = "last"

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        return interpenetration_term(problem.body, self.weight)
