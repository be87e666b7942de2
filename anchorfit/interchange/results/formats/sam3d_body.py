"""SAM 3D Body's outputs, a dictionary a person: no SMPL, but 70 keypoints in space that tell SMPL's pose and shape.

Keypoints and vertices are metres in the camera's axes, without ``pred_cam_t``; a pinhole of ``focal_length`` looks at
them, its principal point the image's middle. Where the focal length is missing, the keypoints in the image tell both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..arrays import named_numbers, texts
from ..cameras import Pinhole, solve_pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies

_NEEDED = ("pred_keypoints_3d", "pred_cam_t")


def _people(content: Any) -> Sequence[Mapping[str, Any]]:
    """A dictionary a person, of a list of them, of one, or of an npz of stacked arrays."""
    if isinstance(content, Mapping) and not all(key in content for key in _NEEDED):
        lists = [held for held in content.values() if isinstance(held, list)]
        content = lists[0] if len(lists) == 1 else list(content.values())
    if isinstance(content, Mapping):
        if np.ndim(content["pred_keypoints_3d"]) == 3:
            count = len(content["pred_keypoints_3d"])
            stacked = {key: held for key, held in content.items() if np.ndim(held) and len(held) == count}
            return [{key: held[row] for key, held in stacked.items()} for row in range(count)]
        return [content]
    return content if isinstance(content, list) and content and all(isinstance(one, Mapping) for one in content) else ()


def _recognises(stored: StoredResult) -> bool:
    people = _people(stored.content)
    return bool(people) and all(all(key in one for key in _NEEDED) for one in people)


def _read(stored: StoredResult) -> ResultFile:
    people = _people(stored.content)
    taken = {
        key: np.stack([np.asarray(one[key], np.float64) for one in people])
        for key in ("pred_keypoints_3d", "pred_cam_t", "pred_keypoints_2d", "bbox")
        if all(key in one for one in people)
    }
    points = named_numbers(taken, "pred_keypoints_3d", None, 70, 3)
    transl = named_numbers(taken, "pred_cam_t", None, 3)
    pixels = named_numbers(taken, "pred_keypoints_2d", None, 70, 2) if "pred_keypoints_2d" in taken else None
    focal, centre = _focal(people), None
    remarks: tuple[str, ...] = ()
    if focal is None and pixels is not None:
        focal, centre = solve_pinhole(points + transl[:, None], pixels)
        remarks = ("no focal_length in it: found from its own keypoints",)
    elif focal is None:
        raise ResultFileError("neither focal_length nor pred_keypoints_2d, which would tell it, is in it")
    box = named_numbers(taken, "bbox", None, 4) if "bbox" in taken else None
    key = next((key for key in ("image", "imgname", "img_path", "image_path") if key in people[0]), None)
    bodies = given_bodies(
        "SAM 3D Body",
        Pinhole.of(transl, focal, centre),
        None,
        model="mhr",
        pelvis=torch.zeros_like(transl),
        points=points,
        convention="mhr70",
        pixels=pixels,
        boxes=None if box is None else torch.cat([box[:, :2], box[:, 2:] - box[:, :2]], 1),
        images=[stored.path.stem] * len(people) if key is None else texts([one[key] for one in people]),
    )
    return ResultFile(bodies, remarks)


def _focal(people: Sequence[Mapping[str, Any]]) -> torch.Tensor | None:
    if not all("focal_length" in one for one in people):
        return None
    return torch.tensor([float(np.ravel(one["focal_length"])[0]) for one in people], dtype=torch.float64)


FORMAT = ResultFormat(name="SAM 3D Body", recognises=_recognises, read=_read)
