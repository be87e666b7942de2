"""MMPose 1.x's predictions: people of one image, or of a video's frames.

The demos (``--save-predictions``) write an object of ``meta_info`` and ``instance_info``, the inferencer
(``--pred-out-dir``) the list alone. A person has ``keypoints`` ([[x, y], ...]), ``keypoint_scores``, ``bbox``
([[x1, y1, x2, y2]]) and ``bbox_score``; a video's frame has ``frame_id`` and its people as ``instances``. Positions are
pixel indices, as COCO's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..conventions import Convention
from ..gathering import SCORES, Gathering, PersonEntry, joints_that_names_mean, triples_of
from ..people import PeopleFile
from ..reading import LISTS, optional_box
from .beside import image_beside
from .coco import PIXEL_CENTRE
from .format import Content, Format

PREFIX = "results_"  # of the demos' files, before the image's or the video's name


def _people_of(content: Any) -> list[Any] | None:
    """The list of people or of frames, None where the content is not MMPose's."""
    found = content.get("instance_info") if isinstance(content, dict) else content
    if not isinstance(found, list):
        return None
    if len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    first = found[0] if found else {}
    if not isinstance(first, dict):
        return None
    marks = ({"frame_id", "instances"}, {"keypoints", "keypoint_scores"})
    return found if isinstance(content, dict) or any(mark <= first.keys() for mark in marks) else None


def is_mmpose(content: Any) -> bool:
    """Whether the content of a JSON file is MMPose's."""
    found = _people_of(content)
    return found is not None and not (found and isinstance(found[0], dict) and "image_id" in found[0])


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention)
    named = _names(file.json, gathering)
    stem = file.path.stem.removeprefix(PREFIX)
    for image, people in _images_of(_people_of(file.json) or [], file.path, stem, from_one=named is not None):
        gathering.add_image(image)
        _gather(people, image, named, gathering)
    return gathering.people_file(shift=PIXEL_CENTRE)


def _gather(people: list[Any], image: Path, named: Convention | None, gathering: Gathering) -> None:
    for place, person in enumerate(people):
        try:
            if not isinstance(person, dict):
                raise ValueError("expected an object with keypoints and keypoint_scores")
            triples = gathering.scored(person, _positions(person))
            joints = gathering.joints_of(len(triples), named, usual="coco17")
        except ValueError as error:
            gathering.leave_out(f"{image}#{place}", error)
            continue
        score = person.get("bbox_score")
        gathering.add(
            PersonEntry(
                identity=str(place),
                triples=triples,
                joints=joints,
                image=image,
                box=_box(person.get("bbox")),
                score=float(score) if isinstance(score, (int, float)) else None,
            )
        )


def _images_of(found: list[Any], file: Path, stem: str, *, from_one: bool) -> Iterator[tuple[Path, list[Any]]]:
    """Each image and its people, of whom there may be none; the demos count frames from 1, the inferencer from 0."""
    if not (found and isinstance(found[0], dict) and "instances" in found[0]):
        yield image_beside(file, stem).image, found
        return
    for number, frame in enumerate(found):
        instances = frame.get("instances") if isinstance(frame, dict) else None
        count = frame.get("frame_id") if isinstance(frame, dict) else None
        count = count - from_one if isinstance(count, int) else number
        yield Path(f"{stem}_{count:06d}"), instances or []


def _positions(person: dict[str, Any]) -> np.ndarray:
    """(J, 3) of [[x, y], ...]; raises ValueError for joints in space, as MMPose's lifters write them."""
    points = person.get("keypoints")
    first = points[0] if isinstance(points, list) and points else ()
    if isinstance(first, LISTS) and len(first) == 3 and any(key in person for key in SCORES):
        raise ValueError(
            "keypoints: three coordinates and a score each are joints in space; give MMPose's 2D keypoints"
        )
    return triples_of(points)


def _names(content: Any, gathering: Gathering) -> Convention | None:
    """The joints that the names in ``meta_info`` mean: ``keypoint_id2name`` by number, as text or not."""
    meta = content.get("meta_info") if isinstance(content, dict) else None
    table = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if not isinstance(table, dict) or not all(str(place) in table for place in range(len(table))):
        return None
    return joints_that_names_mean([table[str(place)] for place in range(len(table))], gathering)


def _box(value: Any) -> tuple[float, float, float, float] | None:
    """x, y, width, height of MMPose's two corners, which stand in a list or not."""
    corners = value[0] if isinstance(value, list) and len(value) == 1 else value
    try:
        left, top, right, bottom = corners
        return optional_box([left, top, right - left, bottom - top])
    except (TypeError, ValueError):
        return None


FORMAT = Format(name="mmpose", recognises=lambda file: file.is_json and is_mmpose(file.json), read=_read)
