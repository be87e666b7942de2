"""The eight limbs, whose directions in space images tell: upper arms and forearms, thighs and shins."""

from __future__ import annotations

import torch
from torch import Tensor

from .joint_sets import CANONICAL_JOINTS

_NEXT = (("shoulder", "elbow"), ("hip", "knee"), ("elbow", "wrist"), ("knee", "ankle"))
LIMBS = tuple((f"{side}_{above}", f"{side}_{below}") for above, below in _NEXT for side in ("left", "right"))
"""From joint to joint, upper limbs before those that hang on them."""

LIMB_JOINTS = tuple(dict.fromkeys(joint for limb in LIMBS for joint in limb))
"""The joints (12) that limbs lie between."""


_ABOVE, _BELOW = ([CANONICAL_JOINTS.index(limb[end]) for limb in LIMBS] for end in (0, 1))


def limb_directions(points: Tensor) -> Tensor:
    """Unit vectors along the limbs.

    Args:
        points: (B, K, 3) the canonical joints, any length unit; NaN where not known.
    Returns:
        (B, 8, 3), NaN where a limb's end is not known or both ends are one.
    """
    along = points[:, _BELOW] - points[:, _ABOVE]
    length = along.norm(dim=-1, keepdim=True)
    return torch.where((length > 0) & torch.isfinite(length), along / length, torch.nan)


def limb_confidence(confidence: Tensor) -> Tensor:
    """(B, 8) the geometric mean of both ends' confidences (B, K): 0 where one was not seen in the image."""
    return (confidence[:, _ABOVE] * confidence[:, _BELOW]).sqrt()
