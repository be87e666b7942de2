"""Bodies that results have twice: of several of one person in one image the first counts, and a line says so."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from ..interchange.results import GivenBodies

NEAR = 0.3
"""Bodies of one name or number that lie farther apart, in sizes of the first, are two people: programs number anew."""


class FirstOfEach(NamedTuple):
    """For each image the rows that count, in their order; and a line about the others, where there are any."""

    rows: dict[Hashable, list[int]]
    remarks: tuple[str, ...]


def first_of_each(
    given: GivenBodies, rows_of_image: Mapping[Hashable, Sequence[int]], pixels: Mapping[int, Tensor], source: str
) -> FirstOfEach:
    """Leave out bodies whose person has one before them in the image.

    Two bodies of an image are of one person where they have one name, one number or one box, and lie at one place.

    Args:
        given: bodies of files, in the order of the files.
        rows_of_image: rows of bodies by image.
        pixels: for rows that a camera puts somewhere, (K, 2) their joints in the image.
        source: what messages call the results.
    """
    kept: dict[Hashable, list[int]] = {}
    doubled: list[tuple[int, int]] = []
    for image, rows in rows_of_image.items():
        first: dict[Hashable, int] = {}
        for row in rows:
            marks = list(_marks(given, row))
            twin = next((first[mark] for mark in marks if mark in first), None)
            if twin is not None and _near(given, twin, row, pixels):
                doubled.append((twin, row))
                continue
            kept.setdefault(image, []).append(row)
            for mark in marks:
                first.setdefault(mark, row)
    return FirstOfEach(kept, (_said(given, doubled, source),) if doubled else ())


def _marks(given: GivenBodies, row: int) -> Iterator[Hashable]:
    """What tells a body's person from others of its image."""
    if given.names[row]:
        yield "name", given.names[row]
    if given.tracks[row]:
        yield "track", given.tracks[row]
    box = given.boxes[row]
    if bool(box.isfinite().all()) and float(box[2:].min()) > 0:
        yield "box", tuple(box.round().tolist())


def _near(given: GivenBodies, first: int, second: int, pixels: Mapping[int, Tensor]) -> bool:
    """Whether two bodies lie at one place, by their joints or boxes; of those that lie nowhere it is believed."""
    if first in pixels and second in pixels:
        here, there = pixels[first].numpy(), pixels[second].numpy()
        size = float(np.linalg.norm(np.ptp(here, axis=0)))
        apart = float(np.linalg.norm(here - there, axis=1).mean())
        return not apart > NEAR * max(size, 1.0)
    boxes = given.boxes[[first, second]].numpy()
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    return not float(np.linalg.norm(middles[0] - middles[1])) > NEAR * float(np.linalg.norm(boxes[0, 2:]))


def _said(given: GivenBodies, doubled: Sequence[tuple[int, int]], source: str) -> str:
    (first, second), others = doubled[0], len(doubled) - 1
    who = given.names[second] or (f"person {given.tracks[second]}" if given.tracks[second] else "a person")
    more = f", and {others} more" if others else ""
    here, there = (Path(given.files[row]) for row in (first, second))
    if here == there:
        return f"{source}: {there}: {who} is in it twice in one image{more}; the first counts"
    return f"{source}: {who} is in {here} and once more in {there}{more}; the first counts: give the one that is meant"
