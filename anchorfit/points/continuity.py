"""Recordings that leap: single frames of another place, and people who change from one frame to the next."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

_STRAY = (0.25, 3.0)  # metres, and metres a second: farther from both its neighbours a frame is none of this person,
_ALIKE = 0.5  # if they are nearer to each other than that share of it
_LEAP = (0.5, 12.0)  # metres, and metres a second: nobody goes so far from one frame to the next


def strays(points: Tensor, seen: Tensor, lost: Tensor, rate: float) -> list[str]:
    """For each frame why it is none of its recording; "" where nothing speaks against it.

    Args:
        points: (T, P, 3) metres. seen: (T, P) confidence. lost: (T,) bool, frames that have no say.
        rate: frames a second.
    """
    reasons = [""] * len(points)
    frames = torch.nonzero(~lost)[:, 0].tolist()
    for before, here, after in zip(frames, frames[1:], frames[2:], strict=False):
        away = [_apart(points, seen, *two) for two in ((before, here), (here, after), (before, after))]
        least, speed = _STRAY
        limits = [least + speed * gap / rate for gap in (here - before, after - here)]
        back = away[2] < _ALIKE * min(away[:2])
        if back and all(off > limit for off, limit in zip(away[:2], limits, strict=True)):
            reasons[here] = (
                f"the points leap by {min(away[:2]):.1f} m, and back in the next frame: of another person, or none?"
            )
    return reasons


def leaps(points: Tensor, seen: Tensor, lost: Tensor, rate: float) -> list[tuple[int, str]]:
    """A line for each frame at which the person goes farther than a person can; arguments as for `strays`."""
    found = []
    frames = torch.nonzero(~lost)[:, 0].tolist()
    least, speed = _LEAP
    for before, here in pairwise(frames):
        off = _apart(points, seen, before, here)
        if off > least + speed * (here - before) / rate:
            found.append((here, f"the points leap by {off:.1f} m from frame to frame: another person from here on?"))
    return found


def _apart(points: Tensor, seen: Tensor, one: int, other: int) -> float:
    """Metres between two frames: the median over the points that both have; 0 where there are none."""
    both = (seen[one] > 0) & (seen[other] > 0)
    if not bool(both.any()):
        return 0.0
    return float((points[one] - points[other]).norm(dim=-1)[both].median())
