"""PosePrior: 2D keypoints and their confidences in, rotations of SMPL's joints out.

Two bilinear residual units of Martinez et al. 2017, "A simple yet effective baseline for 3d human pose estimation", as
in Pavlakos et al. 2018, section 4.2. What differs from the paper, unless the configuration says otherwise: the
keypoints are the canonical skeleton with missing joints; rotations come out in the camera's frame, each joint's for
itself, so that errors do not add up along the limb; further units look at how the prediction projects and correct it
(after Song, Chen, Hilliges 2020, "Human body model fitting by learned gradient descent", in a fixed number of passes);
and the answer to a mirror image is the mirrored answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.forward_ad import unpack_dual

from ..body.joint_sets import CANONICAL_JOINTS, SMPL_JOINTS, SMPL_PARENTS, mirror_permutation
from ..body.skinning import world_rotations
from .normalisation import LONGEST_FEATURE, seen_rays
from .representations import SIZES, Representation, from_matrix_identity, mirror_rotations, to_matrices
from .skeleton import Skeleton
from .translation import Sightlines
from .uncertainty import Sureness, UncertaintyHead

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
    uncertainty: int = 0  # width of the head that says how sure the answer is; 0: there is none

    def __post_init__(self) -> None:
        if self.representation not in SIZES:
            raise ValueError(f"representation: expected one of {', '.join(SIZES)}, got {self.representation!r}")
        if self.frame not in ("camera", "parent"):
            raise ValueError(f"frame: expected camera or parent, got {self.frame!r}")
        for name in ("corrections", "uncertainty"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


class PosePriorOutput(NamedTuple):
    """raw: (B, 24, 3 or 6) as the network says it; local: (B, 24, 3, 3) relative to the parents, the pelvis's to the
    turned camera of `normalisation`; world: (B, 24, 3, 3) all relative to that camera; sureness: of ``world``, where
    the network has a head for it."""

    raw: Tensor
    local: Tensor
    world: Tensor
    sureness: Sureness | None = None


class PoseAnswer(NamedTuple):
    """numbers: (B, 24, 3 or 6), each a rotation; what the head for their uncertainty looks at (B, N), of the keypoints
    and of their mirror image, None where that is not looked at."""

    numbers: Tensor
    seen: Tensor
    mirrored: Tensor | None

    def sureness(self, head: UncertaintyHead, size: Tensor) -> Sureness:
        """What a head says of the answer about people of ``size`` (B,)."""
        return head.read(self.head_numbers(head), size)

    def head_numbers(self, head: UncertaintyHead) -> Tensor:
        """The head's numbers (B, 147): the mean of those to the keypoints and to their mirror image."""
        if self.mirrored is None:
            alone: Tensor = head(self.seen)
            return alone
        seen, mirrored = _halves(head(torch.cat((self.seen, self.mirrored))))
        return (seen + head.mirrored(mirrored)) / 2


def _halves(both: Tensor) -> tuple[Tensor, Tensor]:
    """(2 B, ...) as two of (B, ...); unlike ``chunk`` it can be traced with a batch of any size."""
    first, second = both.unflatten(0, (2, -1)).unbind(0)
    return first, second


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

    mirror_columns: Tensor
    mirror_signs: Tensor

    def __init__(self, config: PosePriorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PosePriorConfig()
        size = len(SMPL_JOINTS) * SIZES[config.representation]
        self.first = _entry(NUM_FEATURES, config)
        self.units = nn.Sequential(*(BilinearUnit(config.width, config.dropout) for _ in range(config.units)))
        self.last = _exit(size, config)
        self.skeleton = Skeleton()
        columns, signs = _mirrored_columns()
        self.register_buffer("mirror_columns", columns, persistent=False)
        self.register_buffer("mirror_signs", signs, persistent=False)
        self.corrections = nn.ModuleList(
            nn.Sequential(
                _entry(NUM_FEATURES + size + 4 * len(CANONICAL_JOINTS), config),
                BilinearUnit(config.width, config.dropout),
                _exit(size, config),
            )
            for _ in range(config.corrections)
        )
        self.uncertainty: UncertaintyHead | None = None
        if config.uncertainty:  # not trained with the answer, but after it
            joints = len(CANONICAL_JOINTS) * (3 if config.corrections else 1)
            inputs = config.width + size + joints + 1
            self.uncertainty = UncertaintyHead(inputs, config.uncertainty).requires_grad_(False)
        with torch.no_grad():
            self.last.bias.copy_(from_matrix_identity(config.representation).repeat(len(SMPL_JOINTS)))

    def forward(self, features: Tensor) -> PosePriorOutput:
        """Rotations from (B, 3 K + 1) features."""
        if self.training:
            return self._output(self._answer(features)[0], None)
        answer = self.answer(features)
        head = self.uncertainty
        return self._output(answer.numbers, None if head is None else answer.sureness(head, features[:, -1].exp()))

    def once(self, features: Tensor) -> PosePriorOutput:
        """Rotations from (B, 3 K + 1) features at half the work of `forward`, and without how sure they are: of the
        keypoints or of their mirror image, never both, whichever the two agree on.

        It looks at the one that reaches to the upper left and lower right. Detectors put joints in the upper left
        corner, and so did training; people kept aside came out better by it than by the other.
        """
        if not self.config.mirrored:
            return self._output(self._answer(features)[0], None)
        positions = self.split(features)[0]
        turned = positions.prod(-1).sum(1) < 0
        numbers, _ = self._answer(torch.where(turned[:, None], self._image(features), features))
        back = mirror_rotations(numbers, self.config.representation, SMPL_JOINTS)
        return self._output(torch.where(turned[:, None, None], back, numbers), None)

    def _image(self, features: Tensor) -> Tensor:
        """Features of the mirror image."""
        return features.index_select(1, self.mirror_columns) * self.mirror_signs

    def answer(self, features: Tensor) -> PoseAnswer:
        """The answer to (B, 3 K + 1) features, and what the head for its uncertainty looks at."""
        if not self.config.mirrored:
            numbers, hidden = self._answer(features)
            return PoseAnswer(numbers, torch.cat((hidden, torch.zeros_like(numbers.flatten(1))), 1), None)
        numbers, hidden = self._answer(torch.cat((features, self._image(features))))
        turned = mirror_rotations(numbers, self.config.representation, SMPL_JOINTS)
        (seen, mirrored), (seen_turned, mirrored_turned) = _halves(numbers), _halves(turned)
        if self.uncertainty is None:
            return PoseAnswer((seen + mirrored_turned) / 2, hidden, None)
        apart = torch.cat((seen - mirrored_turned, mirrored - seen_turned)).flatten(1)
        inputs, inputs_of_image = _halves(torch.cat((hidden, apart), 1))
        return PoseAnswer((seen + mirrored_turned) / 2, inputs, inputs_of_image)

    def with_uncertainty(self, width: int) -> PosePrior:
        """The network itself where it has a head, else one of the same answers with a new head of that width."""
        if self.uncertainty is not None:
            return self
        other = PosePrior(replace(self.config, uncertainty=width))
        other.load_state_dict(self.state_dict(), strict=False)
        return other

    def without_uncertainty(self) -> PosePrior:
        """The network itself where it has no head, else one of the same answers without: to be trained on."""
        if self.uncertainty is None:
            return self
        other = PosePrior(replace(self.config, uncertainty=0))
        other.load_state_dict({k: v for k, v in self.state_dict().items() if not k.startswith("uncertainty.")})
        return other

    def output(self, answer: PoseAnswer) -> PosePriorOutput:
        """Rotations of an answer."""
        return self._output(answer.numbers, None)

    def _output(self, numbers: Tensor, sureness: Sureness | None) -> PosePriorOutput:
        with torch.autocast(numbers.device.type, enabled=False):
            if self.config.frame == "parent":
                local = to_matrices(numbers, self.config.representation)
                return PosePriorOutput(numbers, local, world_rotations(local, SMPL_PARENTS), sureness)
            world = self._world(numbers)
            return PosePriorOutput(numbers, local_rotations(world), world, sureness)

    def _answer(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 24, 3 or 6) numbers, each a rotation, and what tells how sure they are (B, N): the last hidden features,
        how far from the keypoints their joints were seen before the last correction, and which keypoints there are."""
        hidden = self.units(self.first(features))
        raw, apart = self.last(hidden), None
        if self.corrections:
            through = torch.is_grad_enabled() and (features.requires_grad or _has_tangent(features))
            with torch.set_grad_enabled(through), torch.autocast(features.device.type, enabled=False):
                keypoints = _Keypoints.of(features)
            for correction in self.corrections:
                entry, unit, leave = correction.children()
                compared = self._compared(features, raw, keypoints, through)
                hidden = unit(entry(compared))
                raw = raw + leave(hidden)
                apart = compared[:, -2 * len(CANONICAL_JOINTS) :]
        numbers: Tensor = raw.unflatten(1, (len(SMPL_JOINTS), -1))
        known = features[:, 2 * len(CANONICAL_JOINTS) :]
        return numbers, torch.cat((hidden, known) if apart is None else (hidden, known, apart.abs()), 1)

    @staticmethod
    def split(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (B, 3 K + 1) as positions (B, K, 2), confidences (B, K) and sizes (B,); see `normalisation`."""
        joints = len(CANONICAL_JOINTS)
        positions = features[:, : 2 * joints].unflatten(1, (joints, 2))
        return positions, features[:, 2 * joints : -1], features[:, -1].exp()

    def _world(self, numbers: Tensor) -> Tensor:
        """(B, 24, 3, 3) relative to the turned camera."""
        matrices = to_matrices(numbers, self.config.representation)
        return world_rotations(matrices, SMPL_PARENTS) if self.config.frame == "parent" else matrices

    def _compared(self, features: Tensor, raw: Tensor, keypoints: _Keypoints, through: bool) -> Tensor:
        """Features, the prediction so far, where its joints are seen, and how far from there the keypoints are.

        Without gradients in training on keypoints; with them (``through``) where the keypoints are a network's and have
        to learn.
        """
        raw = raw if through else raw.detach()
        with torch.set_grad_enabled(through), torch.autocast(features.device.type, enabled=False):
            world = self._world(raw.unflatten(1, (len(SMPL_JOINTS), -1)))
            seen = self.skeleton.seen(world, keypoints.sightlines) / keypoints.size
            seen = seen.clamp(-LONGEST_FEATURE, LONGEST_FEATURE)
            apart = torch.where(keypoints.known, keypoints.positions - seen, 0)
            return torch.cat((features, raw, seen.flatten(1), apart.flatten(1)), 1)


class _Keypoints(NamedTuple):
    """What corrections compare with: positions (B, K, 2), which are known (B, K, 1), sizes (B, 1, 1), and the rays."""

    positions: Tensor
    known: Tensor
    size: Tensor
    sightlines: Sightlines

    @staticmethod
    def of(features: Tensor) -> _Keypoints:
        positions, confidence, size = PosePrior.split(features)
        size = size[:, None, None]
        sightlines = Sightlines.of(seen_rays(positions * size, confidence))
        return _Keypoints(positions, confidence[..., None] > 0, size, sightlines)


def _entry(size: int, config: PosePriorConfig) -> nn.Sequential:
    return nn.Sequential(
        FullPrecisionLinear(size, config.width), nn.BatchNorm1d(config.width), nn.ReLU(), nn.Dropout(config.dropout)
    )


def _has_tangent(values: Tensor) -> bool:
    """Whether forward-mode derivatives are asked of it: `torch.func.jvp` and `jacfwd` set no ``requires_grad``."""
    return not torch.compiler.is_compiling() and unpack_dual(values).tangent is not None


def _exit(size: int, config: PosePriorConfig) -> FullPrecisionLinear:
    """Its weights start small: training begins at the rest pose, and corrections at none."""
    layer = FullPrecisionLinear(config.width, size)
    with torch.no_grad():
        layer.weight.mul_(0.1)
    return layer


def _mirrored_columns() -> tuple[Tensor, Tensor]:
    """What the network is told of a person's mirror image, x turned round, left and right exchanged: which feature
    stands in each column, and its sign."""
    joints = len(CANONICAL_JOINTS)
    order = torch.tensor(mirror_permutation(CANONICAL_JOINTS))
    positions = (2 * order[:, None] + torch.arange(2)).flatten()
    columns = torch.cat((positions, 2 * joints + order, torch.tensor([3 * joints])))
    signs = torch.ones(NUM_FEATURES)
    signs[: 2 * joints : 2] = -1
    return columns, signs


def local_rotations(world: Tensor) -> Tensor:
    """Rotations (B, 24, 3, 3) relative to the parents, of rotations in one frame: R_parent^T R."""
    parents = torch.tensor(SMPL_PARENTS[1:], device=world.device)
    return torch.cat((world[:, :1], world.index_select(1, parents).mT @ world[:, 1:]), 1)
