"""MediaPipe's pose landmarks as JSON: 33 of x, y, z and visibility, x and y as shares of the image.

There is no file format of MediaPipe's own: what people save is a list of 33 landmarks, a list of such lists (one a
person), or an object that holds either under ``pose_landmarks``, ``landmarks`` or ``landmark``. The image's size stands
in the file (``width`` and ``height``, ``image_width`` and ``image_height``), or the image lies beside it. A list of
objects that say a frame's number or an image's name, alone or under ``frames``, is of as many images.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..conventions import BLAZEPOSE33
from ..gathering import Gathering, PersonEntry, in_pixels
from ..people import PeopleFile
from ..reading import numbers, optional_size
from .beside import Beside, image_beside, share_to_pixels
from .format import Content, Format

USED = frozenset({"x", "y", "z", "visibility", "presence", "name"})
"""Keys of a landmark; ``presence`` says whether it is in the picture, hidden or not: it counts without the other."""
KEYS = ("pose_landmarks", "poseLandmarks", "landmarks", "landmark", "pose", "frames")
COUNT = len(BLAZEPOSE33)
FRAMES, IMAGES, NUMBERS = (
    "frames",
    ("image", "file_name", "filename"),
    ("frame", "frame_id", "frame_number", "frame_index"),
)
"""Keys of a list of images or frames, and those by which an entry of it says which it is."""


def _people_of(content: Any) -> list[list[Any]] | None:
    """Lists of 33 landmarks, None where the content is none of MediaPipe's; a frame may be without people."""
    if isinstance(content, dict):
        inside = [_people_of(content[key] or []) for key in KEYS if key in content]
        return next((found for found in sorted(inside, key=bool, reverse=True) if found is not None), None)
    if not isinstance(content, list):
        return None
    if len(content) == COUNT and all(isinstance(one, dict) and {"x", "y"} <= one.keys() for one in content):
        return [content]
    found = [(one, _people_of(one)) for one in content]
    whole = all(people is not None and (isinstance(one, dict) or len(people) == 1) for one, people in found)
    return [person for _, people in found for person in people or ()] if whole else None


def is_mediapipe(content: Any) -> bool:
    """Whether the content of a JSON file is MediaPipe's landmarks."""
    return bool(_people_of(content))


def _in_images(content: Any, file: Path) -> Iterator[tuple[Beside, list[Any]]]:
    """Each image with its people; a list whose entries say a frame or an image has one for each."""
    held = content.get(FRAMES, content) if isinstance(content, dict) else content
    frames = held if isinstance(held, list) else []
    if not frames or not all(
        isinstance(one, dict) and any(key in one for key in (*IMAGES, *NUMBERS)) for one in frames
    ):
        yield image_beside(file), _people_of(content) or []
        return
    for place, frame in enumerate(frames):
        named = next((frame[key] for key in IMAGES if isinstance(frame.get(key), str)), None)
        number = next((frame[key] for key in NUMBERS if isinstance(frame.get(key), int)), place)
        image = Path(f"{file.stem}_{number:06d}") if named is None else Path(named)
        beside = image_beside(file.parent / image.name, image.stem)
        yield Beside(image, _stated_size(frame) or beside.size), _people_of(frame) or []


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention or "blazepose33")
    stated = _stated_size(file.json)
    for (image, size), people in _in_images(file.json, file.path):
        _gather(people, image, stated or size, gathering)
    return gathering.people_file()


def _gather(people: list[Any], image: Path, size: tuple[int, int] | None, gathering: Gathering) -> None:
    for place, landmarks in enumerate(people):
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
