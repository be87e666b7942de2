"""What each view says of a person by itself, held against the others: exchanged sides, and exchanged cameras.

Cameras at one height hardly contradict each other where one has left and right exchanged, or where they are called by
each other's names: joints meet in space all the same, those of a person who is turned or mirrored. But each view alone
shows which way its person faces, as the network predicts it, and then those directions contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import NamedTuple

import torch
from torch import Tensor

from .. import regressors
from ..body import CANONICAL_JOINTS, BodyModel
from ..body.kinematics import compiled_points
from ..cameras import CalibratedCamera
from ..regressors import Networks
from ..rows import Rows
from .agreement import RigSight, ViewAgreement, agree_with, sides_exchanged
from .observing import Seen

CALM = 0.1  # metres: views whose predictions lie no farther apart say the same, as they do of half of all people
MARGIN = 0.03  # metres by which they must lie nearer with a view's sides exchanged, for it to be told
MISS = 0.3  # metres that they may lie farther apart, if no ray missed its joint any more
NAMES = 0.7  # share of their distance that is left with the cameras' names exchanged, for that to be told,
FARTHER = 0.05  # and metres by which it must be less
HARM = 0.05  # metres that joints move on average: exchanges that change less matter to no one
NEAR_MISS = 1 / 3  # of the tolerance of a ray, by which half a miss is counted
_UNUSABLE = 1.0  # metres, what views that do not agree about a body cost
_NONE = 2  # the way in which no sides are exchanged
_CONTEST = 3  # other ways to exchange sides that are looked at in space, the nearest first
_ALL_ORDERS = 4  # cameras of which every order is tried; of more, exchanges of two
_MOST_DOUBLES = 8  # cameras of which exchanges in two views are tried; of more, in one


@dataclass(frozen=True, kw_only=True)
class SettledSides(Rows):
    """What the views' own predictions settle of B rows.

    Attributes:
        agreement: with left and right exchanged back where that is told.
        mirrored: (B,) bool, left and right look exchanged in all views of a row; they are left as they are.
        untold: for each row the cameras one of which may have left and right exchanged, without that being told.
        order: for each row the places of the cameras whose names its views fit far better by; empty: as they are.
    """

    agreement: ViewAgreement
    mirrored: Tensor
    untold: tuple[tuple[int, ...], ...]
    order: tuple[tuple[int, ...], ...]

    @staticmethod
    def nothing(found: ViewAgreement) -> SettledSides:
        """That all is as the views say together."""
        none = ((),) * len(found)
        return SettledSides(agreement=found, mirrored=torch.zeros_like(found.usable), untold=none, order=none)

    def __len__(self) -> int:
        return len(self.mirrored)


class _Sides(NamedTuple):
    """Of R rows: (R, V) bool, where sides are exchanged; (R,) whether in all views; the cameras in doubt."""

    exchanged: Tensor
    mirrored: Tensor
    untold: list[tuple[int, ...]]


def settled_sides(
    found: ViewAgreement,
    sight: RigSight,
    seen: Seen,
    cameras: tuple[CalibratedCamera, ...],
    body: BodyModel,
    networks: Networks | None = None,
) -> SettledSides:
    """Which views have left and right exchanged, and which cameras each other's names, by what each view says alone.

    Args:
        found: what the views say together. sight: what they saw. seen: the same, as observations.
        cameras: of the rig; in metres, as are ``found`` and ``sight``.
        body, networks: predict; None: the package's.
    """
    several = torch.nonzero(found.seen.sum(1) >= 2)[:, 0]
    if not len(several):
        return SettledSides.nothing(found)
    rotations = torch.stack([camera.rotation for camera in cameras])
    plain = _said(seen.rows(several.tolist()), False, body, networks)
    held = found.rows(several)
    calm = (_apart(_turned(plain, rotations), held.seen) < CALM) & held.usable & ~held.exchanged.any(1)
    rows, plain = several[~calm], plain[~calm]
    if not len(rows):
        return SettledSides.nothing(found)
    mirrored = _said(seen.rows(rows.tolist()), True, body, networks)
    contest = _Contest(found.rows(rows), sight.rows(rows), torch.stack((plain, mirrored), 2), rotations)
    sides, order = contest.sides(), contest.order()
    as_named = torch.tensor([not names for names in order]) & (2 * sum(map(bool, order)) <= len(several))
    own = SettledSides(
        agreement=agree_with(sight.rows(rows), torch.where(as_named[:, None], sides.exchanged, False)),
        mirrored=sides.mirrored & as_named,
        untold=tuple(views if flag else () for views, flag in zip(sides.untold, as_named.tolist(), strict=True)),
        order=tuple(order),
    )
    index = torch.arange(len(found))
    index[rows] = len(found) + torch.arange(len(rows))
    return SettledSides.concatenate([SettledSides.nothing(found), own]).rows(index)


def _said(seen: Seen, exchanged: bool, body: BodyModel, networks: Networks | None) -> Tensor:
    """(R, V, K, 3) joints about their middle as each view predicts them, in its camera's axes."""
    views = []
    for one in seen.observations:
        which = torch.full((len(one),), exchanged)
        observed = sides_exchanged(one, which).to(body.device, body.dtype)
        params = regressors.predict_params(observed, body, networks=networks).params
        joints = compiled_points(body, CANONICAL_JOINTS).points(params)
        views.append((joints - joints.mean(1, keepdim=True)).cpu().double())
    return torch.stack(views, 1)


def _turned(joints: Tensor, rotations: Tensor) -> Tensor:
    """Joints (R, V, ..., 3) of cameras' axes in the world's, by camera-from-world rotations (V, 3, 3)."""
    turn = rotations.reshape(len(rotations), *[1] * (joints.ndim - 3), 3, 3)
    return (joints[..., :, None] * turn).sum(-2)


def _apart(joints: Tensor, there: Tensor) -> Tensor:
    """(R,) metres between the joints (R, V, K, 3) of two views, the mean of all pairs that saw the person."""
    total, count = joints.new_zeros(len(joints)), joints.new_zeros(len(joints))
    for one, other in combinations(range(joints.shape[1]), 2):
        both = there[:, one] & there[:, other]
        off = (joints[:, one] - joints[:, other]).norm(dim=-1).mean(1)
        total, count = total + torch.where(both, off, 0.0), count + both
    return total / count.clamp_min(1)


def _misses(sight: RigSight) -> Tensor:
    """(R,) 0..1, how far rays miss the joints that they are to meet: the mean of those that two views have seen."""
    rays, found = sight.rays(), sight.triangulated()
    away = found.points[:, None] - rays.origins[:, :, None]
    along = (away * rays.directions).sum(-1)
    off = (away - along[..., None] * rays.directions).norm(dim=-1) / away.norm(dim=-1).clamp_min(1e-12)
    ratio = (off / (NEAR_MISS * sight.tolerance[..., None])).square()
    missed = torch.where((found.confidence > 0)[:, None], ratio / (1.0 + ratio), 1.0)
    shared = (sight.confidence > 0) & ((sight.confidence > 0).sum(1, keepdim=True) >= 2)
    return torch.where(shared, missed, 0.0).sum((1, 2)) / shared.sum((1, 2)).clamp_min(1)


@dataclass(frozen=True, eq=False)
class _Contest:
    """Rows (R) whose views say different things; ``said`` (R, V, 2, K, 3), as seen and with the sides exchanged."""

    found: ViewAgreement
    sight: RigSight
    said: Tensor
    rotations: Tensor

    def _ways(self) -> list[Tensor]:
        """(R, V) bool each: how sides may be exchanged; as the views agree at first, in none, all, one, or two."""
        count, seen = self.said.shape[1], self.found.seen
        most = 2 if count <= _MOST_DOUBLES else 1
        chosen = [views for size in range(most + 1) for views in combinations(range(count), size)]
        flags = torch.zeros(len(chosen), count, dtype=torch.bool)
        for place, views in enumerate(chosen):
            flags[place, list(views)] = True
        return [self.found.exchanged, seen, *(one.expand_as(seen) for one in flags)]

    def _distances(self, ways: list[Tensor]) -> Tensor:
        """(W, R) metres between the views' predictions; infinite where a way is none of a row's, or there twice."""
        there, rows = self.found.seen, torch.arange(len(self.said))
        world, found = _turned(self.said, self.rotations), list[Tensor]()
        pairs = {
            (one, other): (world[:, one, :, None] - world[:, other, None]).norm(dim=-1).mean(-1)  # (R, 2, 2)
            for one, other in combinations(range(world.shape[1]), 2)
        }
        count = torch.stack([(there[:, one] & there[:, other]).to(world) for one, other in pairs]).sum(0)
        for place, way in enumerate(ways):
            again = (way & ~there).any(1)
            for earlier in ways[: min(place, 2)]:
                again = again | (way == earlier).all(1)
            total, picked = torch.zeros_like(world[:, 0, 0, 0, 0]), way.long()
            for (one, other), off in pairs.items():
                both = there[:, one] & there[:, other]
                total = total + torch.where(both, off[rows, picked[:, one], picked[:, other]], 0.0)
            found.append(torch.where(again, torch.inf, total / count.clamp_min(1)))
        return torch.stack(found)

    def sides(self) -> _Sides:
        """Where sides are exchanged, by what the views say alone and by how far their rays miss each other."""
        ways = self._ways()
        distances = self._distances(ways)
        base = distances[0] + MISS * _misses(self.sight.exchanged(ways[0]))
        base = torch.where(self.found.usable, base, base + _UNUSABLE)
        tried, costs, points = [ways[0]], [base], [self.found.points]
        rows = torch.arange(len(base))
        for some in distances[1:].argsort(dim=0, stable=True)[:_CONTEST] + 1:
            way = torch.stack(ways)[some, rows]
            cost, place = self._cost_in_space(way, distances[some, rows], base + MARGIN)
            tried.append(way)
            costs.append(cost)
            points.append(place)
        return self._chosen(torch.stack(tried), torch.stack(costs), torch.stack(points))

    def _cost_in_space(self, way: Tensor, apart: Tensor, limit: Tensor) -> tuple[Tensor, Tensor]:
        """Costs (R,) of a way (R, V), infinite from a limit on, and the joints (R, K, 3) that it leads to."""
        cost, points = torch.full_like(apart, torch.inf), self.found.points.clone()
        near = torch.nonzero(apart < limit)[:, 0]
        if len(near):
            sight = self.sight.rows(near)
            other = agree_with(sight, way[near])
            missed = apart[near] + MISS * _misses(sight.exchanged(way[near]))
            cost[near] = torch.where(other.usable, missed, torch.inf)
            points[near] = other.points
        return cost, points

    def _chosen(self, tried: Tensor, costs: Tensor, points: Tensor) -> _Sides:
        """Of ways (W, R, V) at costs (W, R) the best, if it is far better than none; and what stays in doubt."""
        rows = torch.arange(costs.shape[1])
        need = torch.where(self.found.exchanged.any(1), 0.0, MARGIN)
        best = costs.argmin(0)
        best = torch.where(costs[best, rows] < costs[0] - need, best, 0)
        mirrored = (tried[best, rows] == self.found.seen).all(1)
        known = (self.found.confidence > 0).to(points)
        moved = ((points - points[best, rows]).norm(dim=-1) * known).sum(-1) / known.sum(-1).clamp_min(1)
        doubtful = ((costs - costs[best, rows]).abs() < MARGIN) & (moved > HARM)
        differ = (tried != tried[best, rows]) & doubtful[..., None]
        untold = [tuple(torch.nonzero(views)[:, 0].tolist()) for views in differ.any(0)]
        return _Sides(torch.where(mirrored[:, None], tried[0], tried[best, rows]), mirrored, untold)

    def order(self) -> list[tuple[int, ...]]:
        """For each row the cameras by whose poses its views, sides as seen, say the same; (): no others than now."""
        count, there = self.said.shape[1], self.found.seen
        distances = self._distances(self._ways())
        now = torch.where(distances[_NONE].isinf(), distances[0], distances[_NONE])
        least, found = distances.amin(0), [()] * len(now)  # type: Tensor, list[tuple[int, ...]]
        for order in _orders(count):
            moved = torch.tensor([place != view for view, place in enumerate(order)])
            real = ~(moved & ~there).any(1)
            apart = _apart(_turned(self.said[:, :, 0], self.rotations[list(order)]), there)
            told = real & (apart < NAMES * now) & (apart < now - FARTHER) & (apart < 0.98 * least)
            least = torch.where(told, apart, least)
            for row in torch.nonzero(told)[:, 0].tolist():
                found[row] = order
        return found


def _orders(count: int) -> list[tuple[int, ...]]:
    """Orders of cameras, those that move fewest first; without the one there is."""
    own = tuple(range(count))
    if count <= _ALL_ORDERS:
        every = [order for order in permutations(own) if order != own]
        return sorted(every, key=lambda order: sum(a != b for a, b in zip(order, own, strict=True)))
    found = []
    for one, other in combinations(own, 2):
        order = list(own)
        order[one], order[other] = other, one
        found.append(tuple(order))
    return found


def misnamed(settled: SettledSides, names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """For each row why it is not trusted: its cameras are called by each other's names, or ""; and what is said of all.

    Where most rows say it, it is the rig's fault, and so that of all rows of several views.

    Args:
        settled: of B rows. names: of the cameras.
    """
    several = (settled.agreement.seen.sum(1) >= 2).tolist()
    orders = [order for order in settled.order if order]
    reasons = [_exchanged_names(order, names) if order else "" for order in settled.order]
    if not 2 * len(orders) > sum(several):
        return tuple(reasons), []
    usual = max(dict.fromkeys(orders), key=orders.count)
    told = _exchanged_names(usual, names)
    reasons = [reason or (told if flag else "") for reason, flag in zip(reasons, several, strict=True)]
    return tuple(reasons), [f"{told} ({len(orders)} of {sum(several)} bodies say so)"]


def _exchanged_names(order: tuple[int, ...], names: Sequence[str]) -> str:
    moved = [names[view] for view, place in enumerate(order) if place != view]
    listed = f"{', '.join(moved[:-1])} and {moved[-1]}"
    return f"the views fit far better with {listed} exchanged: are names of cameras exchanged?"


def untold_remarks(settled: SettledSides, names: Sequence[str]) -> list[tuple[int, str]]:
    """Lines for rows of which it is not told whether a view has left and right exchanged."""
    return [
        (row, f"camera {' or '.join(names[view] for view in views)}: left and right may be exchanged; it is not told")
        for row, views in enumerate(settled.untold)
        if views
    ]
