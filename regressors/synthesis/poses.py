"""Training poses: the library's, balanced over subjects, with limbs exchanged and joints turned within limits.

Seventeen people moved for the library; what they did together is learned too well unless their arms and legs are mixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...body.joint_sets import SMPL_JOINTS
from ...body.pose_library import PoseLibrary

LIMBS: tuple[tuple[str, ...], ...] = (
    tuple(name for name in SMPL_JOINTS if name.endswith(("_hip", "_knee", "_ankle", "_foot"))),
    *(
        tuple(f"{side}_{part}" for part in ("collar", "shoulder", "elbow", "wrist", "hand"))
        for side in ("left", "right")
    ),
    ("neck", "head"),
)
"""Groups of joints that may come from another pose: both legs, each arm, the head."""

LIMIT_QUANTILE = 0.002  # of the library's axis-angle components; what turns joints by chance stays inside
LIMIT_MARGIN = 0.1  # radians beyond it


@dataclass(frozen=True, kw_only=True)
class PoseVariation:
    """How far training poses go beyond the library."""

    exchanged: float = 0.15  # chance of each limb to come from another pose
    turned: float = 0.5  # share of poses whose joints are turned
    turn_deg: float = 8.0  # largest standard deviation of that; each pose draws its own


@dataclass(frozen=True, kw_only=True)
class PoseSource:
    """Poses to draw from.

    Attributes:
        poses: (N, 72) axis-angle, orientation in a world with y up.
        cumulative: (N,) float64, running sum of the sampling weights.
        low, high: (69,) radians, the range of each component in the library.
    """

    poses: Tensor
    cumulative: Tensor
    low: Tensor
    high: Tensor

    @staticmethod
    def from_library(library: PoseLibrary, *, cap: int = 1000) -> PoseSource:
        """Poses of a library, no subject counting for more than ``cap`` of them."""
        poses = library.poses.float()
        ordered = poses[:, 3:].sort(0).values
        inside = int(LIMIT_QUANTILE * len(poses))
        return PoseSource(
            poses=poses,
            cumulative=library.subject_balanced_weights(cap).double().cumsum(0),
            low=ordered[inside] - LIMIT_MARGIN,
            high=ordered[len(poses) - 1 - inside] + LIMIT_MARGIN,
        )

    def draw(self, count: int, generator: torch.Generator, variation: PoseVariation | None = None) -> Tensor:
        """(B, 72) poses; with a variation, of limbs exchanged and joints turned."""
        pose = self._draw_plain(count, generator)
        if variation is None:
            return pose
        joints = pose.view(count, 24, 3).clone()
        for limb in LIMBS:
            other = self._draw_plain(count, generator).view(count, 24, 3)
            rows = torch.rand(count, generator=generator) < variation.exchanged
            index = [SMPL_JOINTS.index(name) for name in limb]
            joints[:, index] = torch.where(rows[:, None, None], other[:, index], joints[:, index])
        mixed = joints[:, 1:].flatten(1)
        spread = torch.deg2rad(torch.rand(count, 1, generator=generator) * variation.turn_deg)
        spread = spread * (torch.rand(count, 1, generator=generator) < variation.turned)
        moving = (self.high - self.low) > 2 * LIMIT_MARGIN + 1e-3  # the library's hands never move: leave them
        turned = mixed + torch.randn(count, 69, generator=generator) * spread * moving
        turned = turned.clamp(torch.minimum(self.low, mixed), torch.maximum(self.high, mixed))
        return torch.cat([pose[:, :3], turned], 1)

    def _draw_plain(self, count: int, generator: torch.Generator) -> Tensor:
        chance = torch.rand(count, generator=generator, dtype=torch.float64) * self.cumulative[-1]
        return self.poses[torch.searchsorted(self.cumulative, chance).clamp_max(len(self.poses) - 1)]
