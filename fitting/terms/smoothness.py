"""Poses and places of neighbouring frames of a video are drawn together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from torch import Tensor

from ...body import Layout
from ..energy import BodyState, Energy, Residuals, Term
from ..least_squares import NormalEquations
from .anchor import AnchorTerm
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class SmoothnessTerm(Term):
    """w^2 |x_t - (x_(t-1) + x_(t+1)) / 2|^2 over body pose and translation, the neighbours held fixed in each round.

    In place of the middle stands the row's own time on the way from the one neighbour to the other.

    Args:
        neighbours: of the B rows.
        pose_weight: for a radian. transl_weight: for a metre; both in reference pixels.
    """

    name = "smoothness"

    def __init__(self, neighbours: Neighbours, layout: Layout, *, pose_weight: float, transl_weight: float) -> None:
        self.evidence = neighbours.evidence
        self._neighbours = neighbours
        self._weights = ((layout.body_pose, pose_weight), (layout.transl, transl_weight))
        self._pull: list[AnchorTerm] = []

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        between = self._neighbours.between(params)
        on = self._neighbours.evidence.to(params)
        self._pull = [AnchorTerm(between, columns, weight * on, sigma=None) for columns, weight in self._weights]
        return params

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, jacobians = zip(*(term.residuals(state, rows) for term in self._pull), strict=True)
        return Residuals(torch.cat(values, 1), torch.cat(jacobians, 1))

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        for term in self._pull:
            term.accumulate(state, rows, normal)


class Neighbours(NamedTuple):
    """Rows before and after each row (B,), and how far on the way from the one to the other it is (B,)."""

    before: Tensor
    after: Tensor
    share: Tensor

    @property
    def evidence(self) -> Tensor:
        """(B,) bool: the row has a neighbour."""
        rows = torch.arange(len(self.before), device=self.before.device)
        return (self.before != rows) | (self.after != rows)

    def between(self, params: Tensor) -> Tensor:
        """(B, D) on the straight way from the row before to the row after."""
        return torch.lerp(params[self.before], params[self.after], self.share.to(params)[:, None])

    def resumed(self, params: Tensor) -> Tensor:
        """The same with the nearer one's orientation: turns about half a circle have no straight way between them."""
        where = Layout.of_size(params.shape[-1]).global_orient
        nearer = torch.where(self.share < 0.5, self.before, self.after)
        start = self.between(params)
        start[:, where] = params[nearer][:, where]
        return start


def neighbours_of(videos: Sequence[Hashable], lost: Tensor, time_s: Tensor | None = None) -> Neighbours:
    """Of each row in its video, the nearest that are not lost; at an end the one neighbour counts twice.

    Args:
        videos: B labels.
        lost: (B,) bool.
        time_s: (B,) seconds; where they are not known, or do not rise, rows count as equally far apart.
    """
    before, after, share = [], [], []
    is_lost, times = lost.tolist(), [float("nan")] * len(videos) if time_s is None else time_s.tolist()
    for _, video in groupby(range(len(videos)), key=lambda row: videos[row]):
        rows = list(video)
        sure = [row for row in rows if not is_lost[row]] or rows
        for row in rows:
            place, beyond = bisect_left(sure, row), bisect_right(sure, row)
            earlier, later = sure[max(0, place - 1) : place], sure[beyond : beyond + 1]
            first, last = (earlier or later or [row])[0], (later or earlier or [row])[0]
            before.append(first)
            after.append(last)
            share.append(0.5 if first == last else _share(first, row, last, times))
    device = lost.device
    return Neighbours(*(torch.tensor(values, device=device) for values in (before, after, share)))


def _share(first: int, row: int, last: int, times: Sequence[float]) -> float:
    """How far a row is on the way between two others, to a thousandth: clocks are not more exact."""
    start, own, end = times[first], times[row], times[last]
    known = start <= own <= end and start < end  # false where one is NaN
    return round((own - start) / (end - start), 3) if known else (row - first) / (last - first)


@dataclass(frozen=True, kw_only=True)
class Smoothness(TermSpec):
    """Spec of `SmoothnessTerm`, where rows are labelled by video.

    A frame whose fit lies off its keypoints (a person who is leaving the picture, say) draws no other: its neighbours
    see past it.
    """

    name: str = "smoothness"
    pose_weight: float = 40.0  # reference pixels for a radian
    transl_weight: float = 200.0  # reference pixels for a metre
    from_stage: str = "smoothness"
    couples: ClassVar[bool] = True

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        if not problem.videos:
            return None
        near = neighbours_of(problem.videos, problem.lost, problem.observations.time_s)
        if not bool(near.evidence.any()):
            return None
        weights = {"pose_weight": self.pose_weight, "transl_weight": self.transl_weight}
        return SmoothnessTerm(near, problem.body.layout, **weights)
