"""Squares around people: where the landmark networks look."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from .windows import Window

ROI_SCALE = 1.25  # of the circle around hips and farthest limb: MediaPipe's pose_detection_to_roi.pbtxt


class Square(NamedTuple):
    """Where a person stands: centre and side in pixels, radians clockwise that it leans, the detection's score."""

    x: float
    y: float
    side: float
    angle: float = 0.0
    score: float = 1.0

    @staticmethod
    def from_points(hips: tuple[float, float], edge: tuple[float, float], score: float) -> Square:
        """Around the hips, through the point that tells size and direction: upright when it lies above them."""
        across, down = edge[0] - hips[0], edge[1] - hips[1]
        return Square(*hips, 2 * ROI_SCALE * math.hypot(across, down), math.atan2(across, -down), score)

    @staticmethod
    def around_window(window: Window) -> Square:
        """Around a window's middle, of its longer side."""
        left, top, right, bottom = window
        return Square((left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top))

    @staticmethod
    def around_box(box: tuple[float, float, float, float]) -> Square:
        """Around a person's box: x, y, width, height; with room for what a box of joints leaves out."""
        x, y, width, height = box
        return Square(x + width / 2, y + height / 2, ROI_SCALE * max(width, height, 1.0))

    def like(self, other: Square) -> bool:
        """Whether both stand for one person: hips within a tenth of the smaller side, sizes within a third."""
        small, large = sorted((self.side, other.side))
        return math.hypot(self.x - other.x, self.y - other.y) < 0.1 * small and large < 1.35 * small

    def place(self, shares: np.ndarray) -> np.ndarray:
        """(..., 2) points as shares of the square -> pixels of the picture."""
        sine, cosine = math.sin(self.angle), math.cos(self.angle)
        turned = self.side * (shares - 0.5) @ np.array([[cosine, sine], [-sine, cosine]])
        return turned + np.array([self.x, self.y])


def distinct(squares: Iterable[Square]) -> list[Square]:
    """The squares, surest first, each person's once."""
    kept: list[Square] = []
    for square in sorted(squares, key=lambda s: -s.score):
        if not any(square.like(other) for other in kept):
            kept.append(square)
    return kept
