"""anchorfit's own .npz layout of keypoints (docs/formats.md)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...atomic import write_atomically
from ...plain_text import short_name
from ..conventions import CONVENTIONS, KeypointSet, convention_by_count, convention_name, to_canonical
from ..gathering import seen_somewhere
from ..people import PeopleFile, Person
from ..reading import KeypointFileError
from .format import Format

CONFIDENCES = ("confidence", "scores", "keypoint_scores", "keypoints_scores", "confidences")
"""Arrays that hold confidence, (people, joints): our own, and those of rtmlib, DWPose and others."""
_ARRAYS = frozenset({"keypoints", "convention", "image", "person", "image_size"})


def parse_npz(arrays: Mapping[str, np.ndarray], path: str | Path, *, convention: str | None = None) -> PeopleFile:
    """Read anchorfit's own .npz, or one of another program with arrays ``keypoints`` and ``scores`` (rtmlib, DWPose).

    Args:
        arrays: of the file.
        path: for messages.
        convention: what the keypoints are; it goes before what the file says.
    Raises:
        KeypointFileError: an array is missing or of the wrong shape.
        ValueError: no such convention.
    """
    keypoints, used = _keypoints(arrays, path, None if convention is None else convention_name(convention))
    count = len(keypoints.positions)
    images, names = _texts(arrays, "image", count, path), _texts(arrays, "person", count, path)
    sizes = arrays.get("image_size", np.zeros((count, 2), dtype=np.int64))
    if sizes.shape != (count, 2) or sizes.dtype.kind not in "iu":
        raise KeypointFileError(f"{path}: image_size: expected whole numbers of shape {(count, 2)}, got {sizes.shape}")
    unused = [name for name in arrays if name not in {used, *_ARRAYS}]
    problems = [f"{path}: arrays that are not used: {', '.join(map(short_name, unused))}"] if unused else []
    return PeopleFile(
        tuple(
            Person(
                person_id=names[row] or str(row),
                keypoints=keypoints.positions[row],
                confidence=keypoints.confidence[row],
                image=Path(images[row]) if images[row] else None,
                image_size=(int(sizes[row, 0]), int(sizes[row, 1])) if (sizes[row] > 0).all() else None,
            )
            for row in range(count)
        ),
        tuple(problems),
    )


def write_npz(path: str | Path, people: Sequence[Person]) -> None:
    """Write people in anchorfit's own .npz, canonical convention; boxes and masks are left out.

    Raises:
        OSError: the folder is missing, read-only or full.
    """
    joints = len(CONVENTIONS["canonical"])
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        convention=np.array("canonical"),
        keypoints=np.array([person.keypoints for person in people]).reshape(-1, joints, 2),
        confidence=np.array([person.confidence for person in people]).reshape(-1, joints),
        image=np.array([str(person.image or "") for person in people], dtype=np.str_),
        person=np.array([person.person_id for person in people], dtype=np.str_),
        image_size=np.array([person.image_size or (0, 0) for person in people], dtype=np.int64).reshape(-1, 2),
    )
    write_atomically(path, buffer.getvalue())


def _keypoints(arrays: Mapping[str, np.ndarray], path: str | Path, chosen: str | None) -> tuple[KeypointSet, str]:
    """Canonical keypoints, and the name of the array that confidence comes from."""
    positions = arrays.get("keypoints", np.zeros(0))
    if positions.ndim != 3 or positions.shape[2] not in (2, 3) or positions.dtype.kind not in "fiu":
        came = f"{positions.dtype} {positions.shape}" if "keypoints" in arrays else "none"
        raise KeypointFileError(
            f"{path}: keypoints: expected numbers of shape (people, joints, 2) or, with confidence, 3; got {came}"
        )
    shape = positions.shape[:2]
    source = next((name for name in CONFIDENCES if name in arrays), "")
    confidence = positions[..., 2] if positions.shape[2] == 3 else np.ones(shape)
    if source:
        confidence = arrays[source]
        if confidence.shape == (*shape, 1):
            confidence = confidence[..., 0]
    if confidence.shape != shape or confidence.dtype.kind not in "fiub":
        came = f"{confidence.dtype} {confidence.shape}"
        raise KeypointFileError(f"{path}: {source}: expected numbers of shape {shape}, got {came}")
    confidence = seen_somewhere(positions[..., :2], confidence)
    try:
        stated = chosen or (str(arrays["convention"]) if "convention" in arrays else _by_count(shape[1], source))
        return to_canonical(positions[..., :2], confidence, stated), source
    except ValueError as error:
        raise KeypointFileError(f"{path}: {error}") from error


def _by_count(count: int, source: str) -> str:
    return convention_by_count(count, {17: "coco17"}) if source in CONFIDENCES[1:] else convention_by_count(count)


def _texts(arrays: Mapping[str, np.ndarray], name: str, count: int, path: str | Path) -> list[str]:
    texts = arrays.get(name, np.full(count, "", dtype="U1"))
    if texts.shape != (count,) or texts.dtype.kind not in "Uiu":
        raise KeypointFileError(f"{path}: {name}: expected {count} texts, got {texts.dtype} {texts.shape}")
    return [str(text) for text in texts]


FORMAT = Format(
    name="npz",
    recognises=lambda file: file.is_arrays,
    read=lambda file, convention: parse_npz(file.arrays, file.path, convention=convention),
    general=True,
)
