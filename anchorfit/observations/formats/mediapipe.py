"""MediaPipe's pose landmarks as JSON: 33 of x, y, z and visibility, x and y as shares of the image.

There is no file format of MediaPipe's own: what people save is a list of 33 landmarks, a list of such lists (one a
person), or an object that holds either under ``pose_landmarks``, ``landmarks`` or ``landmark``. The image's size stands
in the file (``width`` and ``height``, ``image_width`` and ``image_height``), or the image lies beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conventions import BLAZEPOSE33
from ..gathering import Gathering, PersonEntry, in_pixels
from ..people import PeopleFile
from ..reading import numbers, optional_size
from .beside import image_beside, share_to_pixels
from .format import Content, Format

USED = frozenset({"x", "y", "z", "visibility", "presence", "name"})
"""Keys of a landmark; ``presence`` says whether it is in the picture, hidden or not: it counts without the other."""
KEYS = ("pose_landmarks", "poseLandmarks", "landmarks", "landmark", "pose")
COUNT = len(BLAZEPOSE33)


def _people_of(content: Any) -> list[list[Any]] | None:
    """Lists of 33 landmarks, None where the content is none of MediaPipe's."""
    if isinstance(content, dict):
        inside = (_people_of(content[key]) for key in KEYS if key in content)
        return next((found for found in inside if found is not None), None)
    if not isinstance(content, list) or not content:
        return None
    if len(content) == COUNT and all(isinstance(one, dict) and {"x", "y"} <= one.keys() for one in content):
        return [content]
    found = [_people_of(one) for one in content]
    return [people[0] for people in found if people] if all(people and len(people) == 1 for people in found) else None


def is_mediapipe(content: Any) -> bool:
    """Whether the content of a JSON file is MediaPipe's landmarks."""
    return _people_of(content) is not None


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention or "blazepose33")
    image, size = image_beside(file.path)
    size = _stated_size(file.json) or size
    for place, landmarks in enumerate(_people_of(file.json) or []):
        try:
            triples = np.stack([_row(one) for one in landmarks])
            gathering.note_unused({key for one in landmarks for key in one if key not in USED}, "a key of landmarks")
            try:
                triples = in_pixels(triples)
            except ValueError:
                triples = share_to_pixels(triples, size)
            joints = gathering.joints_of(len(triples))
        except ValueError as error:
            gathering.leave_out(f"{image}#{place}", error)
            continue
        gathering.add(PersonEntry(identity=str(place), triples=triples, joints=joints, image=image, size=size))
    return gathering.people_file()


def _row(landmark: dict[str, Any]) -> np.ndarray:
    return numbers(
        [landmark["x"], landmark["y"], landmark.get("visibility", landmark.get("presence", 1.0))], "landmarks"
    )


def _stated_size(content: Any) -> tuple[int, int] | None:
    if not isinstance(content, dict):
        return None
    pairs = (("width", "height"), ("image_width", "image_height"))
    sizes = (optional_size(content.get(width), content.get(height)) for width, height in pairs)
    return next((size for size in sizes if size is not None), None)


FORMAT = Format(name="mediapipe", recognises=lambda file: file.is_json and is_mediapipe(file.json), read=_read)
