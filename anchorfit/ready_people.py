"""People who can be fitted: images looked at once, cameras given, batches observed; a line for each who cannot be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from . import regressors
from .body import BodyModel, Floor, Gravity
from .camera import PLAUSIBLE_FOCAL, default_focal, focal_from_exif, intrinsics_matrix
from .fit_options import FitOptions, InputProblem
from .observations import Matched, Observations, Person, image_size, observe, sanitise_all, size_problem, too_little
from .observations.apart import reason_of, work_apart
from .observations.checks import checked_size, unturned_problem
from .regressors import Networks
from .results import BodyEstimate


class _Batch(NamedTuple):
    """People who are worked on together: what was seen of them, paths of their images, which of all they are, and,
    where it had to be asked for already, what the networks say of them; what is known of gravity, if anything."""

    observations: Observations
    images: tuple[str, ...]
    rows: list[int]
    posed: regressors.PosedPeople | None = None
    gravity: Gravity | None = None


class ReadyPeople(NamedTuple):
    """Usable people, their images' sizes and cameras (N, 3, 3), and the problems of the others."""

    people: list[Person]
    sizes: list[tuple[int, int]]
    cameras: Tensor
    problems: list[InputProblem]

    def batches(self, size: int, options: FitOptions, body: BodyModel, networks: Networks | None) -> Iterator[_Batch]:
        """So many people at a time, with what the options say of their cameras."""
        pitch, seen = options.pitch, self._observed(size, options)
        if pitch is None or (pitch == "people" and isinstance(options.floor, Floor)):  # which says it, to whoever asks
            yield from seen
        elif pitch == "people":
            yield from self._as_people_show(list(seen), body, networks)
        elif isinstance(pitch, str) or not abs(pitch) <= 90:
            raise ValueError(f"pitch: expected degrees from -90 to 90, 'people' or None, got {pitch!r}")
        else:
            for batch in seen:
                yield batch._replace(gravity=Gravity.known(torch.full((len(batch.rows),), float(pitch))))

    def _as_people_show(
        self, batches: Sequence[_Batch], body: BodyModel, networks: Networks | None
    ) -> Iterator[_Batch]:
        """All people are posed first, since those of an image tell its gravity together."""
        if not batches:
            return
        posed = [regressors.pose_people(batch.observations, body, networks=networks) for batch in batches]
        count = len(self.people)  # who cannot be observed says nothing
        lean, trunks = regressors.Lean.none(count), regressors.TrunkLean.none(count)
        for batch, some in zip(batches, posed, strict=True):
            for known, found in zip((*lean, *trunks), chain.from_iterable(some.leans()), strict=True):
                known[batch.rows] = found.to(known)
        images = [person.image or row for row, person in enumerate(self.people)]  # no image: of one's own
        place = {image: number for number, image in enumerate(dict.fromkeys(images))}
        gravity = regressors.common_gravity(lean, torch.tensor([place[image] for image in images]), trunks)
        for batch, some in zip(batches, posed, strict=True):
            yield batch._replace(posed=some, gravity=gravity.rows(batch.rows))

    def _observed(self, size: int, options: FitOptions) -> Iterator[_Batch]:
        """What was seen of so many people at a time; who cannot be observed is a problem."""

        def look(rows: Sequence[int]) -> Observations:
            people, sizes = [self.people[row] for row in rows], [self.sizes[row] for row in rows]
            return observe(people, self.cameras[list(rows)], image_sizes=sizes, masks=options.masks)

        for start in range(0, len(self.people), size):
            rows = range(start, min(start + size, len(self.people)))
            seen, (kept, reasons) = work_apart(look, rows)
            for place, reason in reasons.items():
                self.problems.append(InputProblem(self.people[rows[place]].name, f"skipped: {reason}"))
            there = [rows[place] for place in kept]
            images = (self.people[row].image for row in there)
            if kept:
                yield _Batch(seen, tuple(str(image.absolute()) if image else "" for image in images), there)


class SeenPeople(NamedTuple):
    """People who can be fitted, as they are looked at: sanitised, with sizes of images and cameras (N, 3, 3)."""

    people: list[Person]
    sizes: list[tuple[int, int]]
    cameras: Tensor
    problems: tuple[InputProblem, ...]

    @property
    def sizes_px(self) -> Tensor:
        """(N, 2) float64 width and height of the images."""
        return torch.tensor(self.sizes, dtype=torch.float64).reshape(-1, 2)

    def rows(self, index: Sequence[int]) -> SeenPeople:
        """Some of them."""
        people, sizes = [self.people[row] for row in index], [self.sizes[row] for row in index]
        return SeenPeople(people, sizes, self.cameras[list(index)], self.problems)


def seen_people(people: Sequence[Person], options: FitOptions = FitOptions()) -> SeenPeople:
    """The people whom `fit_people` would fit, with the cameras that it gives them; why others could not be."""
    ready = make_ready(people, options, None)
    return SeenPeople(ready.people, ready.sizes, ready.cameras, tuple(ready.problems))


def check_asked(people: Sequence[Person], options: FitOptions) -> None:
    """Raises TypeError for what is no sequence of people, as a file's path or all that `match_people` gives."""
    if isinstance(people, (str, bytes, os.PathLike, Matched, Person)):
        raise TypeError(
            f"people: expected a sequence of Person, got {type(people).__name__}; "
            "read_people(file).people and match_people(...).people are such"
        )
    if not isinstance(options, FitOptions):
        raise TypeError(f"options: expected FitOptions, got {type(options).__name__}")


def make_ready(people: Sequence[Person], options: FitOptions, init: BodyEstimate | None) -> ReadyPeople:
    """Check all people and give each a camera; a person that cannot be fitted has a problem that says why.

    Whatever goes wrong with a person costs that person alone.
    """
    images = _Images()
    looks = [_look_at(person, images, options) for person in people]
    clean, (kept, broken) = work_apart(
        lambda rows: sanitise_all([people[row] for row in rows], [looks[row].size for row in rows]), range(len(people))
    )
    problems = [InputProblem(_name_of(people[row], row), f"skipped: {reason}") for row, reason in broken.items()]
    predicted = None if init is None else set(init.names)
    ready: list[Person] = []
    sizes: list[tuple[int, int]] = []
    focals: list[float] = []
    for look, (person, notes) in zip([looks[row] for row in kept], clean, strict=True):
        try:
            focals.append(_focal_length(person, look, notes, images, predicted, options))
        except Exception as error:
            problems.append(InputProblem(person.name, f"skipped: {reason_of(error)}"))
            continue
        problems.extend(InputProblem(person.name, note) for note in (*look.notes, *notes))
        ready.append(person)
        sizes.append(look.size)
    middles = torch.tensor([(width / 2, height / 2) for width, height in sizes]).reshape(-1, 2)
    return ReadyPeople(ready, sizes, intrinsics_matrix(torch.tensor(focals), middles), problems)


class _Look(NamedTuple):
    """A person's image: (width, height), notes, and the reason why the person is left out."""

    size: tuple[int, int]
    notes: tuple[str, ...] = ()
    reason: str = ""


def _look_at(person: Person, images: _Images, options: FitOptions) -> _Look:
    if not isinstance(person, Person):
        return _Look((0, 0))
    if options.minimum_joints > 0:
        seen = int((person.confidence > 0).sum())
        if seen < options.minimum_joints:
            return _Look((0, 0), reason=f"{seen} joints, fewer than {options.minimum_joints}")
    try:
        return _Look(*images.size_of(person))
    except Exception as error:
        return _Look((0, 0), reason=reason_of(error))


def _name_of(person: Person, row: int) -> str:
    """The name even of what is no person."""
    return person.name if isinstance(person, Person) else f"person {row}"


def _focal_length(
    person: Person,
    look: _Look,
    notes: tuple[str, ...],
    images: _Images,
    predicted: set[str] | None,
    options: FitOptions,
) -> float:
    """Of a (sanitised) person's camera, pixels; raises ValueError with the reason where it cannot be fitted."""
    if look.reason:
        raise ValueError(look.reason)
    reason = too_little(person)
    if reason is not None:
        raise ValueError("; ".join([reason, *notes]))
    if predicted is not None and person.name not in predicted:
        raise ValueError("no prediction of this name to start from")
    usual = default_focal(*look.size)
    focal = options.focal or images.focal_of(person) or usual
    shortest, longest = (share * usual for share in PLAUSIBLE_FOCAL)
    if not shortest <= focal <= longest:
        raise ValueError(f"a focal length of {focal:g} pixels; expected {shortest:.0f} to {longest:.0f} for this image")
    return focal


def _not_known(person: Person, error: Exception) -> str:
    """What is said where neither the image nor its keypoint file tells the image's size."""
    if person.image is None or not isinstance(error, FileNotFoundError) or os.path.lexists(person.image):
        return str(error)
    return (
        f"{person.image}: no such image, and its size is not known; give the photographs too "
        "(in Python by match_people), or image_size"
    )


class _Images:
    """Sizes and EXIF focal lengths of images, read once an image."""

    def __init__(self) -> None:
        self._sizes: dict[Path, tuple[int, int] | Exception] = {}
        self._focals: dict[Path, float | None] = {}
        self._told: set[Path | None] = set()

    def size_of(self, person: Person) -> tuple[tuple[int, int], tuple[str, ...]]:
        """The size of the person's image, and a note where the image cannot be read and the file's word is taken.

        Raises:
            ValueError: the image's size is not known, or is not what the keypoint file says.
        """
        stated = person.image_size
        if stated is not None:
            stated = checked_size(stated)
        if person.image is None and stated is not None:
            return stated, ()
        actual = self._read_size(person.image)
        if isinstance(actual, Exception):
            if stated is None:
                raise ValueError(_not_known(person, actual)) from actual
            first = person.image not in self._told
            self._told.add(person.image)
            return stated, (
                f"{reason_of(actual)}; whoever is in it is fitted from the keypoints alone",
            ) if first else ()
        problem = size_problem(person, actual)
        if problem is not None:
            raise ValueError(problem)
        turned = unturned_problem(person, actual)
        return actual, () if turned is None else (turned,)

    def focal_of(self, person: Person) -> float | None:
        """The focal length in pixels that the image's EXIF record states, or None."""
        if person.image is None or not os.path.isfile(person.image):
            return None
        if person.image not in self._focals:
            self._focals[person.image] = focal_from_exif(person.image)
        return self._focals[person.image]

    def _read_size(self, path: Path | None) -> tuple[int, int] | Exception:
        if path is None:
            return ValueError("neither an image nor its size is known; give the photograph, too")
        if path not in self._sizes:
            try:
                self._sizes[path] = image_size(path)
            except (OSError, ValueError) as error:
                self._sizes[path] = error
        return self._sizes[path]
