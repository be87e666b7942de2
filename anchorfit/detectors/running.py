"""Networks over batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

AT_ONCE = 64


@torch.inference_mode()
def run_network(network: nn.Module, pictures: Tensor, **options: bool) -> list[Tensor]:
    """A network's outputs, (B, ...) float32 each.

    On the CPU row by row: a batch then is its rows to the bit, and saves no time there.

    Args:
        pictures: (B, 3, size, size), one at least.
        options: of the network's ``forward``; what it leaves out for them is left out.
    """
    step = 1 if pictures.device.type == "cpu" else AT_ONCE
    parts = [network(part, **options) for part in pictures.split(step)]
    return [torch.cat(values).float() for values in zip(*parts, strict=True) if values[0] is not None]
