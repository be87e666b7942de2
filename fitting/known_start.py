"""Where a fit begins of people whose height is known: as large, and as far away, as it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel
from .config import FitConfig
from .grounds import enlarged
from .terms.known_size import KnownSize, sizes_with_slopes

_SCALES = (0.8, 1.25)  # times: beyond, betas that make a body so large are nobody's


class KnownStart(NamedTuple):
    """Starts (B, D), and (B,) bool of whom a height is known."""

    params: Tensor
    known: Tensor


def of_known_height(body: BodyModel, names: Sequence[str], start: Tensor, config: FitConfig) -> KnownStart:
    """Enlarge predictions to known heights: the same in the image, so their distances grow by as much.

    A prediction is of a usual size, and its distance with it. A depth that is guessed from the longest-looking limbs of
    one image, which is held where size and distance are both open, errs by more than the prediction's own.

    Args:
        body: the body model.
        names: B names of the rows.
        start: (B, D) predictions.
        config: with a `KnownSize` term, or none.
    """
    heights = start.new_full((len(start),), torch.nan)
    for term in config.terms:
        if isinstance(term, KnownSize):
            heights = start.new_tensor([term.of(name).get("height", torch.nan) for name in names])
    known = torch.isfinite(heights)
    if not bool(known.any()):
        return KnownStart(start, known)
    own = sizes_with_slopes(body, start[:, body.layout.betas], ("height",)).values[:, 0]
    scale = torch.where(known, (heights / own).clamp(*_SCALES), 1.0)
    return KnownStart(enlarged(body, start, scale), known)
