"""Left and right exchanged: of all points, or of some levels of the legs or arms alone.

Which levels may be is told by lines from right to left that turn round (`sides`); whether they are, by the fits to the
points as they are and exchanged: the more likely wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel
from ..fitting import GaussianMixture
from ..fitting.point_fit import PointConfig, PointSolution, fit_positions
from . import trust
from .sides import LEVELS, State, hypotheses, levels_of, other_sides, side_changes, words

ALL = "all"

_LEAST = 0.002  # metres, root mean square: the body itself is not more exact
_MOST = 0.3  # metres: what lies farther off says no more
_SURER = 8.0  # by which the logarithm of the likelihood must be better exchanged; on the library's training part


class Exchanged(NamedTuple):
    """What has left and right exchanged.

    Attributes:
        parts: for each of B rows ``all``, a part of the body, or nothing, "".
        points: (B, P) bool, the points of such a part.
    """

    parts: tuple[str, ...]
    points: Tensor


class _Judged(NamedTuple):
    """Of bodies fitted to points, (R,) each: the strain, and minus the logarithm of the likelihood."""

    strain: Tensor
    unlikelihood: Tensor


@dataclass(frozen=True, eq=False)
class _Trial:
    """Rows to be fitted again with left and right exchanged; attributes as for `exchanged_sides`."""

    body: BodyModel
    pose_prior: GaussianMixture
    names: tuple[str, ...]
    positions: Tensor
    seen: Tensor
    config: PointConfig

    def exchanged(self, rows: Tensor, states: list[State]) -> _Judged:
        """Bodies fitted to rows (R,) with the levels of R states exchanged."""
        if not len(rows) or trust.exchange(self.names) is None:
            nothing = self.positions.new_full((len(rows),), torch.inf)
            return _Judged(nothing, nothing)
        parts = [self._fitted(rows[some], states[some]) for some in _portions(len(rows))]
        return self.judged(parts[0] if len(parts) == 1 else PointSolution.concatenate(parts))

    def _fitted(self, rows: Tensor, states: list[State]) -> PointSolution:
        mirrored, levels = other_sides(self.names), levels_of(self.names)
        there = torch.tensor(
            [[mirrored[own] if state[level] else own for own, level in enumerate(levels)] for state in states],
            device=self.positions.device,
        )
        place = there.clamp_min(0)
        moved = self.positions[rows[:, None], place]
        kept = torch.where(there >= 0, self.seen[rows[:, None], place], 0.0)
        return fit_positions(self.body, self.pose_prior, self.names, moved, kept, self.config)

    def judged(self, found: PointSolution) -> _Judged:
        return _Judged(strain(self.body, self.pose_prior, found), unlikelihood(self.body, self.pose_prior, found))

    def better_exchanged(self, before: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) bool: rows that fit badly, with a strain (B,), and much better with left and right of all exchanged; and
        (B,) how unlikely those are then."""
        rows = torch.nonzero(before > trust.DOUBTFUL)[:, 0]
        everything = self.exchanged(rows, [(True,) * len(LEVELS)] * len(rows))
        result, unlikely = torch.zeros_like(before, dtype=torch.bool), torch.full_like(before, torch.inf)
        result[rows] = everything.strain < trust.BETTER * before[rows]
        unlikely[rows] = everything.unlikelihood
        return result, unlikely


def _portions(count: int, size: int = 1024) -> list[slice]:
    """So many rows as are fitted at once: memory only."""
    return [slice(start, start + size) for start in range(0, count, size)]


def exchanged_sides(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: tuple[str, ...],
    positions: Tensor,
    seen: Tensor,
    found: PointSolution,
    config: PointConfig,
) -> Exchanged:
    """What has left and right exchanged, row by row.

    Args:
        body, pose_prior, names, config: as for `fit_positions`.
        positions, seen: (B, P, 3) and (B, P), as it was given them.
        found: of them.
    """
    trial = _Trial(body, pose_prior, names, positions, seen, config)
    before = trial.judged(found)
    whole, unlikely = trial.better_exchanged(before.strain)
    least = torch.where(whole, torch.minimum(unlikely, before.unlikelihood), before.unlikelihood)
    told = [ALL if flag else "" for flag in whole.tolist()]
    tried = _candidates(names, positions, seen)
    rows = torch.tensor([row for row, _ in tried], dtype=torch.long, device=positions.device)
    after = trial.exchanged(rows, [state for _, state in tried]).unlikelihood.tolist()
    limits = (least - _SURER).tolist()
    levels, moved = levels_of(names), torch.zeros_like(seen, dtype=torch.bool)
    for (row, state), value in zip(tried, after, strict=True):
        if value < limits[row]:
            limits[row], told[row] = value, words(state, names)
            moved[row] = torch.tensor([level >= 0 and state[level] for level in levels])
    return Exchanged(tuple(told), moved)


def _candidates(names: tuple[str, ...], positions: Tensor, seen: Tensor) -> list[tuple[int, State]]:
    """Rows, and what may be exchanged in them by the directions from right to left alone."""
    found = side_changes(names, positions, seen)
    rows = torch.nonzero(found.here.any(1))[:, 0]
    both = zip(rows.tolist(), found.here[rows].tolist(), found.inner[rows].tolist(), strict=True)
    return [(row, state) for row, here, inner in both for state in hypotheses(here, inner)]


def looks_exchanged(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: tuple[str, ...],
    positions: Tensor,
    seen: Tensor,
    found: PointSolution,
    config: PointConfig,
) -> Tensor:
    """(B,) bool: rows that fit badly, and much better with left and right of all points exchanged.

    Args:
        body, pose_prior, names, positions, seen, found, config: as for `exchanged_sides`.
    """
    trial = _Trial(body, pose_prior, names, positions, seen, config)
    return trial.better_exchanged(strain(body, pose_prior, found))[0]


def strain(body: BodyModel, pose_prior: GaussianMixture, found: PointSolution) -> Tensor:
    """(B,) how far points lie off their body, and how unlikely its pose is, in units of what is usual."""
    off = found.distances.clamp(max=2 * trust.FAR).nanmean(1).nan_to_num(0.0) / trust.HALF
    pose = pose_prior.energy(found.params[:, body.layout.body_pose])
    return off + (pose / trust.USUAL_POSE)


def unlikelihood(body: BodyModel, pose_prior: GaussianMixture, found: PointSolution) -> Tensor:
    """(B,) minus the logarithm of the likelihood, up to a constant, of normal noise whose size is not known: its
    standard deviation at its most likely is the residuals' own."""
    count = (~found.distances.isnan()).sum(1)
    square = found.distances.clamp(max=_MOST).square().nanmean(1).nan_to_num(0.0)
    noise = 1.5 * count * square.clamp_min(_LEAST**2).log()
    shape = 0.5 * found.params[:, body.layout.betas].square().sum(1)
    return noise + pose_prior.energy(found.params[:, body.layout.body_pose]) + shape
