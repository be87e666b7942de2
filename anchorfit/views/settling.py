"""What a rig saw, settled before anything is fitted: who is who, in metres, whose sides and whose cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..body import BodyModel
from ..cameras import CalibratedCamera
from ..observations import Person
from ..regressors import Networks
from .agreement import ViewAgreement, agree, sight_of, view_remarks
from .config import ViewOptions
from .identity import identities, longest_of, said_of
from .matching import MatchedRows, match_instants
from .observing import Seen, observe_views
from .opinions import misnamed, settled_sides, untold_remarks
from .pairing import Instant, pair_views
from .units import rig_in_metres


@dataclass(frozen=True, kw_only=True)
class Sighted:
    """B rows of people as a rig saw them.

    Attributes:
        seen: what each camera saw. cameras: the rig in metres.
        agreement: what the views say together, in metres, exchanged sides exchanged back.
        persons: of a sequence B numbers, who each row is; else none.
        mirrored: (B,) bool, left and right look exchanged in all views of a row.
        misnamed: B reasons why a row is not trusted: its cameras are called by each other's names; "" for none.
        remarks: what was decided about the rig. problems: lines for rows, ``(row, text)``.
    """

    seen: Seen
    cameras: tuple[CalibratedCamera, ...]
    agreement: ViewAgreement
    persons: tuple[int, ...]
    mirrored: Tensor
    misnamed: tuple[str, ...]
    remarks: tuple[str, ...]
    problems: tuple[tuple[int, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """B names, INSTANT#NUMBER."""
        return self.seen.observations[0].names

    def rows(self, index: Sequence[int]) -> Sighted:
        """Some of the rows, without what was said of all."""
        places = {row: place for place, row in enumerate(index)}
        return Sighted(
            seen=self.seen.rows(index),
            cameras=self.cameras,
            agreement=self.agreement.rows(index),
            persons=tuple(self.persons[row] for row in index) if self.persons else (),
            mirrored=self.mirrored[list(index)],
            misnamed=tuple(self.misnamed[row] for row in index),
            remarks=(),
            problems=tuple((places[row], text) for row, text in self.problems if row in places),
        )


def settle_views(
    views: Mapping[str, Sequence[Person]] | Sequence[Instant],
    rig: tuple[CalibratedCamera, ...],
    body: BodyModel,
    options: ViewOptions,
    *,
    stated: str = "",
    networks: Networks | None = None,
) -> Sighted:
    """Settle what a rig saw.

    Args:
        views: as for `fit_views`. rig: cameras in their own unit.
        body, networks: whose size tells the unit; which predict what each view alone says.
        options: of the fit. stated: the unit that the cameras' file says.
    Raises:
        ValueError: as for `fit_views`.
    """
    remarks: list[str] = []
    matched, seen = _matched(views, rig, body, options, remarks)
    agreement = agree(sight_of(seen, rig, body))
    rig, agreement = _other_way_round(seen, rig, agreement, body, remarks)
    metric, agreement, said = rig_in_metres(rig, agreement, body, unit=options.unit, stated=stated)
    remarks += said
    persons: tuple[int, ...] = ()
    if options.sequence:
        seen, agreement, persons, said = _people_in_time(matched, seen, agreement, metric, options)
        remarks += said
    settled = settled_sides(agreement, sight_of(seen, metric, body), seen, metric, body, networks)
    agreement = settled.agreement
    names = [camera.name for camera in metric]
    reasons, said = misnamed(settled, names)
    remarks += said
    problems = [
        *matched.problems,
        *seen.problems,
        *view_remarks(agreement, metric, _sizes_of(seen.observations[0].names, agreement, persons, options)),
        *untold_remarks(settled, names),
    ]
    return Sighted(
        seen=seen,
        cameras=metric,
        agreement=agreement,
        persons=persons,
        mirrored=settled.mirrored,
        misnamed=reasons,
        remarks=tuple(remarks),
        problems=tuple(problems),
    )


def _matched(
    views: Mapping[str, Sequence[Person]] | Sequence[Instant],
    rig: tuple[CalibratedCamera, ...],
    body: BodyModel,
    options: ViewOptions,
    remarks: list[str],
) -> tuple[MatchedRows, Seen]:
    """A row for each person of each instant, and what the cameras saw of it."""
    instants = list(views) if not isinstance(views, Mapping) else _paired(views, rig, remarks)
    alone = options.sequence and options.several is False  # who is who is told over time, and one of them is kept
    matched = match_instants(instants, rig, body, several=None if alone else options.several)
    if not matched.rows:
        raise ValueError("views: no person in any of the cameras")
    remarks += matched.remarks
    seen = observe_views(matched.rows, rig, tuple(matched.names), masks=options.masks)
    if not any(bool((one.confidence > 0).any()) for one in seen.observations):
        first = seen.problems[0][1] if seen.problems else "no joint was seen"
        raise ValueError(f"views: nothing to fit: {first}")
    return matched, seen


def _sizes_of(
    names: Sequence[str], agreement: ViewAgreement, persons: Sequence[int], options: ViewOptions
) -> list[str]:
    """For each row what one view alone has its size from."""
    settled = {person for person, flag in zip(persons, agreement.usable.tolist(), strict=False) if flag}
    known = options.sizes.given if options.sizes else {}
    said = []
    for row, name in enumerate(names):
        if name in known or "" in known:
            said.append("the size that is given")
        elif persons and persons[row] in settled:
            said.append("the shape that views settled at other instants")
        else:
            said.append("the size of a mean body")
    return said


def _people_in_time(
    matched: MatchedRows,
    seen: Seen,
    agreement: ViewAgreement,
    cameras: tuple[CalibratedCamera, ...],
    options: ViewOptions,
) -> tuple[Seen, ViewAgreement, tuple[int, ...], list[str]]:
    """Rows of a sequence, named by who they are; who that is; and what is said of it."""
    if options.several is not True and len(set(matched.instants)) == len(matched.instants):
        return seen, agreement, (0,) * len(matched.instants), []
    persons, near = identities(matched.instants, seen, agreement, cameras)
    if options.several is False:
        kept = longest_of(persons)
        index = [row for row, person in enumerate(persons) if person == kept]
        names = [matched.names[row].rpartition("#")[0] + "#0" for row in index]
        text = f"{len(set(persons))} people in time: the one seen longest is taken, in {len(index)} instants"
        return seen.rows(index).named(names), agreement.rows(torch.tensor(index)), (0,) * len(index), [text]
    names = [f"{name.rpartition('#')[0]}#{person}" for name, person in zip(matched.names, persons, strict=True)]
    return seen.named(names), agreement, tuple(persons), said_of(persons, near) if len(set(persons)) > 1 else []


def _paired(
    views: Mapping[str, Sequence[Person]], rig: Sequence[CalibratedCamera], remarks: list[str]
) -> list[Instant]:
    known = [camera.name for camera in rig]
    unknown = [name for name in views if name not in known]
    if unknown:
        remarks.append(f"no camera of the name {', '.join(unknown[:5])}; there are {', '.join(known[:12])}; left out")
    return pair_views({name: people for name, people in views.items() if name in known})


def _other_way_round(
    seen: Seen, rig: tuple[CalibratedCamera, ...], agreement: ViewAgreement, body: BodyModel, remarks: list[str]
) -> tuple[tuple[CalibratedCamera, ...], ViewAgreement]:
    """The cameras, or those of rotations and translations taken as world from camera, if views agree only then."""
    several = agreement.seen.sum(1) >= 2
    if not bool(several.any()) or bool(agreement.usable[several].float().mean() > 0.5):
        return rig, agreement
    inverse = tuple(camera.inverted() for camera in rig)
    other = agree(sight_of(seen, inverse, body))
    if not bool(other.usable[several].float().mean() > 0.8):
        return rig, agreement
    remarks.append("the views agree only with R and t taken as world from camera: taken so (say it with pose)")
    return inverse, other
