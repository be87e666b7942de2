"""TensorFlow.js' poses as JSON: what pose-detection's ``estimatePoses``, PoseNet and ml5's bodyPose give.

A list of people, or one of them: ``keypoints``, each of ``x``, ``y``, ``score`` (ml5: ``confidence``) and ``name``;
PoseNet's of ``position``, ``score`` and ``part``. Their names decide. The image is the one of the file's name.
Format: the readme files of @tensorflow-models/pose-detection and @tensorflow-models/posenet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..gathering import Gathering, PersonEntry, in_pixels, joints_that_names_mean
from ..people import PeopleFile
from ..reading import numbers
from .beside import image_beside, share_to_pixels
from .format import Content, Format

NAMES = ("name", "part")
SCORES = ("score", "confidence")
USED = frozenset({"x", "y", "z", "position", *NAMES, *SCORES})


def _people_of(content: Any) -> list[Any] | None:
    """The list of people, None where the content is none of TensorFlow.js'."""
    people = [content] if isinstance(content, dict) else content
    if not isinstance(people, list) or not people:
        return None
    return people if all(isinstance(one, dict) and _points_of(one) for one in people[:10]) else None


def _points_of(person: dict[str, Any]) -> list[dict[str, Any]] | None:
    points = person.get("keypoints")
    if not isinstance(points, list) or not points:
        return None
    named = (isinstance(one, dict) and any(key in one for key in NAMES) for one in points)
    return points if all(named) and all({"x", "y"} <= one.keys() or "position" in one for one in points) else None


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention)
    image, size = image_beside(file.path, size=file.image_size)
    for place, person in enumerate(_people_of(file.json) or []):
        points = _points_of(person) if isinstance(person, dict) else None
        try:
            if points is None:
                raise ValueError("expected an object with keypoints of x, y, score and name")
            triples = np.stack([_row(one) for one in points])
            try:
                triples = in_pixels(triples)
            except ValueError:  # BlazePose's may be shares
                triples = share_to_pixels(triples, size)
            names = [str(next(one[key] for key in NAMES if key in one)) for one in points]
            joints = gathering.joints_of(len(triples), joints_that_names_mean(names, gathering))
        except ValueError as error:
            gathering.leave_out(f"{image}#{place}", error)
            continue
        gathering.note_unused({key for one in points for key in one if key not in USED}, "a key of keypoints")
        score = person.get("score")
        gathering.add(
            PersonEntry(
                identity=str(person.get("id", place)),
                triples=triples,
                joints=joints,
                image=image,
                size=size,
                score=float(score) if isinstance(score, (int, float)) else None,
            )
        )
    return gathering.people_file()


def _row(point: dict[str, Any]) -> np.ndarray:
    place = point.get("position", point)
    sure = next((point[key] for key in SCORES if key in point), 1.0)
    if not isinstance(place, dict):
        raise ValueError("keypoints: expected x and y of each")
    return numbers([place.get("x"), place.get("y"), sure], "keypoints")


FORMAT = Format(name="tfjs", recognises=lambda file: file.is_json and _people_of(file.json) is not None, read=_read)
