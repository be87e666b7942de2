"""Whether keypoints can be believed, and whether there are enough of them. Nothing here raises: bad input is data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..body.joint_sets import CANONICAL_JOINTS
from .masks import mask_problem
from .people import Person

FARTHEST = 3.0
"""A joint farther outside the image than so many times its longer side is taken for an error, not for a limb that the
image cuts off: a person would have to fill the frame several times over."""

FARTHEST_PIXELS = 1e5
"""The same where the image's size is not known: more than three times the longer side of any common image."""

KEPT = "outside the image; kept"

ONE_POINT = 1.0
"""Pixels: visible joints that all lie within it say nothing of a body."""


class Sanitised(NamedTuple):
    """A person with nothing in it that could do harm, and what was changed or is worth knowing, a line each."""

    person: Person
    notes: tuple[str, ...]

    @property
    def changes(self) -> tuple[str, ...]:
        """The notes of what was changed."""
        return tuple(note for note in self.notes if not note.endswith(KEPT))


def sanitise(person: Person, image_size: tuple[int, int] | None = None) -> Sanitised:
    """Take joints that cannot be believed as not seen, and bring confidences into [0, 1].

    A position that is not finite, or farther outside the image than `FARTHEST` times its longer side, gets confidence
    0; so does a confidence that is not finite. Joints a little outside the image are kept and noted: detectors that
    complete a person put them there. A mask that cannot be decoded or is not of the image's size is dropped. Afterwards
    every number is finite, and unseen joints are at (0, 0).

    Args:
        image_size: (width, height) pixels, where the person does not carry it.
    """
    size = person.image_size or image_size
    confidence = np.asarray(person.confidence, dtype=np.float64)
    seen = confidence > 0
    negative = confidence < 0
    not_sure = ~np.isfinite(confidence)
    finite = np.isfinite(person.keypoints).all(axis=1)
    positions = np.where(finite[:, None], person.keypoints, 0.0)
    beyond = _distance_outside(positions, size)
    limit = FARTHEST_PIXELS if size is None else FARTHEST * max(size)
    absurd = seen & finite & (beyond > limit)
    outside = seen & finite & ~absurd & (beyond > 0) if size is not None else np.zeros_like(seen)
    reach = f"more than {limit:g} pixels outside the image" if size is not None else f"beyond {limit:g} pixels"
    findings = (
        (not_sure, "the confidence is not a finite number; taken as not seen"),
        (negative, "the confidence is negative; taken as not seen"),
        (np.isfinite(confidence) & (confidence > 1), "the confidence is above 1; taken as 1"),
        (seen & ~not_sure & ~finite, "the position is not a finite number; taken as not seen"),
        (absurd & ~not_sure, f"the position is absurd, {reach}; taken as not seen"),
        (outside & ~not_sure, KEPT),
    )
    notes = tuple(f"{_joints(which)}: {what}" for which, what in findings if which.any())
    broken_mask = mask_problem(person.mask, size) if person.mask is not None and size is not None else None
    if broken_mask is not None:
        notes += (f"{broken_mask}; the mask is not used",)
    usable = seen & finite & ~absurd & ~not_sure
    clean = replace(
        person,
        keypoints=np.where(usable[:, None], positions, 0.0),
        mask=None if broken_mask is not None else person.mask,
        confidence=np.where(usable, np.clip(np.where(not_sure, 0.0, confidence), 0.0, 1.0), 0.0),
    )
    return Sanitised(clean, notes)


def size_problem(person: Person, size: tuple[int, int]) -> str | None:
    """Why a person does not belong to the image of that (width, height), or None: another size is stated."""
    stated = person.image_size
    if stated is None or stated == size:
        return None
    return (
        f"the keypoint file is for an image of {stated[0]} x {stated[1]} pixels, {person.image} has "
        f"{size[0]} x {size[1]}; give the image that the keypoints belong to"
    )


def too_little(person: Person) -> str | None:
    """Why nothing can be fitted to this (sanitised) person, or None where it can be tried.

    One joint fixes neither size nor distance; neither do several at one point.
    """
    visible = np.flatnonzero(person.confidence > 0)
    if len(visible) == 0:
        return "no joint is visible (every confidence is 0)"
    if len(visible) == 1:
        return f"only one joint is visible ({CANONICAL_JOINTS[visible[0]]}); at least two are needed"
    if np.ptp(person.keypoints[visible], axis=0).max() < ONE_POINT:
        return f"all {len(visible)} visible joints lie at one point"
    return None


def _distance_outside(positions: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """(K,) pixels beyond the nearest border of the image along the worse axis; from (0, 0) where there is no size."""
    high = np.asarray(size or (0, 0), dtype=np.float64)
    return np.maximum(np.maximum(-positions, positions - high), 0.0).max(axis=1)


def _joints(which: Sequence[bool] | np.ndarray) -> str:
    names = [CANONICAL_JOINTS[index] for index in np.flatnonzero(which)]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more joints"
