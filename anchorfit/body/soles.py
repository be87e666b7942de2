"""Points under the feet: heel, both sides of the ball, and toe of either foot, found by the shape of the rest pose."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .joint_sets import SMPL_JOINTS
from .model import BodyModel

SIDES = ("left", "right")
SOLE_PARTS = ("heel", "inner_ball", "outer_ball", "toe")
"""Points of each sole, from behind to the front."""

_HEEL, _BALL, _TOE = (0.0, 0.2), (0.6, 0.8), (0.85, 1.0)  # of the foot's length, from the heel
_THICK = 0.05  # metres: what lies higher is no sole
_OWN = 0.6  # share of a vertex's skinning weight that ankle and ball of a foot have in its sole


class Soles(NamedTuple):
    """The points under both feet.

    Attributes:
        names: 8 body points (``vertex:N``, see `compiled_points`): `SOLE_PARTS` of the left foot, then of the right.
        parts: what each is, ``left_heel`` and so on.
    """

    names: tuple[str, ...]
    parts: tuple[str, ...]


@lru_cache(maxsize=16)
def soles(body: BodyModel) -> Soles:
    """The lowest vertices of heel, ball (inner and outer half) and toe of both feet in the rest pose, for any mesh."""
    names, parts = [], []
    for side in SIDES:
        for part, vertex in zip(SOLE_PARTS, _sole(body, side), strict=True):
            names.append(f"vertex:{vertex}")
            parts.append(f"{side}_{part}")
    return Soles(tuple(names), tuple(parts))


def is_on_foot(body: BodyModel, vertex: int, side: str) -> bool:
    """Whether ankle or ball of this foot move a vertex more than any other joint does."""
    return SMPL_JOINTS[int(body.weights[vertex].argmax())] in (f"{side}_ankle", f"{side}_foot")


def _sole(body: BodyModel, side: str) -> list[int]:
    """Vertices of `SOLE_PARTS` of one foot."""
    joints = [SMPL_JOINTS.index(f"{side}_{name}") for name in ("ankle", "foot")]
    mine = (body.weights[:, joints].sum(1) > _OWN).cpu()
    places = body.v_template.double().cpu()
    along = places[:, 2]
    share = (along - along[mine].amin()) / (along[mine].amax() - along[mine].amin())
    mine &= places[:, 1] < places[mine, 1].amin() + _THICK
    outward = places[:, 0] * (1.0 if side == "left" else -1.0)
    found = []
    for (first, last), half in ((_HEEL, 0), (_BALL, -1), (_BALL, 1), (_TOE, 0)):
        there = mine & (share >= first) & (share <= last)
        middle = (outward[there].amin() + outward[there].amax()) / 2
        there &= half * (outward - middle) >= 0
        found.append(_lowest(places[:, 1], there, outward, middle, half))
    return found


def _lowest(height: Tensor, there: Tensor, outward: Tensor, middle: Tensor, half: int) -> int:
    """The lowest of some vertices; of nearly the lowest (2 mm) the one nearest the middle, or farthest from it."""
    candidates = there & (height <= height[there].amin() + 0.002)
    away = (outward - middle).abs()
    chosen = torch.where(candidates, away if half == 0 else -away, torch.inf)
    return int(chosen.argmin())
