"""A simulated keypoint detector: other hips, noise, outliers, swapped sides, missing joints, confidences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ...body.joint_sets import CANONICAL_JOINTS, mirror_permutation
from ...observations.conventions import CONVENTIONS
from .mistakes import GUESS_NOISE, GUESS_SURE, by_habit, foreign_limb, joint_noise, lost

FEWEST_JOINTS = 6  # a person keeps what there is where fewer joints than this would stay


@dataclass(frozen=True, kw_only=True)
class DetectorNoise:
    """Errors of simulated detections (formerly ``Detector``).

    Lengths are in heights of the standing person in the image.
    """

    clean: float = 0.25  # share of people without noise, outliers, swaps and habits
    noise: float = 0.02  # largest standard deviation of a keypoint; each person draws its own
    outliers: float = 0.03  # share of keypoints that are far off
    outlier_noise: float = 0.12  # their standard deviation
    swaps: float = 0.04  # share of people with the sides of arms or legs exchanged
    missing: float = 0.3  # largest share of joints not seen; each person draws its own
    truncated: float = 0.15  # share of people whose upper or lower end the image's border cuts off
    hidden_limbs: float = 0.15  # share of people of whom one arm or leg is hidden from elbow or knee on
    hips_up: float = 0.035  # metres by which detectors' hips lie above the body's hip joints, at most,
    hips_out: float = 0.025  # and outside of them; see detector_hips
    habits: float = 0.0  # most of the measured places of joints, `mistakes.HABITS`; each person draws its own
    along_limbs: float = 0.0  # correlation of the noise of a limb's neighbouring joints
    foreign: float = 0.0  # share of people with an arm or leg of another person beside them
    cornered: float = 0.0  # share of people with joints in the image's corner, a tenth of them
    guessed: float = 0.0  # share of people whose joints that are not seen are guessed, with little confidence
    footless: float = 0.0  # share of people whose feet are not seen
    headless: float = 0.0  # and whose heads are not
    conventions: tuple[tuple[str, float], ...] = (
        ("coco17", 0.35),
        ("lsp14", 0.2),
        ("body25", 0.15),
        ("mpii16", 0.1),
        ("h36m17", 0.1),
        ("canonical", 0.1),
    )


class Detections(NamedTuple):
    """keypoints (B, K, 2) pixels, canonical order, 0 where not seen; confidence (B, K), 0 where not seen."""

    keypoints: Tensor
    confidence: Tensor


def detector_hips(points: Tensor, orientation: Tensor, *, up: Tensor | float, out: Tensor | float) -> Tensor:
    """Canonical joints with the hips where annotators and detectors see them: higher and wider than hip joints.

    Args:
        points: (B, K, 3) metres.
        orientation: (B, 3, 3) rotations of the pelvis.
        up, out: metres in the pelvis's frame, numbers or (B,).
    Returns:
        (B, K, 3) metres.
    """
    moved = points.clone()
    like = points[:, 0, 0]
    for name, side in (("left_hip", 1.0), ("right_hip", -1.0), ("pelvis", 0.0)):
        offset = torch.stack((side * out + 0 * like, up + 0 * like, 0 * like), -1)
        moved[:, CANONICAL_JOINTS.index(name)] += (orientation @ offset[..., None])[..., 0]
    return moved


def simulate_detections(
    pixels: Tensor, height_px: Tensor, generator: torch.Generator, detector: DetectorNoise
) -> Detections:
    """Simulate the detections of projected canonical joints (formerly ``detect``).

    Args:
        pixels: (B, K, 2).
        height_px: (B,) that the person takes standing.
        generator: on the CPU; everything random comes from it.
        detector: the differences from the truth.
    """
    draw = _Draw(generator, pixels)
    count, joints = pixels.shape[:2]
    spoiled = draw.uniform(count) >= detector.clean
    spread = (draw.uniform(count) * detector.noise)[:, None].expand(count, joints)
    outlier = draw.uniform(count, joints) < detector.outliers
    spread = torch.where(outlier, detector.outlier_noise, spread) * (spoiled * height_px)[:, None]
    swapped = _swap_sides(pixels, spoiled & (draw.uniform(count) < detector.swaps), draw.uniform(count) < 0.5)
    noise = (
        draw.normal(count, joints, 2) if detector.along_limbs == 0 else joint_noise(draw, count, detector.along_limbs)
    )
    if detector.habits > 0:
        swapped = by_habit(swapped, height_px, detector.habits * draw.uniform(count) * spoiled)
    if detector.foreign > 0:
        taken = spoiled & (draw.uniform(count) < detector.foreign)
        swapped, foreign = foreign_limb(swapped, height_px, draw, taken)
        outlier = outlier | foreign
    noisy = swapped + noise * spread[..., None]
    known = _known_joints(draw.uniform(count), detector)
    seen = known & (draw.uniform(count, joints) >= detector.missing * draw.uniform(count)[:, None])
    seen &= ~_truncated(pixels, known, draw, detector) & ~_hidden_limb(draw, count, detector)
    if detector.footless > 0 or detector.headless > 0:
        seen &= ~lost(draw, count, feet=detector.footless, head=detector.headless)
    seen = torch.where((seen.sum(1) < FEWEST_JOINTS)[:, None], known, seen)
    unsure = draw.uniform(count) < 0.6  # the others' confidences are all one, as annotators give them
    confidence = torch.where(outlier & spoiled[:, None], 0.1, 0.4) + draw.uniform(count, joints) * 0.6
    confidence = torch.where(unsure[:, None], confidence, 1.0) * seen
    if detector.cornered > 0:
        there = spoiled & (draw.uniform(count) < detector.cornered)
        there = seen & there[:, None] & (draw.uniform(count, joints) < 0.1)
        noisy = torch.where(there[..., None], draw.uniform(count, joints, 2), noisy)
        confidence = torch.where(there, GUESS_SURE * draw.uniform(count, joints), confidence)
    if detector.guessed > 0:
        guess = spoiled & (draw.uniform(count) < detector.guessed)
        guess = known & ~seen & guess[:, None]
        far = GUESS_NOISE * height_px[:, None, None] * draw.normal(count, joints, 2)
        noisy = torch.where(guess[..., None], pixels + far, noisy)
        confidence = torch.where(guess, GUESS_SURE * draw.uniform(count, joints), confidence)
        seen = seen | guess
    return Detections(noisy * seen[..., None], confidence)


class _Draw:
    """Random numbers made on the CPU, so that every device sees the same, and moved to a tensor's device."""

    def __init__(self, generator: torch.Generator, like: Tensor) -> None:
        self.generator, self.like = generator, like

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator).to(self.like)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator).to(self.like)


def _swap_sides(pixels: Tensor, chosen: Tensor, legs: Tensor) -> Tensor:
    """Left and right exchanged in the chosen rows (B,): of the legs or of the arms."""
    leg = ("hip", "knee", "ankle", "toe", "heel", "foot")
    arm = ("shoulder", "elbow", "wrist", "hand", "collar")
    mirrored = pixels[:, list(mirror_permutation(CANONICAL_JOINTS))]
    of_legs, of_arms = (
        torch.tensor([name.rpartition("_")[2] in parts for name in CANONICAL_JOINTS], device=pixels.device)
        for parts in (leg, arm)
    )
    moved = torch.where(legs[:, None], of_legs, of_arms) & chosen[:, None]
    return torch.where(moved[..., None], mirrored, pixels)


def _known_joints(chance: Tensor, detector: DetectorNoise) -> Tensor:
    """(B, K) bool: the joints of a convention drawn for each person."""
    tables = [[name in CONVENTIONS[convention] for name in CANONICAL_JOINTS] for convention, _ in detector.conventions]
    shares = torch.tensor([share for _, share in detector.conventions], device=chance.device)
    ends = shares.cumsum(0) / shares.sum()
    choice = torch.searchsorted(ends, chance.contiguous()).clamp_max(len(tables) - 1)
    return torch.tensor(tables, device=chance.device)[choice]


def _truncated(pixels: Tensor, known: Tensor, draw: _Draw, detector: DetectorNoise) -> Tensor:
    """(B, K) bool: joints beyond a border that cuts off up to half of the person, above or below."""
    count = len(pixels)
    y = pixels[..., 1]
    low = torch.where(known, y, torch.inf).amin(1)
    high = torch.where(known, y, -torch.inf).amax(1)
    depth = draw.uniform(count) * 0.5 * (high - low)
    below = y > (high - depth)[:, None]
    above = y < (low + depth)[:, None]
    cut = torch.where((draw.uniform(count) < 0.8)[:, None], below, above)  # feet are cut off more often than heads
    return cut & (draw.uniform(count) < detector.truncated)[:, None]


def _hidden_limb(draw: _Draw, count: int, detector: DetectorNoise) -> Tensor:
    """(B, K) bool: the far joints of one limb."""
    limbs = []
    for side in ("left", "right"):
        for parts in (("elbow", "wrist", "hand"), ("knee", "ankle", "foot", "big_toe", "small_toe", "heel")):
            names = {f"{side}_{part}" for part in parts}
            limbs.append([name in names for name in CANONICAL_JOINTS])
    table = torch.tensor(limbs, device=draw.like.device)
    limb = (draw.uniform(count) * len(limbs)).long().clamp_max(len(limbs) - 1)
    return table[limb] & (draw.uniform(count) < detector.hidden_limbs)[:, None]
