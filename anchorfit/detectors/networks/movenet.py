"""MoveNet Thunder: a square around a person in, COCO's 17 joints out.

Votel and Li 2021, "Next-generation pose detection with MoveNet and TensorFlow.js": MobileNetV2 of width 1.75 (Sandler
et al. 2018) with a feature pyramid, and CenterNet's four heads (Zhou et al. 2019). Weights of Google's version 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from .layers import HalvingConvolution, InvertedResidual, convolution, twice_as_large

MOVENET_SIZE = 256
STRIDE = 4
MOVENET_JOINTS = 17

_CHANNELS = (32, 16, 24, 32, 64, 96, 160, 320)  # of MobileNetV2: stem, first block, then those of `_STAGES`
_STAGES = (  # blocks up to each level of the pyramid: channels in, out (of `_CHANNELS`), whether one halves, number
    ((1, 2, True, 2),),
    ((2, 3, True, 3),),
    ((3, 4, True, 4),),
    ((4, 5, False, 3), (5, 6, True, 3), (6, 7, False, 1)),
)
_PYRAMID = (24, 32, 64, 64)  # channels of its levels, finest first
_EVEN = 1.8  # pixels of the maps: how far distance has to go before it counts


class JointMaps(NamedTuple):
    """What the heads give, on H x W places of 4 pixels.

    Attributes:
        heatmaps: (B, 17, H, W) logits that a joint, of any person, is there.
        centre: (B, H, W) logits that the middle of a person is there.
        regressed: (B, 17, 2, H, W) y, x from there to the joints of that person, places.
        offsets: (B, 17, 2, H, W) y, x from the corner of a place to the joint in it, places.
    """

    heatmaps: Tensor
    centre: Tensor
    regressed: Tensor
    offsets: Tensor

    def row(self, number: int) -> JointMaps:
        """The maps of one picture, still a batch."""
        return JointMaps(*(values[number : number + 1] for values in self))


class Joints(NamedTuple):
    """Of N people.

    Attributes:
        positions: (N, 17, 2) x, y pixels of the input.
        confidence: (N, 17) in 0..1.
        expected: (N, 17, 2) x, y where the person's centre alone has the joint, pixels of the input.
    """

    positions: Tensor
    confidence: Tensor
    expected: Tensor


class MoveNet(nn.Module):
    """The network; of width 1.75, Thunder's, 6.24 million parameters."""

    EXACT = ("heads.1", "heads.3")  # distances in places: in half precision a quarter of one is lost

    def __init__(self, width: float = 1.75) -> None:
        super().__init__()
        channels = [_in_eights(width * count) for count in _CHANNELS]
        first = channels[0]
        self.stem = nn.Sequential(
            *(HalvingConvolution(3, first), nn.ReLU6(), convolution(first, first, 3, groups=first), nn.ReLU6()),
            convolution(first, channels[1]),
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(block for group in stage for block in _blocks(channels, *group))) for stage in _STAGES
        )
        self.top = nn.Sequential(convolution(channels[7], 1280), nn.ReLU6())
        self.lateral = nn.ModuleList(
            convolution(inputs, outputs) for inputs, outputs in zip((*channels[2:5], 1280), _PYRAMID, strict=True)
        )
        self.smooth = nn.ModuleList(_separable(inputs, outputs) for inputs, outputs in ((24, 24), (32, 24), (64, 32)))
        self.heads = nn.ModuleList(
            nn.Sequential(*_separable(24, 96), convolution(96, values))
            for values in (MOVENET_JOINTS, 2 * MOVENET_JOINTS, 1, 2 * MOVENET_JOINTS)
        )

    def forward(self, pictures: Tensor) -> JointMaps:
        """Args: pictures: (B, 3, 256, 256) RGB, 0..1; or of other sides, multiples of 32."""
        levels = [self.stem(2 * pictures - 1)]
        for stage in self.stages:
            levels.append(stage(levels[-1]))
        fine = self.lateral[3](self.top(levels[4]))
        for level in (2, 1, 0):
            fine = self.smooth[level](twice_as_large(fine) + self.lateral[level](levels[level + 1]))
        heatmaps, regressed, centre, offsets = (head(fine) for head in self.heads)
        pairs = (-1, MOVENET_JOINTS, 2, *centre.shape[2:])
        return JointMaps(heatmaps, centre[:, 0], regressed.reshape(pairs), offsets.reshape(pairs))


def middle_person(maps: JointMaps) -> Tensor:
    """(B,) the place of the person in the middle: the highest centre, weighed by how near the middle it lies."""
    rows, columns = maps.centre.shape[1:]
    grid = _grid(maps)
    away = (grid - grid.new_tensor([rows // 2, columns // 2])[:, None, None]).norm(dim=0)
    return (maps.centre.sigmoid() / (away + _EVEN)).flatten(1).argmax(1)


def everybody(maps: JointMaps, least: float) -> tuple[Tensor, Tensor]:
    """(N,) places of one picture where a centre is highest among its 24 neighbours, and (N,) centres, surest first.

    Args:
        maps: of one picture.
        least: centres below it, in 0..1, are no person.
    """
    centre = maps.centre[0].sigmoid()
    highest = (centre == max_pool2d(centre[None], 5, 1, 2)[0]) & (centre >= least)
    values, order = centre[highest].sort(descending=True, stable=True)
    return highest.flatten().nonzero()[:, 0][order], values


def decode_joints(maps: JointMaps, places: Tensor) -> Joints:
    """The joints of the people of one picture.

    A joint is where its heatmap is highest, weighed by how near it lies to where the person's centre expects it.

    Args:
        maps: of one picture.
        places: (N,) of people's centres, counted row by row.
    """
    columns = maps.centre.shape[2]
    grid, heat = _grid(maps), maps.heatmaps[0].sigmoid()
    people = maps.regressed[0].flatten(2)[..., places].permute(2, 0, 1)  # (N, 17, 2)
    expected = people + _coordinates(places, columns)[:, None]
    down, across = (grid[axis] - expected[..., axis, None, None] for axis in (0, 1))
    away = (down * down + across * across).sqrt()  # (N, 17, H, W)
    best = (heat / (away + _EVEN)).flatten(2).argmax(2)  # (N, 17)
    inside = maps.offsets[0].flatten(2)[torch.arange(MOVENET_JOINTS, device=best.device), :, best]
    positions = STRIDE * (_coordinates(best, columns) + inside).flip(-1)
    confidence = heat.flatten(1).expand(len(best), -1, -1).gather(2, best[..., None])[..., 0]
    return Joints(positions, confidence, STRIDE * (expected.flip(-1) + 0.5))


def _grid(maps: JointMaps) -> Tensor:
    """(2, H, W) y, x of the places."""
    rows, columns = (
        torch.arange(side, dtype=maps.centre.dtype, device=maps.centre.device) for side in maps.centre.shape[1:]
    )
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))


def _coordinates(places: Tensor, columns: int) -> Tensor:
    """(...) numbers of places -> (..., 2) y, x."""
    return torch.stack((places // columns, places % columns), -1)


def _in_eights(count: float) -> int:
    """The nearest multiple of 8, as MobileNetV2 rounds its channels."""
    return max(8, int(count + 4) // 8 * 8)


def _blocks(channels: Sequence[int], inputs: int, outputs: int, halves: bool, number: int) -> Iterator[nn.Module]:
    before = channels[inputs]
    for block in range(number):
        width = 6 * before
        first = halves and block == 0
        depthwise = HalvingConvolution(width, width, width) if first else convolution(width, width, 3, groups=width)
        yield InvertedResidual(before, width, channels[outputs], depthwise)
        before = channels[outputs]


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    return nn.Sequential(depthwise, convolution(inputs, outputs), nn.ReLU())
