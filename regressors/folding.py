"""Networks as prediction runs them: batch norms folded into the layers before them, dropouts left out.

In evaluation mode a batch norm is a fixed scale and shift of each channel, so it can be part of the linear layer or
convolution before it: equal to rounding, and half as many passes over the features.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import chain
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

Network = TypeVar("Network", bound=nn.Module)


class _Folded(NamedTuple):
    """A folded copy, where it is, and the tensors that it was made of, each with the number of its changes."""

    copy: nn.Module
    device: torch.device
    made_of: tuple[tuple[Tensor, int], ...]


_known: WeakKeyDictionary[nn.Module, _Folded] = WeakKeyDictionary()
_made: WeakSet[nn.Module] = WeakSet()


def folded(network: Network, device: torch.device) -> Network:
    """`fold` on a device: made once, and again where weights were changed in place since (by training).

    A network that `fold` made, and that is there already, is its own.
    """
    if network in _made and next(network.parameters()).device == device:
        return network
    known = _known.get(network)
    if known is None or known.device != device or any(_changes(tensor) != count for tensor, count in known.made_of):
        tensors = chain(network.parameters(), network.buffers())
        known = _Folded(fold(network).to(device), device, tuple((tensor, _changes(tensor)) for tensor in tensors))
        _known[network] = known
    return known.copy  # type: ignore[return-value]


def fold(network: Network) -> Network:
    """A copy in evaluation mode, without dropouts, and without the batch norms that stand right behind a linear layer
    or a convolution in an ``nn.Sequential``; it has no gradients.

    Source: Jacob et al. 2018, "Quantization and training of neural networks ...", section 3.2.
    """
    with torch.inference_mode(False):  # so that the copy is of use outside of it, too
        copy = deepcopy(network).eval().requires_grad_(False)
        for stack in [module for module in copy.modules() if isinstance(module, nn.Sequential)]:
            for place in reversed(range(len(stack))):
                layer, before = stack[place], stack[max(0, place - 1)]
                if isinstance(layer, nn.ReLU) and place:
                    layer.inplace = True
                if isinstance(layer, nn.BatchNorm1d) and isinstance(before, nn.Linear):
                    stack[place - 1] = fuse_linear_bn_eval(before, layer)
                elif isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
                    stack[place - 1] = fuse_conv_bn_eval(before, layer)
                elif not isinstance(layer, nn.Dropout):
                    continue
                del stack[place]
    _made.add(copy)
    return copy


def _changes(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version
