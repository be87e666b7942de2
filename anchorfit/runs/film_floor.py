"""One floor for all people of a film before one camera, found before they are fitted one by one.

Some seconds of each who shows feet are fitted without a floor; all contacts of a scene give its floor together, each
person being of a size that is not known (`fitting.floor_estimate`). Every fit is then given that floor, so its people
are as large and as far away as it says, and stand in one world.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch

from ..body import CANONICAL_JOINTS, BodyModel, Floor, Gravity
from ..body.floor import Floors
from ..body.standing import KNOWN_SIGMA_DEG, USUAL_PITCH_DEG, USUAL_SIGMA_DEG
from ..fit_options import FitOptions, InputProblem, Outcome
from ..fitting.contacts import FEET, sides_seen
from ..fitting.diagnostics import mean_error
from ..fitting.grounds import FloorWish, Grounds, find_grounds
from ..fitting.sequences import LOST
from ..observations import Person
from ..observations.person_size import person_size
from ..observations.videos import frame_of
from ..pipeline import frame_stretches
from ..results import BodyEstimate, concatenate
from .engines import Engine

WINDOWS, WINDOW_S = 3, 1.2  # stretches of a person, and seconds of each, that the floor is found from
_DISAGREE = 0.1  # share by which the camera's heights above people's own floors differ, for a line to be said of it
_FEET = [row for row, name in enumerate(CANONICAL_JOINTS) if name.split("_")[-1] in FEET]


class FoundFloor(NamedTuple):
    """A scene's floor, or None; and what is to be said of it, or why there is none."""

    floor: Floor | None
    said: str


@dataclass(frozen=True)
class FilmFloors:
    """Floors of a film's people who are not alone in their scene, by their numbers; the others' fits find their own.

    Attributes:
        of: by ``person_id``.
        remarks: lines about people whose feet tell of other floors.
    """

    of: Mapping[str, FoundFloor] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def options(self, options: FitOptions, people: Sequence[Person]) -> FitOptions:
        """Options of a fit of one person's frames."""
        found = self.of.get(people[0].person_id)
        if found is None:
            return options
        pitch = options.pitch if found.floor is None else None  # which the floor says, having been told it
        return replace(options, floor=found.floor, pitch=pitch)

    def stood(self, outcome: Outcome, people: Sequence[Person]) -> Outcome:
        """With the scene's floor in every row, also of those whose fit left it out: the world is the same for all."""
        found, estimate = self.of.get(people[0].person_id), outcome.estimate
        if found is None or estimate is None:
            return outcome
        mine = tuple(text or found.said for text in estimate.floors.said)
        here = estimate.floors
        if found.floor is not None:
            here = Floors.of(found.floor, len(estimate), estimate.transl)
        said = InputProblem(estimate.names[0], found.said)
        return Outcome(replace(estimate, floors=replace(here, said=mine)), (*outcome.problems, said))

    def plain(self) -> dict[str, Any]:
        """As plain JSON, from which `of_plain` makes the same to the last digit."""
        people = {
            number: [
                found.floor and [found.floor.plane, found.floor.tilt_sigma_deg, found.floor.height_sigma],
                found.said,
            ]
            for number, found in self.of.items()
        }
        return {"people": people, "remarks": self.remarks}

    @staticmethod
    def of_plain(plain: Any) -> FilmFloors | None:
        """None of what `plain` has not made."""
        found = {}
        try:
            for number, (floor, said) in plain["people"].items():
                if floor is not None:
                    (*up, height), tilt, deviation = floor
                    floor = Floor(up=tuple(up), height=height, tilt_sigma_deg=tilt, height_sigma=deviation)
                found[number] = FoundFloor(floor, str(said))
            return FilmFloors(found, tuple(map(str, plain["remarks"])))
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


def find_film_floors(
    people: Sequence[Person],
    cuts: Sequence[int],
    fit: Callable[[list[Person]], BodyEstimate | None],
    body: BodyModel,
    *,
    rate: float,
    engine: Engine,
) -> FilmFloors:
    """Find the floor of every scene of a film with several people.

    Args:
        people: of the film, each through all frames.
        cuts: frames that begin a new scene.
        fit: of some frames of one person, without a floor; None: no frame could be fitted.
        body: the one that they are fitted with.
        rate: frames a second.
        engine: where they are fitted.
    """
    frames: dict[str, list[Person]] = {}
    for person in people:
        frames.setdefault(person.person_id, []).append(person)
    scene = {number: bisect_right(cuts, frame_of(some[0].name) or 0) for number, some in frames.items()}
    together = [number for number in frames if list(scene.values()).count(scene[number]) > 1]
    telling = [some for number in together if (some := telling_frames(frames[number], rate))]
    fitted = [estimate for estimate in engine(fit, telling) if estimate is not None] if telling else []
    none = FoundFloor(None, "no floor: no feet are seen")
    floors, remarks = _found(fitted, scene, body, rate)
    return FilmFloors({number: floors.get(scene[number], none) for number in together}, remarks)


def telling_frames(frames: Sequence[Person], rate: float) -> list[Person]:
    """Of one person's frames in which a foot is seen, all or, of many, some stretches from the first to the last."""
    seen = [person for person in frames if (person.confidence[_FEET] > 0).any()]
    length = math.ceil(WINDOW_S * rate)
    if len(seen) <= WINDOWS * length:
        return seen
    starts = [number * (len(seen) - length) // (WINDOWS - 1) for number in range(WINDOWS)]
    return [person for start in starts for person in seen[start : start + length]]


def _found(
    fitted: Sequence[BodyEstimate], scene: Mapping[str, int], body: BodyModel, rate: float
) -> tuple[dict[int, FoundFloor], tuple[str, ...]]:
    """The floor of each scene that somebody was fitted in, and remarks."""
    floors, remarks = {}, []
    scenes: dict[int, list[BodyEstimate]] = {}
    for estimate in fitted:
        scenes.setdefault(scene[_number(estimate)], []).append(estimate)
    for label, some in scenes.items():
        found = _grounds(some, body, FloorWish(rate=rate)).floors
        floor = found.floor(0)
        floors[label] = FoundFloor(floor, found.said[0])
        if floor is not None:
            own = _grounds(some, body, FloorWish(given=floor, rate=rate))
            remarks += _disagreement(some, own, floor)
    return floors, tuple(remarks)


def _number(estimate: BodyEstimate) -> str:
    return estimate.names[0].rpartition("#")[2]


def _grounds(fitted: Sequence[BodyEstimate], body: BodyModel, wish: FloorWish) -> Grounds:
    """What the rows of several people before one camera stand on."""
    rows = concatenate(fitted)
    like = body.v_template
    confidence = rows.confidence.to(like)
    size = person_size(body, rows.keypoints.to(like), confidence)
    pitch = torch.where(rows.pitch_deg.isnan(), USUAL_PITCH_DEG, rows.pitch_deg).to(like)
    sigma = torch.where(rows.pitch_deg.isnan(), USUAL_SIGMA_DEG, KNOWN_SIGMA_DEG).to(like)
    return find_grounds(
        body,
        body.own_params(rows.params).to(like),
        wish,
        seen_feet=sides_seen(confidence, CANONICAL_JOINTS, body),
        time_s=rows.time_s.to(like),
        videos=[(_number(one), label) for one in fitted for label in frame_stretches(one)],
        persons=[_number(one) for one in fitted for _ in range(len(one))],
        lost=mean_error(rows.diagnostics.reprojection_px.to(like), size) > LOST,
        gravity=Gravity(pitch=torch.deg2rad(pitch), sigma=torch.deg2rad(sigma)),
    )


def _disagreement(fitted: Sequence[BodyEstimate], grounds: Grounds, floor: Floor) -> list[str]:
    """A line where people's own floors, in the size that each is taken for, are at different heights."""
    own, lines, row = {}, [], 0
    for estimate in fitted:
        number = _number(estimate)
        if grounds.floors.said[row]:
            lines.append(f"person {number}: {grounds.floors.said[row]}")
        elif float(grounds.scale[row]) != 1:
            own[number] = floor.height / float(grounds.scale[row])
        row += len(estimate)
    if own and max(own.values()) > (1 + _DISAGREE) * min(own.values()):
        told = ", ".join(f"{height:.2f} m above person {number}'s" for number, height in own.items())
        lines.append(f"people's floors disagree (camera {told}): one is taken for all, and their sizes follow from it")
    return lines
