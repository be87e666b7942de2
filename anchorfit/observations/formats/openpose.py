"""OpenPose's JSON output: one file an image, or a folder of them; and what others write like it.

Format: OpenPose, doc/02_output.md. Its coordinates are continuous already (its maximum search adds half a pixel).
AlphaPose (``--format open`` and ``--format cmu``) and Pose2Sim write the same for other numbers of keypoints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..gathering import Gathering, PersonEntry, in_pixels, triples_of
from ..people import PeopleFile
from ..reading import KeypointFileError, load_json
from .format import Content, Format

FILE_ENDING = "_keypoints.json"
FOLDER_ENDING = "_json"  # of Pose2Sim's folders, one a camera
POSE_KEYS = ("pose_keypoints_2d", "pose_keypoints", "joints")  # the second before OpenPose 1.3, the third AlphaPose's
PEOPLE_KEYS = ("people", "bodies")  # the second AlphaPose's


def is_openpose(content: Any) -> bool:
    """Whether the content of a JSON file is OpenPose's."""
    if not isinstance(content, dict):
        return False
    people = _people_of(content)
    if people is None:
        return False
    there = [person for person in people if isinstance(person, dict)]
    return any(key in person for person in there for key in POSE_KEYS) or (not there and "version" in content)


def read_openpose(path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """Read one of OpenPose's JSON files, or every NAME_keypoints.json of a folder in the order of their names.

    The image of NAME_keypoints.json is NAME: OpenPose does not record its suffix (`Person.belongs_to` knows). A folder
    without such names may hold files of any name, or folders that end in _json, as Pose2Sim has one a camera. BODY_25,
    the older 18 keypoints, MPI's 15, Halpe's 26 and 136 and COCO-WholeBody's 133 are told apart by their number; others
    need ``convention``.

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
    files = files_of_folder(path)
    if not files:
        raise FileNotFoundError(
            f"{path}: the folder holds no NAME{FILE_ENDING} files, as OpenPose --write_json makes them"
        )
    gathering = Gathering(path, convention)
    for file in files:
        try:
            content = load_json(file)
            if not (is_openpose(content) or file.name.endswith(FILE_ENDING)):
                continue
            gather_people(content, file, gathering)
        except (KeypointFileError, OSError) as error:
            gathering.note_file(file, error)
            gathering.add_image(image_of_file(file))
    return gathering.people_file()


def files_of_folder(folder: Path) -> list[Path]:
    """The files of a folder that may be OpenPose's, in the order of their names."""
    files = sorted(folder.glob(f"*{FILE_ENDING}"))
    if files:
        return files
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.endswith(FOLDER_ENDING))
    found = [file for place in (inside or [folder]) for file in sorted(place.glob("*.json"))]
    return found if any(is_openpose(_quietly(file)) for file in found[:10]) else []


def parse_openpose(content: Any, path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """As `read_openpose`, for the content of one file that was loaded already."""
    gathering = Gathering(path, convention)
    gather_people(content, Path(path), gathering)
    return gathering.people_file()


def gather_people(content: Any, file: Path, gathering: Gathering, *, image: Path | None = None) -> None:
    """Add the people of one image.

    Raises:
        KeypointFileError: the content is not OpenPose's.
    """
    if not is_openpose(content):
        raise KeypointFileError(f"{file}: expected OpenPose's key people, each with pose_keypoints_2d")
    image = image or image_of_file(file)
    gathering.add_image(image)
    for place, entry in enumerate(_people_of(content) or ()):
        try:
            if not isinstance(entry, dict):
                raise ValueError("expected an object with pose_keypoints_2d")
            triples = gathering.scored(entry, _triples(entry), *POSE_KEYS)
            joints = gathering.joints_of(len(triples))
        except ValueError as error:
            gathering.leave_out(f"{image}#{place}", error)
            continue
        gathering.add(PersonEntry(identity=str(place), triples=triples, joints=joints, image=image))


def image_of_file(file: Path) -> Path:
    """The image that a file is of, as far as its name says it."""
    return Path(file.name.removesuffix(FILE_ENDING) if file.name.endswith(FILE_ENDING) else file.stem)


def _triples(entry: dict[str, Any]) -> np.ndarray:
    key = next((key for key in POSE_KEYS if key in entry), POSE_KEYS[0])
    try:
        return in_pixels(triples_of(entry.get(key), key), key)
    except ValueError as error:
        hint = "; use OpenPose's --keypoint_scale 0" if "shares of the image" in str(error) else ""
        raise ValueError(f"{error}{hint}") from error


def _people_of(content: dict[str, Any]) -> list[Any] | None:
    return next((content[key] for key in PEOPLE_KEYS if isinstance(content.get(key), list)), None)


def _quietly(file: Path) -> Any:
    try:
        return load_json(file)
    except (KeypointFileError, OSError):
        return None


def _recognises(file: Content) -> bool:
    return bool(files_of_folder(file.path)) if file.path.is_dir() else file.is_json and is_openpose(file.json)


def _read(file: Content, convention: str | None) -> PeopleFile:
    if file.path.is_dir():
        return read_openpose(file.path, convention=convention)
    return parse_openpose(file.json, file.path, convention=convention)


FORMAT = Format(name="openpose", recognises=_recognises, read=_read)
