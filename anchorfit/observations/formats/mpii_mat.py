"""MPII Human Pose's own file (Andriluka et al. 2014): ``mpii_human_pose_v1_u12_1.mat``.

The file holds one struct RELEASE: ``annolist`` (an entry an image: its name, and an ``annorect`` a person with
``objpos``, ``scale`` and ``annopoints.point`` of ``id``, ``x``, ``y``, ``is_visible``) and ``img_train`` (0 or 1 an
image). Points, places and scales are missing where they were not annotated; of test images all are. ``scale`` is the
person's height over 200 pixels. MATLAB counts pixels from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..conventions import MPII16, joints_to_canonical
from ..people import PeopleFile, Person
from ..reading import OCCLUDED_CONFIDENCE, KeypointFileError, existing_file
from .format import Format
from .lsp import FIRST_PIXEL, MPII_STRUCT, mat_variables

REFERENCE_HEIGHT = 200.0


def read_mpii(path: str | Path, *, training_only: bool = False) -> PeopleFile:
    """The people with at least one annotated joint; ids count within an image.

    Visible joints get confidence 1, hidden ones 0.5, as everywhere. ``box`` is the square that MPII's place and scale
    give; where they are missing it is None.

    Args:
        training_only: leave out what MPII set aside for testing.
    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: it is no MATLAB file, or holds no such struct.
    """
    path = existing_file(path)
    release = _release(path)
    entries, training = list(_entries(release.annolist)), np.atleast_1d(release.img_train)
    if len(entries) != len(training):
        raise KeypointFileError(
            f"{path}: expected annolist and img_train of one length, got {len(entries)} and {len(training)}; "
            "get it again"
        )
    people = []
    for place, (image, is_training) in enumerate(zip(entries, training, strict=True), 1):
        if training_only and not is_training:
            continue
        name = Path(_name(image, path, place))
        for number, rect in enumerate(_entries(getattr(image, "annorect", ()))):
            person = _person(rect, name, str(number))
            if person is not None:
                people.append(person)
    return PeopleFile(tuple(people))


def _release(path: Path) -> Any:
    from scipy.io import loadmat  # slow to import, and only needed here

    try:
        content = loadmat(path, struct_as_record=False, squeeze_me=True, variable_names=[MPII_STRUCT])
    except Exception as error:  # scipy raises many kinds on what is no MATLAB file
        raise KeypointFileError(f"{path}: not readable as a MATLAB file ({error}); get it again") from error
    release = content.get(MPII_STRUCT)
    if not all(hasattr(release, name) for name in ("annolist", "img_train")):
        raise KeypointFileError(f"{path}: expected MPII's struct RELEASE with annolist and img_train")
    return release


def _entries(value: Any) -> Iterator[Any]:
    """The structs of a MATLAB array of any length: scipy gives one alone as itself, none as an empty array."""
    if hasattr(value, "_fieldnames"):
        yield value
    else:
        yield from (item for item in np.atleast_1d(np.asarray(value, dtype=object)) if hasattr(item, "_fieldnames"))


def _name(entry: Any, path: Path, place: int) -> str:
    """Of an entry's image."""
    name = getattr(getattr(entry, "image", None), "name", None)
    if not isinstance(name, str) or not name:
        raise KeypointFileError(f"{path}: annolist({place}) has no image.name; get it again")
    return name


def _person(rect: Any, image: Path, number: str) -> Person | None:
    positions, confidence = np.zeros((len(MPII16), 2)), np.zeros(len(MPII16))
    for annotated in _entries(getattr(rect, "annopoints", ())):
        for point in _entries(getattr(annotated, "point", ())):
            joint = _number(getattr(point, "id", ()))
            if not (joint.is_integer() and 0 <= joint < len(MPII16)):
                continue
            positions[int(joint)] = _number(getattr(point, "x", ())), _number(getattr(point, "y", ()))
            hidden = _number(getattr(point, "is_visible", 1)) == 0
            confidence[int(joint)] = OCCLUDED_CONFIDENCE if hidden else 1.0
    confidence[~np.isfinite(positions).all(1)] = 0
    if not confidence.any():
        return None
    keypoints = joints_to_canonical(np.nan_to_num(positions) + FIRST_PIXEL, confidence, MPII16)
    keypoints.positions[keypoints.confidence == 0] = 0
    return Person(
        person_id=number,
        keypoints=keypoints.positions,
        confidence=keypoints.confidence,
        image=image,
        box=_box(rect),
    )


def _box(rect: Any) -> tuple[float, float, float, float] | None:
    place = next(_entries(getattr(rect, "objpos", ())), None)
    side = REFERENCE_HEIGHT * _number(getattr(rect, "scale", ()))
    if place is None or not side > 0:
        return None
    x, y = (_number(value) + FIRST_PIXEL for value in (getattr(place, "x", ()), getattr(place, "y", ())))
    return (x - side / 2, y - side / 2, side, side) if np.isfinite([x, y, side]).all() else None


def _number(value: Any) -> float:
    """A MATLAB number, also where it is written as text; NaN where it is missing."""
    try:
        return float(np.asarray(value).reshape(-1)[0])
    except (IndexError, TypeError, ValueError):
        return float("nan")


FORMAT = Format(
    name="mpii-mat",
    recognises=lambda file: MPII_STRUCT in mat_variables(file),
    read=lambda file, convention: read_mpii(file.path),
    fixed="mpii16",
)
