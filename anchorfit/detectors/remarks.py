"""Remarks on the people found in a picture, to be read before fits to them are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ..body.joint_sets import CANONICAL_JOINTS
from ..body.limbs import LIMB_JOINTS
from ..observations.people import Person

SMALL = 150
"""Pixels: of people below this height every network tried misses half, and errs in others."""
CLOSE = 0.3
"""Share of the smaller box that another covers: joints of one may be taken for the other's."""
_AT_BORDER = 0.03  # of the person's longer side
_LIMBS = [CANONICAL_JOINTS.index(name) for name in LIMB_JOINTS]


def remarks(people: Sequence[Person]) -> str:
    """One line about the people of one picture: how many, and who is cut off, small, or close to others."""
    parts = [*map(_alone, people), *(_together(*pair) for pair in combinations(people, 2))]
    told = ", ".join(part for part in parts if part)
    count = f"{len(people)} {'person' if len(people) == 1 else 'people'}"
    return f"{count}: {told}" if told else count


def is_cut_off(person: Person) -> bool:
    """Whether the picture's border cuts the person: the box ends there, and a joint of a limb is not in the picture."""
    if person.box is None or person.image_size is None or (person.confidence[_LIMBS] > 0).all():
        return False
    x, y, width, height = person.box
    room = min(x, y, person.image_size[0] - x - width, person.image_size[1] - y - height)
    return room <= _AT_BORDER * max(width, height)


def is_small(person: Person) -> bool:
    """Whether the person is lower, or less wide if that is more, than `SMALL` pixels."""
    return person.box is not None and max(person.box[2:]) < SMALL


def are_close(first: Person, second: Person) -> bool:
    """Whether a box covers more than `CLOSE` of another."""
    if first.box is None or second.box is None:
        return False
    boxes = np.array([first.box, second.box])
    low, high = boxes[:, :2].max(0), (boxes[:, :2] + boxes[:, 2:]).min(0)
    return float((high - low).clip(min=0).prod()) > CLOSE * float(boxes[:, 2:].prod(1).min())


def _alone(person: Person) -> str:
    cut = "is cut off by the border" if is_cut_off(person) else ""
    small = f"is small ({max(person.box[2:]):.0f} px)" if is_small(person) and person.box else ""
    told = " and ".join(filter(None, (cut, small)))
    return f"#{person.person_id} {told}" if told else ""


def _together(first: Person, second: Person) -> str:
    return f"#{first.person_id} and #{second.person_id} overlap" if are_close(first, second) else ""
