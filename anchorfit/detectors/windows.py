"""Where in a picture to look: all of it, then overlapping squares, so that small and crowded people are found too.

A detection network sees its input at a fixed size (224 pixels for MediaPipe's), and finds people of a certain share of
it best; a person of a tenth of the picture is large in a square of a quarter of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Window(NamedTuple):
    """A rectangle of the picture, pixels, borders on whole numbers."""

    left: int
    top: int
    right: int
    bottom: int


def windows(width: int, height: int, level: int, *, overlap: float = 0.5, smallest: int = 96) -> list[Window]:
    """The windows of one level: 0 is the whole picture; then squares that cover it, evenly spaced.

    The squares of level 1 have the shorter side of the picture, those of every further level half the side of those
    before.

    Args:
        overlap: least share that neighbouring squares have in common.
        smallest: squares below this side, pixels, are not looked at.
    """
    side = min(width, height) >> max(0, level - 1)
    if level == 0 or (level == 1 and width == height):
        return [Window(0, 0, width, height)] if level == 0 else []
    if side < smallest:
        return []
    return [
        Window(left, top, left + side, top + side)
        for top in _starts(height, side, overlap)
        for left in _starts(width, side, overlap)
    ]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    count = 1 + math.ceil((length - side) / (side * (1 - overlap)))
    return [round(i * (length - side) / max(1, count - 1)) for i in range(count)]
