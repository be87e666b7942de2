"""BlazePose's landmarks in squares of a picture, placed in the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from .networks.pose_landmarks import LANDMARKS_SIZE, Landmarks, PoseLandmarks
from .running import run_network
from .sampling import sample_squares
from .squares import Square

_BODY = 33
_KERNEL, _LEAST_HEAT = 7, 0.5  # of the refinement: MediaPipe's pose_landmarks graph


class Look(NamedTuple):
    """What the landmark network sees in a square.

    Attributes:
        square: where it looked.
        landmarks: (33, 3) x, y pixels of the picture, visibility 0..1, in BlazePose's order.
        world: (33, 3) metres from the middle of the hips, axes of a camera that looks at the person: x right, y down, z
            away from it.
        presence: that a person is there, 0..1.
        following: the square that the landmarks mark themselves.
        mask: (256, 256) logits over the square; None where it was not asked for.
    """

    square: Square
    landmarks: np.ndarray
    world: np.ndarray
    presence: float
    following: Square
    mask: Tensor | None


def look(network: PoseLandmarks, image: np.ndarray, squares: Sequence[Square], *, masks: bool) -> list[Look]:
    """What is in each of the squares of a picture, (height, width, 3) uint8 RGB."""
    if not squares:
        return []
    device = next(network.parameters()).device
    outputs = run_network(network, sample_squares(image, squares, LANDMARKS_SIZE, device=device), mask=masks)
    seen = Landmarks(*(values.cpu() for values in outputs), *(() if masks else (None,)))
    positions = refine_by_heatmaps(seen.points[..., :2] / LANDMARKS_SIZE, seen.heatmaps).double().numpy()
    looks = []
    for row, square in enumerate(squares):
        placed = square.place(positions[row])
        visibility = seen.points[row, :_BODY, 3].sigmoid().double().numpy()
        (hips, edge) = ((float(x), float(y)) for x, y in placed[_BODY : _BODY + 2])
        looks.append(
            Look(
                square,
                np.column_stack((placed[:_BODY], visibility)),
                seen.world[row, :_BODY].double().numpy() @ _turn(square.angle).T,
                float(seen.presence[row]),
                Square.from_points(hips, edge, square.score),
                None if seen.mask is None else seen.mask[row],
            )
        )
    return looks


def refine_by_heatmaps(positions: Tensor, heatmaps: Tensor) -> Tensor:
    """Landmarks moved to the centroid of their heatmap around them, where it is hot.

    Args:
        positions: (B, L, 2) x, y as shares of the square.
        heatmaps: (B, L, H, W) logits.
    Source: MediaPipe's refine_landmarks_from_heatmap_calculator.
    """
    height, width = heatmaps.shape[2:]
    size, reach = positions.new_tensor([width, height]), _KERNEL // 2
    cells = (positions * size).trunc()
    inside = ((cells >= 0) & (cells < size)).all(-1)
    steps = torch.arange(-reach, reach + 1)
    columns, rows = (cells.long()[..., axis, None] + steps for axis in (0, 1))  # (B, L, 7)
    there = ((rows >= 0) & (rows < height))[..., None] & ((columns >= 0) & (columns < width))[..., None, :]
    places = rows.clamp(0, height - 1)[..., None] * width + columns.clamp(0, width - 1)[..., None, :]
    near = heatmaps.flatten(2).gather(2, places.flatten(2)).unflatten(2, there.shape[2:])
    heat = torch.where(there, near.sigmoid(), 0.0)  # (B, L, 7, 7)
    total = heat.sum((2, 3)).clamp(min=1e-9)
    middle = torch.stack(((heat.sum(2) * columns).sum(2), (heat.sum(3) * rows).sum(2)), -1) / total[..., None]
    moved = inside & (heat.amax((2, 3)) >= _LEAST_HEAT)
    return torch.where(moved[..., None], middle / size, positions)


def place_mask(mask: Tensor, square: Square, size: tuple[int, int]) -> np.ndarray:
    """(height, width) bool: the mask over a square, logits, in a picture of (width, height)."""
    width, height = size
    reach = square.side / 2 * (abs(math.sin(square.angle)) + abs(math.cos(square.angle)))
    left, top = max(0, int(square.x - reach)), max(0, int(square.y - reach))
    right, bottom = min(width, int(square.x + reach) + 1), min(height, int(square.y + reach) + 1)
    whole = np.zeros((height, width), bool)
    if right > left and bottom > top:
        x, y = torch.arange(left, right) + 0.5 - square.x, (torch.arange(top, bottom) + 0.5 - square.y)[:, None]
        sine, cosine = math.sin(square.angle), math.cos(square.angle)
        grid = torch.stack((cosine * x + sine * y, cosine * y - sine * x), -1)[None] * (2 / square.side)
        values = grid_sample(mask.sigmoid()[None, None], grid.float(), padding_mode="zeros", align_corners=False)
        whole[top:bottom, left:right] = (values[0, 0] > 0.5).numpy()
    return whole


def _turn(angle: float) -> np.ndarray:
    """(3, 3) what turns a square's axes into the picture's."""
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
