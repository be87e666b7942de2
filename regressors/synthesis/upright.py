"""People who stand straight, and people who sit upright: what photographs are full of and recordings of action are not.

Varied training poses have their joints turned by chance, so straight knees, at the edge of what a knee can do, are
hardly ever their mean; a network that has seen nothing else bends the knees of all people who stand.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...body import axis_angle_to_matrix, matrix_to_axis_angle
from ...body.joint_sets import SMPL_JOINTS, SMPL_PARENTS
from ...body.parameters import NUM_JOINTS
from ...body.skinning import world_rotations

LEG_DEG, TRUNK_DEG, KNEE_DEG = 15.0, 12.0, 14.0
"""Who stands: thighs and trunk within so much of the vertical, knees bent by no more."""

SWAY_DEG = 3.0  # standard deviation of each joint's turn beyond the recorded or the rest pose
HANGING = 1.2  # radians by which arms come down from the rest pose's T, about z
SEATED_DEG, SPREAD_DEG = 11.0, 8.0  # standard deviations of hips' and knees' right angles, and of the legs' spread
LEAN_DEG = 7.0  # of a sitting trunk against the vertical


def _joints(*names: str) -> list[int]:
    return [SMPL_JOINTS.index(name) for name in names]


KNEES, HIPS = _joints("left_knee", "right_knee"), _joints("left_hip", "right_hip")
LEGS = _joints(*(f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "ankle", "foot")))
TRUNK = _joints("spine1", "spine2", "spine3")
SPEAKING = sorted([*_joints("pelvis"), *HIPS, *KNEES, *TRUNK])
"""Joints that say who stands, each with those above it."""
ARMS = _joints(
    *(f"{side}_{part}" for side in ("left", "right") for part in ("collar", "shoulder", "elbow", "wrist", "hand"))
)
SHOULDERS, ELBOWS = _joints("left_shoulder", "right_shoulder"), _joints("left_elbow", "right_elbow")
RECORDED = [joint for joint in range(1, NUM_JOINTS) if joint not in _joints("left_hand", "right_hand")]


def stands(poses: Tensor) -> Tensor:
    """(N,) True for poses (N, 72), in a world with y up, of people who stand straight."""
    some = axis_angle_to_matrix(poses.unflatten(1, (NUM_JOINTS, 3))[:, SPEAKING])
    world = world_rotations(
        some, tuple(SPEAKING.index(max(SMPL_PARENTS[joint], 0)) if joint else -1 for joint in SPEAKING)
    )
    up = world[..., 1, 1]  # cosine between each joint's y axis and the vertical
    hips, knees, trunk = (
        [SPEAKING.index(joint) for joint in joints] for joints in (HIPS, KNEES, _joints("pelvis", "spine3"))
    )
    near = torch.ones(len(poses), dtype=torch.bool)
    for joints, limit in ((hips, LEG_DEG), (trunk, TRUNK_DEG)):
        near &= (up[:, joints] > math.cos(math.radians(limit))).all(1)
    bend = (world[:, hips].mT @ world[:, knees])[..., 1, 1]
    return near & (bend > math.cos(math.radians(KNEE_DEG))).all(1)


def upright_poses(standing: Tensor, others: Tensor, seated: Tensor, generator: torch.Generator) -> Tensor:
    """Poses of people who stand or sit.

    Args:
        standing: (B, 72) recorded poses of people who stand.
        others: (B, 72) any recorded poses; half of the people take their arms.
        seated: (B,) bool, who sits.
        generator: on the CPU; everything random comes from it.
    Returns:
        (B, 72): half of those who stand as recorded, half on the rest pose's legs; both with a slight sway. Those who
        sit have hips and knees about square, as on a chair. The heading is the recorded one.
    """
    count = len(standing)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=generator)

    def chance(share: float) -> Tensor:
        return (torch.rand(count, generator=generator) < share)[:, None, None]

    pose, other = (poses.unflatten(1, (NUM_JOINTS, 3)).clone() for poses in (standing, others))
    heading = axis_angle_to_matrix(pose[:, 0])[:, :, 2]
    orientation = torch.zeros(count, 3)
    orientation[:, 1] = torch.atan2(heading[:, 0], heading[:, 2])
    straight = chance(0.5) | seated[:, None, None]
    pose[:, LEGS + TRUNK] = torch.where(straight, 0.0, pose[:, LEGS + TRUNK])
    hanging = torch.zeros_like(pose[:, ARMS])
    hanging[:, [ARMS.index(joint) for joint in SHOULDERS], 2] = torch.tensor([-HANGING, HANGING])
    hanging[:, [ARMS.index(joint) for joint in ELBOWS]] = 0.4 * pose[:, ELBOWS]
    pose[:, ARMS] = torch.where(chance(0.3), hanging, torch.where(chance(0.5), other[:, ARMS], pose[:, ARMS]))
    pose[:, RECORDED] += math.radians(SWAY_DEG) * normal(len(RECORDED), 3)
    pose[:, SHOULDERS] += 0.1 * normal(2, 3)
    knees = pose[:, KNEES, 0]
    pose[:, KNEES, 0] = torch.where(straight[:, 0], knees.abs(), knees)
    square = math.radians(90.0) + math.radians(SEATED_DEG) * normal(2, 2)
    spread = math.radians(SPREAD_DEG) * (0.7 + normal(2, 1)) * torch.tensor([1.0, -1.0])[:, None]
    legs = (
        torch.cat((-square[..., :1], spread, 0.0 * spread), -1),
        torch.cat((square[..., 1:], 0 * spread, 0 * spread), -1),
    )
    for joints, turned in zip((HIPS, KNEES), legs, strict=True):
        pose[:, joints] = torch.where(seated[:, None, None], turned, pose[:, joints])
    lean = math.radians(LEAN_DEG) * normal(3) * torch.where(seated, 1.0, SWAY_DEG / LEAN_DEG)[:, None]
    lean[:, 1] = 0.0
    pose[:, 0] = matrix_to_axis_angle(axis_angle_to_matrix(orientation) @ axis_angle_to_matrix(lean))
    return pose.flatten(1)
