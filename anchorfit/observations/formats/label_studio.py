"""Label Studio's export of keypoints: a list of tasks, each an image with named points in percent of its size.

Points that lie in a region (``parentID``) are of one person; those that lie in none are all of one.
Format: https://labelstud.io/guide/export, JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np

from ...body.joint_sets import CANONICAL_JOINTS
from ..gathering import Gathering, PersonEntry
from ..joint_names import joints_of_names
from ..people import PeopleFile
from ..reading import numbers, optional_size
from .format import Content, Format

IMAGE_KEYS = ("image", "img", "picture", "photo")
KIND = "keypointlabels"
_UPLOADED = "upload"  # Label Studio puts eight letters and a hyphen before the name of what was uploaded


def is_label_studio(content: Any) -> bool:
    """Whether the content of a JSON file is Label Studio's."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(task, dict) and "data" in task and "annotations" in task for task in content[:10])
    )


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path)  # names decide
    for place, task in enumerate(file.json):
        image = _image_of(task)
        if image is not None:
            gathering.add_image(image)
        annotations = task.get("annotations") if isinstance(task, dict) else None
        for annotation in annotations if isinstance(annotations, list) else []:
            results = annotation.get("result") if isinstance(annotation, dict) else None
            points = [one for one in results or () if isinstance(one, dict) and one.get("type") == KIND]
            people: dict[str, list[dict[str, Any]]] = {}
            for point in points:
                people.setdefault(str(point.get("parentID") or ""), []).append(point)
            for person in people.values():
                _gather(person, image, place, gathering)
    return gathering.people_file()


def _gather(points: list[dict[str, Any]], image: Path | None, place: int, gathering: Gathering) -> None:
    try:
        names, rows, size = _parsed(points)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        gathering.leave_out(f"{image.name if image else f'task {place}'}", f"not points of Label Studio ({error})")
        return
    found = joints_of_names(names)
    triples = np.zeros((len(CANONICAL_JOINTS), 3))
    for name, joint, row in zip(names, found.joints, rows, strict=True):
        if joint is None:
            known = name not in found.unknown
            gathering.note(f"points of these names are not used{' twice of one person' if known else ''}", name)
        else:
            triples[CANONICAL_JOINTS.index(joint)] = row
    gathering.add(PersonEntry(identity=None, triples=triples, joints=CANONICAL_JOINTS, image=image, size=size))


def _parsed(points: list[dict[str, Any]]) -> tuple[list[str], np.ndarray, tuple[int, int]]:
    """Names, (N, 3) pixels and confidence, and the image's size."""
    size = optional_size(points[0]["original_width"], points[0]["original_height"])
    if size is None:
        raise ValueError("no original_width and original_height")
    names = [str(point["value"][KIND][0]) for point in points]
    shares = np.stack([numbers([point["value"]["x"], point["value"]["y"], 100.0], "value") for point in points])
    return names, shares / 100.0 * (*size, 1.0), size


def _image_of(task: Any) -> Path | None:
    data = task.get("data") if isinstance(task, dict) else None
    named = (
        next((data[key] for key in IMAGE_KEYS if isinstance(data.get(key), str)), None)
        if isinstance(data, dict)
        else None
    )
    if named is None:
        return None
    path = Path(unquote(urlparse(named).path))
    if _UPLOADED in path.parts and len(path.name) > 9 and path.name[8] == "-":
        return Path(path.name[9:])
    return Path(path.name)


FORMAT = Format(
    name="labelstudio",
    recognises=lambda file: file.is_json and is_label_studio(file.json),
    read=_read,
    fixed="by name",
)
