"""Means over sets too large to hold, or split over workers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Spread(NamedTuple):
    """Of the values seen: how many were finite, how many not, mean, standard deviation and standard error."""

    finite: int
    failed: int
    mean: float
    deviation: float
    error: float


@dataclass(frozen=True, kw_only=True)
class MeanStream:
    """Mean and spread of a stream of values. Merging any parts in any order gives the same, up to rounding.

    Source: Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
    """

    count: int = 0
    failed: int = 0  # values that were not finite: never part of the mean, never forgotten
    mean: float = 0.0
    squares: float = 0.0  # sum of squared deviations from the mean

    def update(self, values: Tensor | np.ndarray) -> MeanStream:
        """This stream and any number of values more."""
        numbers = torch.as_tensor(values).double().flatten()
        finite = numbers[torch.isfinite(numbers)]
        if not len(finite):
            return self.merge(MeanStream(failed=len(numbers)))
        mean = float(finite.mean())
        squares = float((finite - mean).square().sum())
        return self.merge(MeanStream(count=len(finite), failed=len(numbers) - len(finite), mean=mean, squares=squares))

    def merge(self, other: MeanStream) -> MeanStream:
        """Both streams as one."""
        count = self.count + other.count
        if not count:
            return MeanStream(failed=self.failed + other.failed)
        apart = other.mean - self.mean
        return MeanStream(
            count=count,
            failed=self.failed + other.failed,
            mean=self.mean + apart * other.count / count,
            squares=self.squares + other.squares + apart**2 * self.count * other.count / count,
        )

    def result(self) -> Spread:
        """NaN where there are too few values."""
        mean = self.mean if self.count else math.nan
        deviation = math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else math.nan
        return Spread(self.count, self.failed, mean, deviation, deviation / math.sqrt(max(1, self.count)))
