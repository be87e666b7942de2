"""Turned squares of a picture as input of a network, sampled by Pillow and PyTorch: every version gives the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import grid_sample

from .squares import Square


def sample_squares(
    image: np.ndarray,
    squares: Sequence[Square],
    size: int,
    *,
    part: tuple[int, int] | None = None,
    replicate: bool = True,
    device: torch.device | str = "cpu",
) -> Tensor:
    """The squares, turned upright and scaled to ``size`` pixels a side.

    Pixels are averaged, to whole grey levels, before they are sampled where the picture is shrunk by 2 or more.

    Args:
        image: (height, width, 3) uint8 RGB.
        part: rows and columns around the middle that are wanted, even numbers; None for all.
        replicate: whether the picture's border goes on beyond it; else it is black there.
    Returns:
        (B, 3, rows, columns) float32 in 0..1, channels last.
    """
    shape = part or (size, size)
    samples = torch.empty(len(squares), 3, *shape, device=device, memory_format=torch.channels_last)
    for square, sample in zip(squares, samples, strict=True):
        torch.div(_sample(image, square, size, shape, replicate, device), 255, out=sample)
    return samples


def _sample(
    image: np.ndarray, square: Square, size: int, shape: tuple[int, int], replicate: bool, device: torch.device | str
) -> Tensor:
    """(3, rows, columns) grey levels."""
    shrink = max(1, int(square.side / size))
    left, top, right, bottom = _window(square, shrink, image.shape[1], image.shape[0])
    part = image[top:bottom, left:right]
    if shrink > 1:
        part = np.asarray(Image.fromarray(part).reduce(shrink))
    values = torch.from_numpy(np.array(part)).to(device).permute(2, 0, 1)[None].float()
    columns, rows = -(-(right - left) // shrink) * shrink, -(-(bottom - top) // shrink) * shrink
    sine, cosine = math.sin(square.angle), math.cos(square.angle)
    down, across = (
        (torch.arange(count, dtype=torch.float32, device=device) - (count - 1) / 2) * (square.side / size)
        for count in shape
    )
    grid = torch.empty(1, *shape, 2, device=device)  # x, y in the part, -1 to 1
    x, y = square.x - left, square.y - top
    torch.add(2 * (cosine * across + x) / columns - 1, (-2 * sine / columns * down)[:, None], out=grid[0, ..., 0])
    torch.add(2 * sine / rows * across, (2 * (cosine * down + y) / rows - 1)[:, None], out=grid[0, ..., 1])
    border = "border" if replicate else "zeros"
    return grid_sample(values, grid, mode="bilinear", padding_mode=border, align_corners=False)[0]


def _window(square: Square, shrink: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what a square needs of a picture, one pixel of it at least: pictures may be huge."""
    reach = square.side / 2 * (abs(math.sin(square.angle)) + abs(math.cos(square.angle))) + 2 * shrink
    left, right = (min(max(int(square.x + sign * reach), 0), width) for sign in (-1, 1))
    top, bottom = (min(max(int(square.y + sign * reach), 0), height) for sign in (-1, 1))
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)
