"""COLMAP's text: cameras.txt and images.txt; each image is a camera, called by its folder where it has it alone.

An image takes two lines, the second of points, which may be empty. Programs drop the empty line: then lines are told
by their content, and the count that the file states is held against what was found.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import numpy as np

from .reading import CORNER_PIXELS, CameraEntry, CameraFileError, CameraRig, rig_of, text_of

_MODELS: dict[str, tuple[str, ...]] = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}
_LENS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")


def is_colmap_folder(path: Path) -> bool:
    """Whether a folder holds these files."""
    return (path / "cameras.txt").is_file() and (path / "images.txt").is_file()


def read_colmap_cameras(path: Path) -> CameraRig:
    """The rig of a folder. COLMAP's unit is arbitrary: the body tells it."""
    missing = [name for name in ("cameras.txt", "images.txt") if not (path / name).is_file()]
    if missing:
        raise CameraFileError(f"{path / missing[0]}: no such file; COLMAP's text is cameras.txt and images.txt")
    lenses = dict(_lens(line, path / "cameras.txt") for line in _lines(path / "cameras.txt"))
    images, stated = _images(path / "images.txt")
    problems = []
    unknown = []
    if stated is not None and stated != len(images):
        problems.append(
            f"{path / 'images.txt'}: it says {stated} images, {len(images)} are there: an empty line was cut off?"
        )
    entries = []
    names = _names([name for _, _, name in images])
    for (pose, lens, image), name in zip(images, names, strict=True):
        if lens not in lenses:
            problems.append(f"{path}: camera {name}: cameras.txt has no camera {lens} of {image}; left out")
            unknown.append(name)
            continue
        intrinsics, distortion, size, model = lenses[lens]
        entries.append(
            CameraEntry(
                name=name,
                intrinsics=intrinsics,
                distortion=distortion,
                rotation=_rotation(pose[:4]),
                translation=pose[4:],
                size=size,
                first_pixel=CORNER_PIXELS,
                fisheye=model not in _MODELS,
            )
        )
    return rig_of(entries, path, problems=problems, left_out=unknown)


def _lines(path: Path) -> list[str]:
    return [line for line in text_of(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]


_Lens = tuple[np.ndarray, list[float], list[int], str]


def _lens(line: str, path: Path) -> tuple[str, _Lens]:
    number, model, width, height, *rest = line.split()
    size = [int(width), int(height)]
    if model not in _MODELS:
        return number, (np.eye(3), [], size, model)
    if len(rest) != len(_MODELS[model]):
        raise CameraFileError(f"{path}: camera {number}: {model} has {len(_MODELS[model])} numbers, got {len(rest)}")
    held = dict(zip(_MODELS[model], map(float, rest), strict=True))
    across, down = held.get("fx", held.get("f", 0.0)), held.get("fy", held.get("f", 0.0))
    intrinsics = np.array([[across, 0, held["cx"]], [0, down, held["cy"]], [0, 0, 1.0]])
    return number, (intrinsics, [held.get(name, 0.0) for name in _LENS], size, model)


def _images(path: Path) -> tuple[list[tuple[np.ndarray, str, str]], int | None]:
    """Pose (7,), camera and name of each image; and how many the file says there are."""
    stated = re.search(r"#\s*Number of images\s*:\s*(\d+)", text_of(path))
    found = []
    for line in _lines(path):
        fields = line.split(None, 9)
        if _is_image(fields, line):
            found.append((np.array(list(map(float, fields[1:8]))), fields[8], fields[9].strip()))
    return found, int(stated[1]) if stated else None


def _is_image(fields: list[str], line: str) -> bool:
    """Whether a line is an image's, not one of points (triples of numbers, the third whole)."""
    words = line.split()
    if len(fields) < 10 or not fields[0].isdigit() or not fields[8].isdigit():
        return False
    try:
        quaternion = [float(word) for word in fields[1:5]]
    except ValueError:
        return False
    return len(words) % 3 != 0 or abs(sum(part * part for part in quaternion) - 1) < 1e-3


def _rotation(quaternion: np.ndarray) -> np.ndarray:
    """(3, 3) of a quaternion w, x, y, z."""
    length = np.linalg.norm(quaternion)
    if not np.isfinite(length) or length < 1e-6:
        return np.zeros((3, 3))  # no rotation: said where it is checked
    w, x, y, z = quaternion / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _names(images: list[str]) -> list[str]:
    """A folder's name where each image lies in one of its own, else the image's without its ending."""
    paths = [PurePosixPath(image.replace("\\", "/")) for image in images]
    folders = [str(path.parent) for path in paths]
    alone = "." not in folders and len(set(folders)) == len(folders)
    return folders if alone else [str(path.with_suffix("")) for path in paths]
