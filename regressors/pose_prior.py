"""PosePrior: 2D keypoints and their confidences in, rotations of SMPL's joints out.

Two bilinear residual units of Martinez et al. 2017, "A simple yet effective baseline for 3d human pose estimation", as
in Pavlakos et al. 2018, section 4.2. What differs from the paper, unless the configuration says otherwise: the
keypoints are the canonical skeleton with missing joints; rotations come out in the camera's frame, each joint's for
itself, so that errors do not add up along the limb; further units look at how the prediction projects and correct it
(after Song, Chen, Hilliges 2020, "Human body model fitting by learned gradient descent", in a fixed number of passes);
and the answer to a mirror image is the mirrored answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..body.joint_sets import CANONICAL_JOINTS, SMPL_JOINTS, SMPL_PARENTS, mirror_permutation
from ..body.skinning import world_rotations
from .normalisation import LONGEST_FEATURE
from .representations import SIZES, Representation, from_matrix_identity, mirror_rotations, to_matrices
from .skeleton import Skeleton

NUM_FEATURES = 3 * len(CANONICAL_JOINTS) + 1


@dataclass(frozen=True, kw_only=True)
class PosePriorConfig:
    """The network's shape."""

    width: int = 896  # the paper's: 1024
    units: int = 2
    dropout: float = 0.0  # the paper's networks use 0.5; with fresh data in every batch it only slows learning
    representation: Representation = "6d"
    frame: Literal["camera", "parent"] = "camera"  # what each joint's rotation is relative to
    corrections: int = 2  # passes that compare the prediction with the keypoints; the paper's network has none
    mirrored: bool = True  # once trained, the answer is the mean of that to the keypoints and to their mirror image's

    def __post_init__(self) -> None:
        if self.representation not in SIZES:
            raise ValueError(f"representation: expected one of {', '.join(SIZES)}, got {self.representation!r}")
        if self.frame not in ("camera", "parent"):
            raise ValueError(f"frame: expected camera or parent, got {self.frame!r}")
        if self.corrections < 0:
            raise ValueError(f"corrections: expected 0 or more, got {self.corrections}")


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


class FullPrecisionLinear(nn.Linear):
    """A linear layer that mixed precision leaves alone: eight bits are too few for positions and for rotations."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype))


class PosePrior(nn.Module):
    """The network; ``normalisation.normalise`` makes its input.

    ``skeleton.measure(body)`` has to be called before it is trained; a file of weights brings its skeleton along.
    """

    def __init__(self, config: PosePriorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PosePriorConfig()
        size = len(SMPL_JOINTS) * SIZES[config.representation]
        self.first = _entry(NUM_FEATURES, config)
        self.units = nn.Sequential(*(BilinearUnit(config.width, config.dropout) for _ in range(config.units)))
        self.last = _exit(size, config)
        self.skeleton = Skeleton()
        self.corrections = nn.ModuleList(
            nn.Sequential(
                _entry(NUM_FEATURES + size + 4 * len(CANONICAL_JOINTS), config),
                BilinearUnit(config.width, config.dropout),
                _exit(size, config),
            )
            for _ in range(config.corrections)
        )
        with torch.no_grad():
            self.last.bias.copy_(from_matrix_identity(config.representation).repeat(len(SMPL_JOINTS)))

    def forward(self, features: Tensor) -> PosePriorOutput:
        """Rotations from (B, 3 K + 1) features."""
        if self.config.mirrored and not self.training:
            seen, mirrored = self._answer(torch.cat((features, mirror_features(features)))).chunk(2)
            numbers = (seen + mirror_rotations(mirrored, self.config.representation, SMPL_JOINTS)) / 2
        else:
            numbers = self._answer(features)
        with torch.autocast(features.device.type, enabled=False):
            return PosePriorOutput(numbers, *self._rotations(numbers))

    def _answer(self, features: Tensor) -> Tensor:
        """(B, 24, 3 or 6) numbers, each a rotation."""
        raw = self.last(self.units(self.first(features)))
        for correction in self.corrections:
            raw = raw + correction(self._compared(features, raw))
        numbers: Tensor = raw.unflatten(1, (len(SMPL_JOINTS), -1))
        return numbers

    @staticmethod
    def split(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (B, 3 K + 1) as positions (B, K, 2), confidences (B, K) and sizes (B,); see `normalisation`."""
        joints = len(CANONICAL_JOINTS)
        positions = features[:, : 2 * joints].unflatten(1, (joints, 2))
        return positions, features[:, 2 * joints : -1], features[:, -1].exp()

    def _rotations(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Relative to the parents, and to the turned camera."""
        matrices = to_matrices(numbers, self.config.representation)
        if self.config.frame == "parent":
            return matrices, world_rotations(matrices, SMPL_PARENTS)
        return local_rotations(matrices), matrices

    def _compared(self, features: Tensor, raw: Tensor) -> Tensor:
        """Features, the prediction so far, where its joints are seen, and how far from there the keypoints are.

        Without gradients in training on keypoints; with them where the keypoints are a network's and have to learn.
        """
        through = torch.is_grad_enabled() and features.requires_grad
        raw = raw if through else raw.detach()
        with torch.set_grad_enabled(through), torch.autocast(features.device.type, enabled=False):
            _, world = self._rotations(raw.unflatten(1, (len(SMPL_JOINTS), -1)))
            positions, confidence, size = self.split(features)
            seen = self.skeleton.seen(world, positions * size[:, None, None], confidence) / size[:, None, None]
            seen = seen.clamp(-LONGEST_FEATURE, LONGEST_FEATURE)
            apart = torch.where(confidence[..., None] > 0, positions - seen, 0)
            return torch.cat((features, raw, seen.flatten(1), apart.flatten(1)), 1)


def _entry(size: int, config: PosePriorConfig) -> nn.Sequential:
    return nn.Sequential(
        FullPrecisionLinear(size, config.width), nn.BatchNorm1d(config.width), nn.ReLU(), nn.Dropout(config.dropout)
    )


def _exit(size: int, config: PosePriorConfig) -> FullPrecisionLinear:
    """Its weights start small: training begins at the rest pose, and corrections at none."""
    layer = FullPrecisionLinear(config.width, size)
    with torch.no_grad():
        layer.weight.mul_(0.1)
    return layer


def mirror_features(features: Tensor) -> Tensor:
    """What the network would be told of a person's mirror image: x turned round, left and right exchanged."""
    order = mirror_permutation(CANONICAL_JOINTS)
    positions, confidence, size = PosePrior.split(features)
    turned = positions[:, order] * positions.new_tensor([-1.0, 1.0])
    return torch.cat((turned.flatten(1), confidence[:, order], size.log()[:, None]), 1)


def local_rotations(world: Tensor) -> Tensor:
    """Rotations (B, 24, 3, 3) relative to the parents, of rotations in one frame: R_parent^T R."""
    parents = torch.tensor(SMPL_PARENTS[1:], device=world.device)
    return torch.cat((world[:, :1], world.index_select(1, parents).mT @ world[:, 1:]), 1)
