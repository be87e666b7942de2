"""How sure PosePrior is of its answer: a small head beside it, trained when the answer itself is fixed.

For each joint a matrix W, such that W e is of about unit variance, e being the rotation vector of what the answer lacks
(R_true = exp(e) R_predicted); the covariance of e is (W^T W)^-1. And three standard deviations of the pelvis's place.
The head looks at the last hidden features, and at how the answer differs from that to the mirror image.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ..body.joint_sets import SMPL_JOINTS, mirror_permutation
from ..body.uncertainty import Correlation, PoseUncertainty

NUM_CAMERA = 3
_FIRST_GUESS = (1.2, 4.0)  # logarithms of one over 0.3 radians, and over 0.02 sizes of the person
_LONGEST = 6.0  # nothing is known better than e^-6: radians, sizes of the person


_links: WeakKeyDictionary[UncertaintyHead, Correlation] = WeakKeyDictionary()


class Sureness(NamedTuple):
    """What is known of an answer to (B, 3 K + 1) features, in the turned camera's frame of `normalisation`.

    whitening: (B, 24, 3, 3) lower triangular W, one over radians: the errors W e of a joint's rotation relative to the
        camera are within 2.5 in nine of ten people.
    camera: (B, 3) standard deviations: of the pelvis's direction to the right and down, as tangents, and of the
        logarithm of its distance.
    """

    whitening: Tensor
    camera: Tensor


class UncertaintyHead(nn.Module):
    """The head.

    Buffers: ``scale`` (24,) and ``camera_scale`` (3,) multiply what the layers say, ``correlation`` (72, 72) is that of
    the whitened errors of all joints: measured on people kept aside once the layers are trained.
    """

    scale: Tensor
    camera_scale: Tensor
    correlation: Tensor
    order: Tensor
    signs: Tensor

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        joints = len(SMPL_JOINTS)
        last = nn.Linear(hidden, 6 * joints + NUM_CAMERA)
        self.layers = nn.Sequential(nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), last)
        self.register_buffer("scale", torch.ones(joints))
        self.register_buffer("camera_scale", torch.ones(NUM_CAMERA))
        self.register_buffer("correlation", torch.eye(3 * joints))
        self.register_buffer("order", torch.tensor(mirror_permutation(SMPL_JOINTS)), persistent=False)
        self.register_buffer("signs", torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, 1.0]), persistent=False)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()
            last.bias[: 6 * joints].view(joints, 6)[:, :3] = _FIRST_GUESS[0]
            last.bias[6 * joints :] = _FIRST_GUESS[1]

    @property
    def links(self) -> Correlation:
        """The correlation, the same object as long as the head stays as it is."""
        known = _links.get(self)
        if known is None or known.matrix is not self.correlation or known.version != _version(self.correlation):
            known = _links[self] = Correlation(self.correlation, _version(self.correlation))
        return known

    def forward(self, features: Tensor) -> Tensor:
        """(B, 147) numbers of (B, inputs) features; see `read`."""
        with torch.autocast(features.device.type, enabled=False):
            numbers: Tensor = self.layers(features.to(self.scale.dtype))
            return numbers

    def mirrored(self, numbers: Tensor) -> Tensor:
        """The numbers of the mirror image: S W S with S = diag(1, -1, -1), left and right exchanged."""
        joints, camera = numbers.split((6 * len(self.order), NUM_CAMERA), 1)
        turned = joints.unflatten(1, (-1, 6)).index_select(1, self.order) * self.signs
        return torch.cat((turned.flatten(1), camera), 1)

    def read(self, numbers: Tensor, size: Tensor) -> Sureness:
        """Numbers (B, 147) as what they say of people of ``size`` (B,), a tangent."""
        joints, camera = numbers.clamp(-_LONGEST, _LONGEST).split((6 * len(self.order), NUM_CAMERA), 1)
        logs, below = joints.unflatten(1, (-1, 6)).split(3, -1)
        diagonal = logs.exp() * self.scale[:, None]
        first, second, third = below.unbind(-1)
        zero, one = torch.zeros_like(first), torch.ones_like(first)
        lower = torch.stack((one, zero, zero, first, one, zero, second, third, one), -1).unflatten(-1, (3, 3))
        deviations = (-camera).exp() / self.camera_scale
        across = torch.stack((size, size, torch.ones_like(size)), -1)
        return Sureness(diagonal[..., None] * lower, deviations * across)


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def in_camera(sureness: Sureness, view: Tensor, pelvis: Tensor, correlation: Correlation) -> PoseUncertainty:
    """The same in the camera's own frame.

    Args:
        sureness: B rows.
        view: (B, 3, 3) rotation of the turned camera.
        pelvis: (B, 3) metres, the predicted places, camera frame.
        correlation: of the head.
    """
    away = (view[:, 2] * pelvis).sum(-1, keepdim=True).abs()
    return PoseUncertainty(
        whitening=sureness.whitening @ view[:, None],
        pelvis=view.mT * (sureness.camera * away)[:, None],
        correlation=correlation,
    )
