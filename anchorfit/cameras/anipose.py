"""TOML of aniposelib, FreeMoCap, Pose2Sim and caliscope: tables of matrix, distortions, rotation, translation, size.

aniposelib and Pose2Sim have a table a camera; caliscope has them under ``[cameras.N]``. Rotations are vectors, or
(caliscope) matrices; units are the program's own (Pose2Sim: metres; FreeMoCap: millimetres), so the body tells them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .reading import CameraEntry, CameraFileError, CameraRig, rig_of


def read_anipose_cameras(path: Path, content: dict[str, Any]) -> CameraRig:
    """The rig of a file's content."""
    nested = content.get("cameras")
    tables = nested if isinstance(nested, dict) else content
    cameras = {key: one for key, one in tables.items() if isinstance(one, dict) and "matrix" in one}
    if not cameras:
        raise CameraFileError(f"{path}: expected tables with matrix, distortions, rotation and translation")
    entries = [
        CameraEntry(
            name=str(one.get("name", f"cam_{key}" if nested is tables else key)),
            intrinsics=one["matrix"],
            distortion=one.get("distortions"),
            rotation=_given(one.get("rotation")),
            translation=_given(one.get("translation")),
            size=one.get("size"),
            fisheye=bool(one.get("fisheye", False)),
            remarks=_turned(one),
        )
        for key, one in cameras.items()
    ]
    return rig_of(entries, path)


def _given(value: Any) -> Any:
    """None where a program writes nothing for a camera that it could not place."""
    return None if value in (None, [], "", "null") else value


def _turned(one: dict[str, Any]) -> tuple[str, ...]:
    quarters = one.get("rotation_count", 0)
    return (f"calibrated on images turned by {quarters} quarters: give images turned so",) if quarters else ()
