"""Coverage: the share of true joints that lie in the regions said to hold nine in ten of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel, matrix_to_axis_angle
from ..body.uncertainty import INSIDE, PoseUncertainty, turns_of

MILLIMETRES = 1000.0


class Misses(NamedTuple):
    """Squared Mahalanobis distances of B bodies: (B, 24) in space, the pelvis's own place and the other joints'
    relative to it; of those, (B, 24) across the line of sight (of two dimensions) and along it (of one)."""

    space: Tensor
    across: Tensor
    along: Tensor

    @property
    def inside(self) -> Tensor:
        """(B, 24) bool, whether the true joint is in the region."""
        return self.space < INSIDE[3]


def misses(
    body: BodyModel, params: Tensor, covariance_mm2: Tensor, truth: Tensor, *, across: float = 1.0, along: float = 1.0
) -> Misses:
    """How far true joints lie from a body's, in the covariances' measure.

    Args:
        body: that both are of.
        params, truth: (B, D).
        covariance_mm2: (B, 24, 3, 3) as `Diagnostics` has them.
        across, along: factors by which deviations are multiplied before.
    """
    joints, true_joints = (body.from_params(some).joints.double() for some in (params, truth))
    apart = MILLIMETRES * (true_joints - joints)
    apart = torch.cat((apart[:, :1], apart[:, 1:] - apart[:, :1]), 1)
    sight = torch.nn.functional.normalize(joints, dim=-1)
    frame = _frames(sight)  # rows: two across, one along
    apart, covariance = (frame @ apart[..., None])[..., 0], frame @ covariance_mm2.double() @ frame.mT
    factors = covariance.new_tensor((across, across, along))
    covariance = covariance * factors[:, None] * factors

    def squared(dimensions: slice) -> Tensor:
        part = apart[..., dimensions]
        solved = torch.linalg.solve(covariance[..., dimensions, dimensions], part[..., None])[..., 0]
        return (part * solved).sum(-1)

    return Misses(squared(slice(0, 3)), squared(slice(0, 2)), squared(slice(2, 3)))


def rotations_inside(params: Tensor, known: PoseUncertainty, truth: Tensor) -> Tensor:
    """(B, 24) bool, whether the true rotation of a joint relative to the camera is in its region, of poses (B, 72)."""
    apart = matrix_to_axis_angle(turns_of(truth).world @ turns_of(params).world.mT)
    return (known.whitening.to(apart) @ apart[..., None])[..., 0].square().sum(-1) < INSIDE[3]


def _frames(sight: Tensor) -> Tensor:
    """(..., 3, 3) rotations whose last row is the unit vector (..., 3)."""
    helper = torch.zeros_like(sight)
    helper.scatter_(-1, sight.abs().argmin(-1, keepdim=True), 1.0)
    first = torch.nn.functional.normalize(torch.linalg.cross(sight, helper), dim=-1)
    return torch.stack((first, torch.linalg.cross(sight, first), sight), -2)
