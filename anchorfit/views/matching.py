"""Which people of different views are one: by whether their joints meet in space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import torch

from ..body import BodyModel
from ..cameras import CalibratedCamera
from ..observations import Person
from .agreement import FEWEST, sight_of
from .observing import observe_views
from .pairing import Instant

_AGREES = 0.5  # share of the joints that two sightings have both, which must meet for them to be of one person


@dataclass(frozen=True, kw_only=True)
class MatchedRows:
    """Rows of sightings, one a camera or None, their names, numbers of their instants, and remarks and problems."""

    rows: list[list[Person | None]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    instants: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def match_instants(
    instants: Sequence[Instant], cameras: tuple[CalibratedCamera, ...], body: BodyModel, *, several: bool | None
) -> MatchedRows:
    """A row for each person of each instant.

    Args:
        instants: as of `pair_views`.
        cameras: the rig.
        body: whose size errors are relative to.
        several: False: one person an instant, the surest of each view; True, or None where a view has several people:
            they are matched across views by whether their joints meet.
    """
    places = {camera.name: place for place, camera in enumerate(cameras)}
    found = MatchedRows()
    for at, instant in enumerate(instants):
        people = {places[name]: list(seen) for name, seen in instant.seen.items() if name in places and seen}
        if not people:
            continue
        crowded = any(len(seen) > 1 for seen in people.values())
        if several or (several is None and crowded):
            groups = _matched(people, cameras, body)
        else:
            groups = [{place: _surest(seen) for place, seen in people.items()}]
        for number, group in enumerate(groups):
            found.rows.append([group.get(place) for place in range(len(cameras))])
            found.names.append(f"{instant.name}#{number}")
            found.instants.append(at)
            if several is False and crowded and number == 0:
                text = "several people in a view: the surest of each is taken"
                found.problems.append((len(found.rows) - 1, text))
    return found


def _surest(people: Sequence[Person]) -> Person:
    return max(people, key=lambda person: (float(np.nansum(person.confidence)), person.score or 0.0))


def _matched(
    people: dict[int, list[Person]], cameras: tuple[CalibratedCamera, ...], body: BodyModel
) -> list[dict[int, Person]]:
    """Groups of sightings of one person, each of another view: pairs that agree most are joined first."""
    sightings = [(place, number) for place, seen in people.items() for number in range(len(seen))]
    views = [place for place, _ in sightings]
    pairs = [(one, other) for one, other in combinations(range(len(views)), 2) if views[one] != views[other]]
    groups = [{at} for at in range(len(sightings))]
    shares = _pair_shares(people, sightings, pairs, cameras, body)
    while True:
        best, joined = _AGREES, None
        for one, other in combinations(range(len(groups)), 2):
            if {views[at] for at in groups[one]} & {views[at] for at in groups[other]}:
                continue
            known = [shares[tuple(sorted((a, b)))] for a in groups[one] for b in groups[other]]  # type: ignore[index]
            mean = sum(known) / len(known)
            if mean > best:
                best, joined = mean, (one, other)
        if joined is None:
            break
        groups[joined[0]] |= groups[joined[1]]
        del groups[joined[1]]
    groups.sort(key=lambda group: (-len(group), min(group)))
    return [{sightings[at][0]: people[sightings[at][0]][sightings[at][1]] for at in group} for group in groups]


def _pair_shares(
    people: dict[int, list[Person]],
    sightings: list[tuple[int, int]],
    pairs: list[tuple[int, int]],
    cameras: tuple[CalibratedCamera, ...],
    body: BodyModel,
) -> dict[tuple[int, int], float]:
    """For each pair of sightings the share of their common joints that meet, less how far they miss."""
    if not pairs:
        return {}
    rows: list[list[Person | None]] = []
    for pair in pairs:
        row: list[Person | None] = [None] * len(cameras)
        for at in pair:
            place, number = sightings[at]
            row[place] = people[place][number]
        rows.append(row)
    seen = observe_views(rows, cameras, [str(row) for row in range(len(rows))], masks=False)
    sight = sight_of(seen, cameras, body)
    found = sight.triangulated()
    both = (sight.confidence > 0).sum(1) >= 2
    meet = (found.agrees.sum(1) >= 2) & both
    common = both.sum(1)
    share = torch.where(common >= FEWEST, (found.confidence * meet).sum(1) / common.clamp_min(1), 0.0)
    return {pair: float(value) for pair, value in zip(pairs, share, strict=True)}
