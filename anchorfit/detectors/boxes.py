"""People seen anew in the boxes that a file gives of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..observations.checks import FARTHEST_PIXELS
from ..observations.images import read_image
from ..observations.people import PeopleFile, Person
from .embedded import EmbeddedDetector


def see_in_boxes(people: Sequence[Person], detector: EmbeddedDetector) -> PeopleFile:
    """The same people with the detector's keypoints, confidences and masks in place of the file's.

    Args:
        people: each with the path of its image, and a box or keypoints that one can be drawn around.
    Returns:
        Those of whom enough is seen, in order, and a line for each who is left out.
    """
    rows: list[Person | str] = [f"{person.name}: no image to look at; left out" for person in people]
    by_image: dict[str, list[int]] = {}
    for number, person in enumerate(people):
        if person.image is not None:
            by_image.setdefault(str(person.image), []).append(number)
    for path, numbers in by_image.items():
        try:
            picture = read_image(path)
        except (OSError, ValueError) as error:
            for number in numbers:
                rows[number] = f"{people[number].name}: {error}; left out"
            continue
        boxed = {number: box for number in numbers if (box := _box(people[number])) is not None}
        for number in numbers:
            rows[number] = f"{people[number].name}: neither a box nor keypoints to draw one around; left out"
        for number, seen in zip(boxed, detector.in_boxes(picture, list(boxed.values())), strict=True):
            rows[number] = (
                f"{people[number].name}: {detector.name} sees too little in this box; left out"
                if seen is None
                else _anew(people[number], seen)
            )
    kept = tuple(row for row in rows if isinstance(row, Person))
    return PeopleFile(kept, tuple(row for row in rows if isinstance(row, str)))


def _anew(person: Person, seen: Person) -> Person:
    """Named as before; with its own mask where the detector brings none."""
    mask = seen.mask if seen.mask is not None else person.mask
    return replace(seen, person_id=person.person_id, image=person.image, image_label=person.image_label, mask=mask)


def _box(person: Person) -> tuple[float, float, float, float] | None:
    """The person's box, of positive size and none that no picture has; else that of its keypoints."""
    if person.box is not None and np.abs(person.box).max() < FARTHEST_PIXELS and min(person.box[2:]) > 0:
        return person.box
    points = person.keypoints[(person.confidence > 0) & np.isfinite(person.keypoints).all(1)]
    if len(points) < 2:
        return None
    low, extent = points.min(0), np.ptp(points, axis=0)
    return (float(low[0]), float(low[1]), float(extent[0]), float(extent[1]))
