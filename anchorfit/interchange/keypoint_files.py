"""Keypoints of fitted bodies, as OpenPose and COCO's evaluation store them.

The points are the body's own, projected with the estimate's camera: hidden ones and ones beyond the border included.
`anchorfit.observations.read_people` reads both files back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..atomic import write_atomically
from ..body import BodyModel
from ..camera import project
from ..observations import KeypointSet, from_canonical
from ..observations.people import CocoIds
from ..results import BodyEstimate

COCO_SHIFT = 0.5  # COCO counts pixels by their index: our (0.5, 0.5) is its (0, 0)
COCO_NAME_DIGITS = 12  # in the names of COCO's images
BODY, FEET = 17, 23  # of COCO-WholeBody's keypoints where the body's and the feet's end
DOUBT = 0.1  # what a score is multiplied with where the fit is not trusted


def fitted_joints(estimate: BodyEstimate, body: BodyModel) -> Tensor:
    """(B, K, 3) float64 metres, camera frame: the canonical joints of the fitted bodies, on the CPU."""
    posed = body.from_params(estimate.params.to(body.device, body.dtype))
    return body.canonical_joints(posed).double().cpu()


def fitted_keypoints(estimate: BodyEstimate, body: BodyModel) -> KeypointSet:
    """The canonical joints of the fitted bodies: (B, K, 2) pixels of the image, and (B, K), 1 before the camera else 0.

    Args:
        estimate: B rows.
        body: the body that they were made with.
    """
    joints_cam = fitted_joints(estimate, body)
    before = joints_cam[..., 2] > 0
    pixels = project(joints_cam, estimate.intrinsics.to(joints_cam))
    pixels = torch.where(before[..., None], pixels, 0)
    return KeypointSet(pixels.numpy(), before.double().numpy())


def openpose_people(estimate: BodyEstimate, body: BodyModel) -> dict[str, Any]:
    """The people of one image as OpenPose's JSON has them: BODY_25, x, y and confidence of each joint."""
    points = from_canonical(*fitted_keypoints(estimate, body), "body25")
    triples = np.concatenate([points.positions, points.confidence[..., None]], axis=-1).round(3)
    empty: dict[str, list[float]] = {
        key: []
        for key in (
            "face_keypoints_2d",
            "hand_left_keypoints_2d",
            "hand_right_keypoints_2d",
            "pose_keypoints_3d",
            "face_keypoints_3d",
            "hand_left_keypoints_3d",
            "hand_right_keypoints_3d",
        )
    }
    people = [{"person_id": [-1], "pose_keypoints_2d": row.ravel().tolist(), **empty} for row in triples]
    return {"version": 1.3, "people": people}


def write_openpose(path: str | Path, estimate: BodyEstimate, body: BodyModel) -> None:
    """Write `openpose_people`; programs look for it as ``NAME_keypoints.json`` of the image NAME."""
    write_atomically(Path(path), json.dumps(openpose_people(estimate, body), allow_nan=False).encode())


def coco_results(
    estimate: BodyEstimate, body: BodyModel, ids: Mapping[str, CocoIds] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Results for COCO's keypoint evaluation: 17 keypoints, in COCO's pixel indices, and six of the feet beside them.

    ``foot_kpts`` are COCO-WholeBody's: big toe, small toe and heel, left and right; evaluation of the 17 passes them
    over.
    ``image_id`` and ``category_id`` are those of ``ids`` by the person's name; of others COCO's number where the image
    is named as COCO names it, else the image's name, and 1. ``score`` is the mean confidence of the joints that the fit
    was given, a tenth of it where the fit is not trusted.
    """
    points = from_canonical(*fitted_keypoints(estimate, body), "wholebody133")
    shifted = points.positions - COCO_SHIFT * points.confidence[..., None]
    triples = np.concatenate([shifted, points.confidence[..., None]], axis=-1).round(3)
    known = [
        ids.get(name) or CocoIds(_image_id(label))
        for name, label in zip(estimate.names, estimate.image_labels, strict=True)
    ]
    return [
        {
            "image_id": own.image,
            "category_id": own.category,
            "keypoints": triples[row, :BODY].ravel().tolist(),
            "foot_kpts": triples[row, BODY:FEET].ravel().tolist(),
            "score": _score(estimate, row),
        }
        for row, own in enumerate(known)
    ]


def write_coco_results(
    path: str | Path, estimate: BodyEstimate, body: BodyModel, ids: Mapping[str, CocoIds] = MappingProxyType({})
) -> None:
    """Write `coco_results`."""
    write_atomically(Path(path), json.dumps(coco_results(estimate, body, ids), allow_nan=False).encode())


def _image_id(label: str) -> int | str:
    name = Path(label).name
    stem = Path(name).stem
    return int(stem) if stem.isascii() and stem.isdigit() and len(stem) == COCO_NAME_DIGITS else name


def _score(estimate: BodyEstimate, row: int) -> float:
    confidence = estimate.confidence[row]
    seen = confidence[confidence > 0]
    score = float(seen.mean()) if len(seen) else 1.0
    return round(score if estimate.diagnostics.trusted[row] else DOUBT * score, 4)
