"""MoveNet Thunder: a square around a person in, COCO's 17 joints out.

Votel and Li 2021, "Next-generation pose detection with MoveNet and TensorFlow.js": MobileNetV2 of width 1.75 (Sandler
et al. 2018) with a feature pyramid, and CenterNet's four heads (Zhou et al. 2019). Weights of Google's version 4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .layers import HalvingConvolution, InvertedResidual, convolution, twice_as_large

MOVENET_SIZE = 256
MAP_SIZE = 64
STRIDE = MOVENET_SIZE // MAP_SIZE
MOVENET_JOINTS = 17

_STAGES = (  # the blocks up to each level of the pyramid: inputs, width, outputs, whether the block halves
    ((32, 192, 40, True), (40, 240, 40, False)),
    ((40, 240, 56, True), (56, 336, 56, False), (56, 336, 56, False)),
    ((56, 336, 112, True), *3 * ((112, 672, 112, False),)),
    (
        *((112, 672, 168, False), (168, 1008, 168, False), (168, 1008, 168, False)),
        *((168, 1008, 280, True), (280, 1680, 280, False), (280, 1680, 280, False), (280, 1680, 560, False)),
    ),
)
_PYRAMID = (24, 32, 64, 64)  # channels of its levels, finest first
_EVEN = 1.8  # pixels of the maps: how far distance has to go before it counts


class JointMaps(NamedTuple):
    """What the heads give, on 64 x 64 places of 4 pixels.

    Attributes:
        heatmaps: (B, 17, 64, 64) logits that a joint, of anybody, is there.
        centre: (B, 64, 64) logits that the middle of a person is there.
        regressed: (B, 17, 2, 64, 64) y, x from there to the joints of that person, places.
        offsets: (B, 17, 2, 64, 64) y, x from the corner of a place to the joint in it, places.
    """

    heatmaps: Tensor
    centre: Tensor
    regressed: Tensor
    offsets: Tensor


class Joints(NamedTuple):
    """positions (B, 17, 2) x, y pixels of the input; confidence (B, 17) in 0..1."""

    positions: Tensor
    confidence: Tensor


class MoveNet(nn.Module):
    """The network, 6.24 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(HalvingConvolution(3, 56), nn.ReLU6(), convolution(56, 56, 3, groups=56), nn.ReLU6()),
            convolution(56, 32),
        )
        self.stages = nn.ModuleList(nn.Sequential(*(_block(*block) for block in stage)) for stage in _STAGES)
        self.top = nn.Sequential(convolution(560, 1280), nn.ReLU6())
        self.lateral = nn.ModuleList(
            convolution(inputs, outputs) for inputs, outputs in zip((40, 56, 112, 1280), _PYRAMID, strict=True)
        )
        self.smooth = nn.ModuleList(_separable(inputs, outputs) for inputs, outputs in ((24, 24), (32, 24), (64, 32)))
        self.heads = nn.ModuleList(
            nn.Sequential(*_separable(24, 96), convolution(96, values))
            for values in (MOVENET_JOINTS, 2 * MOVENET_JOINTS, 1, 2 * MOVENET_JOINTS)
        )

    def forward(self, pictures: Tensor) -> JointMaps:
        """Args: pictures: (B, 3, 256, 256) RGB, 0..1."""
        levels = [self.stem(2 * pictures - 1)]
        for stage in self.stages:
            levels.append(stage(levels[-1]))
        fine = self.lateral[3](self.top(levels[4]))
        for level in (2, 1, 0):
            fine = self.smooth[level](twice_as_large(fine) + self.lateral[level](levels[level + 1]))
        heatmaps, regressed, centre, offsets = (head(fine) for head in self.heads)
        pairs = (-1, MOVENET_JOINTS, 2, MAP_SIZE, MAP_SIZE)
        return JointMaps(heatmaps, centre[:, 0], regressed.reshape(pairs), offsets.reshape(pairs))


def decode_joints(maps: JointMaps) -> Joints:
    """The joints of the person in the middle.

    That is the highest centre, weighed by how near the middle it lies. A joint is where its heatmap is highest, weighed
    by how near it lies to where the centre expects it.
    """
    batch = len(maps.centre)
    places = torch.arange(MAP_SIZE, dtype=maps.centre.dtype, device=maps.centre.device)
    grid = torch.stack(torch.meshgrid(places, places, indexing="ij"))  # (2, 64, 64) y, x
    nearness = 1 / ((grid - MAP_SIZE // 2).norm(dim=0) + _EVEN)
    middle = (maps.centre.sigmoid() * nearness).flatten(1).argmax(1)
    expected = _at(maps.regressed.flatten(3), middle[:, None].expand(batch, MOVENET_JOINTS)) + _coordinates(middle)
    heat = maps.heatmaps.sigmoid()
    distances = (grid - expected[..., None, None]).norm(dim=2)
    best = (heat / (distances + _EVEN)).flatten(2).argmax(2)  # (B, 17)
    y, x = ((_coordinates(best) + _at(maps.offsets.flatten(3), best)) * STRIDE).unbind(-1)
    return Joints(torch.stack((x, y), -1), heat.flatten(2).gather(2, best[..., None])[..., 0])


def _coordinates(places: Tensor) -> Tensor:
    """(B,) or (B, J) numbers of places -> (B, 1 or J, 2) y, x."""
    places = places.reshape(len(places), -1)
    return torch.stack((places // MAP_SIZE, places % MAP_SIZE), -1)


def _at(values: Tensor, places: Tensor) -> Tensor:
    """(B, J, 2, 4096) values at (B, J) places -> (B, J, 2)."""
    return values.gather(3, places[..., None, None].expand(-1, -1, 2, 1))[..., 0]


def _block(inputs: int, width: int, outputs: int, halves: bool) -> InvertedResidual:
    depthwise = HalvingConvolution(width, width, width) if halves else convolution(width, width, 3, groups=width)
    return InvertedResidual(inputs, width, outputs, depthwise)


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    return nn.Sequential(depthwise, convolution(inputs, outputs), nn.ReLU())
