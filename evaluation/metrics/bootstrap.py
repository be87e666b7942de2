"""Confidence intervals by the bootstrap, for every score that is made of sums over people or images."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_WEIGHTS_AT_ONCE = 4_000_000  # numbers drawn at once: 32 MB


class Interval(NamedTuple):
    """A score, and the interval that the resampled scores lie in."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def bootstrap(
    rows: np.ndarray,
    score: Callable[[np.ndarray], np.ndarray],
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap of a score of sums.

    Args:
        rows: (N, D), one an image: counts, or values beside a column of ones.
        score: takes sums (R, D) over rows to scores (R,).
        level: share of the resampled scores inside the interval.
        resamples: how often N rows are drawn, with replacement.
        seed: of the draws.
    Returns:
        The score of all rows and its interval; NaN without rows.
    Raises:
        ValueError: rows is not (N, D), or the level is not between 0 and 1.
    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", ch. 13 (percentile interval).
    """
    if rows.ndim != 2:
        raise ValueError(f"rows: expected (N, D), got {rows.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level: expected a share between 0 and 1, got {level}")
    count = len(rows)
    if count == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    scores = []
    for start in range(0, resamples, step := max(1, _WEIGHTS_AT_ONCE // count)):
        drawn = min(step, resamples - start)
        weights = rng.multinomial(count, np.full(count, 1 / count), size=drawn)
        scores.append(score(weights @ rows))
    low, high = np.nanquantile(np.concatenate(scores), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(score(rows.sum(0)[None])[0]), float(low), float(high))


def mean_interval(values: np.ndarray, *, level: float = 0.95, resamples: int = 1000, seed: int = 0) -> Interval:
    """The mean of (N,) values and its interval; values that are not finite are left out."""
    finite = values[np.isfinite(values)]
    rows = np.stack([finite, np.ones_like(finite)], axis=1)
    return bootstrap(rows, lambda sums: sums[:, 0] / sums[:, 1], level=level, resamples=resamples, seed=seed)
