"""Rotations as a network puts them out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ..body import axis_angle_to_matrix
from ..body.joint_sets import mirror_permutation

Representation = Literal["axis_angle", "6d"]
SIZES: dict[str, int] = {"axis_angle": 3, "6d": 6}


def matrix_to_6d(matrix: Tensor) -> Tensor:
    """The first two columns of rotation matrices (..., 3, 3): (..., 6)."""
    return matrix[..., :2].transpose(-1, -2).flatten(-2)


def matrix_from_6d(vector: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of any (..., 6), by Gram-Schmidt. Source: Zhou et al. 2019, "On the continuity of
    rotation representations in neural networks", eq. 15."""
    first, second = vector[..., :3], vector[..., 3:]
    x = torch.nn.functional.normalize(first, dim=-1, eps=1e-8)
    y = torch.nn.functional.normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1, eps=1e-8)
    return torch.stack((x, y, torch.linalg.cross(x, y)), -1)


def to_matrices(raw: Tensor, representation: Representation) -> Tensor:
    """(..., 3, 3) rotations of (..., 3) or (..., 6) numbers."""
    return axis_angle_to_matrix(raw) if representation == "axis_angle" else matrix_from_6d(raw)


def from_matrix_identity(representation: Representation) -> Tensor:
    """The numbers that stand for no rotation."""
    return torch.zeros(3) if representation == "axis_angle" else torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])


_MIRROR_SIGNS = {"axis_angle": (1.0, -1.0, -1.0), "6d": (1.0, -1.0, -1.0, -1.0, 1.0, 1.0)}


def mirror_rotations(raw: Tensor, representation: Representation, names: tuple[str, ...]) -> Tensor:
    """The numbers (..., J, 3 or 6) of the mirror image: M R M with M = diag(-1, 1, 1), left and right exchanged."""
    return raw[..., mirror_permutation(names), :] * raw.new_tensor(_MIRROR_SIGNS[representation])
