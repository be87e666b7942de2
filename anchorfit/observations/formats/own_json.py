"""anchorfit's own keypoint JSON: people with keypoints of a named convention, boxes, masks and joints in space."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import write_atomically
from ...body.joint_sets import CANONICAL_JOINTS
from ...plain_text import short_name
from ..conventions import CONVENTIONS, KeypointSet, convention_by_count, convention_name, to_canonical
from ..gathering import Gathering, seen_somewhere
from ..joint_names import joints_of_names
from ..masks import StoredMask, mask_to_run_lengths
from ..people import PeopleFile, Person
from ..reading import KeypointFileError, numbers, optional_box, optional_size
from .format import Format

SIGN = "anchorfit-keypoints"
_FILE_KEYS = frozenset({"format", "convention", "people", "version"})
_PERSON_KEYS = frozenset({"person", "image", "image_size", "box", "score", "keypoints", "world", "mask"})


def is_own_json(content: Any) -> bool:
    """Whether the content of a JSON file is anchorfit's own."""
    return isinstance(content, dict) and isinstance(content.get("people"), list)


def parse_json(content: Any, path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """Read anchorfit's own JSON, from content that was loaded already; ``path`` is for messages.

    Raises:
        KeypointFileError: no people in it, or no such convention.
    """
    if not is_own_json(content):
        raise KeypointFileError(f"{path}: expected an object with the key people, a list")
    stated = convention or content.get("convention")
    try:
        chosen = None if stated is None else convention_name(str(stated))
    except ValueError as error:
        raise KeypointFileError(f"{path}: {error}") from error
    people: list[Person] = []
    gathering = Gathering(path)  # of what is said alone
    for key in content:
        if key not in _FILE_KEYS:
            gathering.note(f"{short_name(key)}: a key beside people that is not used")
    for place, entry in enumerate(content["people"]):
        gathering.note_unused(key for key in (entry if isinstance(entry, dict) else ()) if key not in _PERSON_KEYS)
        named = entry if isinstance(entry, dict) else {}
        image = Path(named["image"]) if isinstance(named.get("image"), str) and named["image"] else None
        if image is not None:
            gathering.add_image(image)
        identity = str(named.get("person", place))
        try:
            if not isinstance(entry, dict):
                raise ValueError("expected an object with keypoints")
            positions, confidence = _keypoints(entry.get("keypoints"), chosen, gathering)
            world = _world(entry.get("world"), gathering)
        except ValueError as error:
            gathering.leave_out(f"{short_name(image.name) if image else '?'}#{short_name(identity)}", error)
            continue
        size = entry.get("image_size")
        size = optional_size(*size) if isinstance(size, list) and len(size) == 2 else None
        mask = entry.get("mask")
        score = entry.get("score")
        people.append(
            Person(
                person_id=identity,
                keypoints=positions,
                confidence=confidence,
                image=image,
                image_size=size,
                box=optional_box(entry.get("box")),
                mask=StoredMask(segmentation=mask, width=size[0], height=size[1]) if mask and size else None,
                score=float(score) if isinstance(score, (int, float)) else None,
                world=world,
            )
        )
    return PeopleFile(tuple(people), gathering.problems(), gathering.images)


def write_json(path: str | Path, people: Sequence[Person]) -> None:
    """Write people in anchorfit's own JSON: joints of positive confidence by canonical name, masks as run lengths.

    Raises:
        OSError: the folder is missing, read-only or full.
    """
    content = {"format": SIGN, "convention": "canonical", "people": [person_entry(person) for person in people]}
    write_atomically(
        path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
    )


def _keypoints(value: Any, chosen: str | None, gathering: Gathering) -> KeypointSet:
    """Of a list of [x, y] or [x, y, confidence] in the convention's order, or of an object by joint name; what stands
    at (0, 0) is not seen. An empty list is nobody: the entry stays, for instants of several cameras may go by the order
    of entries."""
    if isinstance(value, dict) or value == []:
        value = value or {}
        rows = np.zeros((len(CANONICAL_JOINTS), 3))
        for place, name, row in _by_name(value, "keypoints", gathering):
            rows[place] = _row(row, name)
        return KeypointSet(rows[:, :2].copy(), seen_somewhere(rows[:, :2], rows[:, 2]))
    if not isinstance(value, list) or not value:
        raise ValueError("keypoints: expected a list of [x, y, confidence] or an object by joint name")
    if chosen is not None and len(value) != len(CONVENTIONS[chosen]):
        raise ValueError(f"keypoints: expected {len(CONVENTIONS[chosen])} of {chosen}, got {len(value)}")
    rows = np.stack([_row(row, str(place)) for place, row in enumerate(value)])
    sure = seen_somewhere(rows[:, :2], rows[:, 2])
    return to_canonical(rows[:, :2], sure, chosen or convention_by_count(len(value)))


def _world(value: Any, gathering: Gathering) -> np.ndarray | None:
    """(K, 3) of an object of [x, y, z] by joint name, NaN for joints that it does not name."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("world: expected an object by joint name")
    rows = np.full((len(CANONICAL_JOINTS), 3), np.nan)
    for place, name, row in _by_name(value, "world", gathering):
        point = numbers(row, f"world {name}")
        if len(point) != 3:
            raise ValueError(f"world {name}: expected [x, y, z], got {len(point)} numbers")
        rows[place] = point
    return rows


def _by_name(value: dict[str, Any], key: str, gathering: Gathering) -> Iterator[tuple[int, str, Any]]:
    """Canonical place, name and value of each joint that the names mean; the others are noted."""
    found = joints_of_names(list(value))
    if value and not found.known:
        others = f", nor are {len(value) - 1} others" if len(value) > 1 else ""
        first = short_name(next(iter(value)))
        raise ValueError(f"{key}: {first!r} is no canonical joint (docs/conventions.md lists them){others}")
    for name, joint in zip(value, found.joints, strict=True):
        if joint is None:
            gathering.note(f"{key}: joints that the body does not have, or has twice, are not used", short_name(name))
        else:
            yield CANONICAL_JOINTS.index(joint), name, value[name]


def _row(value: Any, name: str) -> np.ndarray:
    row = numbers(value, f"keypoint {name}")
    if len(row) not in (2, 3):
        raise ValueError(f"keypoint {name}: expected [x, y] or [x, y, confidence], got {len(row)} numbers")
    return row if len(row) == 3 else np.append(row, 1.0)


def person_entry(person: Person) -> dict[str, Any]:
    """One person as it stands in ``people`` of the file: plain JSON, from which `parse_json` makes the same again."""
    entry: dict[str, Any] = {"person": person.person_id}
    if person.image is not None:
        entry["image"] = str(person.image)
    if person.image_size is not None:
        entry["image_size"] = list(person.image_size)
    if person.box is not None:
        entry["box"] = list(person.box)
    if person.score is not None:
        entry["score"] = person.score
    entry["keypoints"] = {
        CANONICAL_JOINTS[index]: [*person.keypoints[index].tolist(), float(person.confidence[index])]
        for index in np.flatnonzero(person.confidence > 0)
    }
    if person.world is not None:
        known = np.flatnonzero(np.isfinite(person.world).all(1))
        entry["world"] = {CANONICAL_JOINTS[index]: person.world[index].tolist() for index in known}
    if person.mask is not None and person.image_size is not None:
        entry["mask"] = mask_to_run_lengths(np.asarray(person.mask) > 0)
    return entry


FORMAT = Format(
    name="json",
    recognises=lambda file: file.is_json and is_own_json(file.json),
    read=lambda file, convention: parse_json(file.json, file.path, convention=convention),
    general=True,
)
