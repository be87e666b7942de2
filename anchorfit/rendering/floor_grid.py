"""The floor in a picture: a grid on it around the feet."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

STEP, REACH = 0.5, 2.0
"""Metres between lines of the grid, and how far it goes beyond the feet."""

_COLOR = (20, 160, 110)  # sRGB
_NEAREST = 0.2  # metres before the camera: what is nearer is not drawn
_STRAIGHT = 0.9999  # cosine of the line of sight with the floor's normal from which on it has no direction there
_PIECES = 24  # of a line: what lies behind the camera costs a piece, not the line


def draw_floor(image: np.ndarray, planes: Tensor, feet: Tensor, intrinsics: Tensor) -> np.ndarray:
    """An image (H, W, 3) uint8 with a grid on each floor, around the feet of those who stand on it.

    Args:
        planes: (B, 4) normal and height as of `Floor`, camera frame; NaN where there is none.
        feet: (B, N, 3) metres, camera frame.
        intrinsics: (3, 3) pixels.
    """
    known = torch.isfinite(planes).all(-1) & torch.isfinite(feet).flatten(1).all(1)
    if not bool(known.any()):
        return image
    import cv2  # here, so that a system without OpenCV's libraries loses this one picture only

    drawn, matrix = image.copy(), intrinsics.double().cpu()
    thickness = max(1, round(max(image.shape[:2]) / 900))
    for plane in planes[known].unique(dim=0):
        lines = floor_lines(plane, feet[known & (planes == plane).all(-1)].reshape(-1, 3))
        there = lines[..., 2] > _NEAREST
        pixels = ((lines / lines[..., 2:]) @ matrix.mT)[..., :2].clamp(-1e4, 1e4).round().int().tolist()
        for line, piece in torch.nonzero(there[:, 1:] & there[:, :-1]).tolist():
            cv2.line(drawn, pixels[line][piece], pixels[line][piece + 1], _COLOR, thickness, cv2.LINE_AA)
    return drawn


def floor_lines(plane: Tensor, feet: Tensor) -> Tensor:
    """(L, n, 3) points of the lines of a grid, metres, camera frame, float64.

    Args:
        plane: (4,) normal and height as of `Floor`.
        feet: (N, 3) places in the camera's frame that the grid goes around.
    """
    up, height = plane[:3].double().cpu(), float(plane[3])
    looks = [0.0, 0.0, 1.0] if abs(float(up[2])) < _STRAIGHT else [0.0, 1.0, 0.0]  # straight down: what is above there
    ahead = torch.tensor(looks, dtype=torch.float64)
    ahead = ahead - (ahead @ up) * up
    ahead = ahead / ahead.norm()
    across = torch.linalg.cross(ahead, up)
    axes = torch.stack((across, ahead))
    origin = -height * up  # below the camera
    there = (feet.double().cpu() - origin) @ axes.T
    least = ((there.amin(0) - REACH) / STEP).floor() * STEP
    most = ((there.amax(0) + REACH) / STEP).ceil() * STEP
    lines = []
    for along, beside in ((0, 1), (1, 0)):
        way = torch.linspace(float(least[along]), float(most[along]), _PIECES + 1, dtype=torch.float64)
        for at in torch.arange(float(least[beside]), float(most[beside]) + STEP / 2, STEP, dtype=torch.float64):
            lines.append(origin + way[:, None] * axes[along] + at * axes[beside])
    return torch.stack(lines)
