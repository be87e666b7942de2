"""Blocks that BlazePose and MoveNet share. Batch normalisation is folded into the convolutions, as in the sources."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, pad


def convolution(inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution with a border of zeros of half its size on every side."""
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups)


class HalvingConvolution(nn.Conv2d):
    """A 3x3 convolution of stride 2, padded right and below only, as TensorFlow's "same" pads even sizes."""

    def __init__(self, inputs: int, outputs: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, 2, groups=groups)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(pad(features, (0, 1, 0, 1)))


class InvertedResidual(nn.Sequential):
    """MobileNetV2's block (Sandler et al. 2018): wider, depthwise, narrower, and a skip where shapes agree.

    Args:
        depthwise: the convolution in the middle, of ``width`` groups.
    """

    def __init__(self, inputs: int, width: int, outputs: int, depthwise: nn.Conv2d) -> None:
        layers = [convolution(inputs, width), nn.ReLU6(), depthwise, nn.ReLU6(), convolution(width, outputs)]
        super().__init__(*layers)
        self.skips = inputs == outputs and depthwise.stride == (1, 1)

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = super().forward(features)  # type: ignore[no-untyped-call]
        return changed + features if self.skips else changed


def inverted(inputs: int, width: int, outputs: int, size: int = 3, stride: int = 1) -> InvertedResidual:
    """BlazePose's inverted residual: padded alike on all sides, also where it halves."""
    return InvertedResidual(inputs, width, outputs, convolution(width, width, size, stride, width))


class BlazeBlock(nn.Module):
    """BlazePose's block: depthwise and pointwise convolution and a skip, of one size or half.

    Args:
        active: whether the depthwise convolution is rectified.
    """

    def __init__(self, channels: int, *, halves: bool = False, active: bool = True) -> None:
        super().__init__()
        depthwise: nn.Conv2d = (
            HalvingConvolution(channels, channels, channels)
            if halves
            else convolution(channels, channels, 3, groups=channels)
        )
        self.body = nn.Sequential(depthwise, nn.ReLU6() if active else nn.Identity(), convolution(channels, channels))
        self.halves = halves

    def forward(self, features: Tensor) -> Tensor:
        skipped = max_pool2d(features, 2) if self.halves else features
        seen: Tensor = self.body(features) + skipped
        return seen.clamp(0, 6)


def blaze_stem(outputs: int) -> nn.Sequential:
    """The first layers of both of BlazePose's networks: half the size."""
    return nn.Sequential(
        convolution(3, 24, 3, 2), nn.ReLU6(), convolution(24, 24, 3, groups=24), nn.ReLU6(), convolution(24, outputs)
    )


def blaze_separable(inputs: int, outputs: int, *, active: bool = True) -> nn.Sequential:
    """Depthwise and pointwise convolution; ``active`` as in `BlazeBlock`."""
    return nn.Sequential(
        convolution(inputs, inputs, 3, groups=inputs),
        nn.ReLU6() if active else nn.Identity(),
        convolution(inputs, outputs),
        nn.ReLU6(),
    )


def twice_as_large(features: Tensor) -> Tensor:
    return interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
