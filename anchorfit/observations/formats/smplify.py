"""SMPLify's ``est_joints.npz``: the DeepCut detections on LSP that came with the public SMPLify code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..conventions import LSP14, joints_to_canonical
from ..people import PeopleFile, Person
from ..reading import KeypointFileError
from .format import Format


def parse_smplify(arrays: Mapping[str, np.ndarray], path: str | Path) -> PeopleFile:
    """Read est_joints.npz: array est_joints (at least 3, 14, images), rows x, y, confidence, joints in LSP's order.

    The coordinates are used as they are, as SMPLify does. Images are im0001.jpg, ..., one person each (person_id "0").

    Args:
        arrays: of the file.
        path: for messages.
    Raises:
        KeypointFileError: no such array, or another shape.
    """
    joints = arrays.get("est_joints")
    if (
        joints is None
        or joints.ndim != 3
        or joints.shape[0] < 3
        or joints.shape[1] != 14
        or joints.dtype.kind not in "fiu"
    ):
        came = "none" if joints is None else f"{joints.dtype} {joints.shape}"
        raise KeypointFileError(f"{path}: est_joints: expected numbers of shape (3 or more, 14, images), got {came}")
    joints = joints.astype(np.float64)
    keypoints = joints_to_canonical(joints[:2].transpose(2, 1, 0), joints[2].T, LSP14)
    return PeopleFile(
        tuple(
            Person(person_id="0", keypoints=position, confidence=sure, image=Path(f"im{number:04d}.jpg"))
            for number, (position, sure) in enumerate(zip(*keypoints, strict=True), start=1)
        )
    )


FORMAT = Format(
    name="smplify",
    recognises=lambda file: file.is_arrays and "est_joints" in file.arrays,
    read=lambda file, convention: parse_smplify(file.arrays, file.path),
    fixed="lsp14",
)
