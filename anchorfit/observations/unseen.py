"""Parts of a person of which no joint was seen: a fit shows them all the same, in the pose that its prior has."""

from __future__ import annotations

import torch
from torch import Tensor

from ..body.joint_sets import CANONICAL_JOINTS

_LIMBS = {  # each a limb, its lower half, the joint where that begins, and those further out
    "arm": ("forearm", "elbow", ("wrist", "hand")),
    "leg": ("lower leg", "knee", ("ankle", "heel", "foot", "big_toe", "small_toe")),
}
_HEAD = ("nose", "jaw", "head_top", *(f"{side}_{part}" for side in ("left", "right") for part in ("eye", "ear")))


def unseen_parts(seen: Tensor) -> tuple[tuple[str, ...], ...]:
    """Names of the parts that were not seen: ``head``, ``arms``, ``left arm``, ``left forearm``, ``legs`` and so on.

    Args:
        seen: (B, K) bool, canonical joints.
    Returns:
        B tuples; of a row of which nothing was seen at all an empty one.
    """
    head = _any_of(seen, _HEAD)
    limbs = [_limb(seen, name, *of) for name, of in _LIMBS.items()]
    found = []
    for row, any_seen in enumerate(seen.any(1).tolist()):
        parts = [part for limb in limbs for part in limb[row]]
        found.append((*([] if head[row] else ["head"]), *parts) if any_seen else ())
    return tuple(found)


def unseen_texts(seen: Tensor) -> tuple[str, ...]:
    """B texts that say which parts' pose is no observation, empty where there is none; arguments as `unseen_parts`.

    >>> import torch
    >>> from anchorfit.body import CANONICAL_JOINTS
    >>> unseen_texts(torch.tensor([[not name.endswith(("knee", "ankle", "heel", "foot", "toe"))
    ...                             for name in CANONICAL_JOINTS]]))
    ("legs not seen: their pose is the prior's",)
    """
    return tuple(_text(parts) for parts in unseen_parts(seen))


def _text(parts: tuple[str, ...]) -> str:
    if not parts:
        return ""
    *others, last = parts
    whose = "their" if others or last.endswith("s") else "its"
    named = f"{', '.join(others)} and {last}" if others else last
    return f"{named} not seen: {whose} pose is the prior's"


def _any_of(seen: Tensor, names: tuple[str, ...]) -> list[bool]:
    """For each row whether one of the joints was seen."""
    columns = torch.tensor([CANONICAL_JOINTS.index(name) for name in names], device=seen.device)
    found: list[bool] = seen.index_select(1, columns).any(1).tolist()
    return found


def _limb(seen: Tensor, name: str, lower: str, middle: str, ends: tuple[str, ...]) -> list[list[str]]:
    """For each row the names of the limbs, or of their lower halves, that were not seen; both sides' are one name."""
    sides = []
    for side in ("left", "right"):
        end = _any_of(seen, tuple(f"{side}_{joint}" for joint in ends))
        begun = _any_of(seen, (f"{side}_{middle}",))
        sides.append(["" if far else lower if near else name for far, near in zip(end, begun, strict=True)])
    return [_together(left, right) for left, right in zip(*sides, strict=True)]


def _together(left: str, right: str) -> list[str]:
    if left == right:
        return [f"{left}s"] if left else []
    return [f"{side} {part}" for side, part in (("left", left), ("right", right)) if part]
