"""What the demos of 4D-Humans (HMR2), TokenHMR and CameraHMR compute, saved by the user: they write pictures alone.

``pred_smpl_params`` (or its three parts), ``pred_cam`` = s, x, y on the crop, ``box_center`` and ``box_size``, and
``img_size`` = width, height. HMR2 and TokenHMR take f = 5000 / 256 D, D the longer side; CameraHMR's is ``cam_int``'s.
"""

from __future__ import annotations

from typing import Any

import torch

from ..arrays import boxes_around, named_numbers, need_rows, root_and_body, rows_of, square, texts
from ..cameras import CropOfImage
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, given_bodies
from .phalp import FOCAL


def _smpl(content: dict[str, Any]) -> dict[str, Any]:
    held = content.get("pred_smpl_params")
    return dict(held) if isinstance(held, dict) else content


def _recognises(stored: StoredResult) -> bool:
    return stored.has("pred_cam", "box_center") and {"global_orient", "body_pose"} <= _smpl(stored.content).keys()


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    smpl = _smpl(content)
    rotations = root_and_body(smpl)
    count = len(rotations)
    need_rows(content, count, "pred_cam", "box_center", "box_size", "img_size", "imgname")
    own = "cam_int" in content
    focal = named_numbers(content, "cam_int", count, 3, 3)[:, 0, 0] if own else torch.full((count,), torch.nan).double()
    centre = named_numbers(content, "box_center", None, 2)
    side = (
        named_numbers(content, "box_size", *(None,) * torch.as_tensor(content["box_size"]).ndim)
        .reshape(count, -1)
        .amax(1)
    )
    camera = CropOfImage(
        weak=named_numbers(content, "pred_cam", None, 3),
        square=square(centre, side),
        focal=focal,
        lost=focal.isnan() & own,
        rule=FOCAL,
    )
    bodies = given_bodies(
        "CameraHMR" if own else "HMR2",
        camera,
        rotations,
        named_numbers(smpl, "betas", None, None),
        gender="neutral",
        boxes=boxes_around(centre, side, side),
        sizes=named_numbers(content, "img_size", None, 2) if "img_size" in content else None,
        images=_images(content),
        tracks=texts(content["personid"]) if "personid" in content and rows_of(content, "personid") == count else (),
    )
    return ResultFile(bodies)


def _images(content: dict[str, Any]) -> list[str]:
    key = next((key for key in ("imgname", "img_path", "img_name") if key in content), None)
    return [] if key is None else texts(content[key])


FORMAT = ResultFormat(name="HMR2, TokenHMR or CameraHMR", recognises=_recognises, read=_read)
