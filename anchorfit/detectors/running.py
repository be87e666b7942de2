"""Networks over batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .networks.fused import FusedConvolution

AT_ONCE = 64
AT_ONCE_ON_CPU = 4
"""A third less time than one by one. Of fused convolutions, up to 16 at once were measured to be rows to the bit; of
others a row depends on its company, and they get one at a time."""


@torch.inference_mode()
def run_network(network: nn.Module, pictures: Tensor, **options: bool) -> list[Tensor]:
    """A network's outputs, (B, ...) float32 each.

    Args:
        pictures: (B, 3, size, size), one at least.
        options: of the network's ``forward``; what it leaves out for them is left out.
    """
    step = AT_ONCE
    if pictures.device.type == "cpu":
        step = AT_ONCE_ON_CPU if any(isinstance(module, FusedConvolution) for module in network.modules()) else 1
    parts = [network(part, **options) for part in pictures.split(step)]
    return [torch.cat(values).float() for values in zip(*parts, strict=True) if values[0] is not None]
