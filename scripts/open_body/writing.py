"""The body file: parts, compact numbers, and a zip archive whose bytes depend on nothing but its contents."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from .rig import PARENTS

Array = np.ndarray

ROOT_PARENT = 4294967295  # as in SMPL's files: -1 as uint32
LSP_PART = {
    15: 1,
    17: 3,
    19: 3,
    21: 3,
    23: 3,
    16: 4,
    18: 4,
    20: 4,
    22: 4,
    2: 5,
    5: 5,
    8: 5,
    11: 5,
    1: 6,
    4: 6,
    7: 6,
    10: 6,
}
"""LSP's parts by SMPL joint: 1 head, 3 right arm, 4 left arm, 5 right leg, 6 left leg; any other joint 2, torso."""
MIRRORED_SEGMENT = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22])


def face_segments(faces: Array, weights: Array) -> Array:
    """(F,) the SMPL joint that holds most of each face; the second half of the faces mirrors the first."""
    half = faces[: len(faces) // 2]
    held = weights[half].sum(1).copy()
    right = np.flatnonzero(np.arange(24) > MIRRORED_SEGMENT)
    held[:, right] = -1  # the first half lies on the left
    left = held.argmax(1)
    return np.concatenate([left, MIRRORED_SEGMENT[left]]).astype(np.uint8)


def face_parts(segments: Array) -> Array:
    table = np.array([LSP_PART.get(joint, 2) for joint in range(24)], np.uint8)
    return table[segments]


def kintree() -> Array:
    return np.array([[ROOT_PARENT if p < 0 else p for p in PARENTS], list(range(24))], np.uint32)


def write_npz(path: Path, arrays: dict[str, Array]) -> None:
    """``np.savez_compressed`` without its time stamps; written whole, then moved into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED, 9
            )
    part.replace(path)
