"""Which people of a keypoint file belong to which of the images that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .images import is_image_path, looks_like_image
from .people import Person


class Matched(NamedTuple):
    """People with the path of their image, and one line for each image without people."""

    people: list[Person]
    problems: list[str]


def list_images(arguments: Iterable[Path]) -> list[Path]:
    """Files as they are named; folders as the images in them, sorted. A path given twice counts once.

    In a folder the first bytes tell an image. What only its name calls one is kept, and so are links that lead nowhere
    or round in circles, so that a reader reports them.

    Raises:
        FileNotFoundError: a folder holds no image.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        if not argument.is_dir():
            found[argument] = None
            continue
        inside = sorted(p for p in argument.iterdir() if _is_image_of_folder(p))
        if not inside:
            raise FileNotFoundError(f"{argument}: no image in this folder")
        found |= dict.fromkeys(inside)
    return list(found)


def _is_image_of_folder(path: Path) -> bool:
    if path.is_file():
        return looks_like_image(path)
    return path.is_symlink() and not path.exists() and is_image_path(path)


def match_people(people: Sequence[Person], images: Sequence[Path], source: str | Path = "the keypoint file") -> Matched:
    """Give each image its people, in the order of the images; each then carries the path of its image.

    A person belongs to the image of that name, else to the one of that name with an ending (OpenPose's files do not
    say it). Where several images, or several folders of the keypoint file, share a name, the folders must agree. People
    of a file that names no image belong to the one image there is. Afterwards names are unique: a second person of one
    id in one image is renamed, with a line in ``problems``.

    Args:
        people: as a reader gave them.
        images: paths that were asked for.
        source: the keypoint file, for messages.
    """
    owned: dict[Path, list[Person]] = {image: [] for image in images}
    by_name, by_stem = _by(images, "name"), _by(images, "stem")
    folders: dict[str, set[Path]] = {}
    for person in people:
        if person.image is not None:
            folders.setdefault(person.image.name, set()).add(person.image.parent)
    problems: list[str] = []
    homeless = 0
    for person in people:
        if person.image is None:
            candidates = list(images) if len(images) == 1 else []
            homeless += not candidates
        else:
            candidates = by_name.get(person.image.name) or by_stem.get(person.image.name, [])
            if len(candidates) > 1 or len(folders[person.image.name]) > 1:
                candidates = _same_folder(person.image, candidates)
        if len(candidates) == 1:
            owned[candidates[0]].append(person)
    if homeless:
        problems.append(f"{source}: {homeless} people name no image; give one image at a time")
    for image, theirs in owned.items():
        if not theirs:
            problems.append(f"{image}: no person in {source}" if image.exists() else f"{image}: no such image")
    labels = image_labels(images)
    matched = []
    for image, theirs in owned.items():
        for person, person_id in zip(theirs, _unique([p.person_id for p in theirs]), strict=True):
            if person_id != person.person_id:
                problems.append(f"{labels[image]}#{person.person_id}: there is another of this id; named {person_id}")
            matched.append(replace(person, image=image, person_id=person_id, image_label=labels[image]))
    return Matched(matched, problems)


def _by(images: Sequence[Path], part: str) -> dict[str, list[Path]]:
    """The images by their names, or by their names without the ending."""
    found: dict[str, list[Path]] = {}
    for image in images:
        found.setdefault(getattr(image, part), []).append(image)
    return found


def _same_folder(named: Path, images: Sequence[Path]) -> list[Path]:
    """Those images that end in all the folders that the keypoint file names; without any, all."""
    wanted = tuple(part for part in named.parent.parts if part not in (".", ".."))
    return [image for image in images if image.parent.parts[len(image.parent.parts) - len(wanted) :] == wanted]


def image_labels(images: Sequence[Path]) -> dict[Path, str]:
    """Labels of images in messages: each image's name, with as many of its folders as tell it from the others."""
    labels = {}
    for namesakes in _by(images, "name").values():
        for image in namesakes:
            others = [other for other in namesakes if other != image]
            depth = 1
            while depth < len(image.parts) and any(other.parts[-depth:] == image.parts[-depth:] for other in others):
                depth += 1
            labels[image] = "/".join(image.parts[-depth:])
    return labels


def _unique(names: Sequence[str]) -> list[str]:
    """The names, with -2, -3 ... behind those that were there before."""
    taken: set[str] = set()
    given = set(names)
    result = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken or (number > 1 and candidate in given):
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate)
        result.append(candidate)
    return result
