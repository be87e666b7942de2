"""Ultralytics' JSON of one image: what ``Results.to_json()`` and ``Results.summary()`` give.

A list of ``name``, ``class``, ``confidence``, ``box`` (``x1`` to ``y2``) and ``keypoints`` (``x``, ``y``, ``visible``:
a list each). A keypoint that was not seen stands at (0, 0). The image is the one of the file's name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..gathering import Gathering, PersonEntry, in_pixels
from ..people import PeopleFile
from ..reading import numbers, optional_box
from .beside import image_beside, share_to_pixels
from .format import Content, Format


def is_ultralytics(content: Any) -> bool:
    """Whether the content of a JSON file is Ultralytics'."""
    if not isinstance(content, list) or not content:
        return False
    return all(
        isinstance(item, dict) and "class" in item and isinstance(item.get("box"), dict) for item in content[:10]
    )


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention)
    image, size = image_beside(file.path, size=file.image_size)
    for place, item in enumerate(file.json):
        try:
            triples = _triples(item, size, gathering)
            joints = gathering.joints_of(len(triples), usual="coco17")
        except ValueError as error:
            gathering.leave_out(f"{image}#{place}", error)
            continue
        score = item.get("confidence")
        gathering.add(
            PersonEntry(
                identity=str(item.get("track_id", place)),
                triples=triples,
                joints=joints,
                image=image,
                box=_box(item["box"]),
                score=float(score) if isinstance(score, (int, float)) else None,
            )
        )
    return gathering.people_file()


def _triples(item: Any, size: tuple[int, int] | None, gathering: Gathering) -> np.ndarray:
    keypoints = item.get("keypoints") if isinstance(item, dict) else None
    if not isinstance(keypoints, dict):
        raise ValueError("keypoints: there are none; predict with a model of poses (yolo11n-pose.pt)")
    x = numbers(keypoints.get("x"), "keypoints x")
    y = numbers(keypoints.get("y"), "keypoints y", len(x))
    seen = keypoints.get("visible")
    confidence = np.ones(len(x)) if seen is None else numbers(seen, "keypoints visible", len(x))
    triples = gathering.scored(keypoints, np.column_stack([x, y, confidence]), "x", "y", "visible")
    try:
        return in_pixels(triples)
    except ValueError:
        return share_to_pixels(triples, size)


def _box(box: dict[str, Any]) -> tuple[float, float, float, float] | None:
    try:
        left, top, right, bottom = (box[key] for key in ("x1", "y1", "x2", "y2"))
        return optional_box([left, top, right - left, bottom - top])
    except (KeyError, TypeError):
        return None


FORMAT = Format(name="ultralytics", recognises=lambda file: file.is_json and is_ultralytics(file.json), read=_read)
