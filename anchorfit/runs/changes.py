"""What a fit made of where it began: how far off the keypoints it was, and how far its joints moved."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..body import CANONICAL_JOINTS
from ..results import BodyEstimate

_PELVIS = CANONICAL_JOINTS.index("pelvis")


class Change(NamedTuple):
    """before_px: mean reprojection error of the start, pixels, None where it is not known; moved_mm: mean distance of
    the canonical joints' places relative to the pelvis, before and after."""

    before_px: float | None
    moved_mm: float | None


def changes(start: BodyEstimate, estimate: BodyEstimate) -> dict[str, Change]:
    """By name, of those who are in both; none where the file of the body is not there any more."""
    place = {name: row for row, name in enumerate(start.names)}
    pairs = [(row, place[name]) for row, name in enumerate(estimate.names) if name in place]
    if not pairs:
        return {}
    ours, theirs = estimate.rows([row for row, _ in pairs]), start.rows([row for _, row in pairs])
    try:
        now, before = (one.joints.double() for one in (ours, theirs))
    except (OSError, ValueError):
        return {}
    apart = (now - now[:, [_PELVIS]] - before + before[:, [_PELVIS]]).norm(dim=-1).mean(-1)
    errors = theirs.diagnostics.mean_error_px.tolist()
    return {
        name: Change(_number(error, 2), _number(1000 * float(moved), 1))
        for name, error, moved in zip(ours.names, errors, apart, strict=True)
    }


def _number(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
