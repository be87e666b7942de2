"""TRAM's ``hps/hps_track_K.npy``, with ``camera.npy`` in the folder above: ``img_focal`` and ``img_center``.

Its ``spec_focal`` is of another network and is not read. Frames count from 0.
"""

from __future__ import annotations

import numpy as np
import torch

from ....stored_objects import read_objects
from ..arrays import named_numbers, need_rows, turns, whole_body
from ..cameras import GivenCamera, Pinhole, unknown_camera
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies

CAMERA = "camera.npy"


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    rotations = whole_body(turns(content, "pred_rotmat"), "pred_rotmat")
    count = len(rotations)
    need_rows(content, count, "pred_shape", "pred_trans", "frame")
    transl = named_numbers(content, "pred_trans", *(None,) * np.ndim(content["pred_trans"])).reshape(count, 3)
    camera, remarks = _camera(stored, transl)
    bodies = given_bodies(
        "TRAM",
        camera,
        rotations,
        named_numbers(content, "pred_shape", None, None),
        gender="neutral",
        tracks=[stored.path.stem.rpartition("_")[2]] * count,
        frames=named_numbers(content, "frame", None),
    )
    return ResultFile(bodies, remarks)


def _camera(stored: StoredResult, transl: torch.Tensor) -> tuple[GivenCamera, tuple[str, ...]]:
    beside = [folder / CAMERA for folder in (stored.path.absolute().parent, stored.path.absolute().parent.parent)]
    path = next((path for path in beside if path.is_file()), None)
    if path is None:
        return unknown_camera(len(transl)), (f"no {CAMERA} in the folder above it: where people are is not known",)
    held = read_objects(path)
    if not isinstance(held, dict):
        raise ResultFileError(f"{path}: expected TRAM's dictionary with img_focal and img_center")
    focal = named_numbers(held, "img_focal", *(None,) * np.ndim(held.get("img_focal", 0))).reshape(-1)[:1]
    centre = named_numbers(held, "img_center", *(None,) * np.ndim(held.get("img_center", 0))).reshape(-1)[:2]
    return Pinhole.of(transl, focal.expand(len(transl)), centre.expand(len(transl), 2)), ()


FORMAT = ResultFormat(name="TRAM", recognises=lambda s: s.has("pred_rotmat", "pred_shape", "pred_trans"), read=_read)
