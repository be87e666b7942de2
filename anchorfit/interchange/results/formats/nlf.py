"""NLF's dictionary, saved by the user: pose, betas, trans (metres), joints3d (millimetres), joints2d (pixels).

The camera is not in it: it is found from joints3d and joints2d, which are exact, or is ``intrinsic_matrix`` or ``K``
where the user saved that, too. A pose of 72 numbers is SMPL's, of 165 SMPL-X's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import boxes_around, named_numbers, need_rows, texts, turns, whole_body
from ..cameras import GivenCamera, Pinhole, solve_pinhole, unknown_camera
from ..format import ResultFormat, StoredResult
from ..record import GivenBodies, ResultFile, ResultFileError, given_bodies

_NEEDED = ("pose", "betas", "trans")
_OWN = ("joints3d", "vertices3d")
_MILLIMETRES = 0.001
_SMPL_NUMBERS = 72
_CAMERAS = ("intrinsic_matrix", "K")


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    if isinstance(content["pose"], list):  # a list entry an image
        count = len(content["pose"])
        images = texts(content["imgname"]) if "imgname" in content else [""] * count
        parts = [
            {key: held[place] for key, held in content.items() if isinstance(held, list) and len(held) == count}
            for place in range(count)
        ]
        found = [_bodies(part, image) for part, image in zip(parts, images, strict=True) if len(part["pose"])]
    else:
        found = [_bodies(content, texts([content.get("imgname", "")])[0])]
    if not found:
        raise ResultFileError("nobody is in it")
    return ResultFile(GivenBodies.concatenate(found))


def _bodies(held: Mapping[str, Any], image: str) -> GivenBodies:
    rotations = whole_body(turns(held, "pose"))
    count = len(rotations)
    need_rows(held, count, "betas", "trans", "joints3d", "joints2d", "boxes")
    transl = named_numbers(held, "trans", None, 3)
    smpl = np.asarray(held["pose"]).reshape(count, -1).shape[1] == _SMPL_NUMBERS
    points = _MILLIMETRES * named_numbers(held, "joints3d", None, None, 3) if "joints3d" in held else None
    pixels = named_numbers(held, "joints2d", None, None, 2) if points is not None and "joints2d" in held else None
    shared = 24 if smpl else 22
    boxes = named_numbers(held, "boxes", None, None) if "boxes" in held else None
    return given_bodies(
        "NLF",
        _camera(held, count, points, pixels),
        rotations,
        named_numbers(held, "betas", None, None),
        model="smpl" if smpl else "smplx",
        points=points[:, :shared] - transl[:, None] if points is not None else None,
        convention="smpl24" if smpl else "smplh22",
        pixels=pixels[:, :shared] if pixels is not None else None,
        boxes=None if boxes is None else boxes_around(boxes[:, :2] + boxes[:, 2:4] / 2, boxes[:, 2], boxes[:, 3]),
        images=[image] * count,
    )


def _camera(held: Mapping[str, Any], count: int, points: Any, pixels: Any) -> GivenCamera:
    transl = named_numbers(held, "trans", None, 3)
    key = next((key for key in _CAMERAS if key in held), None)
    if key is not None:
        matrix = named_numbers(held, key, *(None,) * np.ndim(held[key])).reshape(-1, 3, 3)[:count].expand(count, 3, 3)
        return Pinhole.of(transl, matrix[:, 0, 0], matrix[:, :2, 2])
    if pixels is not None:
        solved = solve_pinhole(points, pixels)
        return Pinhole.of(transl, solved.focal, solved.centre)
    return unknown_camera(count)


def _recognises(stored: StoredResult) -> bool:
    return stored.has(*_NEEDED) and any(key in stored.content for key in _OWN)


FORMAT = ResultFormat(name="NLF", recognises=_recognises, read=_read)
