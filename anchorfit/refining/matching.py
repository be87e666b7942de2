"""Which body of a file belongs to which observed person: by image, and in the image by where both are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from ..interchange.results import GivenBodies
from ..observations import Person
from ..observations.matching import image_of_each_name, list_names
from ..observations.videos import frame_of

FARTHEST = 0.6
"""A body that lies farther from a person's keypoints, in sizes of the person, is somebody else's."""
FARTHEST_ALONE = 1.5
"""The same where both are alone in their image."""
_NUMBER = re.compile(r"(\d+)\D*$")


class MatchedRows(NamedTuple):
    """For each person the row of its body, None where there is none; and lines of what was decided."""

    rows: list[int | None]
    remarks: tuple[str, ...]


def rows_of_people(
    given: GivenBodies, people: Sequence[Person], pixels: Mapping[int, Tensor], source: str = "the results"
) -> MatchedRows:
    """Pair people with bodies.

    Args:
        given: bodies of one file.
        people: observed.
        pixels: for rows that a camera puts somewhere, (K, 2) their canonical joints in the image.
        source: the file, for messages.
    """
    homes, remarks = image_of_rows(given, people, source)
    ours: dict[object, list[int]] = {}
    for number, person in enumerate(people):
        ours.setdefault(image_key(person), []).append(number)
    theirs: dict[object, list[int]] = {}
    for row, home in enumerate(homes):
        if home is not None:
            theirs.setdefault(home, []).append(row)
    found: list[int | None] = [None] * len(people)
    for image, numbers in ours.items():
        rows = theirs.get(image, [])
        for number, row in _pairs(given, [people[number] for number in numbers], rows, pixels):
            found[numbers[number]] = row
    return MatchedRows(found, tuple(remarks))


def image_key(person: Person) -> object:
    """What people of one image share."""
    frame = frame_of(person.name)
    return (person.image or person.image_label, frame)


def image_of_rows(given: GivenBodies, people: Sequence[Person], source: str) -> tuple[list[object | None], list[str]]:
    """For each body the key of its image: by its name, else by its frame, else by the order of rows."""
    keys = list(dict.fromkeys(image_key(person) for person in people))
    by_path = {Path(str(key[0])): key for key in keys if isinstance(key, tuple) and key[0] is not None}
    named = list(dict.fromkeys(Path(image) for image in given.images if image))
    owners, remarks = (
        image_of_each_name(named, list(by_path), source) if by_path and len(keys) == len(by_path) else ({}, [])
    )
    homes: list[object | None] = [
        by_path[owners[Path(image)]] if image and Path(image) in owners else None for image in given.images
    ]
    left = [row for row, home in enumerate(homes) if home is None]
    if not left or (owners and any(given.images)):
        return homes, remarks
    frames = given.frames.tolist()
    numbered = _by_number(keys)
    if all(frames[row] >= 0 for row in left) and numbered:
        first = min(1, *numbered)
        for row in left:
            homes[row] = numbered.get(frames[row] + first)
        if first:
            remarks.append(f"{source}: frame 0 is taken for the image numbered {first}")
    elif len(keys) == 1:
        homes = [keys[0]] * len(given)
    elif len(given) == len(people) and not any(given.images):
        homes = [image_key(person) for person in people]
        remarks.append(f"{source}: names no images; its {len(given)} rows are taken in the order of the people")
    else:
        what = (
            f"its images are {list_names(list(dict.fromkeys(filter(None, given.images))))}"
            if any(given.images)
            else (f"it names none, and its {len(given)} rows are not {len(people)} people")
        )
        remarks.append(f"{source}: no image of the keypoints in it; {what}")
    return homes, remarks


def _by_number(keys: Sequence[object]) -> dict[int, object]:
    """Images by their frame or by the last number of their names; none where a name has none, or two are alike."""
    found: dict[int, object] = {}
    for key in keys:
        image, frame = key if isinstance(key, tuple) else (key, None)
        if frame is None:
            match = _NUMBER.search(Path(str(image)).stem)
            frame = int(match.group(1)) if match else None
        if frame is None or frame in found:
            return {}
        found[frame] = key
    return found


def _pairs(
    given: GivenBodies, people: Sequence[Person], rows: Sequence[int], pixels: Mapping[int, Tensor]
) -> list[tuple[int, int]]:
    """Numbers of people and rows of bodies that belong together, in one image; each once, least distances in all."""
    if not rows:
        return []
    if len(people) == 1 and len(rows) == 1:
        apart = _apart(given, people[0], rows[0], pixels)
        return [(0, rows[0])] if np.isnan(apart) or apart <= FARTHEST_ALONE else []
    from scipy.optimize import linear_sum_assignment

    costs = np.array([[_apart(given, person, row, pixels) for row in rows] for person in people])
    if np.isnan(costs).all():
        return []
    bounded = np.where(np.isnan(costs), 1e3, np.minimum(costs, 1e2))
    chosen = zip(*linear_sum_assignment(bounded), strict=True)
    return [(int(person), rows[int(row)]) for person, row in chosen if bounded[person, row] <= FARTHEST]


def _apart(given: GivenBodies, person: Person, row: int, pixels: Mapping[int, Tensor]) -> float:
    """Mean distance of a body's joints to a person's keypoints, in sizes of the person; by boxes where joints are not
    known; NaN where neither is."""
    seen = person.confidence > 0
    if not seen.any():
        return float("nan")
    places = person.keypoints[seen]
    size = max(float(np.linalg.norm(np.ptp(places, axis=0))), 1.0)
    joints = pixels.get(row)
    if joints is not None:
        away = np.linalg.norm(joints.numpy()[seen] - places, axis=1)
        if np.isfinite(away).all():
            return float(away.mean() / size)
    box = given.boxes[row].numpy()
    if np.isfinite(box).all():
        return float(np.linalg.norm(box[:2] + box[2:] / 2 - (places.min(0) + places.max(0)) / 2) / size)
    return float("nan")
