"""Convolutions prepared for the CPU: weights in oneDNN's own layout, and ReLU6 inside of the convolution.

PyTorch lays weights out anew at every call, and runs activations over the result once more. What `torch.compile` makes
of convolutions is used here directly, where this PyTorch has it: two thirds of the time, and no compiler is needed.
Sums come in another order: outputs differ by rounding. Where the CPU computes in bfloat16 by itself, that takes half of
the time once more.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from .layers import HalvingConvolution

Network = TypeVar("Network", bound=nn.Module)

MOST_SHAPES = 6
"""Of inputs whose layouts are kept: of pictures of two formats and of squares of a few sizes."""


class FusedConvolution(nn.Module):
    """A convolution with ReLU6 behind it where ``clamped``, on the CPU, in its weights' type.

    Weights are laid out for each shape of inputs apart: in the layout of another shape it takes up to 4 times as long.
    """

    def __init__(self, source: nn.Conv2d, clamped: bool) -> None:
        super().__init__()
        weight, padding = source.weight.detach(), [int(side) for side in source.padding]
        if isinstance(source, HalvingConvolution):  # a row and a column of zeros before it: then it is padded alike
            weight, padding = pad(weight, (1, 0, 1, 0)), [1, 1]
        self.rule = (padding, list(source.stride), [1, 1], source.groups)
        self.activation: tuple[str, list[float]] = ("hardtanh", [0.0, 6.0]) if clamped else ("none", [])
        self.weight, self.bias = weight.contiguous(), source.bias
        self._laid: dict[torch.Size, Tensor] = {}  # by shape of a picture, the latest last

    def forward(self, features: Tensor) -> Tensor:
        seen: Tensor = torch.ops.mkldnn._convolution_pointwise(
            features.to(self.weight.dtype), self._weight(features.shape), self.bias, *self.rule, *self.activation, ""
        )
        return seen

    def _weight(self, shape: torch.Size) -> Tensor:
        """For one picture, also where there are several, so that they come out as each does alone."""
        shape = shape[1:]
        laid = self._laid.pop(shape, None)
        if laid is None:
            laid = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *self.rule, [1, *shape])
            if len(self._laid) == MOST_SHAPES:
                del self._laid[next(iter(self._laid))]
        self._laid[shape] = laid
        return laid


@torch.inference_mode()
def fuse(network: Network, *, half: bool = False) -> Network:
    """The network with its convolutions prepared, in place; as it was where this PyTorch cannot do that.

    Args:
        half: compute in bfloat16, but for what the network's class lists as ``EXACT``.
    """
    if not _able(torch.float32):
        return network
    if half and _able(torch.bfloat16):
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d) and not name.startswith(network.EXACT):
                module.to(torch.bfloat16)
    _exchange(network)
    return network


def _able(dtype: torch.dtype) -> bool:
    """Whether this PyTorch has what is needed, and it computes what it should."""
    plain = nn.Conv2d(8, 8, 1)
    picture = torch.linspace(-9, 9, 128).reshape(1, 8, 4, 4).contiguous(memory_format=torch.channels_last)
    expected = plain(picture).clamp(0, 6)
    try:
        fused = FusedConvolution(plain.to(dtype), clamped=True)(picture)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(fused.float(), expected, atol=1e-4 if dtype == torch.float32 else 0.1)


def _exchange(module: nn.Module) -> None:
    children = list(module.named_children())
    for number, (name, child) in enumerate(children):
        if isinstance(child, nn.Conv2d):
            after, following = children[number + 1] if number + 1 < len(children) else ("", None)
            clamped = isinstance(module, nn.Sequential) and isinstance(following, nn.ReLU6)
            setattr(module, name, FusedConvolution(child, clamped))
            if clamped:
                setattr(module, after, nn.Identity())
        else:
            _exchange(child)
