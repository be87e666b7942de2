"""MediaPipe's pose landmarks as JSON: 33 of x, y, z and visibility, x and y as shares of the image.

There is no file format of MediaPipe's own; what people save are its results, which its API describes: an object with
``pose_landmarks`` (``landmarks`` in JavaScript and Swift), a list of the people of one image, each a list of 33; of the
older Solutions ``pose_landmarks.landmark``, one person's 33, or null where none was found. The image's size stands in
the file (``width`` and ``height``, ``image_width`` and ``image_height``), the image lies beside it, or the caller says
the size. Of a video there is a list, alone or under ``frames``, or an object by frames' numbers:

* of objects: each is the result of a frame, by the frame's number or the image's name that it says, else by its place;
* of lists of people, of null and empty lists among them: of frames by place;
* of lists of 33 landmarks: people of an image that lies beside the file, else of frames, where each is nearly where the
  one before is, else people of one image, which is said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

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
FRAMES, IMAGES, NUMBERS = (
    "frames",
    ("image", "file_name", "filename"),
    ("frame", "frame_id", "frame_number", "frame_index"),
)
"""Keys of a list of images or frames, and those by which an entry of it says which it is."""
PERSONS = ("person", "person_id", "personId", "id", "track_id")
"""Keys by which entries of a list say that they are people of one image."""
SAME_PLACE = 0.2
"""Mean distance of landmarks, in sizes of the person, within which two are one person in frames that follow each other:
people of one image stand farther apart."""
UNNUMBERED = "says neither frame nor image, as others do: give it one"
ASKED = (
    "{count} lists of landmarks that say neither frame nor image are taken for people of one image; if they are frames "
    'of a video, write each as {{"frame": NUMBER, "landmarks": [...]}}'
)


class _Image(NamedTuple):
    """One image of a file: lists of 33 landmarks of its people, its number or name, and its size, where these are
    said."""

    people: list[list[Any]]
    said: int | str | None = None
    size: tuple[int, int] | None = None


class _Images(NamedTuple):
    """What a file holds; ``sure`` is False of lists of landmarks that may be people or frames."""

    images: list[_Image]
    sure: bool = True


def _is_person(content: Any) -> bool:
    """Whether it is 33 landmarks."""
    return (
        isinstance(content, list)
        and len(content) == COUNT
        and all(isinstance(one, dict) and {"x", "y"} <= one.keys() for one in content)
    )


def _people_of(content: Any) -> list[list[Any]] | None:
    """The people of one image, of which there may be none; None where it is no result."""
    if isinstance(content, dict):
        inside = [_people_of(content[key]) for key in KEYS if key in content]
        return next((found for found in sorted(inside, key=bool, reverse=True) if found is not None), None)
    if content is None or content == []:
        return []
    if _is_person(content):
        return [content]
    return list(content) if isinstance(content, list) and all(map(_is_person, content)) else None


def _images_of(content: Any) -> _Images | None:
    """The images of a file, None where it is none of MediaPipe's."""
    if isinstance(content, dict):
        return _images_of_object(content)
    if not isinstance(content, list):
        return None
    people = _people_of(content)
    if content and people is not None:
        return _Images([_Image(people)], sure=_is_person(content))
    frames = _frames(content)
    if frames is None or any(image.said is not None for image in frames):
        return None if frames is None else _Images(frames)
    if all(isinstance(one, dict) and any(key in one for key in PERSONS) for one in content):
        return _Images([_Image([person for image in frames for person in image.people])])
    return _Images(frames)


def _images_of_object(content: dict[str, Any]) -> _Images | None:
    held = content.get(FRAMES)
    if isinstance(held, list):
        frames = _frames(held)
        return None if frames is None else _Images(frames)
    if isinstance(held, dict):
        return _images_of_object(held)
    if content and all(str(key).isdecimal() for key in content):
        frames = _frames(list(content.values()))
        numbered = zip(frames or (), content, strict=False)
        return None if frames is None else _Images([image._replace(said=int(key)) for image, key in numbered])
    people = _people_of(content)
    if people is not None:
        return _Images([_Image(people, None, _stated_size(content))])
    inside = (_images_of(content[key]) for key in KEYS if isinstance(content.get(key), list))
    return next((found for found in inside if found is not None), None)


def _frames(entries: list[Any]) -> list[_Image] | None:
    """A list of which each entry is an image, None where one is none."""
    found = [(one, _people_of(one)) for one in entries]
    frames = [_frame(one, people) for one, people in found if people is not None]
    return frames if len(frames) == len(found) else None


def _frame(entry: Any, people: list[list[Any]]) -> _Image:
    if not isinstance(entry, dict):
        return _Image(people)
    named = next((entry[key] for key in IMAGES if isinstance(entry.get(key), str)), None)
    numbered = (_number(entry[key]) for key in NUMBERS if key in entry)
    number = next((number for number in numbered if number is not None), None)
    return _Image(people, number if named is None else named, _stated_size(entry))


def _number(said: Any) -> int | None:
    """A frame's number: a text of digits or a whole fraction, as tables write them, too; None of anything else."""
    if isinstance(said, str) and said.strip().isdecimal():
        return int(said)
    whole = isinstance(said, int) or (isinstance(said, float) and said.is_integer())
    return int(said) if whole and not isinstance(said, bool) else None


def is_mediapipe(content: Any) -> bool:
    """Whether the content of a JSON file is MediaPipe's landmarks."""
    found = _images_of(content)
    return found is not None and (any(image.people for image in found.images) or _says_landmarks(content))


def _says_landmarks(content: Any) -> bool:
    """Whether keys say that it would be landmarks, had anybody been found."""
    if isinstance(content, dict):
        held = content.get(FRAMES)
        return any(key in content for key in KEYS[:-1]) or (held is not None and _says_landmarks(held))
    return isinstance(content, list) and any(isinstance(one, dict) and _says_landmarks(one) for one in content)


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention or "blazepose33")
    size = _stated_size(file.json) or file.image_size
    beside = image_beside(file.path, size=size)
    images = _told_apart(_images_of(file.json) or _Images([]), bool(beside.image.suffix), gathering)
    if len(images) == 1 and images[0].said is None:
        _gather(images[0].people, beside.image, images[0].size or beside.size, gathering)
        return gathering.people_file()
    silent = all(image.said is None for image in images)
    if silent:
        gathering.note("its entries say no frame: they are taken for the frames one after the other, from the first")
    for place, image in enumerate(images):
        if image.said is None and not silent:  # its place may be the number of another
            if image.people:
                gathering.leave_out(f"entry {place}", UNNUMBERED, what="frame")
            continue
        said = place + 1 if image.said is None else image.said
        name = Path(said) if isinstance(said, str) else Path(f"{file.path.stem}_{said:06d}")
        there = image_beside(file.path.parent / name.name, name.stem, size=size)
        _gather(image.people, there.image if there.image.suffix else name, image.size or there.size, gathering)
    return gathering.people_file()


def _told_apart(found: _Images, beside: bool, gathering: Gathering) -> list[_Image]:
    """The images, where entries that say nothing may be people of one or frames; ``beside``: whether one image lies
    beside the file."""
    images = found.images
    if any(image.said is not None for image in images):
        return images
    if beside and all(image.people for image in images):  # then all are of it
        return [_Image([person for image in images for person in image.people], None, images[0].size)]
    people = images[0].people if len(images) == 1 else []
    if found.sure or len(people) < 2:
        return images
    if _are_frames(people):
        return [_Image([person]) for person in people]
    gathering.note(ASKED.format(count=len(people)))
    return images


def _are_frames(people: list[list[Any]]) -> bool:
    """Whether most lists of landmarks lie nearly where the one before does, as a person's from frame to frame."""
    try:
        places = np.array([[[float(one["x"]), float(one["y"])] for one in person] for person in people])
    except (TypeError, ValueError):
        return False
    if len(places) < 2:
        return False
    sizes = np.maximum(np.linalg.norm(np.ptp(places, axis=1), axis=-1), 1e-9)
    apart = np.linalg.norm(places[1:] - places[:-1], axis=-1).mean(-1) / sizes[:-1]
    return bool(np.median(apart) < SAME_PLACE)


def _gather(people: list[Any], image: Path, size: tuple[int, int] | None, gathering: Gathering) -> None:
    gathering.add_image(image)
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
