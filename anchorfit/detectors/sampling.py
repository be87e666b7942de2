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
    pieces = [_sample(image, square, size, shape, replicate, device) for square in squares]
    return torch.cat(pieces) if pieces else torch.zeros(0, 3, *shape, device=device)


def _sample(
    image: np.ndarray, square: Square, size: int, shape: tuple[int, int], replicate: bool, device: torch.device | str
) -> Tensor:
    shrink = max(1, int(square.side / size))
    left, top, right, bottom = _window(square, shrink, image.shape[1], image.shape[0])
    part = image[top:bottom, left:right]
    if shrink > 1:
        part = np.asarray(Image.fromarray(part).reduce(shrink))
    values = torch.from_numpy(np.array(part)).to(device).permute(2, 0, 1)[None].float()
    columns, rows = -(-(right - left) // shrink) * shrink, -(-(bottom - top) // shrink) * shrink
    sine, cosine = math.sin(square.angle), math.cos(square.angle)
    down, across = torch.meshgrid(
        *(
            (torch.arange(count, dtype=torch.float32, device=device) - (count - 1) / 2) * (square.side / size)
            for count in shape
        ),
        indexing="ij",
    )
    x = cosine * across - sine * down + (square.x - left)
    y = sine * across + cosine * down + (square.y - top)
    grid = torch.stack((2 * x / columns - 1, 2 * y / rows - 1), -1)[None]
    border = "border" if replicate else "zeros"
    piece = grid_sample(values, grid, mode="bilinear", padding_mode=border, align_corners=False)
    return (piece / 255).contiguous(memory_format=torch.channels_last)


def _window(square: Square, shrink: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what a square needs of a picture, one pixel of it at least: pictures may be huge."""
    reach = square.side / 2 * (abs(math.sin(square.angle)) + abs(math.cos(square.angle))) + 2 * shrink
    left, right = (min(max(int(square.x + sign * reach), 0), width) for sign in (-1, 1))
    top, bottom = (min(max(int(square.y + sign * reach), 0), height) for sign in (-1, 1))
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)
