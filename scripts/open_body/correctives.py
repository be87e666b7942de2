"""Pose correctives: what plain linear skinning lacks, learned from Anny's own deformation over many sampled poses.

For each vertex the wanted offset in the T-pose is found by undoing the linear blend at that vertex,
d = M^-1 (target - t) - rest, and then regressed on the 207 entries of R_j - I by ridge. A column may act only where its
joint's skin is (weights of the joint and its neighbours), so one limb cannot move another. Left and right are tied by
the mirror.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .rig import PARENTS, Rig, X, Y, driven, dual_quaternion_skinning, joint_transforms
from .rotations import exponential
from .smoothing import ShoulderMush

Array = np.ndarray

RIDGE = 2e-3  # of the mean squared feature
SUPPORT_WEIGHT = 0.02  # a joint acts where it, its parent or its children hold at least this much of the skin
MIRROR_JOINTS = (0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22)

ARM = (13, 16, 18, 20, 22)  # joints whose bone runs along x in the T-pose; the others' along y

RANGES_DEG: dict[int, tuple[tuple[float, float], ...]] = {
    # left joint or middle joint: (low, high) of the axis-angle's x, y, z
    1: ((-125, 35), (-35, 35), (-25, 50)),
    3: ((-20, 45), (-20, 20), (-20, 20)),
    4: ((-5, 135), (-10, 10), (-5, 5)),
    6: ((-15, 30), (-20, 20), (-15, 15)),
    7: ((-35, 45), (-25, 25), (-20, 20)),
    9: ((-15, 25), (-20, 20), (-15, 15)),
    10: ((-45, 25), (-5, 5), (-5, 5)),
    12: ((-35, 35), (-45, 45), (-25, 25)),
    13: ((-10, 10), (-25, 20), (-15, 30)),
    15: ((-30, 30), (-35, 35), (-20, 20)),
    16: ((-70, 70), (-100, 45), (-90, 80)),
    18: ((-85, 85), (-140, 5), (-15, 15)),
    20: ((-85, 85), (-25, 25), (-70, 70)),
    22: ((-10, 10), (-10, 10), (-80, 25)),
}
"""Where people's joints go, in SMPL's frame at the T-pose (left side; mirrored for the right): sampled uniformly."""


@dataclass(frozen=True, kw_only=True)
class Skin:
    """What is posed: a T-posed body in both worlds, Anny's bones and SMPL's joints."""

    rig: Rig
    rest: Array  # (V, 3)
    joints: Array  # (24, 3)
    weights: Array  # (V, 24)
    bone_weights: Array  # (V, B) of Anny
    mirror: Array  # (V,)
    faces: Array  # (F, 3)
    size: float = 1.0  # of an adult's

    def anny(self, rotations: Array) -> Array:
        """Anny's deformation (S, V, 3) for SMPL rotations (S, 24, 3, 3)."""
        transforms = driven(self.rig, rotations, self.joints)
        return dual_quaternion_skinning(self.rest[None], self.bone_weights, transforms)

    def target(self, rotations: Array) -> Array:
        """Anny's deformation with its bulging shoulders smoothed."""
        return self.mush(self.anny(rotations))

    @property
    def following(self) -> Array:
        """(V, 24) skin weights of Anny's bones, summed by the joint that each follows."""
        total = np.zeros_like(self.weights)
        for bone, (joint, _, _) in enumerate(self.rig.follows):
            total[:, joint] += self.bone_weights[:, bone]
        return total

    @cached_property
    def mush(self) -> ShoulderMush:
        return ShoulderMush(self.rest, self.faces, self.joints[[16, 17]], self.size)

    def blend(self, rotations: Array) -> Array:
        """The linear blend (S, V, 3, 4) of SMPL's skinning."""
        return np.einsum(
            "vj,sjab->svab", self.weights, joint_transforms(rotations, self.joints)[:, :, :3], optimize=True
        )

    def posed(self, rotations: Array, posedirs: Array | None) -> Array:
        """SMPL's skinning (S, V, 3), with correctives (V, 3, 207) or without."""
        rest = np.broadcast_to(self.rest, (len(rotations), *self.rest.shape))
        if posedirs is not None:
            rest = rest + np.einsum("vcp,sp->svc", posedirs, features(rotations), optimize=True)
        blend = self.blend(rotations)
        return np.einsum("svab,svb->sva", blend[..., :3], rest) + blend[..., 3]


def features(rotations: Array) -> Array:
    """vec(R_j - I) for j = 1..23, row-major: (S, 24, 3, 3) -> (S, 207)."""
    return (rotations[:, 1:] - np.eye(3)).reshape(len(rotations), 207)


def sample_rotations(count: int, rng: np.random.Generator) -> Array:
    """Poses (count, 24, 3, 3): each joint is still (one in four) or anywhere in its range.

    A turn is a swing after a twist about the joint's bone, as arms and legs move. (Uniform axis-angle vectors, tried
    first, hold few plain twists: the elbow twisted by 80 degrees was then three times as wrong.)
    """
    rotations = np.tile(np.eye(3), (count, 24, 1, 1))
    flip = np.array([1.0, -1.0, -1.0])
    for joint, ranges in RANGES_DEG.items():
        low, high = np.deg2rad(np.array(ranges)).T
        for side in sorted({joint, MIRROR_JOINTS[joint]}):
            drawn = rng.uniform(low, high, size=(count, 3))
            single = np.eye(3)[rng.integers(0, 3, count)]  # a third of the draws turn about one axis alone
            drawn = np.where(rng.uniform(size=(count, 1)) < 0.33, drawn * single, drawn)
            drawn *= (rng.uniform(size=(count, 1)) < 0.75) * (1.0 if side == joint else flip)
            twist = drawn * (X if joint in ARM else Y)
            rotations[:, side] = exponential(drawn - twist) @ exponential(twist)
    return rotations


def support(weights: Array, following: Array) -> Array:
    """(V, 24) bool: joints whose columns may act on a vertex.

    ``weights``: (V, 24) of SMPL's skin. ``following``: (V, 24) of Anny's bones by the joint whose turn or twist they
    follow; it lets the wrist's twist reach the forearm.
    """
    touched = weights > SUPPORT_WEIGHT
    grown = touched | (following > SUPPORT_WEIGHT)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            grown[:, joint] |= touched[:, parent] & (weights[:, parent] < 1 - SUPPORT_WEIGHT)
            grown[:, parent] |= touched[:, joint] & (weights[:, joint] < 1 - SUPPORT_WEIGHT)
    grown[:, 0] = False
    return grown


def offsets(skin: Skin, rotations: Array) -> Array:
    """The offsets in the T-pose (S, V, 3) after which SMPL's skinning gives Anny's deformation."""
    blend = skin.blend(rotations)
    return np.linalg.solve(blend[..., :3], (skin.target(rotations) - blend[..., 3])[..., None])[..., 0] - skin.rest


def fit(skin: Skin, rotations: Array, chunk: int = 50) -> Array:
    """Ridge regression of the offsets on the features: posedirs (V, 3, 207)."""
    gram = np.zeros((207, 207))
    cross = np.zeros((207, skin.rest.size))
    for start in range(0, len(rotations), chunk):
        part = rotations[start : start + chunk]
        wanted = offsets(skin, part).reshape(len(part), -1)
        for side_features, side_wanted in (
            (features(part), wanted),
            (features(mirrored_rotations(part)), _mirrored_offsets(wanted, skin.mirror)),
        ):
            gram += side_features.T @ side_features
            cross += side_features.T @ side_wanted
    cross = cross.reshape(207, *skin.rest.shape)
    posedirs = np.zeros((*skin.rest.shape, 207))
    patterns, group = np.unique(support(skin.weights, skin.following), axis=0, return_inverse=True)
    diagonal = RIDGE * np.trace(gram) / 207
    for index, pattern in enumerate(patterns):
        columns = np.flatnonzero(np.repeat(pattern[1:], 9))
        members = np.flatnonzero(group.ravel() == index)
        if len(columns) == 0:
            continue
        system = gram[np.ix_(columns, columns)] + diagonal * np.eye(len(columns))
        solved = np.linalg.solve(system, cross[np.ix_(columns, members)].reshape(len(columns), -1))
        posedirs[np.ix_(members, range(3), columns)] = solved.reshape(len(columns), len(members), 3).transpose(1, 2, 0)
    return symmetric(posedirs, skin.mirror)


def mirrored_rotations(rotations: Array) -> Array:
    flip = np.diag([-1.0, 1.0, 1.0])
    return flip @ rotations[:, list(MIRROR_JOINTS)] @ flip


def _mirrored_offsets(flat: Array, mirror: Array) -> Array:
    return (flat.reshape(len(flat), -1, 3)[:, mirror] * [-1, 1, 1]).reshape(len(flat), -1)


def symmetric(posedirs: Array, mirror: Array) -> Array:
    """The mean of posedirs and what the mirrored body in the mirrored pose would need."""
    order, sign = [], []
    for joint in range(1, 24):
        for row in range(3):
            for column in range(3):
                order.append(9 * (MIRROR_JOINTS[joint] - 1) + 3 * row + column)
                sign.append((-1 if row == 0 else 1) * (-1 if column == 0 else 1))
    reflected = posedirs[mirror][:, :, order] * np.array(sign) * np.array([-1, 1, 1])[:, None]
    return (posedirs + reflected) / 2


def compact(posedirs: Array) -> tuple[Array, Array]:
    """int8 and a scale for each column: posedirs = q * scale, within half a step of largest / 127."""
    scale = np.abs(posedirs).max((0, 1)) / 127
    safe = np.where(scale > 0, scale, 1.0)
    return np.round(posedirs / safe).astype(np.int8), scale.astype(np.float32)
