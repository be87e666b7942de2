"""The people that a command is about: those of the keypoint file in the images, with the masks that were asked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..observations import Matched, Person, find_mask, list_images, match_people, read_mask, read_people
from ..observations.images import is_image_path
from .console import warn

FROM_KEYPOINT_FILE = "file"


def gather_people(
    images: Sequence[Path], keypoints: Path | None, convention: str | None, mask: str | None
) -> list[Person]:
    """The people to work on; one line of warning for everything that could not be read or matched.

    Args:
        images: images and folders of them; or, without ``keypoints``, one keypoint file, all of whose people are meant.
        keypoints: the keypoint file.
        convention: of its keypoints, where it does not say.
        mask: as `with_masks` takes it.
    Raises:
        OSError, ValueError: the keypoint file cannot be used, or has nobody for the images.
    """
    if keypoints is None:
        keypoints = _only_keypoint_file(images)
        found = read_people(keypoints, convention=convention)
        matched = _own_images(found.people, keypoints)
    else:
        paths = list_images(images)
        found = read_people(keypoints, convention=convention)
        matched = match_people(found.people, paths, keypoints)
    masked = with_masks(matched.people, mask)
    for line in [*found.problems, *matched.problems, *masked.problems]:
        warn(line)
    if not masked.people:
        whose = "in it" if not found.people or not images else f"for any of the images ({len(images)} arguments)"
        raise ValueError(f"{keypoints}: no person {whose}")
    return masked.people


def _only_keypoint_file(arguments: Sequence[Path]) -> Path:
    """The one argument, where it is no image.

    Raises:
        ValueError: images were given, but no keypoints for them.
    """
    if len(arguments) == 1 and not arguments[0].is_dir() and not is_image_path(arguments[0]):
        return arguments[0]
    raise ValueError("no keypoints: give --keypoints FILE for the images, or a keypoint file in their place")


def _own_images(people: Sequence[Person], keypoints: Path) -> Matched:
    """The people with the images that the keypoint file names, where they lie beside it; others go without."""
    beside = {person.image: keypoints.parent / person.image for person in people if person.image is not None}
    if not beside:
        return match_people(people, [], keypoints)
    matched = match_people(people, list(beside.values()), keypoints)
    there = {path for path in beside.values() if path.is_file()}
    everyone = [person if person.image in there else replace(person, image=None) for person in matched.people]
    return Matched(everyone, matched.problems)


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


def fingerprint(path: Path | None) -> str | None:
    """What tells a file from another version of it: the SHA-256 of its content; of a folder or nothing, its name."""
    if path is None or not path.is_file():
        return None if path is None else str(path.absolute())
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
