"""BlazePose's landmark network ("full"): a square around a person in; landmarks, in 3D too, and a mask out.

Bazarevsky et al. 2020; Xu et al. 2020 (GHUM) for the landmarks in metres; weights of MediaPipe's pose landmarks.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from .layers import BlazeBlock, blaze_separable, blaze_stem, convolution, inverted, twice_as_large

LANDMARKS_SIZE = 256
LANDMARKS = 39
"""The 33 of BlazePose's skeleton, the middle of the hips and the edge of the body's circle, and four of no use."""

_STAGES = (  # of each stage, whose first block halves: width, outputs, size of the depthwise convolution
    ((64, 24, 3), (144, 24, 3)),
    ((144, 32, 5), (192, 32, 5)),
    ((192, 64, 3), (384, 64, 3), (384, 64, 3), (384, 88, 5), (528, 88, 5), (528, 88, 5)),
    ((528, 144, 5), *3 * ((864, 144, 5),)),
)


class Landmarks(NamedTuple):
    """What the network sees in each picture.

    Attributes:
        points: (B, 39, 5) x, y, depth in pixels of the input, logits of visibility and of presence.
        presence: (B,) that a person is there, 0..1.
        heatmaps: (B, 39, 64, 64) logits.
        world: (B, 39, 3) metres from the middle of the hips; x right, y down, z away from the camera.
        mask: (B, 256, 256) logits that a pixel is the person; None where it was not asked for.
    """

    points: Tensor
    presence: Tensor
    heatmaps: Tensor
    world: Tensor
    mask: Tensor | None


class PoseLandmarks(nn.Module):
    """The network, 3.17 million parameters."""

    EXACT = ("deep", "regress", "points", "world", "presence")  # in half precision joints in metres move by 14 cm

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stages, channels = blaze_stem(16), nn.ModuleList(), [16]
        for stage in _STAGES:
            inputs, blocks = channels[-1], []
            for number, (width, outputs, size) in enumerate(stage):
                blocks.append(inverted(inputs, width, outputs, size, 2 if number == 0 else 1))
                inputs = outputs
            self.stages.append(nn.Sequential(*blocks))
            channels.append(inputs)
        width = _STAGES[-1][-1][0]
        self.top = nn.Sequential(
            convolution(channels[4], width), nn.ReLU6(), convolution(width, width, 3, groups=width), nn.ReLU6()
        )
        self.lateral = nn.ModuleList(
            [blaze_separable(channels[0], 8), *(blaze_separable(c, 48) for c in (*channels[1:4], width))]
        )
        self.narrow = blaze_separable(48, 8)
        self.mask = nn.ModuleList(
            [*(nn.Sequential(BlazeBlock(8), BlazeBlock(8)) for _ in range(2)), convolution(8, 1, 3)]
        )
        self.heatmaps, self.deep = convolution(48, LANDMARKS), blaze_separable(width, 288)
        self.regress = nn.Sequential(
            *(BlazeBlock(288, halves=number in (0, 5)) for number in range(11))  # 8 -> 4 -> 2 pixels
        )
        self.points, self.world, self.presence = (
            nn.Conv2d(288, values, 2) for values in (5 * LANDMARKS, 3 * LANDMARKS, 1)
        )

    def forward(self, pictures: Tensor, *, mask: bool = True) -> Landmarks:
        """
        Args:
            pictures: (B, 3, 256, 256) RGB, 0..1.
            mask: whether the mask is wanted; it costs a sixth of the time.
        """
        levels = [self.stem(pictures)]
        for stage in self.stages:
            levels.append(stage(levels[-1]))
        top = self.top(levels[4])
        fine = self.lateral[4](top)
        for level in (3, 2, 1):
            fine = twice_as_large(fine) + self.lateral[level](levels[level])
        seen = self.regress(self.deep(top))
        return Landmarks(
            self.points(seen).reshape(-1, LANDMARKS, 5),
            self.presence(seen).sigmoid().flatten(),
            self.heatmaps(fine),
            self.world(seen).reshape(-1, LANDMARKS, 3),
            self._outline(fine, levels[0]) if mask else None,
        )

    def _outline(self, fine: Tensor, first: Tensor) -> Tensor:
        """(B, 256, 256) logits."""
        features = self.mask[0](twice_as_large(self.narrow(fine)) + self.lateral[0](first))
        outline: Tensor = self.mask[2](self.mask[1](twice_as_large(features)))
        return outline[:, 0]
