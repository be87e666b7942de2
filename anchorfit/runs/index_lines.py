"""What the index of a folder of results says of bodies: see `anchorfit.index`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from ..results import BodyEstimate, Diagnostics


def index_lines(estimate: BodyEstimate, file: str | None, first: int = 0) -> list[dict[str, Any]]:
    """What the index of a folder says of bodies that lie together in one of its files, from its row ``first`` on, or in
    none of those that are read again."""
    where = ({"file": file, "row": first + row} if file else {} for row in range(len(estimate)))
    named = (
        {"name": name, "image": image or None} for name, image in zip(estimate.names, estimate.images, strict=True)
    )
    told = fitted_lines(estimate.diagnostics)
    return [{**name, **found, **place} for name, found, place in zip(named, told, where, strict=True)]


def fitted_lines(found: Diagnostics) -> Iterator[dict[str, Any]]:
    """What the index says of each row."""
    columns: dict[str, Sequence[Any]] = {
        "score": _rounded(found.score),
        "trusted": found.trusted.tolist(),
        "reason": found.reasons,
        "unseen": found.unseen,
        "error_px": _rounded(found.mean_error_px),
        "steps": found.steps.tolist(),
        "converged": found.converged.tolist(),
    }
    for values in zip(*columns.values(), strict=True):
        yield {"status": "fitted", **dict(zip(columns, values, strict=True))}


def _rounded(values: Tensor) -> list[float | None]:
    return [round(value, 4) if math.isfinite(value) else None for value in values.tolist()]
