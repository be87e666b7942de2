"""Joint names as keypoint files spell them, and the canonical joints that they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..body.joint_sets import CANONICAL_JOINTS
from .conventions import H36M17, OPENPOSE18, Convention

_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_NOT_OF_A_NAME = frozenset({"joint", "keypoint", "kpt", "point", "landmark", "b", "body"})
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_PAIRED: dict[str, tuple[str, ...]] = {
    "shoulder": ("sho", "shldr"),
    "elbow": ("elb",),
    "wrist": ("wri",),
    "hip": ("upleg", "upper_leg", "up_leg"),
    "knee": ("kne",),
    "ankle": ("ank",),
    "eye": (),
    "ear": (),
    "big_toe": ("bigtoe", "toe_big", "foot_index", "toe", "toes", "toe_tip"),
    "small_toe": ("smalltoe", "toe_small", "little_toe", "pinky_toe"),
    "heel": (),
    "hand": (),
    "foot": (),
    "collar": ("clavicle",),
}
"""Canonical joint of either side -> other spellings of it, without the side."""

_SINGLE: dict[str, tuple[str, ...]] = {
    "nose": (),
    "neck": ("upper_neck", "head_bottom", "bottom_head", "bottom_of_head", "bottom_of_the_head"),
    "head_top": ("top_head", "headtop", "head", "top_of_head", "top_of_the_head", "vertex", "head_tip"),
    "thorax": (
        "thrx",
        "spine_shoulder",
        "mid_shoulder",
        "mid_shoulders",
        "shoulder_center",
        "shoulders_center",
        "center_shoulder",
    ),
    "pelvis": (
        "pelv",
        "root_pelvis",
        "spine_base",
        "body_center",
        "mid_hip",
        "midhip",
        "root",
        "hip",
        "hips",
        "hip_center",
        "center_hip",
        "hips_center",
        "mid_hips",
    ),
    "jaw": ("chin",),
    "spine": ("spine2", "belly", "spine_mid", "mid_spine", "torso"),
    "spine1": (),
    "spine3": (),
    "neck_base": (),
    "head_base": (),
}

_SYNONYMS = {spelling: name for name, others in _SINGLE.items() for spelling in (name, *others)} | {
    f"{side}_{spelling}": f"{side}_{name}"
    for name, others in _PAIRED.items()
    for spelling in (name, *others)
    for side in ("left", "right")
}
_CANONICAL = frozenset(CANONICAL_JOINTS)


class _Family(NamedTuple):
    """A data set whose names mean other joints than the same names elsewhere.

    marks: names that, together, only this data set has; without: names that it does not have.
    meant: what its names mean, where that is another joint, or None where the body has none.
    """

    marks: frozenset[str]
    without: frozenset[str]
    meant: dict[str, str | None]


_FAMILIES = (
    # SMPL's own joints: spine1 to 3, and a root 9 cm above the middle of the hips.
    _Family(
        frozenset({"spine1", "spine2", "spine3"}),
        frozenset(),
        {"pelvis": None, "root": None, "hips": None, "neck": "neck_base", "head": "head_base", "spine2": "spine"},
    ),
    # Human3.6M: feet are ankles; its thorax is the base of the neck, LSP's neck; its neck is the chin.
    _Family(
        frozenset({"spine", "thorax"}),
        frozenset({"left_ankle", "right_ankle"}),
        {
            "left_foot": "left_ankle",
            "right_foot": "right_ankle",
            "thorax": "neck",
            "neck": "jaw",
            "neck_base": "jaw",
            "nose": "jaw",
            "neck_nose": "jaw",
        },
    ),
    _Family(
        frozenset({"spine", "thorax", "neck_base"}),
        frozenset({"nose"}),
        {"thorax": "neck", "neck": "jaw", "neck_base": "jaw"},
    ),
    # OpenPose's BODY_25 and Halpe: the neck is the middle of the shoulders.
    _Family(frozenset({"neck", "mid_hip", "nose"}), frozenset(), {"neck": "thorax"}),
    _Family(frozenset({"neck", "midhip", "nose"}), frozenset(), {"neck": "thorax"}),
    _Family(frozenset({"neck", "hip", "head", "nose", "left_big_toe"}), frozenset(), {"neck": "thorax"}),
)


_OPENPOSE18 = _Family(
    frozenset(name.replace("thorax", "neck") for name in OPENPOSE18 if name), frozenset(), {"neck": "thorax"}
)
"""OpenPose's older model: these names and no others, which are ours, too, but for what the neck is."""

_H36M_NOSE = _Family(frozenset(name.replace("jaw", "nose") for name in H36M17 if name), frozenset(), {"nose": "jaw"})
"""Human3.6M by the names of MotionBERT, I2L-MeshNet and others, who call its chin the nose: these 17 and no others."""


class NamedJoints(NamedTuple):
    """Joints that names mean.

    joints: for each name its canonical joint, or None.
    unknown: the names that mean no joint of the body.
    """

    joints: Convention
    unknown: tuple[str, ...]

    @property
    def known(self) -> int:
        return sum(joint is not None for joint in self.joints)


def plain_name(name: str) -> str:
    """A joint's name in one spelling: its side first and written out, words in small letters between underscores.

    >>> [plain_name(name) for name in ("LShoulder", "Right Knee", "ankle-left", "rwri", "Head top", "LBigToe")]
    ['left_shoulder', 'right_knee', 'left_ankle', 'right_wri', 'head_top', 'left_big_toe']
    """
    words = [piece.lower() for piece in _split(name)]
    words = [word for word in words if word not in _NOT_OF_A_NAME] or words
    words = [word for word in words if not word.isdigit()] or words  # "1. nose"
    words = [part for word in words for part in _SQUEEZED.get(word, (word,))]
    side = next((_SIDES[word] for word in words if word in _SIDES), None)
    rest = [word for word in words if word not in _SIDES]
    return "_".join([*([side] if side else []), *rest])


def joints_of_names(names: Sequence[str]) -> NamedJoints:
    """The canonical joints that the names of a file's keypoints mean, each by itself.

    Capitals, spaces, hyphens and the place of the side do not matter. Some data sets mean other joints by the same
    names (OpenPose's neck is the middle of the shoulders, Human3.6M's feet are ankles): all names together tell them.
    Of several names of one joint the first counts.
    """
    plain = [name if name in _CANONICAL else plain_name(name) for name in names]
    family: _Family | None
    if frozenset(plain) == _OPENPOSE18.marks:
        family = _OPENPOSE18
    elif all(name in _CANONICAL for name in names) and len(set(names)) == len(names):
        family = None  # our own names mean what they say
    elif {_SYNONYMS.get(_as_ankle(name), name) for name in plain} == _H36M_NOSE.marks:
        family = _H36M_NOSE
    else:
        there = set(plain)
        family = next((one for one in _FAMILIES if one.marks <= there and not one.without & there), None)
    meant: dict[str, str | None] = {**_SYNONYMS, **(family.meant if family else {})}
    if any(_SYNONYMS.get(name) == "head_top" and name != "head" for name in plain):
        meant["head"] = None  # beside its top: somewhere in its middle
    joints: list[str | None] = []
    for name in plain:
        joint = meant.get(name)
        joints.append(None if joint in joints else joint)
    unknown = [name for name, spelling in zip(names, plain, strict=True) if spelling not in meant]
    return NamedJoints(tuple(joints), tuple(unknown))


def _split(name: str) -> list[str]:
    pieces: list[str] = []
    for piece in _PIECES.findall(name):
        if len(piece) > 1 and piece.isupper() and piece[0] in "LR" and piece.lower() not in _SIDES:
            pieces += [piece[0], piece[1:]] if piece[1:].lower() in _SHORT else [piece]
        elif piece.isdigit() and pieces:
            pieces[-1] += piece  # spine1
        else:
            pieces.append(piece)
    return pieces


_SHORT = frozenset(spelling for name, others in _PAIRED.items() for spelling in (name, *others))

_SQUEEZED = {f"{side}{spelling.replace('_', '')}": (side, spelling) for side in _SIDES for spelling in _SHORT} | {
    spelling.replace("_", ""): (spelling,) for spelling in _SHORT if "_" in spelling
}
"""Words in which nothing parts the side from the joint, as "rsho", "lefteye", "lbigtoe"."""


def _as_ankle(name: str) -> str:
    """Human3.6M calls ankles feet."""
    return name.replace("_foot", "_ankle")
