"""Forward kinematics and linear blend skinning with pose correctives, batch first."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

_CHUNK_FLOATS = 1_000_000  # blended transforms made at a time: 4 MB in float32


class PosedSkeleton(NamedTuple):
    """Rotations of the joints in the body's frame (B, J, 3, 3) and their places (B, J, 3) in metres."""

    rotations: Tensor
    joints: Tensor


@lru_cache(maxsize=64)
def jump_tables(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Ancestors 1, 2, 4, ... steps up, for pointer doubling; the index J (past the end) stands for "none".

    With W_0 = the local rotations and W_(i+1)[j] = W_i[table_i[j]] W_i[j], the tables' end gives world rotations in
    log2(depth) batched products instead of one for each joint.
    """
    none = len(parents)
    table = tuple(none if parent < 0 else parent for parent in parents)
    tables = []
    while any(entry != none for entry in table):
        tables.append(table)
        table = tuple(none if entry == none else table[entry] for entry in table)
    return tuple(tables)


@lru_cache(maxsize=64)
def ancestor_rows(parents: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """(J, J) rows of 0 and 1: entry [j][k] says whether k is j or above j."""
    rows: list[tuple[float, ...]] = []
    for joint, parent in enumerate(parents):
        above = list(rows[parent]) if parent >= 0 else [0.0] * len(parents)
        above[joint] = 1.0
        rows.append(tuple(above))
    return tuple(rows)


def world_rotations(local: Tensor, parents: tuple[int, ...]) -> Tensor:
    """Rotations along the kinematic tree.

    Args:
        local: (B, J, 3, 3), each relative to its parent.
        parents: J indices; -1 for the root; a parent comes before its children.
    Returns:
        (B, J, 3, 3): the product of the local rotations from the root down.
    """
    identity = torch.eye(3, dtype=local.dtype, device=local.device).expand(local.shape[0], 1, 3, 3)
    rotations = local
    for table in jump_tables(parents):
        index = torch.tensor(table, device=local.device)
        rotations = torch.cat((rotations, identity), dim=1).index_select(1, index) @ rotations
    return rotations


def pose_skeleton(local: Tensor, rest_joints: Tensor, parents: tuple[int, ...]) -> PosedSkeleton:
    """Forward kinematics: joint = joint of its parent + rotation of its parent @ its rest offset from its parent.

    Args:
        local: (B, J, 3, 3) rotations relative to the parents.
        rest_joints: (B, J, 3) metres.
        parents: J indices; -1 for the root.
    Source: Loper et al. 2015, eqs. 3-4; the chains are summed by one product with the table of ancestors.
    """
    rotations = world_rotations(local, parents)
    parent = torch.tensor([max(entry, 0) for entry in parents[1:]], device=local.device)
    offsets = rest_joints[:, 1:] - rest_joints.index_select(1, parent)
    turned = (rotations.index_select(1, parent) @ offsets[..., None])[..., 0]
    steps = torch.cat((rest_joints[:, :1], turned), dim=1)
    ancestors = torch.tensor(ancestor_rows(parents), dtype=local.dtype, device=local.device)
    return PosedSkeleton(rotations, ancestors @ steps)


def skin(vertices: Tensor, weights: Tensor, skeleton: PosedSkeleton, rest_joints: Tensor) -> Tensor:
    """Linear blend skinning.

    Args:
        vertices: (B, V, 3) in the rest pose, correctives added; metres.
        weights: (V, J), rows sum to 1.
        skeleton: the posed skeleton.
        rest_joints: (B, J, 3) metres.
    Returns:
        (B, V, 3) metres.
    Source: Loper et al. 2015, eq. 2. The blended 3x4 transforms are made for a few rows at a time.
    """
    rotations, joints = skeleton
    moved = joints - (rotations @ rest_joints[..., None])[..., 0]
    transforms = torch.cat((rotations, moved[..., None]), dim=-1)  # (B, J, 3, 4)
    if torch.compiler.is_compiling():  # a program that is traced has no loop over a batch of any size
        return _skin_rows(vertices, weights, transforms)
    rows = max(1, _CHUNK_FLOATS // (12 * weights.shape[0]))
    parts = [
        _skin_rows(chunk, weights, transform)
        for chunk, transform in zip(vertices.split(rows), transforms.split(rows), strict=True)
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _skin_rows(vertices: Tensor, weights: Tensor, transforms: Tensor) -> Tensor:
    """Coordinates in planes (b, 3, V) inside: on a CPU a quarter faster than a matrix for each vertex."""
    blended = (transforms.flatten(-2).transpose(1, 2) @ weights.T).unflatten(1, (3, 4))  # (b, 3, 4, V)
    planes = vertices.transpose(1, 2).contiguous()  # (b, 3, V)
    moved = blended[:, :, 3]
    for axis in range(3):
        moved = torch.addcmul(moved, blended[:, :, axis], planes[:, None, axis])
    return moved.transpose(1, 2).contiguous()
