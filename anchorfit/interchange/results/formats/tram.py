"""TRAM's ``hps/hps_track_K.npy``, with ``camera.npy`` in the folder above: ``img_focal`` and ``img_center``.

``world_cam_R`` (F, 3, 3) and ``world_cam_T`` (F, 3) there say where the camera is in each frame, from the camera to a
world of gravity; where they are not there, ``pred_cam_R`` and ``pred_cam_T`` do, in the world of its SLAM. Its
``spec_focal`` is of another network and is not read. Frames count from 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....stored_objects import read_objects
from ..arrays import named_numbers, need_rows, stated_world, turns, whole_body
from ..cameras import DIAGONAL, Pinhole, unknown_camera
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies

CAMERA = "camera.npy"


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    rotations = whole_body(turns(content, "pred_rotmat"), "pred_rotmat")
    count = len(rotations)
    need_rows(content, count, "pred_shape", "pred_trans", "frame")
    transl = named_numbers(content, "pred_trans", *(None,) * np.ndim(content["pred_trans"])).reshape(count, 3)
    frames = named_numbers(content, "frame", None)
    path, held = _beside(stored.path)
    camera, remarks, problems = unknown_camera(count), tuple[str, ...](), list[str]()
    if path is None:
        remarks = (f"no {CAMERA} in the folder above it: where people are is not known",)
    else:
        camera, problems = _camera(held, transl)
    name = "world" if "world_cam_R" in held else "pred"
    world, wrong = stated_world(held, f"{name}_cam_R", f"{name}_cam_T", count, of="camera", rows=frames)
    bodies = given_bodies(
        "TRAM",
        camera,
        rotations,
        named_numbers(content, "pred_shape", None, None),
        gender="neutral",
        tracks=[stored.path.stem.rpartition("_")[2]] * count,
        frames=frames,
        world=world,
    )
    return ResultFile(bodies, remarks, tuple(f"{path}: {line}" for line in (*problems, *wrong)))


def _beside(path: Path) -> tuple[Path | None, dict[str, Any]]:
    """The file of the cameras beside a track's, and what it holds; None and nothing where it is not there."""
    folders = (path.absolute().parent, path.absolute().parent.parent)
    found = next((folder / CAMERA for folder in folders if (folder / CAMERA).is_file()), None)
    if found is None:
        return None, {}
    held = read_objects(found)
    if not isinstance(held, dict):
        raise ResultFileError(f"{found}: expected TRAM's dictionary with img_focal and img_center")
    return found, held


def _camera(held: dict[str, Any], transl: Tensor) -> tuple[Pinhole, list[str]]:
    """The camera of all frames, and a line for each number of it that is none, which then counts as not stated."""
    focal = named_numbers(held, "img_focal", *(None,) * np.ndim(held.get("img_focal", 0))).reshape(-1)[:1]
    centre = named_numbers(held, "img_center", *(None,) * np.ndim(held.get("img_center", 0))).reshape(-1)[:2]
    length, middle, problems = None, None, []
    if len(focal) and bool((torch.isfinite(focal) & (focal > 0)).all()):
        length = focal.expand(len(transl))
    else:
        problems.append(f"img_focal: expected pixels above 0, got {_listed(focal)}; {DIAGONAL} is taken")
    if len(centre) == 2 and bool(torch.isfinite(centre).all()):
        middle = centre.expand(len(transl), 2)
    else:
        problems.append(f"img_center: expected two numbers, got {_listed(centre)}; the image's middle is taken")
    return Pinhole.of(transl, length, middle), problems


def _listed(numbers: Tensor) -> str:
    return ", ".join(f"{number:g}" for number in numbers.tolist()) or "none"


FORMAT = ResultFormat(name="TRAM", recognises=lambda s: s.has("pred_rotmat", "pred_shape", "pred_trans"), read=_read)
