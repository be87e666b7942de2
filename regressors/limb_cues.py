"""A second opinion on a predicted pose: the directions of limbs that a detector has seen in the image itself.

A lift of keypoints knows the depth of a limb from what poses are usual; a detector sees light and clothes as well. Each
is right where the other is not, and their errors are of one size (docs/detectors.md): directions are averaged.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ..body import SMPL_JOINTS, SMPL_PARENTS
from ..body.limbs import LIMBS
from ..body.rotations import cross_matrix

_OPPOSITE = -0.99  # cosine; of directions that add up to less than 0.1 neither is to be believed
CUE_WEIGHT = 1.0
"""Of a direction that was seen, times its confidence, to 1 of the predicted one."""


def blend_limbs(world: Tensor, bones: Tensor, seen: Tensor, weight: Tensor) -> Tensor:
    """Turn limbs, each by the smallest rotation, to the mean of their predicted and seen directions.

    Args:
        world: (B, 24, 3, 3) rotations of SMPL's joints, all relative to one frame.
        bones: (24, 3) each joint relative to its parent in the rest pose.
        seen: (B, 8, 3) unit vectors in that frame; NaN where nothing was seen: there the limb keeps its direction.
        weight: (B, 8) of what was seen, to 1 of what is predicted.
    Returns:
        (B, 24, 3, 3) rotations; hands and feet go with what they hang on.
    """
    known = torch.isfinite(seen).all(-1, keepdim=True)
    joints = [SMPL_JOINTS.index(above) for above, _ in LIMBS]
    along = bones[[SMPL_JOINTS.index(below) for _, below in LIMBS]]
    along = along / along.norm(dim=-1, keepdim=True)
    predicted = _apply(world[:, joints], along)
    wanted = predicted + weight[..., None] * torch.where(known, seen, 0.0)
    length = wanted.norm(dim=-1, keepdim=True)
    wanted = torch.where(known & (length > 0.1), wanted / length.clamp_min(0.1), predicted)
    turned = world.clone()
    for limb, joint in enumerate(joints):
        turn = _smallest_rotation(_apply(turned[:, joint : joint + 1], along[limb : limb + 1])[:, 0], wanted[:, limb])
        below = [joint, *_below(joint)]
        turned[:, below] = _times(turn[:, None], turned[:, below])
    return torch.where(known.any(1)[:, :, None, None], turned, world)


@lru_cache(maxsize=24)
def _below(joint: int) -> tuple[int, ...]:
    """The joints that hang on one."""
    found: list[int] = []
    for child, parent in enumerate(SMPL_PARENTS):
        if parent == joint or parent in found:
            found.append(child)
    return tuple(found)


def _smallest_rotation(start: Tensor, end: Tensor) -> Tensor:
    """(B, 3, 3) rotations that take unit vectors (B, 3) to others; of (nearly) opposite ones, whose axis is lost, none.

    Source: R = I + [v]x + [v]x^2 / (1 + a . b) with v = a x b.
    """
    across = cross_matrix(torch.linalg.cross(start, end))
    cosine = (start * end).sum(-1)[:, None, None]
    identity = torch.eye(3, dtype=start.dtype, device=start.device)
    turn = identity + across + _times(across, across) / (1 + cosine).clamp_min(1 + _OPPOSITE)
    return torch.where(cosine > _OPPOSITE, turn, identity)


def _apply(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Matrices (..., 3, 3) times vectors (..., 3), in an order of sums that does not depend on the batch."""
    return (matrices * vectors[..., None, :]).sum(-1)


def _times(left: Tensor, right: Tensor) -> Tensor:
    """Products of matrices (..., 3, 3), likewise."""
    return (left[..., None] * right[..., None, :, :]).sum(-2)
