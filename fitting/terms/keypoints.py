"""The data term: projected body points against 2D keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...body import CANONICAL_JOINTS
from ...camera import NEAREST_DEPTH, project, project_with_jacobian
from ..energy import BodyState, Residuals, Term
from ..robust import geman_mcclure
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class KeypointTerm(Term):
    """conf * w * GM(projection - keypoint), x and y apart (Bogo et al. 2016, eq. 2 as the public code has it).

    Args:
        names: P canonical joints.
        keypoints: (B, P, 2) pixels of the reference frame, or of whichever frame the intrinsics are of.
        weights: (B, P) confidence times base weight; 0 takes a joint out.
        intrinsics: (B, 3, 3) pixels of that frame.
        sigma: the kernel's scale in pixels of that frame.
        dead_zone: pixels of that frame by which a coordinate may be off at no cost.
    """

    name = "keypoints"

    def __init__(
        self,
        names: Sequence[str],
        keypoints: Tensor,
        weights: Tensor,
        intrinsics: Tensor,
        *,
        sigma: float = 100.0,
        dead_zone: float = 0.0,
    ) -> None:
        self.point_names = tuple(names)
        self._keypoints = keypoints
        self._weights = weights
        self._intrinsics = intrinsics
        self._sigma = sigma
        self._dead_zone = dead_zone

    def _kernel(self, off: Tensor) -> tuple[Tensor, Tensor]:
        """The kernel of what pixels are off beyond the dead zone, and its slope."""
        if self._dead_zone == 0.0:
            return geman_mcclure(off, self._sigma)
        beyond = off - off.clamp(-self._dead_zone, self._dead_zone)
        rho, slope = geman_mcclure(beyond, self._sigma)
        return rho, slope * (beyond != 0)

    def _of(self, rows: Tensor) -> tuple[Tensor, ...]:
        return tuple(part.index_select(0, rows) for part in (self._weights, self._intrinsics, self._keypoints))

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        weights, intrinsics, keypoints = self._of(rows)
        pixels, by_point, behind = project_with_jacobian(state.points, intrinsics)
        rho, slope = self._kernel(pixels - keypoints)
        behind = (behind & (weights > 0)).any(-1)
        values = (rho * weights[..., None]).flatten(1).masked_fill(behind[:, None], torch.inf)
        pull = by_point * (slope * weights[..., None])[..., None]  # (B, P, 2, 3)
        along = pull[..., :1] * state.jacobian[:, :, None, 0]  # (B, P, 2, D)
        for axis in (1, 2):
            along.addcmul_(pull[..., axis : axis + 1], state.jacobian[:, :, None, axis])
        return Residuals(values, along.flatten(1, 2))

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        weights, intrinsics, keypoints = self._of(rows)
        pixels = project(state.points, intrinsics, nearest=NEAREST_DEPTH)
        rho, _ = self._kernel(pixels - keypoints)
        behind = ((state.points[..., 2] < NEAREST_DEPTH) & (weights > 0)).any(-1)
        return (rho * weights[..., None]).square().sum((-1, -2)).masked_fill(behind, torch.inf)


def default_joint_weights() -> dict[str, float]:
    """Base weight of each canonical joint that is used; `docs/fitting.md` has what was measured.

    Limbs weigh 1 as in SMPLify. Points that a detector gives several of for one rigid part (face, feet) share a weight.
    Detectors' hips lie higher and wider than SMPL's hip joints, so they and what is made from them weigh less.
    """
    weights = {name: 1.0 for name in CANONICAL_JOINTS if name.split("_")[-1] in ("knee", "ankle", "elbow", "wrist")}
    weights.update(left_shoulder=1.0, right_shoulder=1.0, neck=0.5, head_top=0.7, thorax=0.3, jaw=0.3)
    weights.update(nose=0.7, left_eye=0.5, right_eye=0.5, left_ear=0.7, right_ear=0.7)
    weights.update(left_hip=0.7, right_hip=0.7, pelvis=0.4, spine=0.1)
    weights.update({f"{side}_{toe}": 0.4 for side in ("left", "right") for toe in ("big_toe", "small_toe", "heel")})
    weights.update(dict.fromkeys(("left_hand", "right_hand", "left_foot", "right_foot"), 0.3))
    return weights


def smplify_joint_weights() -> dict[str, float]:
    """The public code's: 1 for LSP's joints but the hips 0 and the neck 0; the head top is a surface point."""
    limbs = ("ankle", "knee", "wrist", "elbow", "shoulder")
    weights = {f"{side}_{limb}": 1.0 for side in ("left", "right") for limb in limbs}
    return {**weights, "head_top": 1.0}


@dataclass(frozen=True, kw_only=True)
class Keypoints(TermSpec):
    """Spec of `KeypointTerm`."""

    name: str = "keypoints"
    joint_weights: Mapping[str, float] = field(default_factory=default_joint_weights)  # w, by canonical joint
    sigma: float = 100.0  # reference pixels, Geman-McClure
    dead_zone: float = 0.0  # reference pixels by which a coordinate may be off at no cost

    def used(self, skeleton: Sequence[str]) -> tuple[str, ...]:
        """The joints of a skeleton that weigh anything, in canonical order.

        Raises:
            ValueError: none does.
        """
        names = tuple(n for n in CANONICAL_JOINTS if n in skeleton and self.joint_weights.get(n, 0.0) > 0)
        if not names:
            raise ValueError(f"joint_weights: expected a positive weight for one of {', '.join(skeleton)}")
        return names

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        names = self.used(problem.skeleton)
        index = torch.tensor([CANONICAL_JOINTS.index(name) for name in names], device=problem.start.device)
        confidence = problem.believed.index_select(1, index)
        return KeypointTerm(
            names,
            problem.reference_keypoints.index_select(1, index),
            confidence * confidence.new_tensor([self.joint_weights[name] for name in names]),
            problem.reference_intrinsics,
            sigma=self.sigma,
            dead_zone=self.dead_zone,
        )
