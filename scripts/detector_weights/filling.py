"""Weights into modules, by the order in which convolutions run and by their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from anchorfit.atomic import write_atomically
from anchorfit.detectors.networks.weights import FILES, FORMAT


class Convolution(NamedTuple):
    """One of a graph: weight (outputs, inputs of a group, height, width), bias (outputs,) or None, stride, groups."""

    weight: np.ndarray
    bias: np.ndarray | None
    stride: int
    groups: int

    def fits(self, module: nn.Conv2d) -> bool:
        shape, stride, groups = self.weight.shape, (self.stride, self.stride), self.groups
        alike = module.weight.shape == shape and module.stride == stride and module.groups == groups
        return alike and (module.bias is None) == (self.bias is None)


def filled(network: nn.Module, weights: Sequence[Convolution], size: int) -> nn.Module:
    """The network with a graph's weights: each convolution takes the first of its shape that is left.

    Args:
        size: of the network's input, pixels: it is run once, to learn the order of its convolutions.
    Raises:
        ValueError: a convolution that no weights fit, or weights that are left over.
    """
    order: list[nn.Conv2d] = []
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_pre_hook(lambda module, inputs: order.append(module)) for module in convolutions]
    with torch.inference_mode():
        network(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    left = list(weights)
    for module in order:
        found = next((number for number, weight in enumerate(left) if weight.fits(module)), None)
        if found is None:
            raise ValueError(f"no weights are left for {module}")
        weight = left.pop(found)
        module.weight.data = torch.from_numpy(weight.weight.copy())
        if module.bias is not None and weight.bias is not None:
            module.bias.data = torch.from_numpy(weight.bias.copy())
    if left:
        raise ValueError(f"{len(left)} convolutions of the graph are in no module")
    return network


def write(network: nn.Module, folder: Path, *, source: str) -> str:
    """Write a network in half precision, which is what the sources hold; a line with what was written."""
    tensors = {}
    for name, value in network.state_dict().items():
        tensors[name] = value.half().contiguous()
        if not torch.equal(tensors[name].float(), value):
            raise ValueError(f"{name}: half precision does not hold these weights")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILES[type(network)]
    write_atomically(path, save(tensors, {"format": FORMAT, "network": type(network).__name__, "source": source}))
    parameters = sum(value.numel() for value in tensors.values())
    return f"{path}: {parameters / 1e6:.2f} million weights, {path.stat().st_size / 1e6:.1f} MB, from {source}"
