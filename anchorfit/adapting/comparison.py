"""Before and after on the same held-out people, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..evaluation.metrics.bootstrap import Interval, bootstrap

LEAST_GAIN = 0.02
"""Of the figure before: a smaller gain, however sure, is not worth another network."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A figure before and after.

    Attributes:
        name, unit: of the figure.
        before, after: means.
        change: after - before and its 95 % interval, images drawn anew: people of one image stay together.
        lower_is_better: which way is good.
        tolerance: how much worse is not yet called worse.
        people, images: that were compared.
    """

    name: str
    unit: str
    before: float
    after: float
    change: Interval
    lower_is_better: bool
    people: int
    images: int
    tolerance: float = 0.0

    @property
    def better(self) -> bool:
        """Whether all of the interval lies on the good side, and the gain is worth it."""
        sure = self.change.high < 0 if self.lower_is_better else self.change.low > 0
        return sure and abs(self.change.value) >= LEAST_GAIN * abs(self.before)

    @property
    def worse(self) -> bool:
        """Whether all of it lies on the bad side, beyond the tolerance."""
        low, high = self.change.low, self.change.high
        return low > self.tolerance if self.lower_is_better else high < -self.tolerance

    def __str__(self) -> str:
        low, high = self.change.low, self.change.high
        unit = f" {self.unit}" if self.unit else ""
        largest = max(abs(self.before), abs(self.after))
        digits = 1 if largest >= 10 else 2 if largest >= 1 else 3
        return (
            f"{self.name} {self.before:.{digits}f} -> {self.after:.{digits}f}{unit} "
            f"(95 %: {low:+.{digits}f} to {high:+.{digits}f})"
        )


class Verdict(NamedTuple):
    """Whether the adapted network is to be used, and why, in a line."""

    helped: bool
    line: str


def compare(
    name: str,
    unit: str,
    before: np.ndarray,
    after: np.ndarray,
    images: Sequence[object],
    *,
    lower_is_better: bool,
    tolerance: float = 0.0,
    weights: np.ndarray | None = None,
) -> Comparison | None:
    """Compare a figure of N people before and after; None where no person has both.

    Args:
        before, after: (N,); NaN where a person has none.
        tolerance: see `Comparison`.
        images: N; who shares one is drawn together.
        weights: (N,) what each person counts for in the mean, such as joints; None for one each.
    """
    weights = np.ones(len(before)) if weights is None else weights.astype(np.float64)
    known = np.isfinite(before) & np.isfinite(after) & (weights > 0)
    if not known.any():
        return None
    weights = weights[known]
    groups = np.unique([str(image) for image, there in zip(images, known, strict=True) if there], return_inverse=True)
    rows = np.zeros((len(groups[0]), 3))
    np.add.at(rows, groups[1], np.stack((before[known] * weights, after[known] * weights, weights), 1))
    total = rows.sum(0)
    return Comparison(
        name=name,
        unit=unit,
        before=float(total[0] / total[2]),
        after=float(total[1] / total[2]),
        change=bootstrap(rows, lambda sums: (sums[:, 1] - sums[:, 0]) / sums[:, 2]),
        lower_is_better=lower_is_better,
        people=int(known.sum()),
        images=len(groups[0]),
        tolerance=tolerance,
    )


def judge(aims: Sequence[Comparison], guards: Sequence[Comparison] = ()) -> Verdict:
    """Helped: some aim is surely better, and neither an aim nor a guard is surely worse."""
    worse = [figure for figure in (*aims, *guards) if figure.worse]
    better = [figure for figure in aims if figure.better]
    if better and not worse:
        return Verdict(True, "helped: " + "; ".join(map(str, better)))
    reasons = "; ".join(map(str, worse or aims))
    why = " gets worse" if worse else " is a small or unsure gain" if aims else "there is nothing to compare"
    return Verdict(False, f"did not help: {reasons}{why}; the weights from before stay better, there is nothing to use")
