"""Which people of a keypoint file belong to which of the images that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .images import IMAGE_SUFFIXES
from .people import Person


class Matched(NamedTuple):
    """People with the path of their image, and one line for each image without people."""

    people: list[Person]
    problems: list[str]


def list_images(arguments: Iterable[Path]) -> list[Path]:
    """Files as they are named; folders as the images in them, sorted. A path given twice counts once.

    Raises:
        FileNotFoundError: a folder holds no image.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        if not argument.is_dir():
            found[argument] = None
            continue
        inside = sorted(p for p in argument.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        if not inside:
            raise FileNotFoundError(f"{argument}: no image in this folder ({', '.join(sorted(IMAGE_SUFFIXES))})")
        found |= dict.fromkeys(inside)
    return list(found)


def match_people(people: Sequence[Person], images: Sequence[Path], source: str | Path = "the keypoint file") -> Matched:
    """Give each image its people, in the order of the images; each then carries the path of its image.

    The image's name decides, with or without its ending (OpenPose's files do not say it, and a photograph may have
    been converted since). Among images of one name that one is taken which shares most folders with the name that the
    keypoint file gives. People of a file that names no image belong to the one image there is.

    Args:
        people: as a reader gave them.
        images: paths that were asked for.
        source: the keypoint file, for messages.
    """
    owned: dict[Path, list[Person]] = {image: [] for image in images}
    by_name: dict[str, list[Path]] = {}
    for image in images:
        for name in {image.name, image.stem}:
            by_name.setdefault(name, []).append(image)
    for person in people:
        if person.image is None:
            candidates = list(images) if len(images) == 1 else []
        else:
            candidates = by_name.get(person.image.name) or by_name.get(person.image.stem) or []
        if candidates:
            image = max(candidates, key=lambda path: _shared_tail(path, person.image))
            owned[image].append(replace(person, image=image))
    problems = [f"{image}: no person in {source}" for image, theirs in owned.items() if not theirs]
    return Matched([person for theirs in owned.values() for person in theirs], problems)


def _shared_tail(path: Path, named: Path | None) -> int:
    """How many folders, from the end, two paths have in common."""
    count = 0
    for mine, theirs in zip(path.parent.parts[::-1], named.parent.parts[::-1] if named else (), strict=False):
        if mine != theirs:
            break
        count += 1
    return count
