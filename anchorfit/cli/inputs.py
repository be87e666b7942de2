"""The people that a command is about: those of the keypoint file in the images, with the masks that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..observations import Person, find_mask, list_images, match_people, read_mask, read_people
from .console import warn

FROM_KEYPOINT_FILE = "file"


def gather_people(images: Sequence[Path], keypoints: Path, convention: str | None, mask: str | None) -> list[Person]:
    """The people to work on; one line of warning for everything that could not be read or matched.

    Raises:
        OSError, ValueError: the keypoint file cannot be used, or has nobody for the images.
    """
    paths = list_images(images)
    found = read_people(keypoints, convention=convention)
    matched = match_people(found.people, paths, keypoints)
    masked = with_masks(matched.people, mask)
    for line in [*found.problems, *matched.problems, *masked.problems]:
        warn(line)
    if not masked.people:
        raise ValueError(f"{keypoints}: no person for any of the {len(paths)} images")
    return masked.people


class Masked(NamedTuple):
    """The people, each with its mask or none, and one line for each mask that could not be used."""

    people: list[Person]
    problems: list[str]


def with_masks(people: Sequence[Person], where: str | None) -> Masked:
    """Keep the masks, or read others.

    Args:
        people: each with the path of its image.
        where: None or "file": as the keypoint file has them; else a PNG, or a folder with one for each image
            (NAME.png, NAME_mask.png, NAME_segmentation.png). One such mask stands for one person: where several
            people are in an image, they go without.
    Raises:
        FileNotFoundError: ``where`` is neither a file nor a folder.
    """
    if where is None or where == FROM_KEYPOINT_FILE:
        return Masked(list(people), [])
    place = Path(where)
    if not place.exists():
        raise FileNotFoundError(
            f"{place}: no such mask or folder of masks; '{FROM_KEYPOINT_FILE}' takes the keypoint file's"
        )
    crowded = Counter(person.image for person in people)
    masked, problems = [], []
    for person in people:
        path = place if place.is_file() else find_mask(person.image, place) if person.image else None
        mask = None
        if path is None:
            problems.append(f"{person.name}: no mask in {place}; fitted without")
        elif crowded[person.image] > 1:
            problems.append(f"{person.name}: {path} could be anybody's of {crowded[person.image]}; fitted without")
        else:
            try:
                mask = read_mask(path)
            except (OSError, ValueError) as error:
                problems.append(f"{person.name}: {error}; fitted without")
        masked.append(replace(person, mask=mask))
    return Masked(masked, problems)
