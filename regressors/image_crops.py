"""Square pieces of photographs, turned, scaled and mirrored at will, and the points and masks that go with them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from torch import Tensor

from ..body.joint_sets import CANONICAL_JOINTS, mirror_permutation
from ..camera import intrinsics_matrix

BOX_SCALE = 1.25  # of the longer side of a person's box: room for what joints do not mark, as Newell et al. 2016 leave


class Framing(NamedTuple):
    """A square window of a photograph.

    Attributes:
        centre: (x, y) pixels of the photograph.
        side: pixels of the photograph.
        turn: radians by which the content is turned, clockwise as seen.
        mirrored: whether left and right are exchanged.
        size: of the piece, pixels.
    """

    centre: tuple[float, float]
    side: float
    turn: float = 0.0
    mirrored: bool = False
    size: int = 256

    @staticmethod
    def around(box: tuple[float, float, float, float], size: int = 256) -> Framing:
        """Around a person's box: x, y, width, height, pixels."""
        x, y, width, height = box
        return Framing((x + width / 2, y + height / 2), BOX_SCALE * max(width, height), size=size)

    def matrix(self) -> np.ndarray:
        """(2, 3) the affine map from pixels of the photograph to pixels of the piece, (0, 0) the corner of both."""
        zoom, cosine, sine = self.size / self.side, np.cos(self.turn), np.sin(self.turn)
        linear = zoom * np.array([[cosine, -sine], [sine, cosine]])
        if self.mirrored:
            linear = np.diag([-1.0, 1.0]) @ linear
        return np.column_stack((linear, self.size / 2 - linear @ self.centre))

    def points(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) pixels of the photograph -> of the piece."""
        matrix = self.matrix()
        return points @ matrix[:, :2].T + matrix[:, 2]

    def points_back(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) pixels of the piece -> of the photograph."""
        matrix = self.matrix()
        return (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T

    def camera(self, intrinsics: Tensor) -> Tensor:
        """(3, 3) float32 intrinsics of the camera that sees the piece, of the one (3, 3) that took the photograph.

        Exact for square pixels: where the content is turned, the camera is turned about its axis; where it is mirrored,
        so is the world.
        """
        matrix = self.matrix()
        principal = matrix[:, :2] @ intrinsics[:2, 2].double().numpy() + matrix[:, 2]
        return intrinsics_matrix(float(intrinsics[0, 0]) * self.size / self.side, tuple(principal))

    def cut(self, image: np.ndarray) -> np.ndarray:
        """The piece of a photograph (H, W, 3) uint8, or of a mask (H, W) bool or float32; what is outside is 0."""
        left, top, right, bottom = self.window((image.shape[1], image.shape[0]))
        values = image[top:bottom, left:right]
        if not values.size:
            return np.zeros(
                (self.size, self.size, *image.shape[2:]), np.float32 if image.dtype == bool else image.dtype
            )
        values = values.astype(np.float32) if image.dtype == bool else np.ascontiguousarray(values)
        matrix = self.matrix()
        matrix[:, 2] += matrix[:, :2] @ (left, top)
        shrink = int(self.side / self.size)
        if shrink > 1:  # averaged first: bilinear sampling alone would skip pixels
            height, width = values.shape[:2]
            small = (max(1, width // shrink), max(1, height // shrink))
            scale = np.diag([width / small[0], height / small[1]])
            values = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
            matrix = np.column_stack((matrix[:, :2] @ scale, matrix[:, 2]))
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from the middle of the first pixel
        return cv2.warpAffine(values, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR)

    def window(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of what the piece needs of an image of that (width, height), and a little more.

        Only this is worked on: images may be huge, and OpenCV refuses sides beyond 32767 pixels.
        """
        corners = self.points_back(self.size * np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float64))
        room = 3 * max(1.0, self.side / self.size)
        low = np.floor(corners.min(0) - room).clip(0, size).astype(int)
        high = np.ceil(corners.max(0) + room).clip(0, size).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def exchange_sides(values: np.ndarray) -> np.ndarray:
    """Canonical joints (K, ...) of the mirror image, under their own names: left and right change places."""
    return values[list(mirror_permutation(CANONICAL_JOINTS))]
