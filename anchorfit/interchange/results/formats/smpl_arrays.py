"""The arguments of ``smplx.SMPL`` or ``smplx.SMPLX`` in a file: global_orient, body_pose, betas, transl.

A camera is read by the name of ``intrinsics``, ``K`` or ``cam_int`` (3 x 3, whole image), ``focal`` or
``focal_length``. Images go by ``imgname``, ``image`` or ``images``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import BODY_JOINTS_OF_OTHERS, gender_of, named_numbers, need_rows, root_and_body, texts, turns
from ..cameras import GivenCamera, Pinhole, unknown_camera
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, given_bodies

_MATRICES = ("intrinsics", "K", "cam_int")
_FOCALS = ("focal", "focal_length", "f")
_IMAGES = ("imgname", "image", "images", "image_path")


def _read(stored: StoredResult) -> ResultFile:
    content = {key: _batched(key, value) for key, value in stored.content.items()}
    rotations = root_and_body(content)
    count = len(rotations)
    need_rows(content, count, "betas", "transl")
    hands = turns(content, "body_pose").shape[1] == BODY_JOINTS_OF_OTHERS
    betas = named_numbers(content, "betas", None, None) if "betas" in content else None
    camera, remarks = _camera(content, count)
    key = next((key for key in _IMAGES if key in content), None)
    names = [] if key is None else texts(np.ravel(content[key]))
    bodies = given_bodies(
        "SMPL-X arrays" if hands else "SMPL arrays",
        camera,
        rotations,
        betas,
        model="smplx" if hands else "smpl",
        gender=gender_of(content),
        images=names * count if len(names) == 1 else names if len(names) == count else (),
    )
    return ResultFile(bodies, remarks)


def _batched(key: str, value: Any) -> Any:
    """Parts of one body as of a batch of one."""
    if key in ("global_orient", "body_pose", "betas", "transl") and np.ndim(value) == 1:
        return np.asarray(value)[None]
    return value


def _camera(content: dict[str, Any], count: int) -> tuple[GivenCamera, tuple[str, ...]]:
    if "transl" not in content:
        return unknown_camera(count), ("no transl in it: where people are is not known",)
    transl = named_numbers(content, "transl", None, 3)
    key = next((key for key in _MATRICES if key in content), None)
    if key is not None:
        matrix = named_numbers(content, key, *(None,) * np.ndim(content[key])).reshape(-1, 3, 3)
        matrix = matrix.expand(count, 3, 3) if len(matrix) == 1 else matrix
        return Pinhole.of(transl, matrix[:, 0, 0], matrix[:, :2, 2]), ()
    key = next((key for key in _FOCALS if key in content), None)
    if key is not None:
        focal = named_numbers(content, key, *(None,) * np.ndim(content[key])).reshape(-1)
        return Pinhole.of(transl, focal.expand(count) if len(focal) == 1 else focal), ()
    return Pinhole.of(transl), ("no focal length in it: the image's diagonal is taken",)


FORMAT = ResultFormat(
    name="arguments of smplx", recognises=lambda s: s.has("global_orient", "body_pose"), read=_read, general=True
)
