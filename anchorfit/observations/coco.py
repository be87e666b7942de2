"""COCO keypoint JSON: annotation files and result files.

Format: https://cocodataset.org/#format-data and #format-results. COCO's keypoints are pixel indices, so half a pixel is
added to reach the middle of the pixel (as detectron2 does); its boxes and polygons are continuous already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..plain_text import short_name
from .conventions import CONVENTIONS, Convention, convention_by_count, convention_name, joints_to_canonical
from .masks import StoredMask
from .people import PeopleFile, Person
from .reading import OCCLUDED_CONFIDENCE, KeypointFileError, load_json, numbers, optional_box, optional_size

PIXEL_CENTRE = 0.5


class _ImageRecord(NamedTuple):
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

    Annotations: visibility 2 (visible) gets confidence 1, 1 (labelled but hidden) 0.5, 0 (not labelled) 0; crowds and
    categories without keypoints are left out; people without a labelled joint stay in, with confidence 0 throughout;
    masks are decoded when they are asked for. Results: the third number is the detector's confidence; they
    name no files, so the image is COCO's own name for the id (000000000139.jpg).

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
    """As `read_coco`, for content that was loaded already; ``path`` is for messages."""
    if not is_coco(content):
        raise KeypointFileError(f"{path}: expected COCO's keys images and annotations, or a list of results")
    chosen = None if convention is None else convention_name(convention)
    if isinstance(content, list):
        return _parse_results(content, path, chosen)
    images, shared = _image_records(content.get("images"))
    joints_of = _joints_of_categories(content.get("categories"))
    found: list[tuple[str, _ImageRecord, dict[str, Any]]] = []
    seen: list[_Seen] = []
    problems: list[str] = []
    used: Counter[tuple[str, str]] = Counter()
    left_out: Counter[str] = Counter()
    for place, annotation in enumerate(content["annotations"]):
        if not isinstance(annotation, dict):
            problems.append(f"{path}: annotation {place}: expected an object; this person is left out")
            continue
        if annotation.get("iscrowd") or "keypoints" not in annotation:
            continue
        image_id = str(annotation.get("image_id"))
        image = images.get(image_id)
        identity = str(annotation.get("id", place))
        if image_id in shared:
            left_out[image_id] += 1
            continue
        where = f"{path}: {image.path.name if image else '?'}#{identity}"
        if image is None:
            problems.append(f"{where}: no image has id {annotation.get('image_id')!r}; this person is left out")
            continue
        try:
            joints = CONVENTIONS[chosen] if chosen else joints_of.get(str(annotation.get("category_id")))
            seen.append(_seen(annotation["keypoints"], joints))
        except ValueError as error:
            problems.append(f"{where}: {error}; this person is left out")
            continue
        found.append((_unique(identity, str(image.path), used), image, annotation))
    for image_id, count in left_out.items():
        names = " and ".join(short_name(name) for name in shared[image_id][:2])
        problems.append(f"{path}: images: id {image_id} stands for {names}; its {count} people are left out")
    people = (
        Person(
            person_id=identity,
            keypoints=positions,
            confidence=confidence,
            image=image.path,
            image_size=image.size,
            box=optional_box(annotation.get("bbox")),
            mask=_stored_mask(annotation.get("segmentation"), image.size),
        )
        for (identity, image, annotation), (positions, confidence) in zip(
            found, _canonical(seen, flags=True), strict=True
        )
    )
    return PeopleFile(tuple(people), tuple(problems))


def _parse_results(content: list[Any], path: str | Path, chosen: str | None) -> PeopleFile:
    found: list[tuple[str, Path, dict[str, Any]]] = []
    seen: list[_Seen] = []
    problems: list[str] = []
    used: Counter[str] = Counter()
    for place, result in enumerate(content):
        image_id = result.get("image_id") if isinstance(result, dict) else None
        if not isinstance(image_id, (int, str)) or isinstance(image_id, bool):
            problems.append(f"{path}: result {place}: expected an object with an image_id; this person is left out")
            continue
        image = Path(f"{image_id:012d}.jpg" if isinstance(image_id, int) else image_id)
        identity = str(used[str(image)])
        used[str(image)] += 1
        try:
            joints = CONVENTIONS[chosen] if chosen else None
            seen.append(_seen(result.get("keypoints"), joints))
        except ValueError as error:
            problems.append(f"{path}: {image.name}#{identity}: {error}; this person is left out")
            continue
        found.append((identity, image, result))
    people = (
        Person(
            person_id=identity,
            keypoints=positions,
            confidence=confidence,
            image=image,
            box=optional_box(result.get("bbox")),
            score=float(score) if isinstance(score := result.get("score"), (int, float)) else None,
        )
        for (identity, image, result), (positions, confidence) in zip(found, _canonical(seen, flags=False), strict=True)
    )
    return PeopleFile(tuple(people), tuple(problems))


class _Seen(NamedTuple):
    """A person's keypoints as the file has them: (J, 3) x, y and flag or confidence, and which joints they are."""

    triples: np.ndarray
    joints: Convention


def _seen(value: Any, joints: Convention | None) -> _Seen:
    triples = numbers(value, "keypoints", None if joints is None else 3 * len(joints))
    if len(triples) % 3:
        raise ValueError(f"keypoints: expected x, y and visibility for each, got {len(triples)} numbers")
    triples = triples.reshape(-1, 3)
    if joints is None:
        joints = CONVENTIONS["coco17" if len(triples) == 17 else convention_by_count(len(triples))]
    return _Seen(triples, joints)


def _canonical(seen: Sequence[_Seen], *, flags: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Canonical positions (K, 2) and confidence (K,) of each person; all whose joints are the same at once."""
    groups: dict[Convention, list[int]] = {}
    for row, one in enumerate(seen):
        groups.setdefault(one.joints, []).append(row)
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for joints, rows in groups.items():
        triples = np.stack([seen[row].triples for row in rows])
        confidence = triples[..., 2]
        if flags:
            visible, hidden = confidence == 2, confidence == 1
            flag = visible | hidden | (confidence == 0) | ~np.isfinite(confidence)
            meant = np.where(visible, 1.0, np.where(hidden, OCCLUDED_CONFIDENCE, 0.0))
            # Where a number of a person is none of the flags, the file stores confidences in their place.
            confidence = np.where(flag.all(-1, keepdims=True), meant, confidence)
        positions, confidence = joints_to_canonical(triples[..., :2] + PIXEL_CENTRE, confidence, joints)
        positions[confidence == 0] = 0  # COCO writes (0, 0) for what it did not label: not half a pixel
        found.update(zip(rows, zip(positions, confidence, strict=True), strict=True))
    return [found[row] for row in range(len(seen))]


def _image_records(images: Any) -> tuple[dict[str, _ImageRecord], dict[str, list[str]]]:
    """Image id -> the image; and the ids that stand for several images, with the names of these."""
    records: dict[str, _ImageRecord] = {}
    shared: dict[str, list[str]] = {}
    for image in images if isinstance(images, list) else []:
        if isinstance(image, dict) and isinstance(image.get("file_name"), str):
            identity = str(image.get("id"))
            size = optional_size(image.get("width"), image.get("height"))
            record = _ImageRecord(Path(image["file_name"]), size)
            before = records.setdefault(identity, record)
            if before.path != record.path:
                shared.setdefault(identity, [before.path.name]).append(record.path.name)
    return records, shared


def _joints_of_categories(categories: Any) -> dict[str, Convention]:
    """Category id -> the joints its names spell, where every name is one of ours."""
    known = {}
    for category in categories if isinstance(categories, list) else []:
        names = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(names, list) and names and all(name in CONVENTIONS["canonical"] for name in names):
            known[str(category.get("id"))] = tuple(names)
    return known


def _stored_mask(segmentation: Any, size: tuple[int, int] | None) -> StoredMask | None:
    if not segmentation or size is None:
        return None
    return StoredMask(segmentation=segmentation, width=size[0], height=size[1])


def _unique(identity: str, image: str, used: Counter[tuple[str, str]]) -> str:
    """The id, with a number behind it where the same image had it before."""
    used[image, identity] += 1
    count = used[image, identity]
    return identity if count == 1 else f"{identity}-{count}"
