"""Choice of the people that a report shows, where a run has more than fit on a page."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence

import torch

from ..results import BodyEstimate, concatenate


def choose_rows(scores: Sequence[float], most: int) -> list[int]:
    """Choose at most ``most`` rows: half the least trusted, half spread evenly over all, in their order.

    The spread takes every 2nd, 4th, 8th ... row, so that a run need not know its length; what it leaves free goes to
    the next in trust.

    Args:
        scores: (N,) trust; NaN, where trust was not judged, counts as surely right.
        most: at least 1.
    """
    shortlist = _Places(most)
    for place, score in enumerate(scores):
        shortlist.add(place, score)
    return shortlist.chosen()


class Shortlist:
    """The rows that `choose_rows` would choose of all estimates of a run, as they pass by; the rest is forgotten."""

    def __init__(self, most: int) -> None:
        self._places = _Places(most)
        self._kept: dict[int, BodyEstimate] = {}
        self.seen = 0

    def add(self, estimate: BodyEstimate) -> None:
        """Look at the next rows of the run; those that are not finite are passed over."""
        finite = torch.isfinite(estimate.params).all(-1).tolist()
        for row, score in enumerate(estimate.diagnostics.score.tolist()):
            if finite[row]:
                self._kept[self.seen] = estimate.rows([row])
                self._places.add(self.seen, score)
            self.seen += 1
        needed = self._places.needed()
        self._kept = {place: row for place, row in self._kept.items() if place in needed}

    def estimate(self) -> BodyEstimate | None:
        """The chosen rows in the order of the run; None where there is none."""
        chosen = self._places.chosen()
        return concatenate([self._kept[place] for place in chosen]) if chosen else None


class _Places:
    """Places of a sequence of unknown length: the least trusted, and every n-th."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._doubtful: list[tuple[float, int]] = []  # a heap; the most trusted of them first
        self._spread: list[int] = []
        self._passed = 0  # those looked at
        self._stride = 1

    def add(self, place: int, score: float) -> None:
        entry = (-(1.0 if math.isnan(score) else score), -place)
        if len(self._doubtful) < self._most:
            heapq.heappush(self._doubtful, entry)
        else:
            heapq.heappushpop(self._doubtful, entry)
        if self._passed % self._stride == 0:
            self._spread.append(place)
            if len(self._spread) > (self._most + 1) // 2:
                self._spread = self._spread[::2]
                self._stride *= 2
        self._passed += 1

    def needed(self) -> set[int]:
        """Places that may still be chosen."""
        return {*self._spread, *(-place for _, place in self._doubtful)}

    def chosen(self) -> list[int]:
        by_trust = [-place for _, place in sorted(self._doubtful, reverse=True)]
        return sorted(_first_of([*by_trust[: self._most // 2], *self._spread, *by_trust], self._most))


def _first_of(places: Sequence[int], most: int) -> Iterator[int]:
    """The first ``most`` different places."""
    yield from list(dict.fromkeys(places))[:most]
