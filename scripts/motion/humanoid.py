"""From the rotations of any humanoid rig to SMPL poses.

A reference pose, upright with the arms out, says where each joint's bone points and which way the person faces; it is
the file's zero pose, or where that is no pose of a person the first frame. What a joint has turned from there, times
the turn that carries SMPL's rest pose to the reference, is SMPL's rotation: limbs point where the recorded ones point.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from .recording import Recording, joint_places
from .retarget import COLLAR_SHARE, REST_DIRECTIONS, halfway, local_axis_angle, swings

NAMES: dict[str, tuple[str, ...]] = {
    "pelvis": ("hips", "pelvis"),
    "neck": ("neck",),
    "head": ("head", "face"),
    "thigh": ("*upleg", "thigh*"),
    "shin": ("*leg", "shin*"),
    "foot": ("*foot", "foot*"),
    "toe": ("*toebase", "toe*", "foot*end", "*footend"),
    "upper_arm": ("*arm", "upperarm*"),
    "forearm": ("*forearm", "forearm*"),
    "hand": ("*hand", "hand*", "forearm*end", "*forearmend"),
}
"""Names of joints in files, in lower case without punctuation, ``*`` for the side (left and right, or l and r)."""

SIDED = tuple(NAMES)[3:]
STRAIGHT_DEG = 25.0  # a knee or elbow bent by more is no reference pose
UPRIGHT_DEG = 25.0  # nor a leg or trunk further from the vertical
BENT = 1.2  # radians; of an elbow turned by more it is clear which way it bends
ARM_DEG = 70.0  # nor an arm further from the horizontal to its side


def smpl_poses(recording: Recording) -> np.ndarray:
    """SMPL poses (T, 24, 3), axis-angle in radians; joint 0 is the orientation in a world with y up.

    Raises:
        ValueError: joints are missing, or neither the zero pose nor the first frame is upright with the arms out.
    """
    roles, spine = _roles(recording)
    problems = []
    for reference in (recording.rest, recording.rotations[0]):
        try:
            return _poses(recording, roles, spine, reference)
        except _NoReference as problem:
            problems.append(str(problem))
    raise ValueError(
        f"{recording.name}: expected a zero pose or first frame that stands upright with the arms out, "
        f"got {problems[0]}"
    )


class _NoReference(Exception):
    """The pose does not show where the bones point."""


def _roles(recording: Recording) -> tuple[dict[str, int], list[int]]:
    """Joints by their role, and the joints of the spine from the pelvis up to the chest that carries both arms."""
    plain = [re.sub(r"^def|[^a-z0-9]", "", re.sub(r"^.*:", "", name.lower())) for name in recording.joints]
    found: dict[str, int] = {}
    for role, patterns in NAMES.items():
        for letter, words in (("", ("",)),) if role not in SIDED else (("l_", ("left", "l")), ("r_", ("right", "r"))):
            names = [pattern.replace("*", word) for pattern in patterns for word in words]
            known = [plain.index(name) for name in names if name in plain]
            if known:
                found[letter + role] = known[0]
            elif role != "toe":
                raise ValueError(
                    f"{recording.name}: unknown joints: no {letter}{role} among {', '.join(recording.joints)}"
                )

    def ancestors(joint: int) -> list[int]:
        line = [joint]
        while recording.parents[line[-1]] >= 0:
            line.append(int(recording.parents[line[-1]]))
        return line

    left, right = ancestors(found["l_upper_arm"]), set(ancestors(found["r_upper_arm"]))
    chest = next(joint for joint in left if joint in right)
    line = ancestors(chest)
    if found["pelvis"] not in line or chest == found["pelvis"]:
        raise ValueError(
            f"{recording.name}: unknown joints: no spine between {recording.joints[found['pelvis']]} and arms"
        )
    return found, line[: line.index(found["pelvis"])][::-1]


def _poses(recording: Recording, roles: dict[str, int], spine: list[int], reference: np.ndarray) -> np.ndarray:
    places = joint_places(recording.parents, recording.offsets, reference)
    upright = _upright(roles, places)
    places = places @ upright.T

    def direction(start: str, end: str) -> np.ndarray:
        return _unit(places[roles[end]] - places[roles[start]])

    _check_reference(direction)
    turned = upright @ recording.rotations @ np.swapaxes(reference, 1, 2) @ upright.T
    of = {role: turned[:, joint] for role, joint in roles.items()}
    back = [turned[:, joint] for joint in spine]
    if len(back) == 1:
        back = [halfway(of["pelvis"], back[0]), halfway(halfway(of["pelvis"], back[0]), back[0]), back[0]]
    elif len(back) == 2:
        back = [back[0], halfway(back[0], back[1]), back[1]]
    joints = {0: of["pelvis"], 3: back[-3], 6: back[-2], 9: back[-1], 12: of["neck"], 15: of["head"]}
    for side, letter in enumerate(("l_", "r_")):
        mirrored = np.array([1.0 - 2.0 * side, 1.0, 1.0])

        def aimed(part: str, end: str, letter: str = letter, mirrored: np.ndarray = mirrored) -> np.ndarray:
            rest = np.array(REST_DIRECTIONS[part]) * mirrored
            return swings(rest, direction(letter + part, letter + end)[None])[0]

        joints[1 + side] = of[letter + "thigh"] @ aimed("thigh", "shin")
        joints[4 + side] = of[letter + "shin"] @ aimed("shin", "foot")
        heading = np.eye(3)
        if letter + "toe" in roles:
            ahead = direction(letter + "foot", letter + "toe")
            heading = Rotation.from_euler("y", np.arctan2(ahead[0], ahead[2])).as_matrix()
        joints[7 + side] = of[letter + "foot"] @ heading
        has_toe = letter + "toe" in roles and not recording.joints[roles[letter + "toe"]].endswith(" end")
        joints[10 + side] = of[letter + "toe"] @ heading if has_toe else joints[7 + side]
        rest = np.array(REST_DIRECTIONS["upper_arm"]) * mirrored
        joints[16 + side] = of[letter + "upper_arm"] @ aimed("upper_arm", "forearm")
        arm = (np.swapaxes(joints[9], 1, 2) @ joints[16 + side]) @ rest
        swing = Rotation.from_matrix(swings(rest, arm)).as_rotvec()
        joints[13 + side] = joints[9] @ Rotation.from_rotvec(COLLAR_SHARE * swing).as_matrix()
        joints[18 + side] = of[letter + "forearm"] @ aimed("forearm", "hand")
        has_hand = not recording.joints[roles[letter + "hand"]].endswith(" end")
        joints[20 + side] = of[letter + "hand"] @ aimed("forearm", "hand") if has_hand else joints[18 + side]
        joints[22 + side] = joints[20 + side]
    return local_axis_angle(np.stack([joints[joint] for joint in range(24)], axis=1))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _upright(roles: dict[str, int], places: np.ndarray) -> np.ndarray:
    """(3, 3) turn of the file's world to one whose y points up, the reference facing +z."""
    trunk = places[roles["neck"]] - places[roles["pelvis"]]
    up = np.zeros(3)
    axis = int(np.abs(trunk).argmax())  # files have one of their axes up
    up[axis] = np.sign(trunk[axis])
    across = places[roles["l_thigh"]] - places[roles["r_thigh"]]
    left = _unit(across - up * (across @ up))
    return np.stack([left, up, np.cross(left, up)])


def _check_reference(direction: Callable[[str, str], np.ndarray]) -> None:
    up = np.array([0.0, 1.0, 0.0])

    def angle(first: np.ndarray, second: np.ndarray) -> float:
        return float(np.rad2deg(np.arccos(np.clip(first @ second, -1, 1))))

    def check(what: str, first: np.ndarray, second: np.ndarray, most: float) -> None:
        if angle(first, second) > most:
            raise _NoReference(f"{what} off by {angle(first, second):.0f} degrees")

    check("trunk", direction("pelvis", "neck"), up, UPRIGHT_DEG)
    for letter, out in (("l_", np.array([1.0, 0, 0])), ("r_", np.array([-1.0, 0, 0]))):
        thigh, shin = direction(letter + "thigh", letter + "shin"), direction(letter + "shin", letter + "foot")
        upper, lower = (
            direction(letter + "upper_arm", letter + "forearm"),
            direction(letter + "forearm", letter + "hand"),
        )
        check(letter + "thigh", thigh, -up, UPRIGHT_DEG)
        check(letter + "knee", thigh, shin, STRAIGHT_DEG)
        check(letter + "arm", upper, out, ARM_DEG)
        check(letter + "elbow", upper, lower, STRAIGHT_DEG)


def hinge_elbows(poses: np.ndarray) -> np.ndarray:
    """The poses (T, 24, 3) with upper arms twisted until elbows bend about SMPL's axis.

    For recordings that know where limbs point but not how they are twisted. Upper arm and forearm keep their
    directions. An elbow that is nearly straight shows no axis and is left nearly alone.
    """
    matrices = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape[:2], 3, 3)
    for side, sign in enumerate((1.0, -1.0)):
        upper, along = (_unit(np.array(REST_DIRECTIONS[bone]) * (sign, 1, 1)) for bone in ("upper_arm", "forearm"))
        elbow = matrices[:, 18 + side]
        bent = elbow @ along
        twist = _twist_to_hinge(bent, upper, along, np.array([0.0, -sign, 0.0]))  # SMPL's
        twist = twist * np.clip(np.linalg.norm(np.cross(along, bent), axis=1) / np.sin(np.deg2rad(25.0)), 0, 1)
        turn = Rotation.from_rotvec(twist[:, None] * upper).as_matrix()
        own = np.swapaxes(swings(along, bent), 1, 2) @ elbow  # the forearm's own twist
        matrices[:, 16 + side] = matrices[:, 16 + side] @ turn
        matrices[:, 18 + side] = swings(along, np.einsum("tji,tj->ti", turn, bent)) @ own
    return Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec().reshape(poses.shape)


def _twist_to_hinge(bent: np.ndarray, upper: np.ndarray, along: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """(T,) radians about the upper arm's direction, after which the elbow bends about its hinge.

    Args:
        bent: (T, 3) where forearms point, in the frames of upper arms.
        upper, along, hinge: (3,) where upper arm and forearm point at rest, and the elbow's axis.
    Formula: u the upper arm's direction, b the forearm's, p the part of b across u, n the normal of the plane in which
    a forearm bends; twisted back by t it points at (b . u) u + p cos t + (p x u) sin t. Of the two t that have it in
    that plane, or nearest to it, the one that bends it forwards.
    """
    ahead = _unit(np.cross(hinge, along))
    normal = np.cross(along, ahead)
    far = bent @ upper
    across = bent - far[:, None] * upper
    beside = np.cross(across, upper)
    reach, phase = np.hypot(across @ normal, beside @ normal), np.arctan2(beside @ normal, across @ normal)
    half = np.arccos(np.clip(-far * (upper @ normal) / np.maximum(reach, 1e-12), -1, 1))
    twists = phase + np.array([[1.0], [-1.0]]) * half
    forwards = np.cos(twists) * (across @ ahead) + np.sin(twists) * (beside @ ahead)
    twist = np.where(forwards[0] > forwards[1], twists[0], twists[1])
    return (twist + np.pi) % (2 * np.pi) - np.pi


def level_heads(poses: np.ndarray) -> np.ndarray:
    """The poses (T, 24, 3) of one recording with the neck turned until the median head looks ahead."""
    matrices = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape[:2], 3, 3)
    head = matrices[:, 0]
    for joint in (3, 6, 9, 12, 15):
        head = head @ matrices[:, joint]
    pitch = float(np.median(np.arcsin(np.clip(-head[:, 1, 2], -1, 1))))
    matrices[:, 12] = matrices[:, 12] @ Rotation.from_euler("x", -pitch).as_matrix()
    return Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec().reshape(poses.shape)


def stop_knees(poses: np.ndarray) -> np.ndarray:
    """The poses (T, 24, 3) without knees that bend the wrong way: at most straight."""
    stopped = poses.copy()
    stopped[:, [4, 5], 0] = np.maximum(poses[:, [4, 5], 0], -np.arctan(-REST_DIRECTIONS["shin"][2]))
    return stopped


def bent_backwards(poses: np.ndarray) -> np.ndarray:
    """(T,) where an elbow that is turned far bends the wrong way: rigs that twist a forearm by its elbow."""
    far = np.linalg.norm(poses[:, [18, 19]], axis=2) > BENT
    return (far & (poses[:, [18, 19], 1] * np.array([-1.0, 1.0]) <= 0)).any(axis=1)
