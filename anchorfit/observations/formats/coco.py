"""COCO keypoint JSON: annotation files and result files, and whatever is written like them.

Format: https://cocodataset.org/#format-data and #format-results. COCO's keypoints are pixel indices, so half a pixel is
added to reach the middle of the pixel (as detectron2 does); its boxes and polygons are continuous already. CrowdPose,
ExLPose, AI Challenger, PoseTrack18, COCO-WholeBody and others write annotation files with other joints, which
the names of the category tell; AlphaPose, ViTPose and other detectors write result files.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...plain_text import short_name
from ..conventions import COCO17, WHOLEBODY133, Convention
from ..gathering import LEAST_KNOWN, Gathering, PersonEntry, joints_that_names_mean, triples_of, used_up
from ..joint_names import joints_of_names
from ..masks import StoredMask
from ..people import CocoIds, PeopleFile
from ..reading import LISTS, KeypointFileError, load_json, optional_box, optional_size
from .format import Format

PIXEL_CENTRE = 0.5
PEOPLE_NAMES = frozenset({"person", "human", "people", "pedestrian", "man", "woman", "body", "human body"})

_FEET = WHOLEBODY133[17:23]


class ImageRecord(NamedTuple):
    """An image of an annotation file: its path as the file has it, and (width, height), where the file says it."""

    path: Path
    size: tuple[int, int] | None


def is_coco(content: Any) -> bool:
    """Whether the content of a JSON file is COCO's: an annotation file, or a list of results."""
    if isinstance(content, dict):
        return isinstance(content.get("annotations"), list)
    return isinstance(content, list) and all(
        isinstance(item, dict) and "image_id" in item and "keypoints" in item for item in content[:10]
    )


def read_coco(path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """Read a COCO keypoint file.

    Annotations: visibility 2 (visible) gets confidence 1, 1 (labelled but hidden) 0.5, 0 (not labelled) 0; in files
    that know 0 and 1 alone, 1 is visible. Joints at (0, 0) are not seen. Crowds and categories without keypoints are
    left out; people without a labelled joint stay in, with confidence 0 throughout; masks are decoded when they are
    asked for. Results: the third number is the detector's confidence; they name no files, so the image is COCO's own
    name for the id (000000000139.jpg).

    Args:
        convention: what the keypoints are, where neither the category's joint names nor their number tell.
    Returns:
        The people in the file's order; person_id is the annotation's id, or for results the place in its image.
    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: cut short, or not COCO's format.
        ValueError: no such convention.
    """
    return parse_coco(load_json(path), path, convention=convention)


def parse_coco(content: Any, path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """As `read_coco`, for content that was loaded already, which is used up; ``path`` is for messages."""
    if not is_coco(content):
        raise KeypointFileError(f"{path}: expected COCO's keys images and annotations, or a list of results")
    gathering = Gathering(path, convention)
    if isinstance(content, list):
        _gather_results(content, gathering)
        return gathering.people_file(shift=PIXEL_CENTRE)
    _gather_annotations(content, gathering)
    return gathering.people_file(shift=PIXEL_CENTRE, flags=True)


def _gather_annotations(content: dict[str, Any], gathering: Gathering) -> None:
    images, shared = image_records(content.get("images"))
    categories = _Categories(content.get("categories"), gathering)
    left_out: Counter[str] = Counter()
    for record in images.values():
        gathering.add_image(record.path)
    for place, annotation in enumerate(used_up(content["annotations"])):
        if not isinstance(annotation, dict):
            gathering.leave_out(f"annotation {place}", "expected an object")
            continue
        if annotation.get("iscrowd") or "keypoints" not in annotation:
            continue
        category = _key(annotation.get("category_id"))
        if categories.passed_over(category):
            continue
        image_id = _key(annotation.get("image_id"))
        if image_id in shared:
            left_out[image_id] += 1
            continue
        image = images.get(image_id)
        identity = str(annotation.get("id", place))
        where = f"{short_name(image.path.name) if image else '?'}#{short_name(identity)}"
        if image is None:
            gathering.leave_out(where, f"no image has id {annotation.get('image_id')!r}")
            continue
        try:
            triples = gathering.scored(annotation, triples_of(annotation.get("keypoints")))
            joints = gathering.joints_of(len(triples), categories.joints(category), usual="coco17")
            triples, joints = _with_feet(triples, joints, annotation)
        except ValueError as error:
            gathering.leave_out(where, error)
            continue
        gathering.add(
            PersonEntry(
                identity=identity,
                triples=triples,
                joints=joints,
                image=image.path,
                size=image.size,
                box=optional_box(annotation.get("bbox")),
                mask=_stored_mask(annotation.get("segmentation"), image.size),
                coco=_ids_of(annotation),
            )
        )
    for image_id, count in left_out.items():
        names = " and ".join(short_name(name) for name in shared[image_id][:2])
        gathering.note(f"images: id {image_id} stands for {names}; its {count} people are left out")


def _gather_results(content: list[Any], gathering: Gathering) -> None:
    used: Counter[Path] = Counter()
    for place, result in enumerate(used_up(content)):
        image_id = result.get("image_id") if isinstance(result, dict) else None
        if not isinstance(image_id, (int, str)) or isinstance(image_id, bool):
            gathering.leave_out(f"result {place}", "expected an object with an image_id")
            continue
        image = Path(f"{image_id:012d}.jpg" if isinstance(image_id, int) else image_id)
        gathering.add_image(image)
        identity = str(used[image])
        used[image] += 1
        try:
            triples = gathering.scored(result, triples_of(result.get("keypoints")))
            joints = gathering.joints_of(len(triples), usual="coco17")
            triples, joints = _with_feet(triples, joints, result)
        except ValueError as error:
            gathering.leave_out(f"{short_name(image.name)}#{identity}", error)
            continue
        score = result.get("score")
        gathering.add(
            PersonEntry(
                identity=identity,
                triples=triples,
                joints=joints,
                image=image,
                box=optional_box(result.get("bbox", result.get("box"))),
                score=float(score) if isinstance(score, (int, float)) else None,
                coco=_ids_of(result),
            )
        )


def _ids_of(entry: dict[str, Any]) -> CocoIds | None:
    return _coco_ids(entry.get("image_id"), entry.get("category_id"))


def _coco_ids(image: Any, category: Any) -> CocoIds | None:
    """Ids as results may have them, or None of what is no id: null, a list, a fraction."""
    image = int(image) if isinstance(image, float) and image.is_integer() else image
    return CocoIds(image, category if isinstance(category, int) else 1) if isinstance(image, int | str) else None


def _key(identity: Any) -> str:
    """An id as text: of tables that hold all numbers as fractions the same."""
    return str(int(identity) if isinstance(identity, float) and identity.is_integer() else identity)


def coco_ids(content: Any) -> dict[Path, CocoIds]:
    """Ids of the images of an annotation file by their paths in it, and of its first category of people with joints.

    Images that share an id have none.
    """
    records, shared = image_records(content.get("images") if isinstance(content, dict) else None)
    if not records:
        return {}
    listed = content.get("categories")
    held = listed if isinstance(listed, list) else []
    people = [one for one in held if isinstance(one, dict) and _of_people(one) and one.get("keypoints")]
    category = people[0].get("id") if people else 1
    own = {_key(one["id"]): one["id"] for one in content["images"] if isinstance(one, dict) and "id" in one}
    found = {
        record.path: _coco_ids(own[name], category)
        for name, record in reversed(records.items())  # of an image that is there twice the first counts
        if name in own and name not in shared
    }
    return {path: ids for path, ids in reversed(found.items()) if ids is not None}


def _with_feet(triples: np.ndarray, joints: Convention, annotation: dict[str, Any]) -> tuple[np.ndarray, Convention]:
    """Keypoints with the feet that COCO-WholeBody's files have under a key of their own."""
    feet = annotation.get("foot_kpts")
    if joints != COCO17 or not isinstance(feet, LISTS) or len(feet) != 3 * len(_FEET):
        return triples, joints
    return np.concatenate([triples, triples_of(feet, "foot_kpts")]), (*COCO17, *_FEET)


class _Categories:
    """What the categories of a file say: which are of people, and which joints their keypoints are."""

    def __init__(self, categories: Any, gathering: Gathering) -> None:
        self._joints: dict[str, Convention | None] = {}
        self._others: dict[str, str] = {}
        self._gathering = gathering
        for category in categories if isinstance(categories, list) else []:
            if not isinstance(category, dict):
                continue
            identity, name = _key(category.get("id")), str(category.get("name", "?"))
            if _of_people(category):
                names = category.get("keypoints")
                self._joints[identity] = joints_that_names_mean(names, gathering, of=f"category {short_name(name)}")
            else:
                self._others[identity] = short_name(name)

    def joints(self, identity: str) -> Convention | None:
        return self._joints.get(identity)

    def passed_over(self, identity: str) -> bool:
        """Whether an annotation is of no person, which is then said."""
        if identity not in self._others:
            return False
        self._gathering.note(f"category {self._others[identity]}: is of no people; its annotations are left out")
        return True


def _of_people(category: dict[str, Any]) -> bool:
    """Whether a category is of people: by its name, else by most names of its joints."""
    if str(category.get("supercategory", "")).lower() == "animal":
        return False
    if str(category.get("name", "")).replace("_", " ").lower() in PEOPLE_NAMES:
        return True
    names = category.get("keypoints")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return True
    found = joints_of_names(names)
    return not found.known or found.known >= LEAST_KNOWN * len(names)


def image_records(images: Any) -> tuple[dict[str, ImageRecord], dict[str, list[str]]]:
    """Image id -> the image; and the ids that stand for several images, with the names of these."""
    records: dict[str, ImageRecord] = {}
    shared: dict[str, list[str]] = {}
    for image in images if isinstance(images, list) else []:
        if isinstance(image, dict) and isinstance(image.get("file_name"), str):
            identity = _key(image.get("id"))
            size = optional_size(image.get("width"), image.get("height"))
            record = ImageRecord(Path(image["file_name"]), size)
            before = records.setdefault(identity, record)
            if before.path != record.path:
                shared.setdefault(identity, [before.path.name]).append(record.path.name)
    return records, shared


def _stored_mask(segmentation: Any, size: tuple[int, int] | None) -> StoredMask | None:
    if not segmentation or size is None:
        return None
    return StoredMask(segmentation=segmentation, width=size[0], height=size[1])


FORMAT = Format(
    name="coco",
    recognises=lambda file: file.is_json and is_coco(file.json),
    read=lambda file, convention: parse_coco(file.json, file.path, convention=convention),
)
