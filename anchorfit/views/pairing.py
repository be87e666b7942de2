"""Which sightings belong to one instant: views paired by the names of their images, or by their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..observations import Person
from ..observations.matching import parts_of, stem_of


@dataclass(frozen=True, kw_only=True)
class Instant:
    """What the cameras saw at one instant.

    Attributes:
        name: of the instant.
        seen: camera's name -> the people that it saw.
    """

    name: str
    seen: Mapping[str, tuple[Person, ...]]


def pair_views(views: Mapping[str, Sequence[Person]]) -> list[Instant]:
    """Pair the people of several cameras by instant.

    An instant is what the name of an image says beside its camera's: ``left_0001.jpg`` and ``0001.jpg`` of camera
    ``left`` are instant 0001. Where cameras have no such name in common, the last number in it tells the instant;
    people without an image count in their order, one an instant.

    Args:
        views: camera's name -> its people, in any order.
    """
    labels = {
        camera: [instant_label(person, camera, place) for place, person in enumerate(people)]
        for camera, people in views.items()
    }
    if not _common([set(found) for found in labels.values()]):
        numbered = {camera: [_number(label) for label in found] for camera, found in labels.items()}
        if _common([set(found) for found in numbered.values()]):
            labels = numbered
    instants: dict[str, dict[str, list[Person]]] = {}
    for camera, people in views.items():
        for label, person in zip(labels[camera], people, strict=True):
            instants.setdefault(label, {}).setdefault(camera, []).append(person)
    ordered = sorted(instants, key=_natural)
    return [
        Instant(name=name, seen={camera: tuple(people) for camera, people in instants[name].items()})
        for name in ordered
    ]


def _common(sets: Sequence[set[str]]) -> bool:
    """Whether each camera has an instant in common with another; of fewer than two that is no question."""
    filled = [found for found in sets if found]
    if len(filled) < 2:
        return True
    return all(any(one & other for other in filled if other is not one) for one in filled)


def instant_label(person: Person, camera: str, place: int) -> str:
    """The instant that a person's image names; its place in the camera's list where there is no image."""
    return str(place) if person.image is None else _label(person.image, camera)


def first_number(images: Iterable[Path], camera: str) -> int | None:
    """The least number of an instant that names of a camera's images have; None where none has a number."""
    labels = (_number(_label(image, camera)) for image in images)
    return min((int(label) for label in labels if label.isdecimal()), default=None)


def _label(image: Path, camera: str) -> str:
    parts = parts_of(image)
    return without_camera(stem_of(Path(parts[-1]) if parts else image), camera) or "0"


def without_camera(stem: str, camera: str) -> str:
    """The name of an image without its camera's.

    >>> [without_camera(stem, "cam1") for stem in ("cam1_0001", "0001-cam1", "cam10_0001", "cam1")]
    ['0001', '0001', 'cam10_0001', '']
    """
    pattern = rf"(?<![A-Za-z0-9]){re.escape(Path(camera).name)}(?![A-Za-z0-9])"
    return re.sub(pattern, "", stem).strip("_-. ")


def _number(label: str) -> str:
    numbers = re.findall(r"\d+", label)
    return str(int(numbers[-1])) if numbers else label


def _natural(label: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", label) if part]


def camera_of_path(path: Path, cameras: Sequence[str]) -> str | None:
    """The camera that a path names: one of its last two folders, the file's stem, or a part of that; None: no one."""
    stem = stem_of(path)
    parts = [*parts_of(path)[:-1][-2:], stem]
    for part in reversed(parts):
        exact = [camera for camera in cameras if Path(camera).name == part]
        if len(exact) == 1:
            return exact[0]
    within = [camera for camera in cameras if without_camera(stem, camera) != stem.strip("_-. ")]
    return within[0] if len(within) == 1 else None
