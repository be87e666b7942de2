"""BlazePose's detection network: a picture in, a box and four points for every place of three grids out.

Bazarevsky et al. 2020, "BlazePose: on-device real-time body pose tracking"; weights of MediaPipe's pose detection.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .layers import BlazeBlock, blaze_separable, blaze_stem, convolution, inverted, twice_as_large

DETECTION_SIZE = 224
GRIDS = ((28, 2), (14, 2), (7, 6))  # places a side, and boxes at each
BOX_VALUES = 12  # centre, size and four points, each x, y


class PoseBoxes(NamedTuple):
    """Of 2254 places, finest grid first, row by row.

    Attributes:
        boxes: (B, 2254, 12) centre, width and height, hips, edge of the body, shoulders, edge of the head: x, y pixels
            of the input; centre and points relative to the place (`anchors`).
        logits: (B, 2254) that a person is there.
    """

    boxes: Tensor
    logits: Tensor


class PoseDetection(nn.Module):
    """The network, 2.97 million parameters, two in three of them zero."""

    EXACT = ("boxes",)  # pixels of the input: in half precision one is lost

    def __init__(self) -> None:
        super().__init__()
        self.stem = blaze_stem(16)
        self.fine = nn.Sequential(
            inverted(16, 64, 24, 3, 2), inverted(24, 144, 24), inverted(24, 144, 40, 5, 2), inverted(40, 240, 40, 5)
        )
        self.middle = nn.Sequential(
            inverted(40, 240, 80, 3, 2),
            *(inverted(80, 480, 80) for _ in range(2)),
            inverted(80, 480, 112, 5),
            *(inverted(112, 672, 112, 5) for _ in range(2)),
        )
        self.coarse = nn.Sequential(
            inverted(112, 672, 192, 5, 2),
            *(inverted(192, 1152, 192, 5) for _ in range(3)),
            convolution(192, 1152),
            nn.ReLU6(),
            convolution(1152, 1152, 3, groups=1152),
            nn.ReLU6(),
        )
        self.lateral = nn.ModuleList([blaze_separable(40, 96, active=False), blaze_separable(112, 192, active=False)])
        self.narrow = nn.ModuleList(
            nn.Sequential(convolution(inputs, outputs), nn.ReLU6()) for inputs, outputs in ((192, 96), (1152, 192))
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(BlazeBlock(channels, active=False), BlazeBlock(channels, active=False))
            for channels in (96, 192)
        )
        self.scores, self.boxes = (
            nn.ModuleList(
                _head(channels, boxes * values) for channels, (_, boxes) in zip((24, 48, 288), GRIDS, strict=True)
            )
            for values in (1, BOX_VALUES)
        )

    def forward(self, pictures: Tensor) -> PoseBoxes:
        """Args: pictures: (B, 3, 224, 224) RGB, 0..1, black where they are no picture."""
        fine = self.fine(self.stem(2 * pictures - 1))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.blocks[1](self.lateral[1](middle) + self.narrow[1](twice_as_large(coarse)))
        fine = self.blocks[0](self.lateral[0](fine) + self.narrow[0](twice_as_large(middle)))
        maps = [_depth_to_space(features) for features in (fine, middle, coarse)]
        logits, boxes = (
            torch.cat(
                [
                    head(features).permute(0, 2, 3, 1).reshape(len(pictures), -1, values)
                    for head, features in zip(heads, maps, strict=True)
                ],
                dim=1,
            )
            for heads, values in ((self.scores, 1), (self.boxes, BOX_VALUES))  # as the source's graph runs them
        )
        return PoseBoxes(boxes, logits[..., 0])


def anchors() -> Tensor:
    """(2254, 2) x, y of the places, shares of the picture."""
    places = []
    for side, boxes in GRIDS:
        middle = (torch.arange(side) + 0.5) / side
        rows, columns = torch.meshgrid(middle, middle, indexing="ij")
        places.append(torch.stack((columns, rows), -1).reshape(-1, 2).repeat_interleave(boxes, 0))
    return torch.cat(places)


def _head(channels: int, values: int) -> nn.Sequential:
    return nn.Sequential(convolution(channels, channels, 3, 2, channels), convolution(channels, values))


def _depth_to_space(features: Tensor) -> Tensor:
    """(B, 4 C, H, W) -> (B, C, 2 H, 2 W), channels in TensorFlow's order: places first (PyTorch's: places last)."""
    batch, channels, height, width = features.shape
    parts = features.reshape(batch, 2, 2, channels // 4, height, width).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(batch, channels // 4, 2 * height, 2 * width)
