"""Human2D: a picture of a person in, keypoint heatmaps and a silhouette out.

Pavlakos et al. 2018, section 4.1: one stacked hourglass of two stacks, 256 x 256 pixels in, 64 x 64 out, heatmaps and a
silhouette of two channels (background, body). The hourglass is that of Newell, Yang, Deng 2016, "Stacked hourglass
networks for human pose estimation": residual units of three convolutions, four halvings, a loss after every stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..body.joint_sets import CANONICAL_JOINTS, mirror_permutation
from .heatmaps import Decoded, decode

INPUT_SIZE, OUTPUT_SIZE = 256, 64
STRIDE = INPUT_SIZE / OUTPUT_SIZE
LEAST_SURE = 0.03
"""Heatmap maxima below this are no joints."""
HUMAN2D_JOINTS: tuple[str, ...] = tuple(
    name
    for name in CANONICAL_JOINTS
    if name.rpartition("_")[2]
    in ("pelvis", "hip", "knee", "ankle", "shoulder", "elbow", "wrist", "thorax", "neck", "nose", "eye", "ear", "heel")
    or name in ("head_top", "left_big_toe", "right_big_toe")
)
"""What LSP, MPII and COCO annotate, with heels and toes: 25 joints."""


@dataclass(frozen=True, kw_only=True)
class Human2DConfig:
    """The network's shape. 256 features are the paper's (6.6 million weights); 96 train on a CPU (1 million)."""

    features: int = 256
    stacks: int = 2
    depth: int = 4  # halvings in an hourglass
    joints: tuple[str, ...] = HUMAN2D_JOINTS

    def __post_init__(self) -> None:
        unknown = [name for name in self.joints if name not in CANONICAL_JOINTS]
        if unknown or not self.joints:
            raise ValueError(f"joints: expected names of the canonical skeleton, got {', '.join(unknown) or 'none'}")
        for name, least in (("features", 8), ("stacks", 1), ("depth", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        if self.features % 4:
            raise ValueError(f"features: expected a multiple of 4, got {self.features}")
        if self.depth > 6:
            raise ValueError(f"depth: 64 pixels can be halved 6 times, got {self.depth}")


def check_picture_size(size: int) -> None:
    """
    Raises:
        ValueError: pictures of this side cannot be halved six times.
    """
    if size < 64 or size % 64:
        raise ValueError(f"size: pictures need a multiple of 64 pixels, got {size}")


class Human2DOutput(NamedTuple):
    """Output of one stack: heatmaps (B, J, 64, 64); silhouette (B, 2, 64, 64), logits of background and body."""

    heatmaps: Tensor
    silhouette: Tensor


class Sight(NamedTuple):
    """Decoded output: positions (B, J, 2) pixels of the crop, confidence (B, J); body (B, 64, 64) in 0..1."""

    positions: Tensor
    confidence: Tensor
    body: Tensor


class Human2D(nn.Module):
    """The network."""

    def __init__(self, config: Human2DConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or Human2DConfig()
        width, early = config.features, max(8, config.features // 2)
        self.stem = nn.Sequential(
            nn.Conv2d(3, max(8, width // 4), 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(max(8, width // 4)),
            nn.ReLU(inplace=True),
            Residual(max(8, width // 4), early),
            nn.MaxPool2d(2),
            Residual(early, early),
            Residual(early, width),
        )
        self.hourglasses = nn.ModuleList(Hourglass(width, config.depth) for _ in range(config.stacks))
        self.features = nn.ModuleList(
            nn.Sequential(
                Residual(width, width), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            )
            for _ in range(config.stacks)
        )
        channels = len(config.joints) + 2
        heads = [nn.Conv2d(width, channels, 1) for _ in range(config.stacks)]
        self.returns = nn.ModuleList(nn.Conv2d(width + channels, width, 1) for _ in range(config.stacks - 1))
        for head in heads:  # heatmaps are nearly empty: start there
            nn.init.normal_(head.weight, std=1e-2)
            head.bias.data.zero_()  # type: ignore[union-attr]
        self.heads = nn.ModuleList(heads)

    def forward(self, pictures: Tensor) -> list[Human2DOutput]:
        """The outputs of all stacks, the last one the best.

        Args:
            pictures: (B, 3, 256, 256) RGB, 0..1. Others, of a multiple of 64 pixels, give maps of a quarter of them.
        """
        seen = self.stem(2 * pictures - 1)
        outputs = []
        for index, (hourglass, refine, head) in enumerate(
            zip(self.hourglasses, self.features, self.heads, strict=True)
        ):
            features = refine(hourglass(seen))
            maps = head(features)
            maps = maps.to(pictures.dtype)  # mixed precision ends here
            outputs.append(Human2DOutput(maps[:, :-2], maps[:, -2:]))
            if index < len(self.returns):
                seen = seen + self.returns[index](torch.cat((features, maps), 1))
        return outputs


class Residual(nn.Module):
    """Newell's unit: 1x1, 3x3, 1x1 convolutions on half of the features, normalised before, and a skip."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        half = max(4, after // 2)
        self.layers = nn.Sequential(
            *(nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, half, 1, bias=False)),
            *(nn.BatchNorm2d(half), nn.ReLU(inplace=True), nn.Conv2d(half, half, 3, padding=1, bias=False)),
            *(nn.BatchNorm2d(half), nn.ReLU(inplace=True), nn.Conv2d(half, after, 1)),
        )
        self.skip = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, features: Tensor) -> Tensor:
        skipped: Tensor = self.skip(features)
        return skipped + self.layers(features)


class Hourglass(nn.Module):
    """Down by halves and up again, with a skip at every resolution."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.skip = Residual(width, width)
        self.down = Residual(width, width)
        self.inner: nn.Module = Hourglass(width, depth - 1) if depth > 1 else Residual(width, width)
        self.up = Residual(width, width)

    def forward(self, features: Tensor) -> Tensor:
        small = self.up(self.inner(self.down(functional.max_pool2d(features, 2))))
        skipped: Tensor = self.skip(features)
        return skipped + functional.interpolate(small, scale_factor=2.0, mode="nearest")


def fast_in_half(device: torch.device | str) -> bool:
    """Whether a device computes in bfloat16 by itself: newer GPUs, and CPUs with AMX or AVX-512 BF16."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability(device) >= (8, 0)
    tests = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # not every PyTorch has them
    return kind == "cpu" and any(getattr(torch.cpu, test, bool)() for test in tests)


@torch.inference_mode()
def see(network: Human2D, pictures: Tensor, *, flip: bool = False, half: bool = False) -> Sight:
    """Run a trained network on pictures of people.

    Args:
        network: in evaluation mode; a batch then equals its rows.
        pictures: (B, 3, 256, 256) RGB, 0..1.
        flip: look at the mirrored pictures, too, and take the mean: a little better, at twice the time.
        half: compute in bfloat16; see `fast_in_half`.
    """
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    heatmaps, logits = _last(network, pictures, half)
    if flip:
        order = list(mirror_permutation(network.config.joints))
        mirrored, others = _last(network, pictures.flip(-1), half)
        heatmaps = (heatmaps + mirrored.flip(-1)[:, order]) / 2
        logits = (logits + others.flip(-1)) / 2
    found: Decoded = decode(heatmaps, STRIDE)
    return Sight(found.positions, found.confidence, logits.softmax(1)[:, 1])


def _last(network: Human2D, pictures: Tensor, half: bool) -> Human2DOutput:
    with torch.autocast(pictures.device.type, torch.bfloat16, enabled=half):
        output: Human2DOutput = network(pictures)[-1]
    return output
