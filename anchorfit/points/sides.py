"""Levels of the body that have two sides, from the trunk outwards, and where left and right change between them.

The line from the right to the left hardly turns round from one joint of a limb to the next: in one of 300 recorded
poses from knees to ankles, in fewer between most others. Where it does, either limbs are crossed or names are exchanged
from there on. It is the sign by which distances to the own and to the other side's joint differ:
|a - b|^2 + |c - d|^2 - |a - d|^2 - |c - b|^2 = -2 (a - c) . (b - d). Of a level with one side seen it is that of a
joint on the other side of the middle of the level inwards, which is less rare (one of ten for ankles).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..body.joint_sets import mirrored_name

_LEVELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "shoulders": ("hips", ("collar", "shoulder")),
    "hips": ("shoulders", ("hip",)),
    "knees": ("hips", ("knee",)),
    "ankles": ("knees", ("ankle",)),
    "feet": ("ankles", ("foot", "heel", "toe")),
    "elbows": ("shoulders", ("elbow",)),
    "wrists": ("elbows", ("wrist",)),
    "hands": ("wrists", ("hand", "tip")),
    "eyes and ears": ("shoulders", ("eye", "ear")),
}
"""For each the level inwards, and words in the names of its points; of the trunk's two one is the other's."""

LEVELS = tuple(_LEVELS)
_INNER = tuple(LEVELS.index(inner) for inner, _ in _LEVELS.values())
_SHOULDERS, _HIPS = 0, 1
_LEGS = ("hips", "knees", "ankles", "feet")

State = tuple[bool, ...]
"""For each of the levels whether its sides are exchanged."""

_WORDS = {
    ("hips", "knees", "ankles", "feet"): "legs",
    ("knees", "ankles", "feet"): "legs below the hips",
    ("ankles", "feet"): "shanks",
    ("shoulders", "elbows", "wrists", "hands"): "arms",
    ("elbows", "wrists", "hands"): "forearms",
    ("wrists", "hands"): "hands",
    ("hands",): "hands beyond the wrists",
}
"""What levels together are called, as far as points have them."""


@dataclass(frozen=True, eq=False)
class SideChanges:
    """Where left and right change, of B rows and L levels.

    Attributes:
        here: (B, L) bool: a level's left-right line is against that of
        inner: (B, L) the next level inwards that is seen on both sides; -1: there is none, or it is the trunk's.
    """

    here: Tensor
    inner: Tensor


def side_changes(names: Sequence[str], positions: Tensor, seen: Tensor) -> SideChanges:
    """Of positions (B, P, 3) of P named body points, seen (B, P) where above 0."""
    sided = [place for place, level in enumerate(levels_of(names)) if level >= 0]
    middles, lines, left, right = _levels([names[place] for place in sided], positions[:, sided], seen[:, sided])
    both = left & right
    nothing = torch.full_like(both[:, 0], -1, dtype=torch.long)
    chosen = [
        torch.where(both[:, _SHOULDERS] | ~both[:, _HIPS], nothing, _HIPS),
        torch.where(both[:, _SHOULDERS], _SHOULDERS, nothing),
    ]
    for above in _INNER[len(chosen) :]:
        chosen.append(torch.where(both[:, above], above, chosen[above]))
    inner = torch.stack(chosen, 1)
    place = inner.clamp_min(0)[..., None].expand(-1, -1, 3)
    line, middle = lines.gather(1, place), middles.gather(1, place)
    one = (middles - middle) * (left.to(lines) - right.to(lines))[..., None]
    own = torch.where(both[..., None], lines, one)
    return SideChanges(((own * line).sum(-1) < 0) & (left | right) & (inner >= 0), inner)


def _levels(names: Sequence[str], positions: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(B, L, 3) the middle of what is seen of each level; the line from its right to its left, the mean of pairs that
    are seen; and (B, L) bool whether points are seen on the left, and on the right: of levels without a pair, on one
    side alone."""
    levels = torch.tensor(levels_of(names), device=positions.device)
    mirrored = other_sides(names)
    is_left = torch.tensor([_plain(name).startswith("left_") for name in names], device=positions.device)
    there = seen > 0
    paired = there & there[:, [max(place, 0) for place in mirrored]]
    member = levels[None] == torch.arange(len(LEVELS), device=positions.device)[:, None]  # (L, P)
    has_pair = (member & paired[:, None]).any(-1)
    chosen = member & torch.where(has_pair[..., None], paired[:, None], there[:, None])
    sides = [chosen & is_left, chosen & ~is_left]
    means = [_mean(positions, side) for side in sides]
    left, right = (side.any(-1) for side in sides)
    only_left, only_right = left & ~right, right & ~left
    middle = torch.where(only_left[..., None], means[0], torch.where(only_right[..., None], means[1], sum(means) / 2))
    alone = left & right & ~has_pair  # different points of the two sides: no line, and on neither side
    return middle, means[0] - means[1], left & ~alone, right & ~alone


def _mean(positions: Tensor, some: Tensor) -> Tensor:
    """(B, L, 3) of the positions (B, P, 3) that are some (B, L, P); 0 of none."""
    weights = some.to(positions)
    return (weights[..., None] * positions[:, None]).sum(2) / weights.sum(2).clamp_min(1)[..., None]


def hypotheses(here: Sequence[bool], inner: Sequence[int]) -> tuple[State, ...]:
    """What may be exchanged in a row: everything from each turn on, or from one of them alone; where the legs are
    turned against what is above them, that as well as they.

    Args:
        here, inner: of the row, see `SideChanges`.
    """
    where = [level for level, flag in enumerate(here) if flag]
    states: list[State] = []
    for some in (where, *([level] for level in where)) if where else ():
        state = _state(some, inner)
        states.append(state)
        if any(_is_leg(level) != _is_leg(inner[level]) for level in some):
            states.append(tuple(not flag for flag in state))
    return tuple(dict.fromkeys(states))


def _is_leg(level: int) -> bool:
    return LEVELS[level] in _LEGS


def _state(where: Sequence[int], inner: Sequence[int]) -> State:
    """Sides counted from the trunk outwards, which change at these levels."""

    def exchanged(level: int) -> bool:
        return (level in where) ^ (inner[level] >= 0 and exchanged(inner[level]))

    return tuple(exchanged(level) for level in range(len(LEVELS)))


def words(state: State, names: Sequence[str]) -> str:
    """The part of the body that is exchanged, of these points; "" for nothing."""
    known = {LEVELS[level] for level in levels_of(names) if level >= 0}
    levels = [name for name, flag in zip(LEVELS, state, strict=True) if flag and name in known]
    legs = [name for name in levels if name in _LEGS]
    head = [name for name in levels if name == LEVELS[-1]]
    arms = [name for name in levels if name not in (*legs, *head)]
    return " and ".join(_limb(limb, known) for limb in (legs, arms, head) if limb)


def _limb(levels: list[str], known: Container[str]) -> str:
    whole = (word for named, word in _WORDS.items() if levels == [name for name in named if name in known])
    return next(whole, " and ".join(levels))


def levels_of(names: Sequence[str]) -> list[int]:
    """For each of P body points its level, or -1 for one in the middle."""
    some = [set(words) for _, words in _LEVELS.values()]
    return [
        next((level for level, words in enumerate(some) if words & set(_plain(name).split("_"))), -1)
        if other_side(name) != name
        else -1
        for name in names
    ]


def other_side(name: str) -> str:
    """The body point on the other side; one in the middle is its own."""
    prefix, _, plain = name.rpartition(":")
    return f"{prefix}:{mirrored_name(plain)}" if prefix else mirrored_name(plain)


def other_sides(names: Sequence[str]) -> list[int]:
    """For each point the place of its mirror image; -1 where that is none of them."""
    places = {name: place for place, name in enumerate(names)}
    return [places.get(other_side(name), -1) for name in names]


def _plain(name: str) -> str:
    return name.rpartition(":")[2]
