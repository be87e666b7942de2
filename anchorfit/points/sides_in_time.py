"""Exchanged sides of frames with gaps, told by frames beside them: points go on where those of the same name were."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .exchanges import Exchanged
from .sides import other_sides

_SPAN_S = 0.2  # seconds to a frame that tells
_NEARER = 0.5  # times as far as the points of that frame's other side
_FEWEST = 2  # points to compare


def told_by_neighbours(
    found: Exchanged, names: Sequence[str], positions: Tensor, seen: Tensor, rate: float
) -> tuple[str, ...]:
    """For each frame what is exchanged: as it tells itself, or as the nearest frame that tells does, where points of
    that part have gone on from those of the same name.

    Args:
        found: of the frames apart.
        names: P body points.
        positions, seen: (T, P, 3) metres in one frame of reference, and (T, P) confidence.
        rate: frames a second.
    """
    parts = list(found.parts)
    telling = [row for row, points in enumerate(found.points.any(1).tolist()) if points]
    mirrored = torch.tensor(other_sides(names), device=positions.device)
    for row, part in enumerate(found.parts):
        if part or not telling:
            continue
        nearest = min(telling, key=lambda other: abs(other - row))
        if abs(nearest - row) <= _SPAN_S * rate and _goes_on(
            row, nearest, found.points[nearest], mirrored, positions, seen
        ):
            parts[row] = found.parts[nearest]
    return tuple(parts)


def _goes_on(row: int, other: int, part: Tensor, mirrored: Tensor, positions: Tensor, seen: Tensor) -> bool:
    """Whether the points (P,) of a part are far nearer to another row's of the same name than to its mirrored ones."""
    place = mirrored.clamp_min(0)
    there = seen[other] > 0
    known = part & (seen[row] > 0) & there & there[place] & (mirrored >= 0)
    if int(known.sum()) < _FEWEST:
        return False
    same, across = ((positions[row] - positions[other][own]).norm(dim=-1)[known].sum() for own in (slice(None), place))
    return bool(same < _NEARER * across)
