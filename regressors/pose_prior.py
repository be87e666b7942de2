"""PosePrior: 2D keypoints and their confidences in, rotations of SMPL's joints out.

Two bilinear residual units of Martinez et al. 2017, "A simple yet effective baseline for 3d human pose estimation", as
in Pavlakos et al. 2018, section 4.2. What differs from the paper: the keypoints are the canonical skeleton with
missing joints, and rotations come out in the camera's frame, each joint's for itself, unless the configuration says
otherwise: errors of a joint then do not add up along the limb.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..body.joint_sets import CANONICAL_JOINTS, SMPL_JOINTS, SMPL_PARENTS
from ..body.skinning import world_rotations
from .representations import SIZES, Representation, from_matrix_identity, to_matrices

NUM_FEATURES = 3 * len(CANONICAL_JOINTS)


@dataclass(frozen=True, kw_only=True)
class PosePriorConfig:
    """The network's shape."""

    width: int = 1024
    units: int = 2
    dropout: float = 0.0  # the paper's networks use 0.5; with fresh data in every batch it only slows learning
    representation: Representation = "6d"
    frame: Literal["camera", "parent"] = "camera"  # what each joint's rotation is relative to

    def __post_init__(self) -> None:
        if self.representation not in SIZES:
            raise ValueError(f"representation: expected one of {', '.join(SIZES)}, got {self.representation!r}")
        if self.frame not in ("camera", "parent"):
            raise ValueError(f"frame: expected camera or parent, got {self.frame!r}")


class PosePriorOutput(NamedTuple):
    """raw: (B, 24, 3 or 6) as the network says it; local: (B, 24, 3, 3) relative to the parents, the pelvis's to the
    turned camera of `normalisation`; world: (B, 24, 3, 3) all relative to that camera."""

    raw: Tensor
    local: Tensor
    world: Tensor


class BilinearUnit(nn.Module):
    """Linear, batch norm, ReLU, dropout, twice, with a skip around both."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class PosePrior(nn.Module):
    """The network; ``normalisation.normalise`` makes its input."""

    def __init__(self, config: PosePriorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PosePriorConfig()
        self.first = nn.Sequential(
            nn.Linear(NUM_FEATURES, config.width), nn.BatchNorm1d(config.width), nn.ReLU(), nn.Dropout(config.dropout)
        )
        self.units = nn.Sequential(*(BilinearUnit(config.width, config.dropout) for _ in range(config.units)))
        self.last = nn.Linear(config.width, len(SMPL_JOINTS) * SIZES[config.representation])
        with torch.no_grad():
            self.last.weight.mul_(0.1)
            self.last.bias.copy_(from_matrix_identity(config.representation).repeat(len(SMPL_JOINTS)))

    def forward(self, features: Tensor) -> PosePriorOutput:
        """Rotations from (B, 3 K) features."""
        raw = self.last(self.units(self.first(features))).unflatten(1, (len(SMPL_JOINTS), -1)).float()
        matrices = to_matrices(raw, self.config.representation)
        if self.config.frame == "parent":
            return PosePriorOutput(raw, matrices, world_rotations(matrices, SMPL_PARENTS))
        return PosePriorOutput(raw, local_rotations(matrices), matrices)


def local_rotations(world: Tensor) -> Tensor:
    """Rotations (B, 24, 3, 3) relative to the parents, of rotations in one frame: R_parent^T R."""
    parents = torch.tensor(SMPL_PARENTS[1:], device=world.device)
    return torch.cat((world[:, :1], world.index_select(1, parents).mT @ world[:, 1:]), 1)
