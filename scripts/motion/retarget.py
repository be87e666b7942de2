"""From the rotations of CMU's bones to SMPL poses.

Each SMPL joint takes the global rotation of one bone, S = G A. A is constant and carries SMPL's rest pose into CMU's
zero pose: for limbs the smallest turn between the two directions of the segment, so that thigh, shin, upper arm and
forearm point exactly where the recorded ones point, whatever the joint positions of the body.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from anchorfit.body.joint_sets import SMPL_JOINTS, SMPL_PARENTS, mirror_permutation

MIRROR_JOINTS = mirror_permutation(SMPL_JOINTS)
"""For each SMPL joint its counterpart on the other side."""

REST_DIRECTIONS = {
    "thigh": (0.079, -0.997, 0.0),
    "shin": (-0.025, -0.995, -0.099),
    "upper_arm": (0.996, -0.038, -0.077),
    "forearm": (0.999, 0.038, 0.0),
}
"""Where the left limbs of SMPL's rest pose point, nominally: bodies differ from it by a few degrees (the open body's
prototype by 3 at thigh and shin, 5 at the upper arm, 2 at the forearm)."""

LEG_SPREAD_DEG = 20.0  # CMU's zero pose, each leg
ELBOW_AXIS_DEG = 30.0  # CMU's elbow bends about (0, -cos 30, sin 30), SMPL's about (0, -1, 0)
HEAD_REST_DEG = 13.0  # how far nose-down CMU's heads rest: taken back
NECK_REST_DEG = -4.0  # and its necks: a little nose-up
COLLAR_SHARE = 0.2  # of the arm's swing; CMU records nothing in the clavicles

HANGING_DEG = 30.0  # an upper arm this close to straight down hangs

_ARM = {"l": np.array([1.0, 0.0, 0.0]), "r": np.array([-1.0, 0.0, 0.0])}  # CMU's zero pose
_FLIP = np.diag([-1.0, 1.0, 1.0])


def _aim(rest: tuple[float, float, float], zero: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes one direction to another, both about (3,)."""
    return swings(np.asarray(rest), zero[None])[0]


def swings(start: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The smallest rotations from one direction (3,) to others (T, 3): (T, 3, 3)."""
    start = start / np.linalg.norm(start)
    ends = ends / np.linalg.norm(ends, axis=-1, keepdims=True)
    axis = np.cross(start, ends)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine, (ends @ start)[:, None])
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-12) * angle).as_matrix()


def _turn(axis: str, angle_deg: float) -> np.ndarray:
    return Rotation.from_euler(axis, angle_deg, degrees=True).as_matrix()


def _left_alignments() -> dict[str, np.ndarray]:
    """A of each left limb segment; the right one is its mirror image."""
    leg = _turn("z", LEG_SPREAD_DEG) @ np.array([0.0, -1.0, 0.0])
    arm = np.array([1.0, 0.0, 0.0])
    upper_arm = _turn("x", -ELBOW_AXIS_DEG) @ _aim(REST_DIRECTIONS["upper_arm"], arm)
    # Half of the turn between the humerus (30 degrees) and the hand (none), like half of the recorded twist.
    forearm = _turn("x", -ELBOW_AXIS_DEG / 2) @ _aim(REST_DIRECTIONS["forearm"], arm)
    return {
        "femur": _aim(REST_DIRECTIONS["thigh"], leg),
        "tibia": _aim(REST_DIRECTIONS["shin"], leg),
        "foot": _turn("z", LEG_SPREAD_DEG),
        "toes": _turn("z", LEG_SPREAD_DEG),
        "humerus": upper_arm,
        "radius": forearm,
    }


def hands_at_rest(bones: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """How each hand was turned against its wrist wherever the arm hung down: letter -> (n, 3) axis-angle.

    Where CMU's hand markers sat differs between sessions and sides, by up to 40 degrees: what a subject's hanging arms
    show on the median is taken as a straight hand (`smpl_poses`'s ``hand_rest``).
    """
    found = {}
    for letter in "lr":
        humerus_down = -(bones[letter + "humerus"] @ _ARM[letter])[:, 1]
        hanging = humerus_down > np.cos(np.deg2rad(HANGING_DEG))
        turned = np.swapaxes(bones[letter + "wrist"], 1, 2) @ bones[letter + "hand"]
        found[letter] = Rotation.from_matrix(turned[hanging]).as_rotvec() if hanging.any() else np.zeros((0, 3))
    return found


def smpl_poses(bones: dict[str, np.ndarray], hand_rest: dict[str, np.ndarray]) -> np.ndarray:
    """SMPL poses of recorded bone rotations.

    Args:
        bones: rotation of each bone from CMU's zero pose, world frame (y up): bone -> (T, 3, 3).
        hand_rest: for ``l`` and ``r`` the turn of the hand against the wrist that counts as straight, axis-angle (3,).
    Returns:
        (T, 24, 3) axis-angle, radians, angles at most pi; joint 0 is the orientation in the world.
    """
    align = _left_alignments()
    joints = {0: bones["root"], 3: bones["lowerback"], 6: bones["upperback"], 9: bones["thorax"]}
    joints[12] = halfway(bones["lowerneck"], bones["upperneck"]) @ _turn("x", -NECK_REST_DEG)
    joints[15] = bones["head"] @ _turn("x", -HEAD_REST_DEG)
    for side, letter in enumerate("lr"):
        turned = {name: matrix if side == 0 else _FLIP @ matrix @ _FLIP for name, matrix in align.items()}
        for joint, name in ((1, "femur"), (4, "tibia"), (7, "foot"), (10, "toes"), (16, "humerus")):
            joints[joint + side] = bones[letter + name] @ turned[name]
        arm = _ARM[letter]
        half_twist = Rotation.from_rotvec(wrist_twist(bones, letter)[:, None] / 2 * arm).as_matrix()
        joints[18 + side] = bones[letter + "radius"] @ half_twist @ turned["radius"]
        joints[20 + side] = bones[letter + "hand"] @ Rotation.from_rotvec(-hand_rest[letter]).as_matrix()
        rest = np.array(REST_DIRECTIONS["upper_arm"]) * (arm[0], 1.0, 1.0)
        in_thorax = np.swapaxes(bones["thorax"], 1, 2) @ bones[letter + "humerus"] @ arm
        swing = Rotation.from_matrix(swings(rest, in_thorax)).as_rotvec()
        joints[13 + side] = bones["thorax"] @ Rotation.from_rotvec(COLLAR_SHARE * swing).as_matrix()
        joints[22 + side] = joints[20 + side]
    return local_axis_angle(np.stack([joints[joint] for joint in range(24)], axis=1))


def halfway(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    between = Rotation.from_matrix(np.swapaxes(first, 1, 2) @ second).as_rotvec()
    return first @ Rotation.from_rotvec(between / 2).as_matrix()


def wrist_twist(bones: dict[str, np.ndarray], letter: str) -> np.ndarray:
    """Turn of the wrist against the radius about the forearm, radians in [-pi, pi): (T,)."""
    turned = np.swapaxes(bones[letter + "radius"], 1, 2) @ bones[letter + "wrist"]
    quaternion = Rotation.from_matrix(turned).as_quat()
    angle = 2 * np.arctan2(quaternion[:, :3] @ _ARM[letter], quaternion[:, 3])
    return (angle + np.pi) % (2 * np.pi) - np.pi


def local_axis_angle(rotations: np.ndarray) -> np.ndarray:
    """Global rotations (T, 24, 3, 3) -> rotations against the parent, axis-angle (T, 24, 3)."""
    parents = np.array(SMPL_PARENTS[1:])
    local = rotations.copy()
    local[:, 1:] = np.swapaxes(rotations[:, parents], 2, 3) @ rotations[:, 1:]
    return Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(-1, 24, 3)


def mirror(poses: np.ndarray) -> np.ndarray:
    """The poses (T, 24, 3) of the mirror image: left and right exchanged, y and z of the axis-angle negated."""
    return poses[:, list(MIRROR_JOINTS)] * np.array([1.0, -1.0, -1.0])
