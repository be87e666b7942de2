"""EasyMocap's annotations: a JSON file an image, or a folder of them.

An object of ``filename``, ``height``, ``width`` and ``annots``, each of ``personID``, ``bbox`` (two corners and a
score) and ``keypoints`` ([[x, y, confidence], ...], OpenPose's BODY_25 or others by their number).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..gathering import Gathering, PersonEntry, triples_of
from ..people import PeopleFile
from ..reading import KeypointFileError, load_json, optional_box, optional_size
from .format import Content, Format


def is_easymocap(content: Any) -> bool:
    """Whether the content of a JSON file is EasyMocap's."""
    return isinstance(content, dict) and isinstance(content.get("annots"), list)


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention)
    if not file.path.is_dir():
        _gather(file.json, file.path, gathering)
        return gathering.people_file()
    for path in sorted(file.path.glob("*.json")):
        try:
            content = load_json(path)
        except KeypointFileError as error:
            gathering.note_file(path, error)
            gathering.add_image(Path(path.stem))
            continue
        if is_easymocap(content):
            _gather(content, path, gathering)
    return gathering.people_file()


def _gather(content: dict[str, Any], path: Path, gathering: Gathering) -> None:
    named = content.get("filename")
    image = Path(named) if isinstance(named, str) and named else Path(path.stem)
    size = optional_size(content.get("width"), content.get("height"))
    gathering.add_image(image)
    for place, person in enumerate(content["annots"]):
        try:
            if not isinstance(person, dict):
                raise ValueError("expected an object with keypoints")
            triples = gathering.scored(person, triples_of(person.get("keypoints")))
            joints = gathering.joints_of(len(triples), usual="coco17")
        except ValueError as error:
            gathering.leave_out(f"{image.name}#{place}", error)
            continue
        gathering.add(
            PersonEntry(
                identity=str(person.get("personID", place)),
                triples=triples,
                joints=joints,
                image=image,
                size=size,
                box=_box(person.get("bbox")),
            )
        )


def _box(value: Any) -> tuple[float, float, float, float] | None:
    try:
        left, top, right, bottom = value[:4]
        return optional_box([left, top, right - left, bottom - top])
    except (TypeError, ValueError):
        return None


def _recognises(file: Content) -> bool:
    if file.path.is_dir():
        first = next(iter(sorted(file.path.glob("*.json"))), None)
        try:
            return first is not None and is_easymocap(load_json(first))
        except (KeypointFileError, OSError):
            return False
    return file.is_json and is_easymocap(file.json)


FORMAT = Format(name="easymocap", recognises=_recognises, read=_read)
