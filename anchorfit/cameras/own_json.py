"""anchorfit's own cameras.json.

``{"cameras": [{"name": "left", "size": [1920, 1080], "K": [[..], [..], [..]], "distortion": [k1, k2, p1, p2, k3],
"R": [[..], [..], [..]], "t": [x, y, z]}, ...], "unit": "m", "pose": "camera_from_world", "first_pixel": 0.5}``

``unit`` (m, cm, mm; told by the body where there is none), ``pose`` (or ``world_from_camera``) and ``first_pixel``
(where the middle of the first pixel lies: 0.5; 0 for OpenCV's calibrations, 1 for MATLAB's) are of all cameras. R may
be a rotation vector. One camera may stand alone, and without R and t.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .calibrated import CalibratedCamera
from .reading import CORNER_PIXELS, CameraEntry, CameraFileError, CameraRig, rig_of

_POSES = ("camera_from_world", "world_from_camera")
_UNITS = ("m", "cm", "mm")
_KNOWN = {"name", "size", "K", "distortion", "R", "t", "fisheye"}


def read_own_cameras(path: Path, content: Any) -> CameraRig:
    """The rig of a file's content."""
    if isinstance(content, dict) and "cameras" not in content and "K" in content:
        content = {**content, "cameras": [content]}
    listed = content.get("cameras") if isinstance(content, dict) else None
    if isinstance(listed, dict):
        listed = [{"name": name, **one} if isinstance(one, dict) else one for name, one in listed.items()]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise CameraFileError(f'{path}: expected {{"cameras": [{{"name": .., "K": .., "R": .., "t": ..}}, ..]}}')
    pose, unit = content.get("pose", _POSES[0]), content.get("unit", "")
    first = content.get("first_pixel", CORNER_PIXELS)
    if pose not in _POSES:
        raise CameraFileError(f"{path}: pose: expected {' or '.join(_POSES)}, got {pose!r:.40}")
    if unit not in ("", *_UNITS):
        raise CameraFileError(f"{path}: unit: expected {', '.join(_UNITS)}, got {unit!r:.40}")
    if first not in (0, 0.5, 1):
        raise CameraFileError(
            f"{path}: first_pixel: expected 0.5 (its middle, from its corner), 0 or 1, got {first!r:.40}"
        )
    unknown = sorted({key for one in listed for key in one} - _KNOWN - set(content))
    entries = [
        CameraEntry(
            name=str(one.get("name", number)),
            intrinsics=one.get("K"),
            distortion=one.get("distortion"),
            rotation=one.get("R"),
            translation=one.get("t"),
            size=one.get("size"),
            first_pixel=float(first),
            fisheye=bool(one.get("fisheye", False)),
            inverse=pose == _POSES[1],
        )
        for number, one in enumerate(listed)
    ]
    said = [f"unknown keys are not looked at: {', '.join(unknown[:5])}"] if unknown else []
    return rig_of(entries, path, unit=unit, remarks=said)


def cameras_json(cameras: Sequence[CalibratedCamera]) -> str:
    """The text of a file of cameras in metres, which `read_own_cameras` gives back."""
    listed = []
    for camera in cameras:
        one: dict[str, Any] = {"name": camera.name}
        if camera.image_size is not None:
            one["size"] = list(camera.image_size)
        one["K"] = camera.intrinsics.tolist()
        if camera.distortion:
            one["distortion"] = list(camera.distortion)
        listed.append({**one, "R": camera.rotation.tolist(), "t": camera.translation.tolist()})
    return json.dumps({"cameras": listed, "unit": "m", "pose": _POSES[0], "first_pixel": CORNER_PIXELS}, indent=1)
