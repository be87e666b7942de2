"""Names of joints: the 24 of SMPL, and the canonical skeleton that sits between keypoint formats and the body.

Every joint and landmark of the project goes by one of these names; indices come from these tables alone.
"""

from __future__ import annotations

from functools import lru_cache

SMPL_JOINTS: tuple[str, ...] = (
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hand",
    "right_hand",
)
"""The joints of SMPL (Loper et al. 2015), in the order of its kinematic tree."""

SMPL_PARENTS: tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)

LANDMARKS: tuple[str, ...] = (
    "head_top",
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "chin",
    "neck",
    "left_big_toe",
    "right_big_toe",
    "left_small_toe",
    "right_small_toe",
    "left_heel",
    "right_heel",
    "left_thumb_tip",
    "right_thumb_tip",
    "left_index_tip",
    "right_index_tip",
    "left_middle_tip",
    "right_middle_tip",
    "left_ring_tip",
    "right_ring_tip",
    "left_pinky_tip",
    "right_pinky_tip",
)
"""Named points of the surface that a body file stores. ``neck`` is the middle of the neck (LSP's), not SMPL's joint."""

Combination = tuple[tuple[str, float], ...]
"""A point as a weighted sum of sources: ``joint:NAME`` (SMPL's) or ``landmark:NAME``; the weights sum to one."""


def _joint(name: str) -> Combination:
    return ((f"joint:{name}", 1.0),)


def _landmark(name: str) -> Combination:
    return ((f"landmark:{name}", 1.0),)


CANONICAL_SOURCES: dict[str, Combination] = {
    "pelvis": (("joint:left_hip", 0.5), ("joint:right_hip", 0.5)),  # MPII's and Human3.6M's: between the hips
    "left_hip": _joint("left_hip"),
    "right_hip": _joint("right_hip"),
    "left_knee": _joint("left_knee"),
    "right_knee": _joint("right_knee"),
    "left_ankle": _joint("left_ankle"),
    "right_ankle": _joint("right_ankle"),
    "left_shoulder": _joint("left_shoulder"),
    "right_shoulder": _joint("right_shoulder"),
    "left_elbow": _joint("left_elbow"),
    "right_elbow": _joint("right_elbow"),
    "left_wrist": _joint("left_wrist"),
    "right_wrist": _joint("right_wrist"),
    "thorax": (("joint:left_shoulder", 0.5), ("joint:right_shoulder", 0.5)),  # MPII's thorax, OpenPose's neck
    "neck": _landmark("neck"),  # LSP's neck, MPII's upper neck
    "jaw": _landmark("chin"),  # Human3.6M's neck/nose
    "nose": _landmark("nose"),
    "left_eye": _landmark("left_eye"),
    "right_eye": _landmark("right_eye"),
    "left_ear": _landmark("left_ear"),
    "right_ear": _landmark("right_ear"),
    "head_top": _landmark("head_top"),
    "left_big_toe": _landmark("left_big_toe"),
    "right_big_toe": _landmark("right_big_toe"),
    "left_small_toe": _landmark("left_small_toe"),
    "right_small_toe": _landmark("right_small_toe"),
    "left_heel": _landmark("left_heel"),
    "right_heel": _landmark("right_heel"),
    "left_hand": _joint("left_hand"),
    "right_hand": _joint("right_hand"),
    "left_foot": _joint("left_foot"),
    "right_foot": _joint("right_foot"),
    "spine": _joint("spine2"),  # Human3.6M's spine
    "spine1": _joint("spine1"),
    "spine3": _joint("spine3"),
    "neck_base": _joint("neck"),  # SMPL's neck joint
    "head_base": _joint("head"),  # SMPL's head joint
    "left_collar": _joint("left_collar"),
    "right_collar": _joint("right_collar"),
}
"""How each canonical joint is taken from the body, in the canonical order."""

CANONICAL_JOINTS: tuple[str, ...] = tuple(CANONICAL_SOURCES)
"""The canonical skeleton: the union of the joints of LSP, MPII, COCO, OpenPose, Human3.6M and SMPL that matter."""


def mirrored_name(name: str) -> str:
    """The name of the joint or landmark on the other side; names in the middle are their own mirror."""
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    return name


@lru_cache(maxsize=16)
def mirror_permutation(names: tuple[str, ...]) -> tuple[int, ...]:
    """For each name, the index of its mirror in the same tuple.

    Raises:
        ValueError: a mirrored name is not in the tuple.
    """
    return tuple(names.index(mirrored_name(name)) for name in names)
