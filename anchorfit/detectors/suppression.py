"""One pose a person: of poses that are nearly the same the surest is kept, and none that lies on another's body.

In a small window a detection network takes an arm or a leg for a whole person; masks tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..observations.people import Person

SIGMA = 0.1
"""In sizes of the person: a joint that lies off by this much counts exp(-1/2) for the same."""

LARGEST_PART = 0.8
"""What lies on a person's body and is smaller than this, in sizes of that person, may be a part of it."""


def similarity(first: Person, second: Person) -> float:
    """Mean over the joints that both see of exp(-d^2 / (2 (SIGMA size)^2)), size the smaller one's; 0 without any.

    The idea is COCO's object keypoint similarity, with one tolerance for all joints and a size that both poses share.
    """
    both = (first.confidence > 0) & (second.confidence > 0)
    if both.sum() < 3:
        return 0.0
    size = min(pose_size(first), pose_size(second))
    distance = np.linalg.norm(first.keypoints[both] - second.keypoints[both], axis=1)
    return float(np.exp(-0.5 * (distance / max(SIGMA * size, 1e-6)) ** 2).mean())


def pose_size(person: Person) -> float:
    """The square root of the area of the box around the seen joints, pixels; a thin one counts a quarter as wide."""
    seen = person.keypoints[person.confidence > 0]
    extent = np.ptp(seen, axis=0) if len(seen) else np.zeros(2)
    return float(np.sqrt(extent.max() * max(extent.min(), extent.max() / 4)))


def lies_on(person: Person, other: Person) -> float:
    """Share of the joints that a person shows which fall on the mask of another, larger one; 0 where it has none."""
    if other.mask is None or pose_size(person) > LARGEST_PART * pose_size(other):
        return 0.0
    mask = np.asarray(other.mask)
    height, width = mask.shape
    column, row = np.floor(person.keypoints[person.confidence > 0]).astype(int).clip(0, (width - 1, height - 1)).T
    return float(mask[row, column].mean())


def taken(person: Person, others: Sequence[Person]) -> float:
    """Share of a person's mask, at every fourth pixel, that the masks of others cover together; 0 without masks."""
    masks = [np.asarray(other.mask)[::4, ::4] for other in others if other.mask is not None]
    if person.mask is None or not masks:
        return 0.0
    own = np.asarray(person.mask)[::4, ::4]
    return float((own & np.logical_or.reduce(masks)).sum() / max(1, own.sum()))


def suppress(
    people: Sequence[Person],
    known: Sequence[Person] = (),
    *,
    most_alike: float = 0.4,
    most_taken: float = 0.7,
    most_inside: float = 0.6,
) -> list[Person]:
    """One pose a person, surest first, after those who are known.

    Args:
        people: with scores, and masks of one size where parts of people may be among them.
        known: people who stay, whoever else is there.
        most_alike: what is more similar than this to a surer pose is left out;
        most_taken: so is that of whose outline surer ones cover more than this,
        most_inside: and what shows a larger share of its joints than this on a larger person that stays.
    """
    kept: list[Person] = []
    for person in sorted(people, key=lambda p: -(p.score or 0.0)):
        before = [*known, *kept]
        if all(similarity(person, p) <= most_alike for p in before) and taken(person, before) <= most_taken:
            kept.append(person)
    everybody = [*known, *kept]
    return [
        *known,
        *(p for p in kept if all(lies_on(p, other) <= most_inside for other in everybody if other is not p)),
    ]
