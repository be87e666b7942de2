"""The photograph that a keypoint file of one image is of, where it lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..images import IMAGE_SUFFIXES, image_size

LABELS, IMAGES = "labels", "images"  # YOLO's folders


class Beside(NamedTuple):
    """The image's path as a keypoint file would name it, and its (width, height), None where it is not there."""

    image: Path
    size: tuple[int, int] | None


def image_beside(file: Path, stem: str | None = None, *, size: tuple[int, int] | None = None) -> Beside:
    """The image of a keypoint file's name, in its folder, or in ``images`` where the file lies in ``labels``; of
    ``size`` where it is not there."""
    stem = file.stem if stem is None else stem
    folders = [file.parent]
    if LABELS in file.parent.parts:
        at = len(file.parent.parts) - 1 - file.parent.parts[::-1].index(LABELS)
        folders.append(Path(*file.parent.parts[:at], IMAGES, *file.parent.parts[at + 1 :]))
    for folder in folders:
        for suffix in sorted(IMAGE_SUFFIXES):
            for ending in (suffix, suffix.upper()):
                if (path := folder / f"{stem}{ending}").is_file():
                    return Beside(Path(path.name), _size_of(path))
    return Beside(Path(stem), size)


def share_to_pixels(triples: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """(J, 3) of which positions are shares of the image, in pixels.

    Raises:
        ValueError: the image's size is not known.
    """
    if size is None:
        raise ValueError(
            "the coordinates are shares of the image, whose size is not known; put the image beside the file, or give "
            "the image or the video alone with it"
        )
    return triples * np.array([*size, 1.0])


def _size_of(path: Path) -> tuple[int, int] | None:
    try:
        return image_size(path)
    except (OSError, ValueError):
        return None
