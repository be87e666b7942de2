"""Which result is of which annotated person of an image, where results name the image alone: by where both are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..camera import project
from ..observations import Person
from .estimates import Entry, read_estimate
from .scoring import centred

FARTHEST = 0.6
"""A body whose origin lies farther from the middle of a person's box, in longer sides of the box, is another's."""


def by_place(people: Sequence[Person], entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Results by the annotated people that they are of, nearest first; each person gets one.

    Results that name their person, and those of images with one person and one result, are left as they are.

    Args:
        people: annotated, with images and their sizes.
        entries: the results.
    Returns:
        Results named IMAGE#PERSON, and a line for those that are left out.
    """
    there: dict[str, list[Person]] = {}
    for person in people:
        there.setdefault(Path(str(person.image)).stem, []).append(person)
    asked: dict[str, list[Entry]] = {}
    kept: list[Entry] = []
    for entry in entries:
        own = there.get(Path(entry.label).stem, [])
        if not own or any(entry.mark == str(person.person_id) for person in own):
            kept.append(entry)
        else:
            asked.setdefault(Path(entry.label).stem, []).append(entry)
    lost = 0
    for image, some in asked.items():
        if len(some) == len(there[image]) == 1:
            kept += some
            continue
        pairs = _pairs(there[image], some)
        kept += [some[row]._replace(label=_named(some[row].label, person), mark="") for row, person in pairs]
        lost += len(some) - len(pairs)
    lines = [f"{lost} results lie where no annotated person of their image is, or another is nearer: left out"]
    return kept, lines if lost else []


def _pairs(people: Sequence[Person], entries: Sequence[Entry]) -> list[tuple[int, Person]]:
    """Numbers of results and their people, the least distances first."""
    apart = sorted(
        (_apart(entry, person), row, at) for row, entry in enumerate(entries) for at, person in enumerate(people)
    )
    found: dict[int, int] = {}
    for distance, row, at in apart:
        if distance <= FARTHEST and row not in found and at not in found.values():
            found[row] = at
    return [(row, people[at]) for row, at in found.items()]


def _apart(entry: Entry, person: Person) -> float:
    """Distance of a body's origin from the middle of a person's box, in longer sides of it; infinite: not known."""
    size = person.image_size or (0, 0)
    try:
        placed = read_estimate(entry, image_size=size if all(size) else None)
    except (OSError, ValueError):
        return float("inf")
    pixel = project(placed.params[None, -3:].double(), centred(placed.intrinsics, *size).double())[0].numpy()
    x, y, width, height = _box(person)
    distance = float(np.hypot(pixel[0] - x - width / 2, pixel[1] - y - height / 2) / max(width, height, 1.0))
    return distance if np.isfinite(distance) and bool(torch.isfinite(placed.params).all()) else float("inf")


def _box(person: Person) -> tuple[float, float, float, float]:
    if person.box is not None:
        x, y, width, height = person.box
        return x, y, width, height
    points = person.keypoints[person.confidence > 0]
    low, span = points.min(0), np.ptp(points, axis=0)
    return float(low[0]), float(low[1]), float(span[0]), float(span[1])


def _named(label: str, person: Person) -> str:
    return f"{Path(label).with_suffix('')}#{person.person_id}"
