"""The anchor weighed by each joint's usual error: what a program predicts well is held, the rest less."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ...body.joint_sets import SMPL_JOINTS
from ..energy import Term
from .anchor import AnchorTerm
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


@dataclass(frozen=True, kw_only=True)
class JointAnchor(TermSpec):
    """Spec of an `AnchorTerm` on the body pose whose weight is ``weight`` over each joint's usual error.

    Attributes:
        errors_deg: 23 usual errors, degrees about an axis, of the rotations of SMPL's joints 1 to 23 relative to their
            parents.
        weight: degrees; a joint's is this over its error.
        sigma: radians, the kernel's scale (Geman-McClure).
    """

    name: str = "joint_anchor"
    errors_deg: tuple[float, ...] = (10.0,) * (len(SMPL_JOINTS) - 1)
    weight: float = 400.0
    sigma: float = 1.0

    def __post_init__(self) -> None:
        """Raises ValueError where errors are not 23 positive numbers."""
        if len(self.errors_deg) != len(SMPL_JOINTS) - 1 or not all(0 < error < math.inf for error in self.errors_deg):
            raise ValueError(f"errors_deg: expected {len(SMPL_JOINTS) - 1} positive numbers, got {self.errors_deg}")

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        weights = self.weight / torch.tensor(self.errors_deg, dtype=torch.float64).repeat_interleave(3)
        columns = problem.body.layout.body_pose
        rows = weights.to(problem.start).expand(len(problem.start), -1)
        return AnchorTerm(problem.start, columns, rows, sigma=self.sigma, name=self.name)
