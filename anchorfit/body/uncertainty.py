"""How sure a predicted body is: covariances of its rotations and place, and what follows for its joints.

Errors of rotations are small turns in the camera's frame, R_true = exp(e) R, of each joint for itself. Nine of ten
people are inside of a region that a normal distribution of these covariances gives to nine of ten: they are scaled to
that, not to the variance, which a few lost people would decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from ..rows import Rows
from .joint_sets import SMPL_PARENTS
from .model import BodyModel
from .rotations import axis_angle_to_matrix, cross_matrix, left_jacobian
from .skinning import ancestor_rows, world_rotations

INSIDE = {1: 2.7055, 2: 4.6052, 3: 6.2514}
"""Squared Mahalanobis distance that holds nine tenths of a normal distribution, by dimension."""
_CHUNK_ROWS = 128  # of the batch at a time


@dataclass(frozen=True, eq=False)
class Correlation:
    """Correlation (72, 72) of the whitened errors of all joints' rotations, the same for all people."""

    matrix: Tensor
    version: int = 0  # of the tensor when this was made of it

    @cached_property
    def root(self) -> Tensor:
        """(72, 72) lower triangular, root root^T the matrix."""
        return torch.linalg.cholesky(self.matrix.double()).to(self.matrix)

    @cached_property
    def inverse_root(self) -> Tensor:
        """(72, 72) lower triangular inverse of ``root``: it makes errors uncorrelated."""
        return torch.linalg.inv(torch.linalg.cholesky(self.matrix.double())).to(self.matrix)


@dataclass(frozen=True, kw_only=True)
class PoseUncertainty(Rows):
    """What is known of B predicted bodies.

    Attributes:
        whitening: (B, 24, 3, 3) W, one over radians: W e is of unit covariance, e the error of a joint's rotation
            relative to the camera.
        pelvis: (B, 3, 3) metres P, P P^T the covariance of the pelvis's place, camera frame.
        correlation: of the errors W e of all joints.
    """

    whitening: Tensor
    pelvis: Tensor
    correlation: Correlation

    def __len__(self) -> int:
        return len(self.whitening)


class Turns(NamedTuple):
    """world: (B, 24, 3, 3) rotations of the joints, camera frame; rates: (B, 24, 3, 3), by whose columns the joint and
    all below it turn for each component of its axis-angle vector."""

    world: Tensor
    rates: Tensor


def turns_of(pose: Tensor) -> Turns:
    """How joints turn with their axis-angle vectors, of poses (B, 72)."""
    vectors = pose.unflatten(-1, (-1, 3))
    world = world_rotations(axis_angle_to_matrix(vectors), SMPL_PARENTS)
    jacobians = left_jacobian(vectors)
    above = world.index_select(1, torch.tensor(SMPL_PARENTS[1:], device=pose.device))
    return Turns(world, torch.cat((jacobians[:, :1], above @ jacobians[:, 1:]), 1))


def inverse_3x3(matrices: Tensor) -> Tensor:
    """Inverses of matrices (..., 3, 3), in closed form."""
    rows = matrices.unbind(-2)
    columns = [torch.linalg.cross(rows[i], rows[j]) for i, j in ((1, 2), (2, 0), (0, 1))]
    volume = (rows[0] * columns[0]).sum(-1)
    return torch.stack(columns, -1) / volume[..., None, None]


def joint_factors(body: BodyModel, params: Tensor, known: PoseUncertainty) -> Tensor:
    """(B, 24, 3, 72 + S) F, metres: the joints' places relative to the pelvis have the covariances F F^T.

    Args:
        body: of S betas, taken as unknown but for their unit variance.
        params: (B, D) as predicted.
        known: of these bodies.
    """
    layout = body.layout
    parents = torch.tensor(SMPL_PARENTS[1:], device=params.device)
    mean, change = body.rest_joints_table
    bones, bones_by_shape = mean[1:] - mean[parents], change[1:] - change[parents]  # (23, 3), (23, 3, S)
    world = turns_of(params[:, layout.pose]).world.index_select(1, parents)  # (B, 23, 3, 3)
    betas = params[:, layout.betas]
    rest = bones + (betas @ bones_by_shape.flatten(0, 1).mT).unflatten(1, (-1, 3))
    turned = (world @ rest[..., None])[..., 0]
    spread = inverse_3x3(known.whitening.index_select(1, parents))  # columns: errors of unit whitened length
    moved = torch.linalg.cross(spread, turned[..., None].expand_as(spread), dim=-2)  # (B, 23, 3, 3)
    root = known.correlation.root.to(params).unflatten(0, (-1, 3)).index_select(0, parents)  # (23, 3, 72)
    by_pose = (moved[..., None] * root[:, None]).sum(-2)  # (B, 23, 3, 72)
    by_shape = world @ bones_by_shape
    above = torch.tensor(ancestor_rows(SMPL_PARENTS), dtype=params.dtype, device=params.device)[:, 1:]
    return (above @ torch.cat((by_pose, by_shape), -1).flatten(2)).unflatten(-1, (3, -1))


def inverse_left_jacobian(axis_angle: Tensor) -> Tensor:
    """J_l^-1 of SO(3), of vectors (..., 3) of angles up to pi: log(exp(dw) exp(w)) = w + J_l^-1 dw to first order.

    Source: Sola et al. 2018, eq. 146, as (1 - c t^2) I - [w]x / 2 + c w w^T with c = (1 - (t / 2) cot(t / 2)) / t^2.
    """
    squared = axis_angle.square().sum(-1)
    small = squared < 1e-3
    half = torch.where(small, torch.ones_like(squared), squared).sqrt() / 2
    series = 1 / 12 + squared / 720
    factor = torch.where(small, series, (1 - half * torch.cos(half) / torch.sin(half)) / (4 * half * half))
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    outer = axis_angle[..., :, None] * axis_angle[..., None, :]
    skew = cross_matrix(axis_angle)
    return (1 - factor * squared)[..., None, None] * eye - skew / 2 + factor[..., None, None] * outer
