"""The anchor weighed by each joint's usual error: what a program predicts well is held, the rest less."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ...body.joint_sets import SMPL_JOINTS
from ..energy import Term
from .spec import TermSpec
from .weighed_anchor import WeighedAnchorTerm

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


@dataclass(frozen=True, kw_only=True)
class JointAnchor(TermSpec):
    """Spec of `WeighedAnchorTerm` where errors are known by joint, not by person: for starts from other programs.

    Attributes:
        errors_deg: 24 usual errors, degrees about an axis (root mean square), of each joint's rotation relative to the
            camera.
    """

    name: str = "joint_anchor"
    errors_deg: tuple[float, ...] = (15.0,) * len(SMPL_JOINTS)
    weight: float = 10.0
    sigma: float = 2.0  # standard deviations; Geman-McClure

    def __post_init__(self) -> None:
        """Raises ValueError where errors are not 24 positive numbers."""
        if len(self.errors_deg) != len(SMPL_JOINTS) or not all(0 < error < math.inf for error in self.errors_deg):
            raise ValueError(f"errors_deg: expected {len(SMPL_JOINTS)} positive numbers, got {self.errors_deg}")

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        pose = problem.start[:, problem.body.layout.pose]
        sharpness = 1.0 / torch.deg2rad(torch.tensor(self.errors_deg, dtype=torch.float64))
        whitening = (sharpness[:, None, None] * torch.eye(3, dtype=torch.float64)).to(pose)
        return WeighedAnchorTerm(
            pose, whitening.expand(len(pose), -1, -1, -1), self.weight, sigma=self.sigma, name=self.name
        )
