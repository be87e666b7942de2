"""Names of body parts: the six of the LSP segmentation labels, and the 24 segments of SMPL's joints."""

from __future__ import annotations

from .joint_sets import SMPL_JOINTS

BACKGROUND = 0
"""Label of pixels that no body covers, in both tables."""

IGNORE = 255
"""Label of pixels that an annotation leaves out (LSP)."""

SIX_PARTS: dict[int, str] = {
    1: "head",
    2: "torso",  # with neck and shoulders
    3: "right_arm",
    4: "left_arm",
    5: "right_leg",
    6: "left_leg",
}
"""Labels of the LSP part segmentation (set ``upi-s1h``; 0 is background, 255 is to be ignored)."""

SEGMENTS: dict[int, str] = dict(enumerate(SMPL_JOINTS))
"""Segments of the surface, each named after the SMPL joint that moves it most (``BodyModel.face_segments``)."""

_PART_OF: dict[str, str] = {
    "hip": "leg",
    "knee": "leg",
    "ankle": "leg",
    "foot": "leg",
    "shoulder": "arm",
    "elbow": "arm",
    "wrist": "arm",
    "hand": "arm",
}


def _six_part(segment: str) -> int:
    """The six-part label of a segment; collars, neck and spine belong to the torso."""
    if segment == "head":
        return 1
    side, _, kind = segment.partition("_")
    name = f"{side}_{_PART_OF[kind]}" if kind in _PART_OF else "torso"
    return next(label for label, part in SIX_PARTS.items() if part == name)


SEGMENT_PART: tuple[int, ...] = tuple(_six_part(name) for name in SMPL_JOINTS)
"""The six-part label of each segment, for bodies whose file gives no ``face_parts``."""
