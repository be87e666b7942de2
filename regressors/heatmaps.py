"""Keypoints as heatmaps, and back: drawn as Gaussians, read to a fraction of a pixel, or averaged differentiably.

Coordinates are pixels of the picture that the heatmaps cover; a heatmap's pixel (i, j) has its centre at
((j + 0.5) * stride, (i + 0.5) * stride) there.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SIGMA = 1.0  # heatmap pixels: Newell et al. 2016
SHARPNESS = 20.0  # of the soft maximum: a peak of height 1 outweighs 4096 empty pixels 100 000 to 1


class Decoded(NamedTuple):
    """positions (B, J, 2) pixels of the picture; confidence (B, J), the heatmaps' maxima in 0..1."""

    positions: Tensor
    confidence: Tensor


def draw_heatmaps(positions: Tensor, size: int, stride: float, *, sigma: float = SIGMA) -> Tensor:
    """(B, J, size, size) Gaussians of height 1 around positions (B, J, 2), pixels of the picture; sigma in heatmaps'.

    Where the position is outside, its flank may still reach in; what is not finite is empty.
    """
    centres = torch.arange(size, dtype=positions.dtype, device=positions.device) + 0.5
    offsets = centres - (positions / stride)[..., None]  # (B, J, 2, size)
    flanks = torch.exp(-0.5 * (offsets / sigma) ** 2)
    drawn = flanks[..., 1, :, None] * flanks[..., 0, None, :]
    return torch.nan_to_num(drawn, nan=0.0)


def decode(heatmaps: Tensor, stride: float) -> Decoded:
    """Decode the maxima of heatmaps (B, J, H, W) to a fraction of a pixel.

    A parabola through the logarithms of the maximum and its two neighbours, in each direction for itself: exact for a
    Gaussian. Source: the idea is that of Zhang et al. 2020 (DARK), section 3.2, without the mixed derivative.
    """
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(2)
    peak, index = flat.max(-1)
    row, column = index // width, index % width
    logs = flat.clamp_min(1e-6).log()

    def at(rows: Tensor, columns: Tensor) -> Tensor:
        place = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
        return logs.gather(2, place[..., None])[..., 0]

    middle = at(row, column)
    x = column + 0.5 + _vertex(at(row, column - 1), middle, at(row, column + 1)) * _inside(column, width)
    y = row + 0.5 + _vertex(at(row - 1, column), middle, at(row + 1, column)) * _inside(row, height)
    return Decoded(stride * torch.stack((x, y), -1), peak.clamp(0, 1))


def soft_argmax(heatmaps: Tensor, stride: float, *, sharpness: float = SHARPNESS) -> Tensor:
    """(B, J, 2) the mean place under softmax(sharpness * heatmap), pixels of the picture: differentiable.

    It lies within a quarter of a heatmap pixel of the place that a Gaussian of height 1 was drawn at.

    Source: Sun et al. 2018, "Integral human pose regression".
    """
    height, width = heatmaps.shape[-2:]
    weights = (sharpness * heatmaps.flatten(2)).softmax(-1).unflatten(2, (height, width))
    columns, rows = (torch.arange(n, dtype=weights.dtype, device=weights.device) + 0.5 for n in (width, height))
    return stride * torch.stack(((weights.sum(2) * columns).sum(-1), (weights.sum(3) * rows).sum(-1)), -1)


def _vertex(before: Tensor, middle: Tensor, after: Tensor) -> Tensor:
    """Where the parabola through three equally spaced values peaks, between -0.5 and 0.5 from the middle one."""
    curvature = before - 2 * middle + after
    flat = curvature > -1e-6
    return torch.where(flat, 0.0, 0.5 * (before - after) / torch.where(flat, 1.0, curvature)).clamp(-0.5, 0.5)


def _inside(index: Tensor, length: int) -> Tensor:
    """1 where both neighbours are in the heatmap, else 0."""
    return ((index > 0) & (index < length - 1)).to(torch.float32)
