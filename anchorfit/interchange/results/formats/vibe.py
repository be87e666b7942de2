"""Videos of VIBE, PARE and PyMAF (one joblib pkl, by track), and PARE's photographs (one pkl an image).

``pred_cam`` = s, x, y on the crop, which is a camera by itself: f = 5000 on 224 pixels, looking at its middle. The crop
that VIBE's network saw is 1.1 times the stored box; PARE's and PyMAF's are the boxes. Frame 0 is ffmpeg's 000001.png.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import boxes_around, named_numbers, need_rows, square, turns, whole_body
from ..cameras import OwnCrop
from ..format import ResultFormat, StoredResult
from ..record import GivenBodies, ResultFile, ResultFileError, given_bodies

VIBE_ENLARGES = 1.1
BODY25_POINTS = 25
"""The first of ``joints3d`` are OpenPose's, by name."""

_OF_TRACK = ("pred_cam", "pose", "betas", "bboxes", "frame_ids")
_OF_IMAGE = ("pred_cam", "pred_pose", "pred_shape", "bboxes")


def _program(track: Mapping[str, Any]) -> str:
    if "joints2d_img_coord" in track:
        return "VIBE"
    return "PARE" if np.ndim(track["pose"]) == 4 else "PyMAF"


def _body(program: str, held: Mapping[str, Any], pose: str, shape: str, joints: str, **more: Any) -> GivenBodies:
    rotations = whole_body(turns(held, pose), pose)
    need_rows(held, len(rotations), shape, "pred_cam", "bboxes", joints, "frame_ids")
    box = named_numbers(held, "bboxes", None, None)
    if box.shape[1] != 4:
        raise ResultFileError(f"bboxes: expected (N, 4) = cx, cy, w, h, got {tuple(box.shape)}")
    enlarged = VIBE_ENLARGES if program == "VIBE" else 1.0
    points = named_numbers(held, joints, None, None, 3)[:, :BODY25_POINTS] if held.get(joints) is not None else None
    return given_bodies(
        program,
        OwnCrop(weak=named_numbers(held, "pred_cam", None, 3), square=square(box[:, :2], enlarged * box[:, 2])),
        rotations,
        named_numbers(held, shape, None, None),
        gender="neutral",
        boxes=boxes_around(box[:, :2], box[:, 2], box[:, 3]),
        points=points if points is not None and points.shape[1] == BODY25_POINTS else None,
        convention="body25",
        **more,
    )


def _read_video(stored: StoredResult) -> ResultFile:
    parts = []
    for track, held in stored.records.items():
        frames = named_numbers(held, "frame_ids", None)
        parts.append(
            _body(_program(held), held, "pose", "betas", "joints3d", frames=frames, tracks=[track] * len(frames))
        )
    return ResultFile(GivenBodies.concatenate(parts))


def _read_image(stored: StoredResult) -> ResultFile:
    name = stored.path.name.removesuffix(".pkl")
    count = len(stored.content["pred_pose"])
    found = _body("PARE", stored.content, "pred_pose", "pred_shape", "smpl_joints3d", images=[name] * count)
    return ResultFile(found)


def _recognises(stored: StoredResult) -> bool:
    return stored.each_has(*_OF_TRACK) or stored.has(*_OF_IMAGE)


FORMAT = ResultFormat(
    name="VIBE, PARE or PyMAF",
    recognises=_recognises,
    read=lambda stored: _read_video(stored) if stored.each_has(*_OF_TRACK) else _read_image(stored),
)
