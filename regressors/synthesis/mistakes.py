"""How detectors and annotators err beyond independent noise.

Joints put elsewhere by habit, errors that go along a limb, another person's limb, feet and heads that are not seen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from ...body.joint_sets import CANONICAL_JOINTS

TORSO = 0.3  # of the standing height
HABITS: dict[str, tuple[float, float]] = {
    "head_top": (-0.05, 0.0),
    "shoulder": (0.03, 0.0),
    "elbow": (0.025, 0.04),
    "wrist": (0.01, 0.04),
    "hip": (-0.04, 0.02),
    "knee": (-0.035, 0.06),
    "ankle": (0.035, 0.09),
}
"""Where joints are put, against the body model's: up along the trunk in torso lengths, and outwards in shoulder widths
as the image shows them. Measured on 1,000 photographs with annotated and detected joints."""

WIDER = {"wrist": 1.3, "ankle": 1.3, "hip": 1.2, "shoulder": 0.8, "head_top": 0.8, "neck": 0.8}
"""Noise of some joints against the usual."""

CHAINS: tuple[tuple[str, ...], ...] = tuple(
    tuple(f"{side}_{part}" for part in parts)
    for side in ("left", "right")
    for parts in (
        ("shoulder", "elbow", "wrist", "hand"),
        ("hip", "knee", "ankle", "foot", "heel", "big_toe", "small_toe"),
    )
)
ARM_REACH, LEG_REACH = ("elbow", "wrist", "hand"), ("knee", "ankle", "foot", "heel", "big_toe", "small_toe")
FEET = frozenset(f"{side}_{part}" for side in ("left", "right") for part in LEG_REACH[1:])
HEAD = frozenset({"nose", "left_eye", "right_eye", "left_ear", "right_ear", "head", "head_top", "neck"})
GUESS_NOISE = 0.08  # standard deviation, in standing heights, of a joint that is guessed
GUESS_SURE = 0.3  # most confidence of a guess


class Draw(Protocol):
    """Source of random numbers."""

    def uniform(self, *shape: int) -> Tensor: ...

    def normal(self, *shape: int) -> Tensor: ...


def by_habit(pixels: Tensor, height_px: Tensor, share: Tensor) -> Tensor:
    """Joints (B, K, 2) where annotators and detectors put them, to a share (B,) of `HABITS`."""
    left, right, left_hip, right_hip = (
        pixels[:, CANONICAL_JOINTS.index(name)] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    )
    trunk = (left + right) / 2 - (left_hip + right_hip) / 2
    up = TORSO * (share * height_px)[:, None] * trunk / trunk.norm(dim=1, keepdim=True).clamp_min(1e-3)
    across = share[:, None] * (left - right)
    moved = []
    for index, name in enumerate(CANONICAL_JOINTS):
        side, _, part = name.partition("_")
        upwards, outwards = HABITS.get(part if side in ("left", "right") else name, (0.0, 0.0))
        sign = {"left": 1.0, "right": -1.0}.get(side, 0.0)
        moved.append(pixels[:, index] + upwards * up + sign * outwards * across)
    return torch.stack(moved, 1)


def joint_noise(draw: Draw, count: int, correlation: float) -> Tensor:
    """Noise (B, K, 2) of about unit size whose neighbours along a limb agree to a correlation."""
    noise = draw.normal(count, len(CANONICAL_JOINTS), 2)
    wide = [WIDER.get(name if name in WIDER else name.rpartition("_")[2], 1.0) for name in CANONICAL_JOINTS]
    columns = list(noise.unbind(1))
    for chain in CHAINS:
        known = [CANONICAL_JOINTS.index(name) for name in chain if name in CANONICAL_JOINTS]
        for near, far in pairwise(known):
            columns[far] = correlation * columns[near] + (1 - correlation**2) ** 0.5 * columns[far]
    return torch.stack(columns, 1) * noise.new_tensor(wide)[:, None]


def foreign_limb(pixels: Tensor, height_px: Tensor, draw: Draw, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Joints (B, K, 2) with an arm or leg of the chosen rows (B,) from the person of the next row, who stands beside.

    Returns:
        The joints, and which (B, K) are another person's.
    """
    count = len(pixels)
    limb = (draw.uniform(count) * 4).long().clamp_max(3)
    limbs = [
        [name in {f"{side}_{part}" for part in reach} for name in CANONICAL_JOINTS]
        for side in ("left", "right")
        for reach in (ARM_REACH, LEG_REACH)
    ]
    taken = torch.tensor(limbs, device=pixels.device)[limb] & chosen[:, None]
    pelvis = CANONICAL_JOINTS.index("pelvis")
    centred = (pixels - pixels[:, pelvis, None]) / height_px[:, None, None]
    beside = torch.stack((0.3 * draw.normal(count), 0.08 * draw.normal(count)), -1)
    other = pixels[:, pelvis, None] + height_px[:, None, None] * (centred.roll(-1, 0) + beside[:, None])
    return torch.where(taken[..., None], other, pixels), taken


def lost(draw: Draw, count: int, *, feet: float, head: float) -> Tensor:
    """(B, K) bool: feet and ankles, or the head, of shares of the people."""
    missing = []
    for names, share in ((FEET, feet), (HEAD, head)):
        table = torch.tensor([name in names for name in CANONICAL_JOINTS])
        gone = draw.uniform(count) < share
        missing.append(table.to(gone.device) & gone[:, None])
    return missing[0] | missing[1]
