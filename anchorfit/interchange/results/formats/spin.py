"""What SPIN's ``eval.py`` saves, and SPIN-style npz with a camera: pose, betas, s, x, y on crops of 224 pixels.

With ``imgname``, ``center`` and ``scale`` (side / 200) the crop is known; without, the rows are those of a data set.
"""

from __future__ import annotations

import torch

from ...spin import CROP_UNIT
from ..arrays import boxes_around, gender_of, named_numbers, need_rows, square, texts, turns, whole_body
from ..cameras import OwnCrop
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies

_CAMERAS = ("camera", "pred_cam", "cam")


def _camera_key(stored: StoredResult) -> str | None:
    return next((key for key in _CAMERAS if stored.has(key)), None)


def _recognises(stored: StoredResult) -> bool:
    """Also files that lack one array, which is said when they are read."""
    known = [stored.has("pose"), stored.has("betas") or stored.has("shape"), _camera_key(stored) is not None]
    return sum(known) + (stored.has("center") or stored.has("imgname")) > 2 and not stored.each_has("pose")


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    rotations = whole_body(turns(content, "pose"))
    count = len(rotations)
    camera = _camera_key(stored)
    if camera is None:
        raise ResultFileError("no camera: expected an array camera (N, 3), weak perspective on the crop")
    if ("center" in content) != ("scale" in content):
        raise ResultFileError(f"lacks {'scale' if 'center' in content else 'center'}; both name the crop")
    shape = "betas" if "betas" in content else "shape"
    need_rows(content, count, camera, shape, "center", "scale", "imgname")
    crop = torch.full((count, 3), torch.nan, dtype=torch.float64)
    if "center" in content and "scale" in content:
        crop = square(named_numbers(content, "center", None, 2), CROP_UNIT * named_numbers(content, "scale", None))
    bodies = given_bodies(
        "SPIN",
        OwnCrop(weak=named_numbers(content, camera, None, 3), square=crop),
        rotations,
        named_numbers(content, shape, None, None),
        gender=gender_of(content) or ("" if "gender" in content else "neutral"),
        boxes=boxes_around(crop[:, :2], crop[:, 2], crop[:, 2]),
        images=texts(content["imgname"]) if "imgname" in content else (),
    )
    return ResultFile(bodies)


FORMAT = ResultFormat(name="SPIN", recognises=_recognises, read=_read, general=True)
