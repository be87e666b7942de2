"""Antialiased discs and lines over an image, for keypoints and skeletons: coverage from the distance to the shape."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # (H, W, 3), 0..255


def draw_segment(
    image: Image,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    radius: float,
    color: Iterable[float],
    alpha: float = 1.0,
) -> None:
    """Blend a line with round ends (a disc when start = end) into the image, in place.

    Args:
        image: (H, W, 3) float32, 0..255.
        start, end: (2,) pixels; (0, 0) is the image's top-left corner.
        radius: half of the line's width, pixels.
        color: sRGB, 0..1.
        alpha: 0 leaves the image as it is, 1 covers it.
    """
    height, width = image.shape[:2]
    low = np.floor(np.minimum(start, end) - radius - 1).clip(0, (width, height)).astype(int)
    high = np.ceil(np.maximum(start, end) + radius + 1).clip(0, (width, height)).astype(int)
    if (high <= low).any():
        return
    x = np.arange(low[0], high[0]) + 0.5 - start[0]
    y = (np.arange(low[1], high[1]) + 0.5 - start[1])[:, None]
    along = end - start
    share = ((x * along[0] + y * along[1]) / max(float(along @ along), 1e-12)).clip(0, 1)
    distance = np.hypot(x - share * along[0], y - share * along[1])
    cover = (alpha * (radius + 0.5 - distance).clip(0, 1))[..., None].astype(np.float32)
    part = image[low[1] : high[1], low[0] : high[0]]
    part += cover * (255 * np.asarray(tuple(color), np.float32) - part)


def draw_skeleton(
    image: Image,
    points: NDArray[np.float64],
    shown: NDArray[np.bool_],
    bones: Iterable[tuple[int, int]],
    color: tuple[float, float, float],
    radius: float,
) -> None:
    """Bones as lines, then points as discs with a dark rim, in place.

    Args:
        points: (K, 2) pixels; shown: (K,) bool, a bone is drawn where both of its ends are.
        bones: pairs of indices into points.
    """
    for first, second in bones:
        if shown[first] and shown[second]:
            draw_segment(image, points[first], points[second], 0.55 * radius, color, 0.85)
    for point, visible in zip(points, shown, strict=True):
        if visible:
            draw_segment(image, point, point, radius + 0.8, (0.1, 0.1, 0.1), 0.9)
            draw_segment(image, point, point, radius, color)
