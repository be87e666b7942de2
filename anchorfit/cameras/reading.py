"""`read_cameras`: a rig's cameras from a file or folder of any format, told by its content."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..plain_text import printable, told_by
from .calibrated import CalibratedCamera

OPENCV_PIXELS = 0.0  # where the middle of the first pixel lies: by OpenCV's count,
CORNER_PIXELS = 0.5  # and by ours and COLMAP's, which begins at its corner
_MOST_BYTES = 64_000_000
_SAME_PLACE = 1e-6  # of the rig's size: nearer cameras stand at one place


class CameraFileError(ValueError):
    """A camera file that cannot be used; the message is one line that names it."""


@dataclass(frozen=True, kw_only=True)
class CameraRig:
    """The cameras of one file.

    Attributes:
        cameras: those that can be used, of distinct names.
        unit: of the translations as the file states or its format fixes it ("m", "cm", "mm"), or "".
        placed: whether rotations and translations were given; False: intrinsics alone.
        remarks: what is worth knowing.
        problems: a line for each camera that was left out.
        left_out: their names, as far as the file says them: what is named after one is not another camera's.
    """

    cameras: tuple[CalibratedCamera, ...]
    unit: str = ""
    placed: bool = True
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.cameras)

    @property
    def names(self) -> tuple[str, ...]:
        """The cameras' names."""
        return tuple(camera.name for camera in self.cameras)


@dataclass(frozen=True, kw_only=True)
class CameraEntry:
    """A camera as a file has it: numbers that are not checked yet.

    Attributes:
        name: of the camera.
        intrinsics, rotation, translation, distortion: arrays; rotation 3 x 3 or a vector; None where the file has none.
        size: (width, height), or None.
        first_pixel: where the middle of the first pixel lies in the file's pixels.
        fisheye: whether distortion is by another model than `distortion`'s.
        inverse: rotation and translation are world from camera.
        remarks: what is odd about it.
    """

    name: str
    intrinsics: Any
    distortion: Any = None
    rotation: Any = None
    translation: Any = None
    size: Any = None
    first_pixel: float = OPENCV_PIXELS
    fisheye: bool = False
    inverse: bool = False
    remarks: tuple[str, ...] = ()


def camera_of(entry: CameraEntry) -> CalibratedCamera:
    """The camera of an entry.

    Raises:
        ValueError: numbers that are of no camera.
    """
    if entry.fisheye:
        raise ValueError(
            "a fisheye lens is not supported; undistort the images, and give the pinhole that they have then"
        )
    if entry.intrinsics is None:
        raise ValueError("there is no K")
    if (entry.rotation is None) != (entry.translation is None):
        raise ValueError("expected both R and t, or neither")
    matrix = _array("K", entry.intrinsics).copy()
    if matrix.shape == (3, 3):
        matrix[:2, 2] += CORNER_PIXELS - entry.first_pixel
    lens = () if entry.distortion is None else tuple(_array("distortion", entry.distortion).ravel().tolist())
    place = {}
    if entry.rotation is not None:
        place = {"rotation": _array("R", entry.rotation), "translation": _array("t", entry.translation).ravel()}
        if place["rotation"].size == 3:
            place["rotation"] = place["rotation"].ravel()
    camera = CalibratedCamera(
        name=entry.name,
        intrinsics=matrix,  # type: ignore[arg-type]
        distortion=lens,
        image_size=_size(entry.size),
        remarks=entry.remarks,
        **place,  # type: ignore[arg-type]
    )
    return camera.inverted() if entry.inverse else camera


def _array(name: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected numbers, got {values!r:.60}") from error


def _size(given: Any) -> tuple[int, int] | None:
    if given is None:
        return None
    numbers = _array("size", given).ravel()
    if len(numbers) != 2 or not (np.isfinite(numbers) & (numbers >= 1) & (numbers < 1e6)).all():
        raise ValueError(f"size: expected width and height in pixels, got {given!r:.60}")
    return int(numbers[0]), int(numbers[1])


def rig_of(
    entries: Sequence[CameraEntry],
    path: Path,
    *,
    unit: str = "",
    remarks: Sequence[str] = (),
    problems: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> CameraRig:
    """A rig of a file's entries: a camera that cannot be used is a problem, the others go on.

    Args:
        left_out: names of cameras that a format could not make entries of.

    Raises:
        CameraFileError: none can be used.
    """
    cameras: list[CalibratedCamera] = []
    said, wrong = list(remarks), list(problems)
    placed = any(entry.rotation is not None for entry in entries)
    for entry in entries:
        try:
            if placed and entry.rotation is None:
                raise ValueError("it has no R and t, unlike the others")
            if entry.name in [camera.name for camera in cameras]:
                raise ValueError("there is another camera of this name")
            camera = camera_of(entry)
        except ValueError as error:
            wrong.append(f"{path}: camera {entry.name}: {error}; left out")
            continue
        twin = next((one for one in cameras if placed and _same(one, camera)), None)
        if twin is not None:
            wrong.append(f"{path}: camera {camera.name}: the same as {twin.name}; left out")
            continue
        cameras.append(camera)
        said += [f"camera {camera.name}: {remark}" for remark in camera.remarks]
    if not cameras:
        raise CameraFileError(wrong[0] if wrong else f"{path}: there is no camera in it")
    said, wrong = [printable(line) for line in said], [printable(line) for line in wrong]
    used = [camera.name for camera in cameras]
    return CameraRig(
        cameras=tuple(cameras),
        unit=unit,
        placed=placed,
        remarks=tuple(said),
        problems=tuple(wrong),
        left_out=tuple(dict.fromkeys(name for name in (*left_out, *(one.name for one in entries)) if name not in used)),
    )


def _same(one: CalibratedCamera, other: CalibratedCamera) -> bool:
    near = _SAME_PLACE * (1 + float(one.centre.norm()))
    return bool((one.centre - other.centre).norm() < near) and bool(
        torch.allclose(one.rotation, other.rotation, atol=1e-6)
    )


def read_cameras(path: str | Path) -> CameraRig:
    """Read calibrated cameras: our own JSON, EasyMocap's yml, COLMAP's text, TOML of aniposelib, FreeMoCap, Pose2Sim
    and caliscope, OpenCV's FileStorage (docs/cameras.md).

    Raises:
        FileNotFoundError: no such file.
        CameraFileError: it cannot be used; one line that names the file.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return _read(path)
    except CameraFileError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, OSError, RecursionError) as error:
        text = told_by(error, whole=False)
        raise CameraFileError(text if str(path) in text else f"{path}: {text}") from error


def _read(path: Path) -> CameraRig:
    from .anipose import read_anipose_cameras
    from .colmap import is_colmap_folder, read_colmap_cameras
    from .easymocap import is_easymocap_folder, read_easymocap_cameras
    from .opencv import is_opencv_folder, is_storage, read_opencv_cameras
    from .own_json import read_own_cameras

    if path.is_dir():
        if is_easymocap_folder(path):
            return read_easymocap_cameras(path)
        if is_colmap_folder(path):
            return read_colmap_cameras(path)
        if is_opencv_folder(path):
            return read_opencv_cameras(path)
        raise CameraFileError(
            f"{path}: no cameras in this folder; expected intri.yml and extri.yml, cameras.txt and images.txt, or "
            "OpenCV's .yml files, one a camera"
        )
    suffix = path.suffix.lower()
    if suffix == ".toml":
        return read_anipose_cameras(path, tomllib.loads(text_of(path)))
    if suffix == ".json":
        content = json.loads(text_of(path))
        return read_opencv_cameras(path) if is_storage(content) else read_own_cameras(path, content)
    if suffix in (".yml", ".yaml", ".xml"):
        alone = path.stem not in ("intri", "extri")
        return read_opencv_cameras(path) if alone else read_easymocap_cameras(path.parent)
    if path.name in ("cameras.txt", "images.txt"):
        return read_colmap_cameras(path.parent)
    raise CameraFileError(f"{path}: expected .json, .toml, .yml, COLMAP's cameras.txt, or a folder (docs/cameras.md)")


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        CameraFileError: it is none, or far too large for cameras.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise CameraFileError(f"{path}: {path.stat().st_size / 1e6:.0f} MB is too much for cameras")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CameraFileError(f"{path}: this is no text ({error.reason})") from error
