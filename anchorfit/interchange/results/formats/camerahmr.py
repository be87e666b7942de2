"""CameraHMR's CamSMPLify npz: ``cam_int`` and ``cam_t`` of the whole image; ``scale`` is a side in pixels."""

from __future__ import annotations

import numpy as np

from ..arrays import boxes_around, gender_of, named_numbers, need_rows, texts, turns, whole_body
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, given_bodies


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    rotations = whole_body(turns(content, "pose"))
    count = len(rotations)
    need_rows(content, count, "shape", "cam_int", "cam_t", "imgname", "center", "scale")
    matrix = named_numbers(content, "cam_int", None, 3, 3)
    transl = named_numbers(content, "cam_t", *(None,) * np.ndim(content["cam_t"])).reshape(count, 3)
    boxes = None
    if "center" in content and "scale" in content:
        side = named_numbers(content, "scale", *(None,) * np.ndim(content["scale"])).reshape(count, -1)[:, 0]
        boxes = boxes_around(named_numbers(content, "center", None, 2), side, side)
    bodies = given_bodies(
        "CameraHMR",
        Pinhole.of(transl, matrix[:, 0, 0], matrix[:, :2, 2]),
        rotations,
        named_numbers(content, "shape", None, None),
        gender=gender_of(content) or "neutral",
        boxes=boxes,
        images=texts(content["imgname"]) if "imgname" in content else (),
    )
    return ResultFile(bodies)


FORMAT = ResultFormat(
    name="CameraHMR (CamSMPLify)", recognises=lambda s: s.has("pose", "shape", "cam_int", "cam_t"), read=_read
)
