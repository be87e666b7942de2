"""What rows stand on: the floor that was given or estimated, and which points of their soles stand."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.floor import Floor, Floors, heights
from ..body.kinematics import compiled_points
from ..body.soles import soles
from ..body.standing import STANDING_POINTS, Gravity, centre_over_support, on_feet, standing, tilt_across, tilt_of
from ..observations.videos import USUAL_RATE
from ..rows import Rows
from .contacts import ContactRules, row_times, runs_of, smoothed, speeds, steady, stretches
from .floor_estimate import ROLL_DEG, FootEvidence, fit_floor, upward

_STANDS = 0.3  # how certainly somebody stands who tells of the floor
_LOWEST = 0.05  # metres above the lowest point of both soles: what stands
_FEWEST_ROWS = 5  # frames of somebody who stands or walks
_DEPTH_OFF = (0.02, 0.05)  # share of the distance by which a contact is off along the line of sight: of one person in
# time, whose size is one, and of several people
_LEVEL = 0.002  # radians: of axes that are known
_FARTHEST = (0.2, 0.15)  # share of the camera's height, and metres, by which a person's feet may miss a given floor
_SIZES = (0.85, 1.18)  # times the size that a person is taken for: unseen feet farther off tell of one who sits
_GUESSED = 0.1  # share of the floor's weight on feet that were never seen: what was seen is not to give way to a guess


@dataclass(frozen=True, kw_only=True)
class Grounds(Rows):
    """What B rows stand on.

    Attributes:
        floors: of the rows.
        runs: (B, N) int64, which contact a point is in; -1: none.
        scale: (B,) by how much larger rows are than they were taken for, as a floor that is given shows; 1: not known.
        held: (B,) from 0 to 1, how firmly the floor holds them up: people whose feet were seen in some row. Where the
            legs of the others are is a guess, which is not to lift what was seen of them: they are held weakly, or, if
            they hang far below the floor, as legs of a person who sits and is seen to the waist do, not at all.
        names: N body points.
    """

    floors: Floors
    runs: Tensor
    scale: Tensor
    held: Tensor
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.runs)


@dataclass(frozen=True, kw_only=True)
class FloorWish:
    """What was asked for: a floor that is given, or None to estimate it; and labels of rows of one standing camera.

    Attributes:
        given: the floor; None: to be estimated.
        scenes: B labels, or none: one camera.
        rate: frames a second of videos that say no times.
        level: whether rows are in the frame of a level camera and measured in space.
        rules: when feet stand.
    """

    given: Floor | None = None
    scenes: tuple[Hashable, ...] = ()
    rate: float = USUAL_RATE
    level: bool = False
    rules: ContactRules = ContactRules()


class _Seen:
    """Rows as floors are found from them: where soles are, how surely they stand, how slow they are."""

    def __init__(
        self,
        body: BodyModel,
        params: Tensor,
        seen: Tensor,
        time_s: Tensor,
        videos: Sequence[Hashable],
        persons: Sequence[Hashable],
        usable: Tensor,
        wish: FloorWish,
    ) -> None:
        self.names = soles(body).names
        self.points = compiled_points(body, self.names).points(params)
        stature = compiled_points(body, STANDING_POINTS).points(params)
        offset = centre_over_support(stature)
        self.lean = torch.stack((tilt_of(offset), tilt_across(offset)), -1)
        self.seen = seen
        self.usable = usable
        self.upright = on_feet(stature) * usable
        self.stands = standing(stature) * usable
        self.videos = videos
        self.persons = persons or videos
        self.rules = wish.rules
        self.level = wish.level
        count = len(params)
        labels = videos or range(count)
        self.shows_feet = seen.any(1)
        for rows in _together(self.persons, count):
            self.shows_feet[rows] = bool(seen[rows].any())
        self.times = row_times(time_s, labels, wish.rate)
        self.stretches = stretches(labels)
        self.speed = self.points.new_full(self.points.shape[:2], torch.inf)
        for rows in self.stretches:
            if len(rows) > 1:
                self.speed[rows] = speeds(self.points[rows], self.times[rows], usable[rows], wish.rules)


def _together(persons: Sequence[Hashable], count: int) -> list[list[int]]:
    """Rows of each person; of nobody known, each row."""
    groups: dict[Hashable, list[int]] = {}
    for row, person in enumerate(persons or range(count)):
        groups.setdefault(person, []).append(row)
    return list(groups.values())


def find_grounds(
    body: BodyModel,
    params: Tensor,
    wish: FloorWish,
    *,
    seen_feet: Tensor,
    time_s: Tensor,
    videos: Sequence[Hashable] = (),
    persons: Sequence[Hashable] = (),
    lost: Tensor,
    gravity: Gravity | None = None,
) -> Grounds:
    """Find the floor that rows stand on, scene by scene, and which of their sole points stand.

    Args:
        body: the body model.
        params: (B, D) where the rows are, all of a video in one camera's frame.
        wish: what was asked for.
        seen_feet: (B, 8) bool, sole points of feet that were seen (`contacts.sides_seen`).
        time_s: (B,) seconds, NaN where not known.
        videos: B labels, or none; neighbouring rows of one label are frames of one video.
        persons: B labels, or none: rows of one label in videos are of one size; none: those of a video are.
        lost: (B,) bool, rows that say nothing.
        gravity: what is known of it; None: the usual.
    """
    seen = _Seen(body, params, seen_feet, time_s, videos, persons, ~lost, wish)
    known = gravity or Gravity.usual(len(params)).to(params.device, params.dtype)
    scenes: dict[Hashable, list[int]] = {}
    for row in range(len(params)):
        scenes.setdefault(wish.scenes[row] if wish.scenes else 0, []).append(row)
    floors, scale = Floors.none(len(params), params), torch.ones_like(params[:, 0])
    held = seen.shows_feet.to(params)
    runs = torch.full(seen.points.shape[:2], -1, dtype=torch.long, device=params.device)
    for rows in scenes.values():
        chosen = torch.tensor(rows, device=params.device)
        if wish.given is None:
            floor, said = _estimated(seen, chosen, known)
        else:
            floor, said = wish.given, ""
        if floor is None:
            floors = _put(floors, chosen, Floors.none(len(rows), params, said))
            continue
        here = Floors.of(floor, len(rows), params, said)
        if wish.given is not None:
            here, scale[chosen], held[chosen] = _held_against(seen, chosen, here)
        floors = _put(floors, chosen, here)
    found = contacts(seen, floors, scale)
    runs[:] = found
    return Grounds(floors=floors, runs=runs, scale=scale, held=held, names=seen.names)


def _put(floors: Floors, rows: Tensor, some: Floors) -> Floors:
    said = list(floors.said)
    for row, text in zip(rows.tolist(), some.said, strict=True):
        said[row] = text
    return replace(
        floors,
        planes=floors.planes.index_copy(0, rows, some.planes),
        sigma=floors.sigma.index_copy(0, rows, some.sigma),
        said=tuple(said),
    )


def _candidates(seen: _Seen, rows: Tensor, up: Tensor) -> Tensor:
    """(R, N) bool, sole points of rows that seem to stand, before a floor is known: slow, and the body's lowest."""
    points = seen.points[rows]
    above = points @ up.to(points)
    low = above < above.amin(1, keepdim=True) + _LOWEST
    if seen.videos:
        return low & (seen.speed[rows] < seen.rules.slow[0]) & (seen.upright[rows] > _STANDS)[:, None] & seen.seen[rows]
    return low & (seen.stands[rows] > _STANDS)[:, None] & seen.seen[rows]


def _estimated(seen: _Seen, rows: Tensor, gravity: Gravity) -> tuple[Floor | None, str]:
    """The floor of one scene, and what is to be said; or None and why."""
    pitch, sigma = float(gravity.pitch[rows].mean()), float(gravity.sigma[rows].mean())
    certain = (seen.upright if seen.videos else seen.stands)[rows].double()
    lean = _mean_lean(seen.lean[rows].double(), certain)
    unknown = FootEvidence(
        places=seen.points.new_zeros(0, 3, dtype=torch.float64),
        depth_sigma=seen.points.new_zeros(0, dtype=torch.float64),
        lean=lean,
        pitch=0.0 if seen.level else pitch,
        pitch_sigma=_LEVEL if seen.level else min(sigma, 1.5),
        roll_sigma=_LEVEL if seen.level else math.radians(ROLL_DEG),
    )
    on = _candidates(seen, rows, upward(unknown.gravity[0]))
    if not bool((seen.seen[rows] & seen.usable[rows][:, None]).any()):
        return None, "no floor: no feet are seen"
    if len(rows) == 1:
        return None, "no floor: one person at one instant does not tell it"
    standing_rows = int(on.any(1).sum())
    if standing_rows < (min(_FEWEST_ROWS, len(rows)) if seen.videos else 2):
        return None, "no floor: no person stands for long enough" if seen.videos else "no floor: no two people stand"
    places, depth, people = _places(seen, rows, on)
    return fit_floor(replace(unknown, places=places, depth_sigma=depth, people=people))


def _places(seen: _Seen, rows: Tensor, on: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """(C, 3) mean places of contacts, float64; how far they may be off along the line of sight (C,); and, of videos
    whose people are each of one size that is not known, numbers of the people (C,)."""
    marked = torch.zeros(seen.points.shape[:2], dtype=torch.bool, device=on.device)
    marked[rows] = on
    found, people = [], []
    numbers = {person: number for number, person in enumerate(dict.fromkeys(seen.persons))}
    for stretch in seen.stretches:
        some = marked[stretch]
        if len(stretch) == 1:
            if bool(some.any()):
                found.append(seen.points[stretch][some].double().mean(0))
            continue
        runs = runs_of(some, some, seen.times[stretch], seen.rules.shortest)
        runs = steady(runs, seen.points[stretch], seen.speed[stretch], seen.rules.drift)
        for number in runs.unique().tolist():
            if number >= 0:
                found.append(seen.points[stretch][runs == number].double().median(0).values)
                people.append(numbers[seen.persons[stretch[0]]])
    places = torch.stack(found) if found else seen.points.new_zeros(0, 3, dtype=torch.float64)
    share = 0.0 if seen.level else _DEPTH_OFF[not seen.videos]
    own = None if seen.level or len(people) < len(places) else torch.tensor(people, device=places.device)
    return places, share * places.norm(dim=-1), own


def _mean_lean(lean: Tensor, certain: Tensor) -> Tensor:
    """(2,) radians, the weighted median of leans (R, 2); NaN where nobody stands."""
    there = certain > _STANDS
    if not bool(there.any()):
        return lean.new_full((2,), torch.nan)
    return lean[there].median(0).values


def _held_against(seen: _Seen, rows: Tensor, floors: Floors) -> tuple[Floors, Tensor, Tensor]:
    """Given floors, without rows whose feet are nowhere near; by how much larger the others are than taken for; and how
    firmly they are held (`Grounds`).

    A person of videos is so, or so, as a whole, whoever else is in the scene; other people each for themselves.
    """
    above = heights(seen.points[rows], floors.planes)
    scale = torch.ones_like(floors.planes[:, 0])
    known = torch.ones_like(scale, dtype=torch.bool)
    held = seen.shows_feet[rows].to(scale)
    said = [""] * len(rows)
    on = _candidates(seen, rows, floors.planes[0, :3])
    groups: dict[Hashable, list[int]] = {}
    for number, row in enumerate(rows.tolist()):
        groups.setdefault(seen.persons[row] if seen.videos else row, []).append(number)
    for group in groups.values():
        height = float(floors.planes[group[0], 3])
        standing_there = on[group]
        lowest = above[group].amin(1)
        usable = seen.usable[rows][group]
        if not bool(usable.any()):
            continue
        if not bool(seen.shows_feet[rows[group]].any()):
            scale[group], held[group] = _of_unseen_feet(seen, float(lowest[usable].median()), height)
            continue
        typical = above[group][standing_there].median() if bool(standing_there.any()) else lowest[usable].median()
        off = float(typical)
        share, least = _FARTHEST
        sure = bool(standing_there.any())
        if abs(off) > share * height + least and (sure or off < 0):
            side = "above" if off > 0 else "below"
            for number in group:
                known[number] = False
                said[number] = f"the feet are {abs(off):.1f} m {side} the given floor: it is left out"
            continue
        if sure and seen.videos:
            scale[group] = height / max(height - off, 0.5 * height)
    planes = torch.where(known[:, None], floors.planes, torch.nan)
    return replace(floors, planes=planes, said=tuple(said)), scale, held


def _of_unseen_feet(seen: _Seen, lowest: float, height: float) -> tuple[float, float]:
    """By how much larger a person is whose feet nobody saw, and how firmly the floor holds that person up.

    Feet that are below the floor in most frames, where the prior has them, say that the person is smaller, and nearer;
    above it, larger. In one frame alone, or where the size was measured, they say nothing; and they are of a person who
    sits, or stands on something, where they are too far from it.

    Args:
        seen: the rows.
        lowest: metres above the floor, of the lowest sole point in most frames.
        height: of the camera, metres above the floor.
    """
    if seen.level:
        return 1.0, _GUESSED * (lowest > -_FARTHEST[1])
    least, most = _SIZES
    known = seen.videos and height / most < height - lowest < height / least
    return (height / (height - lowest), _GUESSED) if known else (1.0, 0.0)


def contacts(seen: _Seen, floors: Floors, scale: Tensor) -> Tensor:
    """(B, N) int64 numbers of contacts: slow and low points of feet that were seen, with hysteresis; -1: none.

    Without videos each point of those who stand is a contact of its own.
    """
    rules = seen.rules
    runs = torch.full(seen.points.shape[:2], -1, dtype=torch.long, device=floors.planes.device)
    known = floors.known
    planes = torch.where(known[:, None], floors.planes, 0.0)
    above = heights(scale[:, None, None] * seen.points, planes)
    may = known[:, None] & seen.seen & seen.usable[:, None]
    count = 0
    for stretch in seen.stretches:
        if len(stretch) == 1:
            lowest = above[stretch] < above[stretch].amin(1, keepdim=True) + _LOWEST
            on = may[stretch] & lowest & (seen.stands[stretch] > _STANDS)[:, None]
            own = torch.where(on, count + torch.arange(on.shape[1], device=on.device), -1)
            count += on.shape[1]
        else:
            low = smoothed(above[stretch], seen.times[stretch], seen.usable[stretch], rules.across).value
            strict, loose = (
                may[stretch] & (low < rules.low[k]) & (seen.speed[stretch] < rules.slow[k]) for k in (0, 1)
            )
            own = runs_of(strict, loose, seen.times[stretch], rules.shortest)
            own = steady(own, seen.points[stretch], seen.speed[stretch], rules.drift)
            own = torch.where(own >= 0, own + count, -1)
            count = max(count, int(own.max()) + 1)
        runs[stretch] = own
    return runs


def enlarged(body: BodyModel, params: Tensor, scale: Tensor) -> Tensor:
    """(B, D) bodies that are so many times as tall (B,), as far away: they look the same, but for what is not size.

    Of all shapes of that stature the one is taken that changes betas least.
    """
    if bool((scale == 1).all()):
        return params
    layout = body.layout
    ends = compiled_points(body, ("head_top", "left_heel", "right_heel"))
    weights = params.new_tensor([1.0, -0.5, -0.5])[:, None]
    rest = layout.zeros(len(params), params)
    rest[:, layout.betas] = params[:, layout.betas]
    at, slope = ends.points_and_jacobian(rest)
    tall = (weights * at).sum(1)[:, 1]
    more = (weights[..., None] * slope).sum(1)[:, 1, layout.betas]
    grown = params.clone()
    step = ((scale - 1) * tall / more.square().sum(1).clamp_min(1e-9))[:, None]
    grown[:, layout.betas] += step * more
    root, before = (body.rest_joints(rows[:, layout.betas])[:, 0] for rows in (grown, params))
    grown[:, layout.transl] = scale[:, None] * (params[:, layout.transl] + before) - root
    return torch.where((scale == 1)[:, None], params, grown)
