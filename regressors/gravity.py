"""The pitch of a camera, as people of a picture show it: those who stand by their balance, the others by their trunks.

People lean ahead by an angle that differs from person to person, but less between people who do the same. What they
share is a second unknown beside the pitch: people who all lean towards the camera are one piece of evidence, and people
who face each other show how far they lean.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..body.standing import KNOWN_SIGMA_DEG, Gravity
from .balance import Lean
from .trunks import AHEAD_DEG, ALIKE, TrunkLean

DRAWN_DEG = (4.0, 15.0)
"""Mean and standard deviation of the pitches that predictions have learned to expect. The less keypoints tell, the more
a prediction is drawn there, and so are all people of a picture: by 6 % of the way where its error is 3 degrees, 13 % at
5.5, 20 to 27 % at 7 to 8 (training poses); by the two numbers 4, 13 and 22 to 28 %. It is undone here."""

FAR_SIGMAS = 3.0
"""Scale of the Geman-McClure kernel: people who are off by so much weigh a quarter."""

_SWAY = math.radians(KNOWN_SIGMA_DEG)
_MOST_DRAWN = 0.6  # of the way: errors are taken to be 11.6 degrees at most
_PASSES = 10  # of reweighting


class _Evidence(NamedTuple):
    """(N,) each, of N measurements: what they say the pitch is, and by how much they are off it for each standard
    deviation of what people lean ahead alike; their variance besides, their weight of 0 to 1, and their scenes."""

    pitch: Tensor
    alike: Tensor
    variance: Tensor
    weight: Tensor
    scenes: Tensor


def common_gravity(lean: Lean, scenes: Tensor, trunks: TrunkLean | None = None) -> Gravity:
    """Gravity as the people of a scene show it.

    Args:
        lean: of B people, one at least.
        scenes: (B,) int64 from 0, the number of the picture that each is in.
        trunks: of the same people, evidence as far as they do not stand; None: only those who stand are.
    Returns:
        The usual gravity where no person shows any, otherwise its mean with the evidence of the scene, robust and
        weighted by its uncertainty; the same in whatever order people are.
    """
    kind, count = lean.angle.dtype, int(scenes.max()) + 1
    lean = Lean(*(part.double() for part in lean))  # sums whose order does not show in float32
    trunks = trunks and TrunkLean(*(part.double() for part in trunks))
    usual = Gravity.usual(count).to(lean.angle.device, lean.angle.dtype)
    evidence = _of_balance(lean, scenes)
    if trunks is not None:
        evidence = _joined(evidence, _of_trunks(trunks, lean.certainty, scenes))
    evidence = _of_numbers(evidence)
    pitch, alike, sigma = _solved(usual, evidence, evidence.weight)
    for _ in range(_PASSES):  # iteratively reweighted, Geman-McClure
        off = evidence.pitch - pitch[evidence.scenes] - evidence.alike * alike[evidence.scenes]
        far = off.square() / (FAR_SIGMAS**2 * evidence.variance)
        pitch, alike, sigma = _solved(usual, evidence, evidence.weight / (1 + far).square())
    return Gravity(pitch=pitch[scenes].to(kind), sigma=(sigma.square() + _SWAY**2).sqrt()[scenes].to(kind))


def _of_balance(lean: Lean, scenes: Tensor) -> _Evidence:
    """Of those who stand, whose sway is in the sigma: pitches that they say are off by 3.0 degrees where it says 2.9,
    5.9 where it says 5.7 (training poses)."""
    pitch, variance = _undrawn(-lean.angle, lean.sigma.square())
    return _Evidence(pitch, torch.zeros_like(pitch), variance, lean.certainty, scenes)


def _of_trunks(trunks: TrunkLean, stands: Tensor, scenes: Tensor) -> _Evidence:
    pitch, variance = _undrawn(math.radians(AHEAD_DEG) * trunks.ahead - trunks.angle, trunks.noise.square())
    along = trunks.ahead * trunks.ahead_sigma
    variance = variance + trunks.sigma.square() + (1 - ALIKE) * along.square()
    return _Evidence(pitch, -(ALIKE**0.5) * along, variance, trunks.certainty * (1 - stands), scenes)


def _undrawn(pitch: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Pitches (N,) that predictions say, and the variances of their errors, as if none were drawn to what is usual."""
    mean, sigma = (math.radians(angle) for angle in DRAWN_DEG)
    left = 1 - (variance / sigma**2).clamp_max(_MOST_DRAWN)
    return mean + (pitch - mean) / left, variance / left


def _joined(first: _Evidence, second: _Evidence) -> _Evidence:
    return _Evidence(*(torch.cat(pair) for pair in zip(first, second, strict=True)))


def _of_numbers(evidence: _Evidence) -> _Evidence:
    """Evidence that is no number says nothing, and spoils none of its scene's."""
    sound = torch.stack(evidence[:-1]).isfinite().all(0)
    return evidence._replace(
        pitch=torch.where(sound, evidence.pitch, 0.0),
        alike=torch.where(sound, evidence.alike, 0.0),
        variance=torch.where(sound, evidence.variance, 1.0),
        weight=torch.where(sound, evidence.weight, 0.0),
    )


def _solved(usual: Gravity, evidence: _Evidence, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of S scenes, least squares: the pitch, what people lean ahead alike in standard deviations, the pitch's sigma."""
    share = weight / evidence.variance

    def summed(start: Tensor, values: Tensor) -> Tensor:
        return start.index_add(0, evidence.scenes, share * values)

    precision = usual.sigma.square().reciprocal()
    total = summed(precision, torch.ones_like(share))
    mixed = summed(torch.zeros_like(precision), evidence.alike)
    alike = summed(torch.ones_like(precision), evidence.alike.square())
    pull = summed(usual.pitch * precision, evidence.pitch)
    other = summed(torch.zeros_like(precision), evidence.alike * evidence.pitch)
    left = total - mixed.square() / alike
    pitch = (pull - mixed * other / alike) / left
    return pitch, (other - mixed * pitch) / alike, left.sqrt().reciprocal()
