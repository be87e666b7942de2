"""Axes of another unit than the others, told by bones: none is longer for the direction that it points in."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel
from ..fitting.point_start import rigid_pairs

_FACTORS = tuple(2.0 ** (step / 4) for step in range(-16, 17) if step)  # a sixteenth to sixteen, in steps of 19 %
_LEAST = 2.0  # times that an axis is too short or too long: less may be a person's build, or noise
_UNLIKE = 0.12  # mean difference of bones' lengths from the mean body's, as logarithms, that is looked into,
_LIKER = 0.6  # and what it must be of that with the axis put right
_FEWEST = 6  # bones
_ROWS = 512  # that are looked at, spread over all


class OddAxis(NamedTuple):
    """An axis, 0 to 2, on which lengths are so many times those on the others."""

    axis: int
    times: float

    @property
    def reason(self) -> str:
        """Why such rows are not trusted, in words."""
        name = "xyz"[self.axis]
        return f"lengths along {name} are about {self.times:.2g} times those along the other axes: in another unit?"


def odd_axis(body: BodyModel, names: tuple[str, ...], points: Tensor, confidence: Tensor) -> OddAxis | None:
    """The axis that has another unit than the others; None where bones are as long in every direction.

    Args:
        body: the body model.
        names: P body points.
        points, confidence: (B, P, 3) in any unit, and (B, P), 0 where missing.
    """
    first, second, length = rigid_pairs(body, names)
    rows = slice(None, None, max(1, -(-len(points) // _ROWS)))
    both = (confidence[rows, first] > 0) & (confidence[rows, second] > 0)
    rows_seen = both.sum(1) >= _FEWEST
    if not bool(rows_seen.any()):
        return None
    away = ((points[rows, first] - points[rows, second]) / length.to(points)[:, None])[rows_seen].square()
    unseen = ~both[rows_seen]
    plain = _unlikeness(away.sum(-1), unseen)
    if plain < _UNLIKE:
        return None
    tried = [
        (_unlikeness(away.sum(-1) + away[..., axis] * (times**-2 - 1), unseen), OddAxis(axis, times))
        for axis in range(3)
        for times in _FACTORS
    ]
    best, found = min(tried, key=lambda one: one[0])
    far = not 1 / _LEAST < found.times < _LEAST
    return found if far and best < _LIKER * plain else None


def _unlikeness(squares: Tensor, unseen: Tensor) -> float:
    """How differently bones are long for the mean body within a row, of (R, N) squared ratios: the median of rows."""
    ratios = (0.5 * squares.clamp_min(1e-12).log()).masked_fill(unseen, torch.nan)
    ratios = ratios - ratios.nanmedian(1, keepdim=True).values
    return float(ratios.abs().clamp(max=2.0).nanmean(1).median())
