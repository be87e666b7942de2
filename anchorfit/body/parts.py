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
"""Labels of the LSP part segmentation (FACTS of the ``upi-s1h`` set: 0 is background, 255 is to be ignored)."""

SEGMENTS: dict[int, str] = dict(enumerate(SMPL_JOINTS))
"""Segments of the surface, each named after the SMPL joint that moves it most (``BodyModel.face_segments``)."""

SEGMENT_PART: tuple[int, ...] = tuple(
    1
    if name == "head"
    else {"right": 3, "left": 4}[name.split("_")[0]]
    if name.endswith(("_elbow", "_wrist", "_hand")) or name in ("left_shoulder", "right_shoulder")
    else {"right": 5, "left": 6}[name.split("_")[0]]
    if name.endswith(("_hip", "_knee", "_ankle", "_foot"))
    else 2
    for name in SMPL_JOINTS
)
"""The six-part label of each segment, for bodies whose file gives no ``face_parts``."""
