"""ShapePrior: a silhouette in, betas out. Pavlakos et al. 2018, section 4.2.

Five 3x3 convolutions, each followed by max pooling, take 64 x 64 pixels to 2 x 2; one bilinear unit; ten betas. The
silhouette is cropped to the person, so its size in the image, and with it most of the person's height, is unknown to
the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..observations import mask_box
from .pose_prior import BilinearUnit
from .synthesis.silhouettes import CROP_SCALE, MASK_SIZE

NUM_BETAS = 10
SMALLEST_MASK = 40  # pixels; of fewer nothing can be told
FULLEST_MASK = 0.95  # of its box; fuller ones outline no person


@dataclass(frozen=True, kw_only=True)
class ShapePriorConfig:
    """The network's shape."""

    channels: tuple[int, ...] = (8, 32, 64, 128, 128)
    width: int = 512
    dropout: float = 0.0
    largest_beta: float = 3.0  # betas beyond it are no people


class ShapePrior(nn.Module):
    """The network; ``crop_mask`` makes its input."""

    def __init__(self, config: ShapePriorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ShapePriorConfig()
        if len(config.channels) != 5:
            raise ValueError(f"channels: expected 5 numbers, got {len(config.channels)}")
        layers: list[nn.Module] = []
        before = 1
        for channels in config.channels:
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)]
            before = channels
        self.convolutions = nn.Sequential(*layers)
        cells = (MASK_SIZE // 2 ** len(config.channels)) ** 2
        self.first = nn.Sequential(nn.Linear(before * cells, config.width), nn.ReLU())
        self.unit = BilinearUnit(config.width, config.dropout)
        self.last = nn.Linear(config.width, NUM_BETAS)

    def forward(self, masks: Tensor) -> Tensor:
        """Betas (B, 10) of masks (B, 64, 64), cover in 0..1."""
        features = self.convolutions(masks[:, None] - 0.25).flatten(1)
        betas: Tensor = self.last(self.unit(self.first(features))).to(masks.dtype)
        return betas.clamp(-self.config.largest_beta, self.config.largest_beta)


def crop_mask(mask: np.ndarray) -> Tensor | None:
    """The network's view of a mask: (64, 64) cover of a square around it; None where the mask outlines no person.

    Args:
        mask: (H, W) bool.
    """
    mask = np.asarray(mask, dtype=bool)
    box = mask_box(mask)
    if box is None:
        return None
    left, top, width, height = (int(side) for side in box)
    inside = mask[top : top + height, left : left + width]
    if inside.sum() < SMALLEST_MASK or inside.mean() > FULLEST_MASK:
        return None
    side = int(np.ceil(CROP_SCALE * max(inside.shape)))
    before = [(side - length) // 2 for length in inside.shape]
    square = torch.zeros(side, side)
    square[before[0] : before[0] + inside.shape[0], before[1] : before[1] + inside.shape[1]] = torch.from_numpy(inside)
    resized: Tensor = functional.interpolate(square[None, None], (MASK_SIZE, MASK_SIZE), mode="area")[0, 0]
    return resized
