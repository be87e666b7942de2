"""CLIFF's npz, of its demo (``--save_results``) and its pseudo ground truth: a translation before f = the diagonal.

In the demo's file ``imgname`` has an entry an image: a body's image is number ``detection_all[:, 0]``.
"""

from __future__ import annotations

import torch

from ..arrays import named_numbers, need_rows, texts, turns, whole_body
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    rotations = whole_body(turns(content, "pose"))
    count = len(rotations)
    need_rows(content, count, "shape", "global_t", "focal_l", "detection_all")
    names = texts(content["imgname"]) if "imgname" in content else []
    boxes = None
    if "detection_all" in content:
        found = named_numbers(content, "detection_all", None, 8)
        rows = found[:, 0].long().tolist()
        if names and not all(0 <= row < len(names) for row in rows):
            raise ResultFileError(f"detection_all names image {max(rows)}, but imgname has {len(names)}")
        names = [names[row] for row in rows] if names else []
        boxes = torch.cat([found[:, 1:3], found[:, 3:5] - found[:, 1:3]], 1)
    elif names and len(names) != count:
        raise ResultFileError(f"{len(names)} imgname, but {count} bodies and no detection_all that says whose they are")
    camera = Pinhole.of(named_numbers(content, "global_t", None, 3), named_numbers(content, "focal_l", None))
    bodies = given_bodies(
        "CLIFF",
        camera,
        rotations,
        named_numbers(content, "shape", None, None),
        gender="neutral",
        boxes=boxes,
        images=names,
    )
    return ResultFile(bodies)


FORMAT = ResultFormat(name="CLIFF", recognises=lambda s: s.has("pose", "shape", "global_t", "focal_l"), read=_read)
