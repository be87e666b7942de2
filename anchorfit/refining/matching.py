"""Which body of a file belongs to which observed person: by image, and in the image by where both are."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from ..interchange.results import GivenBodies
from ..observations import Person
from ..observations.matching import image_of_each_name, stem_of
from ..observations.videos import frame_of
from ..plain_text import list_few
from .doubled import first_of_each

FARTHEST = 0.6
"""A body that lies farther from a person's keypoints, in sizes of the person, is somebody else's."""
SAME_NAME = 0.3
"""A body of a person's very name that lies no farther is the person's, even if another lies nearer: where people stand
close. Detectors number people anew, so that a name alone does not do."""
FARTHEST_ALONE = 1.5
"""The same where both are alone in their image."""
OF_ONE_NAME = -1e3
"""Instead of a distance: least of all."""
_NUMBER = re.compile(r"(\d+)\D*$")


class PairedRows(NamedTuple):
    """For each person the row of its body, None where there is none; and lines of what was decided."""

    rows: list[int | None]
    remarks: tuple[str, ...]


def rows_of_people(
    given: GivenBodies,
    people: Sequence[Person],
    pixels: Mapping[int, Tensor],
    source: str = "the results",
    *,
    left: Sequence[int] | None = None,
    images: Sequence[Path] = (),
) -> PairedRows:
    """Pair people with bodies.

    Args:
        given: bodies of one file.
        people: observed.
        pixels: for rows that a camera puts somewhere, (K, 2) their canonical joints in the image.
        source: the file, for messages.
        left: numbers of the people who want a body; None: all.
        images: of the whole source, also those without people (`PeopleFile.images`): they tell which is frame 0.
    """
    homes = image_of_rows(given, people, source, images)
    wanted = range(len(people)) if left is None else left
    if homes.ordered:
        return PairedRows([row if row in set(wanted) else None for row in range(len(people))], tuple(homes.remarks))
    ours: dict[Hashable, list[int]] = {}
    for number in wanted:
        ours.setdefault(image_key(people[number]), []).append(number)
    theirs: dict[Hashable, list[int]] = {}
    for row, home in enumerate(homes.keys):
        if home is not None:
            theirs.setdefault(home, []).append(row)
    first = first_of_each(given, theirs, pixels, source)
    found: list[int | None] = [None] * len(people)
    for image, numbers in ours.items():
        rows = first.rows.get(image, [])
        for number, row in _pairs(given, [people[number] for number in numbers], rows, pixels):
            found[numbers[number]] = row
    return PairedRows(found, (*homes.remarks, *first.remarks))


class ImageKey(NamedTuple):
    """What people of one image share: its path or name, and of a video the frame."""

    image: Path | str | None
    frame: int | None


def image_key(person: Person) -> ImageKey:
    """The image of a person."""
    return ImageKey(person.image or person.image_label, frame_of(person.name))


class Homes(NamedTuple):
    """For each body the key of its image, None where not known; ``ordered``: bodies are in the people's order; and
    what was decided."""

    keys: list[Hashable | None]
    ordered: bool
    remarks: list[str]


def image_of_rows(given: GivenBodies, people: Sequence[Person], source: str, images: Sequence[Path] = ()) -> Homes:
    """The image of each body: that of the person of its very name; else by the image's name, by its frame, or by the
    order of rows."""
    named = {person.name: image_key(person) for person in people}
    known = [named.get(name) for name in given.names]
    if all(known):
        return Homes(list(known), False, [])
    others = _by_image(given, people, source, images)
    if not any(known):
        return others
    keys = [key or (None if others.ordered else other) for key, other in zip(known, others.keys, strict=True)]
    return Homes(keys, False, [] if others.ordered else others.remarks)


def _by_image(given: GivenBodies, people: Sequence[Person], source: str, images: Sequence[Path]) -> Homes:
    keys = list(dict.fromkeys(map(image_key, people)))
    if any(given.images) and not any(key.frame is not None for key in keys):
        return _by_name(given, keys, source)
    numbered, frames = _by_number(keys), given.frames.tolist()
    if numbered and all(frame >= 0 for frame in frames):
        video = any(key.frame is not None for key in keys)  # whose frames count from 0, as all programs' do
        first = 0 if video else min(1, *numbered, *(n for n in map(_number, images) if n is not None))
        said = [f"{source}: frame 0 is taken for the image numbered {first}"] if first else []
        return Homes([numbered.get(frame + first) for frame in frames], False, said)
    if len(keys) == 1:
        return Homes([keys[0]] * len(given), False, [])
    if len(given) == len(people):
        said = [f"{source}: names no images; its {len(given)} rows are taken in the order of the people"]
        return Homes([image_key(person) for person in people], True, said)
    said = [f"{source}: names no images, and its {len(given)} rows are not those of {len(people)} people"]
    return Homes([None] * len(given), False, said)


def _by_name(given: GivenBodies, keys: Sequence[ImageKey], source: str) -> Homes:
    by_path = {Path(str(key.image)): key for key in keys if key.image is not None}
    named = list(dict.fromkeys(Path(image) for image in given.images if image))
    owners, remarks = image_of_each_name(named, list(by_path), source)
    named_after = {path: found for path in named if path not in owners and (found := _named_after(path, by_path))}
    owners |= named_after
    homes = [by_path.get(owners.get(Path(image), Path())) for image in given.images]
    if not owners:
        remarks.append(f"{source}: of other images than the keypoints: {list_few(map(str, named))}")
    return Homes(list(homes), False, remarks)


def _named_after(path: Path, images: Iterable[Path]) -> Path | None:
    """The image whose name a file's begins with, as ours do: IMAGE_PERSON; of several the longest."""
    own = [image for image in images if path.stem.startswith(f"{image.stem}_")]
    return max(own, key=lambda image: len(image.stem), default=None)


def _by_number(keys: Sequence[ImageKey]) -> dict[int, ImageKey]:
    """Images by their frame or by the last number of their names; none where a name has none, or two are alike."""
    found: dict[int, ImageKey] = {}
    for key in keys:
        number = key.frame if key.frame is not None else _number(Path(str(key.image)))
        if number is None or number in found:
            return {}
        found[number] = key
    return found


def _number(image: Path) -> int | None:
    """The last number of a name."""
    match = _NUMBER.search(stem_of(image))
    return int(match.group(1)) if match else None


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
    for at, person in enumerate(people):
        for place, row in enumerate(rows):
            if given.names[row] == person.name and not costs[at, place] > SAME_NAME:
                costs[at, place] = OF_ONE_NAME
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
