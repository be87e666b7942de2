"""What the images are called whose numbers alone a file of results knows: an annotation file beside it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..plain_text import list_few
from .formats.coco import ImageRecord, coco_ids, image_records
from .matching import image_of_each_name
from .people import CocoIds, PeopleFile, Person
from .reading import KeypointFileError, load_json

NO_IMAGES = "{names}: expected COCO's images, each with an id of its own and file_name; it lists none"


def name_images(people: PeopleFile, names: str | Path) -> PeopleFile:
    """The people with the images' paths and sizes that an annotation file has for their numbers.

    Args:
        people: as a reader gave them, of COCO's results: an image is called by its number, with or without zeros in
            front and an ending. Who has another name keeps it, with a line in ``problems``.
        names: COCO's annotation file, or any JSON file with its ``images``.
    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: it is no JSON, or lists no images.
    """
    content = load_json(names)
    records, shared = _records(content, names)
    ids = coco_ids(content)
    named: list[Person] = []
    lost: dict[str, int] = {}
    for person in people:
        number = "" if person.image is None else _number(person.image)
        record = None if number in shared else records.get(number)
        if record is None:
            lost[str(person.image)] = lost.get(str(person.image), 0) + 1
            named.append(person)
        else:
            own, known = person.coco, ids.get(record.path)
            if own is not None and known is not None and _plain(str(known.image)) == number:
                own = own._replace(image=known.image)
            size = person.image_size or record.size
            named.append(replace(person, image=record.path, image_size=size, coco=own))
    images = dict.fromkeys(one.path for number, one in records.items() if number not in shared)
    kept = (path for path in people.images if _number(path) in shared or _number(path) not in records)
    images |= dict.fromkeys(kept)
    problems = [
        f"{names}: images: {number} stands for {list_few(paths)}; its people keep their names"
        for number, paths in shared.items()
    ]
    if lost:
        problems.append(f"{names}: no image of {sum(lost.values())} people, of {list_few(lost)}")
    return PeopleFile(tuple(named), (*people.problems, *problems), tuple(images))


def ids_by_image(names: str | Path, images: Sequence[Path]) -> tuple[dict[Path, CocoIds], list[str]]:
    """The ids that COCO's annotation file has for images that are called as its own are, and lines of what was decided.

    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: it is no JSON, or lists no images.
    """
    ids = coco_ids(load_json(names))
    if not ids:
        raise KeypointFileError(NO_IMAGES.format(names=names))
    owners, said = image_of_each_name(list(ids), images, names)
    return {image: ids[path] for path, image in owners.items()}, said


def lists_images(path: Path) -> bool:
    """Whether a file is JSON with COCO's ``images``."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        content = load_json(path)
    except (OSError, KeypointFileError):
        return False
    return isinstance(content, dict) and bool(image_records(content.get("images"))[0])


def _records(content: Any, names: str | Path) -> tuple[Mapping[str, ImageRecord], Mapping[str, list[str]]]:
    records, shared = image_records(content.get("images") if isinstance(content, dict) else None)
    if not records:
        raise KeypointFileError(NO_IMAGES.format(names=names))
    return {_plain(name): one for name, one in records.items()}, {_plain(name): some for name, some in shared.items()}


def _number(image: Path) -> str:
    """An image's number as text, without zeros in front: of 000000000785.jpg, and of 785."""
    stem = image.stem if image.suffix.lower() == ".jpg" else image.name
    return _plain(stem)


def _plain(number: str) -> str:
    """The same without zeros in front, if it is a number."""
    return (number.lstrip("0") or "0") if number.isdecimal() else number
