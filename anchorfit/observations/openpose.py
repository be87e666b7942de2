"""OpenPose's JSON output: one file an image, or a folder of them.

Format: OpenPose, doc/02_output.md. Its coordinates are continuous already (its maximum search adds half a pixel).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .conventions import CONVENTIONS, convention_by_count, convention_name, to_canonical
from .people import PeopleFile, Person
from .reading import KeypointFileError, load_json, numbers

FILE_ENDING = "_keypoints.json"
POSE_KEYS = ("pose_keypoints_2d", "pose_keypoints")  # the second before OpenPose 1.3


def is_openpose(content: Any) -> bool:
    """Whether the content of a JSON file is OpenPose's."""
    if not isinstance(content, dict) or not isinstance(content.get("people"), list):
        return False
    people = [person for person in content["people"] if isinstance(person, dict)]
    return any(key in person for person in people for key in POSE_KEYS) or (not people and "version" in content)


def read_openpose(path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """Read one of OpenPose's JSON files, or every NAME_keypoints.json of a folder in the order of their names.

    The image of NAME_keypoints.json is NAME: OpenPose does not record its suffix (`Person.belongs_to` knows). BODY_25
    and the older 18 keypoints are told apart by their number; other models need ``convention``.

    Returns:
        The people in the file's order; person_id is the place in the file.
    Raises:
        FileNotFoundError: no such file or folder, or a folder without such files.
        KeypointFileError: cut short, or not OpenPose's format. In a folder that is a problem line instead.
        ValueError: no such convention.
    """
    path = Path(path)
    if not path.is_dir():
        return parse_openpose(load_json(path), path, convention=convention)
    files = sorted(path.glob(f"*{FILE_ENDING}"))
    if not files:
        raise FileNotFoundError(
            f"{path}: the folder holds no NAME{FILE_ENDING} files, as OpenPose --write_json makes them"
        )
    people: list[Person] = []
    problems: list[str] = []
    for file in files:
        try:
            found = parse_openpose(load_json(file), file, convention=convention)
        except (KeypointFileError, OSError) as error:
            problems.append(str(error))
            continue
        people.extend(found.people)
        problems.extend(found.problems)
    return PeopleFile(tuple(people), tuple(problems))


def parse_openpose(content: Any, path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """As `read_openpose`, for the content of one file that was loaded already."""
    chosen = None if convention is None else convention_name(convention)
    if not is_openpose(content):
        raise KeypointFileError(f"{path}: expected OpenPose's key people, each with pose_keypoints_2d")
    name = Path(path).name
    image = Path(name.removesuffix(FILE_ENDING) if name.endswith(FILE_ENDING) else Path(path).stem)
    people: list[Person] = []
    problems: list[str] = []
    for place, entry in enumerate(content["people"]):
        try:
            positions, confidence = _keypoints(entry, chosen)
        except ValueError as error:
            problems.append(f"{path}: {image}#{place}: {error}; this person is left out")
            continue
        people.append(Person(person_id=str(place), keypoints=positions, confidence=confidence, image=image))
    return PeopleFile(tuple(people), tuple(problems))


def _keypoints(entry: Any, chosen: str | None) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(entry, dict):
        raise ValueError("expected an object with pose_keypoints_2d")
    key = next((key for key in POSE_KEYS if key in entry), POSE_KEYS[0])
    count = None if chosen is None else 3 * len(CONVENTIONS[chosen])
    triples = numbers(entry.get(key), key, count)
    if len(triples) == 0 or len(triples) % 3:
        raise ValueError(f"{key}: expected x, y and confidence for each, got {len(triples)} numbers")
    triples = triples.reshape(-1, 3)
    seen = triples[triples[:, 2] > 0, :2]
    if len(seen) > 1 and (np.abs(seen) <= 1).all():
        raise ValueError(
            f"{key}: the coordinates are shares of the image, not pixels; use OpenPose's --keypoint_scale 0"
        )
    convention = chosen or convention_by_count(len(triples))
    return to_canonical(triples[:, :2], triples[:, 2], convention)
