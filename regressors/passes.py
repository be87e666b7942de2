"""Batch sizes of PosePrior, so that no row depends on the size of its batch.

Matrix products of few rows and of many may round differently, and which do so is a matter of the library, the machine
and the number of threads. So a size is tried before its first use, against passes of `SAFE_PASS` people: what does not
come out equal to the last bit is not used.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch

from .pose_prior import NUM_FEATURES, PosePrior

SAFE_PASS = 16  # people: every row comes out as in a pass of so many
SMALLEST_PASS = 2  # people: sizes are multiples of it or, where those do not come out equal, of twice as many
LARGEST_PASS = 128  # people: more are not faster
_FEW = (4, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, LARGEST_PASS)  # people: sizes of passes of `PosePrior.once`

_tried: WeakKeyDictionary[PosePrior, dict[tuple[int, int, bool], bool]] = WeakKeyDictionary()


def pass_size(network: PosePrior, count: int) -> int:
    """The number of rows that each pass is to have, filled up, for ``count`` rows altogether."""
    passes = -(-count // LARGEST_PASS)
    sizes = (step * -(-count // (passes * step)) for step in (SMALLEST_PASS, 2 * SMALLEST_PASS))
    return next((size for size in sizes if _works(network, size)), SAFE_PASS)


def once_size(network: PosePrior, count: int) -> int:
    """The same for passes of `PosePrior.once`, whose number of rows is another every time: of few sizes, so that few
    are tried."""
    passes = -(-count // LARGEST_PASS)
    each = -(-count // passes)
    size = next(size for size in _FEW if each <= size)
    return size if _works(network, size, once=True) else SAFE_PASS


def _works(network: PosePrior, size: int, *, once: bool = False) -> bool:
    known, key = _tried.setdefault(network, {}), (size, torch.get_num_threads(), once)
    if key not in known:
        known[key] = size == SAFE_PASS or _as_in_safe_passes(network, size, once)
    return known[key]


def _as_in_safe_passes(network: PosePrior, size: int, once: bool) -> bool:
    """Whether the first and the last rows of a pass come out as in passes of `SAFE_PASS`, on random features."""
    device = next(network.parameters()).device
    features = torch.randn(max(size, SAFE_PASS), NUM_FEATURES, generator=torch.Generator().manual_seed(0)).to(device)
    kept, answer = min(size, SAFE_PASS), network.once if once else network
    with torch.inference_mode():
        whole = answer(features[:size]).raw
        first, last = answer(features[:SAFE_PASS]).raw, answer(features[-SAFE_PASS:]).raw
    return torch.equal(whole[:kept], first[:kept]) and (size < SAFE_PASS or torch.equal(whole[-kept:], last))
