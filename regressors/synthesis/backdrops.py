"""Photographs of the user's own, to put behind synthetic people."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from ...observations.images import read_image

LARGEST = 512
"""Pixels of the shorter side that are kept: pictures show a piece of it in 256, and folders hold thousands."""


def read_backdrops(paths: Sequence[Path], *, tell: Callable[[str], None] = warnings.warn) -> list[np.ndarray]:
    """Photographs (H, W, 3) uint8 RGB, large ones made smaller; a line is told for each file that cannot be read.

    Raises:
        ValueError: not one can be.
    """
    pictures = []
    for path in paths:
        try:
            pictures.append(_shrunk(read_image(path)))
        except (OSError, ValueError) as error:
            tell(f"{error}; this backdrop is left out")
    if paths and not pictures:
        raise ValueError(f"{paths[0].parent}: none of the {len(paths)} backdrops can be read")
    return pictures


def _shrunk(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    zoom = LARGEST / min(height, width)
    if zoom >= 1:
        return picture
    size = (max(1, round(zoom * width)), max(1, round(zoom * height)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
