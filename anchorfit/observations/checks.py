"""Whether keypoints can be believed, and whether there are enough of them. Nothing here raises: bad input is data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..body.joint_sets import CANONICAL_JOINTS
from .images import is_turned_sideways
from .masks import mask_problem
from .people import Person
from .reading import LARGEST_SIDE

FARTHEST = 3.0
"""A joint farther outside the image than so many times its longer side is taken for an error, not for a limb that the
image cuts off: a person would have to fill the frame several times over."""

FARTHEST_PIXELS = 1e5
"""The same where the image's size is not known: more than three times the longer side of any common image."""

FARTHEST_METRES = 3.0
"""From the middle of the hips; nobody reaches so far."""

LEAST_AGREEMENT = 0.3
"""Cosine between keypoints and the joints in space as they are seen from the camera; people's: 0.9 and more."""

KEPT = "outside the image; kept"
ABSURD = "the position is absurd, {}; taken as not seen"

LEAVES = 0.02
"""Share of the image's longer side by which keypoints leave it that may be another picture's."""

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


class BelievedKeypoints(NamedTuple):
    """keypoints: (B, K, 2) pixels and confidence: (B, K) in [0, 1], float64; finite, and both 0 where not seen.

    unchanged: (B,) bool, the numbers are those given.
    findings: which joints (B, K) were changed or are worth knowing, with what is said of them; {} is how far is absurd.
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    unchanged: np.ndarray
    findings: tuple[tuple[np.ndarray, str], ...]


def sanitise(person: Person, image_size: tuple[int, int] | None = None) -> Sanitised:
    """Take joints that cannot be believed as not seen, and bring confidences into [0, 1].

    A position that is not finite, or farther outside the image than `FARTHEST` times its longer side, gets confidence
    0; so does a confidence that is not finite. Joints a little outside the image are kept and noted: detectors that
    complete a person put them there. A mask that cannot be decoded or is not of the image's size is dropped. Afterwards
    every number is finite, and unseen joints are at (0, 0).

    Args:
        image_size: (width, height) pixels, where the person does not carry it.
    """
    return sanitise_all([person], [person.image_size or image_size])[0]


def sanitise_all(people: Sequence[Person], image_sizes: Sequence[tuple[int, int] | None]) -> list[Sanitised]:
    """`sanitise` of many people at once, each seen in an image of that (width, height), None where it is not known."""
    believed = believe(people, image_sizes)
    noted = np.any([which.any(axis=1) for which, _ in believed.findings], axis=0)
    found = []
    for row, (person, size) in enumerate(zip(people, image_sizes, strict=True)):
        if believed.unchanged[row] and not noted[row] and person.mask is None and person.world is None:
            found.append(Sanitised(person, ()))
            continue
        findings = believed.findings if noted[row] else ()
        lines = [_note(which[row], what, size) for which, what in findings if which[row].any()]
        broken_mask = mask_problem(person.mask, size) if person.mask is not None and size is not None else None
        if broken_mask is not None:
            lines.append(f"{broken_mask}; the mask is not used")
        broken_world = world_problem(person, believed.keypoints[row], believed.confidence[row])
        if broken_world is not None:
            lines.append(f"{broken_world}; they are not used")
        clean = replace(
            person,
            keypoints=believed.keypoints[row],
            confidence=believed.confidence[row],
            mask=None if broken_mask is not None else person.mask,
            world=None if broken_world is not None else person.world,
        )
        found.append(Sanitised(clean, tuple(lines)))
    return found


def believe(people: Sequence[Person], image_sizes: Sequence[tuple[int, int] | None]) -> BelievedKeypoints:
    """The keypoints of `sanitise`, of many people at once."""
    joints = len(CANONICAL_JOINTS)
    given = np.array([person.keypoints for person in people], dtype=np.float64).reshape(-1, joints, 2)
    confidence = np.array([person.confidence for person in people], dtype=np.float64).reshape(-1, joints)
    high = np.array([size or (0, 0) for size in image_sizes], dtype=np.float64).reshape(-1, 1, 2)
    known = np.array([size is not None for size in image_sizes], dtype=bool)[:, None]
    limit = np.where(known, FARTHEST * high.max(axis=2), FARTHEST_PIXELS)
    seen = confidence > 0
    sure = np.isfinite(confidence)
    finite = np.isfinite(given).all(axis=2)
    positions = np.where(finite[..., None], given, 0.0)
    # Pixels beyond the nearest border of the image along the worse axis; from (0, 0) where there is no size.
    beyond = np.maximum(np.maximum(-positions, positions - high), 0.0).max(axis=2)
    absurd = seen & finite & (beyond > limit)
    usable = seen & finite & ~absurd & sure
    findings = (
        (~sure, "the confidence is not a finite number; taken as not seen"),
        (confidence < 0, "the confidence is negative; taken as not seen"),
        (sure & (confidence > 1), "the confidence is above 1; taken as 1"),
        (seen & sure & ~finite, "the position is not a finite number; taken as not seen"),
        (absurd & sure, ABSURD),
        (usable & known & (beyond > 0), KEPT),
    )
    clean = np.where(usable[..., None], positions, 0.0), np.where(usable, np.minimum(confidence, 1.0), 0.0)
    unchanged = (clean[0] == given).all(axis=(1, 2)) & (clean[1] == confidence).all(axis=1)
    return BelievedKeypoints(*clean, unchanged, findings)


def world_problem(person: Person, keypoints: np.ndarray, confidence: np.ndarray) -> str | None:
    """Why a person's joints in space cannot be used, or None: absurd, or of other axes than the keypoints."""
    if person.world is None:
        return None
    known = np.isfinite(person.world).all(axis=1)
    if np.abs(person.world[known]).max(initial=0) > FARTHEST_METRES:
        return f"the joints in space lie more than {FARTHEST_METRES:g} metres from the hips"
    both = known & (confidence > 0)
    if both.sum() < 2:
        return None
    seen, across = (points - points.mean(axis=0) for points in (keypoints[both], person.world[both, :2]))
    if (seen * across).sum() < LEAST_AGREEMENT * np.linalg.norm(seen) * np.linalg.norm(across):
        return "the joints in space contradict the keypoints (expected x to the right, y down, z away from the camera)"
    return None


def checked_size(stated: tuple[int, int]) -> tuple[int, int]:
    """The (width, height) that a person states, as plain whole numbers.

    Raises:
        ValueError: they are not the width and height of an image.
    """
    sides = tuple(stated) if isinstance(stated, (tuple, list, np.ndarray)) else ()
    if len(sides) != 2 or not all(isinstance(side, (int, np.integer)) and 0 < side <= LARGEST_SIDE for side in sides):
        raise ValueError(f"image_size: expected width and height, 1 to {LARGEST_SIDE} pixels, got {stated!r:.60}")
    return int(sides[0]), int(sides[1])


def size_problem(person: Person, size: tuple[int, int]) -> str | None:
    """Why a person does not belong to the image of that (width, height), or None: another size is stated."""
    stated = person.image_size
    if stated is None or stated == size:
        return None
    advice = "give the image that the keypoints belong to"
    if stated == size[::-1]:
        advice = "the keypoints are of the picture as it is stored, before EXIF turns it: detect on the turned one"
    return (
        f"the keypoint file is for an image of {stated[0]} x {stated[1]} pixels, {person.image} has "
        f"{size[0]} x {size[1]}; {advice}"
    )


def unturned_problem(person: Person, size: tuple[int, int]) -> str | None:
    """What is said of a person whose keypoints leave the picture as it is displayed, (width, height) pixels, and lie
    within the one that its file stores, before EXIF turns it; or None.

    Only keypoints of a file that does not state the image's size can be so: else `size_problem` tells.
    """
    seen = person.keypoints[person.confidence > 0]
    if person.image is None or person.image_size is not None or len(seen) < 2:
        return None
    shown, stored = np.array(size, dtype=np.float64), np.array(size[::-1], dtype=np.float64)
    leaves = (seen - shown).max() > LEAVES * shown.max()
    stays = ((seen >= 0) & (seen <= stored)).all()
    if not (leaves and stays and is_turned_sideways(person.image)):
        return None
    width, height = size
    return (
        f"keypoints leave the image as it is shown ({width} x {height}) and lie within it as it is stored ({height} x "
        f"{width}), before EXIF turns it: if they are of that, the body is wrong; detect on the turned one"
    )


def too_little(person: Person) -> str | None:
    """Why nothing can be fitted to this (sanitised) person, or None where it can be tried.

    One joint fixes neither size nor distance; neither do several at one point.
    """
    visible = np.flatnonzero(person.confidence > 0).tolist()
    if not visible:
        return "no joint is visible (every confidence is 0)"
    if len(visible) == 1:
        return f"only one joint is visible ({CANONICAL_JOINTS[visible[0]]}); at least two are needed"
    (x, y), (last_x, last_y) = person.keypoints[[visible[0], visible[-1]]].tolist()
    if (
        max(abs(x - last_x), abs(y - last_y)) < ONE_POINT
        and np.ptp(person.keypoints[visible], axis=0).max() < ONE_POINT
    ):
        return f"all {len(visible)} visible joints lie at one point"
    return None


def _note(which: np.ndarray, what: str, size: tuple[int, int] | None) -> str:
    """What is said of the joints (K,) of one person."""
    names = [CANONICAL_JOINTS[index] for index in np.flatnonzero(which)]
    joints = ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more joints"
    far = (
        f"more than {FARTHEST * max(size):g} pixels outside the image" if size else f"beyond {FARTHEST_PIXELS:g} pixels"
    )
    return f"{joints}: {what.format(far)}"
