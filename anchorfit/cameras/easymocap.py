"""EasyMocap's intri.yml and extri.yml, in metres.

K_NAME and dist_NAME; R_NAME (rotation vector), Rot_NAME (matrix) and T_NAME.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..body import axis_angle_to_matrix
from .reading import CameraEntry, CameraFileError, CameraRig, rig_of
from .storage import read_storage

_AGREE = 1e-3  # of entries of the two ways in which a rotation is written


def is_easymocap_folder(path: Path) -> bool:
    """Whether a folder holds these files."""
    return (path / "intri.yml").is_file()


def read_easymocap_cameras(path: Path) -> CameraRig:
    """The rig of a folder; without extri.yml intrinsics alone."""
    intri, extri = path / "intri.yml", path / "extri.yml"
    if not intri.is_file():
        raise CameraFileError(f"{intri}: no such file; EasyMocap's cameras are intri.yml and extri.yml")
    inside = read_storage(intri)
    place = read_storage(extri) if extri.is_file() else {}
    names = list(dict.fromkeys(key[2:] for key in inside if key.startswith("K_")))
    listed = inside.get("names")
    order = [str(name) for name in listed] if isinstance(listed, list) else []
    missing = [name for name in order if name not in names]
    names.sort(key=lambda name: order.index(name) if name in order else len(order))
    entries = [_entry(name, inside, place) for name in names]
    problems = [f"{path}: camera {name}: named, but there is no K_{name}; left out" for name in missing]
    return rig_of(entries, path, unit="m", problems=problems, left_out=missing)


def _entry(name: str, inside: dict[str, Any], place: dict[str, Any]) -> CameraEntry:
    matrix, vector = place.get(f"Rot_{name}"), place.get(f"R_{name}")
    said: tuple[str, ...] = ()
    if matrix is not None and vector is not None and np.size(vector) == 3:
        other = axis_angle_to_matrix(torch.as_tensor(np.ravel(vector), dtype=torch.float64)).numpy()
        if np.shape(matrix) == (3, 3) and np.abs(other - matrix).max() > _AGREE:
            said = (f"Rot_{name} and R_{name} are different rotations; Rot_{name} is taken",)
    width, height = inside.get(f"W_{name}"), inside.get(f"H_{name}")
    return CameraEntry(
        name=name,
        intrinsics=inside.get(f"K_{name}"),
        distortion=inside.get(f"dist_{name}", inside.get(f"D_{name}")),
        rotation=vector if matrix is None else matrix,
        translation=place.get(f"T_{name}"),
        size=None if width is None or height is None else [float(str(width)), float(str(height))],
        remarks=said,
    )
