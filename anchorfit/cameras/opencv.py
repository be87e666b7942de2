"""Cameras in OpenCV's FileStorage: a file a camera (calibration's sample), all of a folder, or a stereo pair.

Keys as its samples and most programs have them: camera_matrix, distortion_coefficients, image_width, image_height, and
R and T (or rvec and tvec); of a pair M1, D1, M2, D2, R, T, where R and T take the first camera's frame to the second's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .reading import CameraEntry, CameraFileError, CameraRig, rig_of
from .storage import is_matrix, read_storage

_NAMES = {
    "K": ("camera_matrix", "cameramatrix", "k", "m", "mtx", "intrinsic_matrix", "intrinsics", "camera_intrinsics"),
    "distortion": ("distortion_coefficients", "dist_coeffs", "distcoeffs", "dist", "d", "distortion", "distortions"),
    "R": ("rotation_matrix", "rotation", "rvec", "rot", "r"),
    "t": ("translation_vector", "translation", "tvec", "t"),
}


def is_storage(content: Any) -> bool:
    """Whether JSON is FileStorage's."""
    return isinstance(content, dict) and any(is_matrix(value) for value in content.values())


def is_opencv_folder(path: Path) -> bool:
    """Whether a folder holds such files."""
    return any(_files(path))


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.suffix.lower() in (".yml", ".yaml"))


def read_opencv_cameras(path: Path) -> CameraRig:
    """The rig of a file or folder."""
    if not path.is_dir():
        return rig_of(_entries(path.stem, read_storage(path)), path)
    contents = {file.stem: read_storage(file) for file in _files(path)}
    merged = {key: value for content in contents.values() for key, value in content.items()}
    if "M1" in merged and "M2" in merged:  # stereo_calib writes intrinsics.yml and extrinsics.yml
        return rig_of(_entries(path.name, merged), path)
    entries = [entry for name, content in contents.items() for entry in _entries(name, content)]
    return rig_of(entries, path)


def _entries(name: str, held: dict[str, Any]) -> list[CameraEntry]:
    lower = {key.lower(): value for key, value in held.items()}
    if _found(lower, "K", "1") is not None and _found(lower, "K", "2") is not None:
        rotation, translation = _found(lower, "R"), _found(lower, "t")
        if rotation is None or translation is None:
            raise CameraFileError(f"{name}: a pair of cameras without R and T")
        places = ((np.eye(3), np.zeros(3)), (rotation, translation))
        return [
            CameraEntry(
                name=number,
                intrinsics=_found(lower, "K", number),
                distortion=_found(lower, "distortion", number),
                rotation=place[0],
                translation=place[1],
                size=_size(lower),
            )
            for number, place in zip(("1", "2"), places, strict=True)
        ]
    return [
        CameraEntry(
            name=name,
            intrinsics=_found(lower, "K"),
            distortion=_found(lower, "distortion"),
            rotation=_found(lower, "R"),
            translation=_found(lower, "t"),
            size=_size(lower),
            fisheye="fisheye" in str(lower.get("distortion_model", lower.get("model", ""))).lower(),
        )
    ]


def _found(lower: dict[str, Any], what: str, number: str = "") -> Any:
    found = next((lower[key + number] for key in _NAMES[what] if key + number in lower), None)
    return found if isinstance(found, np.ndarray | list) else None


def _size(lower: dict[str, Any]) -> Any:
    if "image_width" in lower and "image_height" in lower:
        return [lower["image_width"], lower["image_height"]]
    return lower.get("image_size")
