"""What the trunks of people who do not stand say about the camera's pitch.

People lean ahead and back often and far, sideways seldom and little. So a trunk shows gravity along the camera's axis
well in a person seen from the side, whose leans ahead lie in the image, and badly in one seen from the front or from
behind, whose leans ahead look like pitch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS
from ..body.standing import STANDING_POINTS, on_feet, tilt_across, tilt_of
from .balance import noise_of
from .translation import Sightlines

AHEAD_DEG = 8.0
"""Mean lean ahead of people who do not stand, on their feet or not; from `AHEAD_SIGMA_DEG`'s people."""

AHEAD_SIGMA_DEG, SIDEWAYS_SIGMA_DEG = (7.0, 15.0), (5.0, 6.5)
"""Standard deviations of leans ahead and sideways: of people on their feet (who walk, say), and of the others.

Measured on training poses of the library that do not stand and whose trunks are within 45 degrees of the upright, no
subject counting for more than 1,000: on their feet 7.8 +- 6.5 ahead, +- 4.6 sideways; others 16.9 +- 16 and +- 5.8.
The library has few who sit, so half of the others here sit upright as `synthesis.upright` draws them, 0 +- 7 and
+- 7 degrees.
"""

ALIKE = 0.4
"""Share of the variance of leans ahead that people who do the same have in common: that between recordings of the
library (6.1 degrees, 7.7 within)."""

TRUNK_NOISE_DEG = (0.6, 2.6, 2.0, 8.0)
"""Error of a predicted trunk of a person seen from the side, by how far the body is off its keypoints, as
`balance.NOISE_DEG` has it. Measured on 12,000 people in training poses, clean, noisy and detected: 2.0 degrees where
bodies are off by 0.5 %, 3.6 by 1.1 %, 6.1 by 2.2 %, 9.9 by 5.8 %."""

FRONT_NOISE_DEG = 6.0
"""More of it in people seen from the front or from behind (5.4, 8.2 and 8.9 degrees clean, noisy and detected, where
others had 2.3, 4.5 and 6.6): root of the difference of squares."""

_ALONG_DEG, _ACROSS_DEG = (50.0, 70.0), (30.0, 50.0)
"""Against the image's upright: trunks up to the first count altogether, from the second on not at all."""

_PAIRS = {
    part: [CANONICAL_JOINTS.index(f"{side}_{part}") for side in ("left", "right")]
    for part in ("hip", "shoulder", "knee")
}
_POINTS = [CANONICAL_JOINTS.index(name) for name in STANDING_POINTS]


class TrunkLean(NamedTuple):
    """(B,) each, of trunks as evidence of the camera's pitch.

    angle: radians by which the trunk leans away from the camera, against the image's upright.
    ahead: radians of that for each by which the person leans ahead: from -1, who faces the camera, to 1, who faces
        away from it.
    ahead_sigma: radians, standard deviation of the lean ahead.
    sigma: radians, standard deviation of the angle by leans sideways.
    noise: radians, standard deviation of the prediction's error.
    certainty: from 0 (the trunk is not seen, or lies) to 1.
    """

    angle: Tensor
    ahead: Tensor
    ahead_sigma: Tensor
    sigma: Tensor
    noise: Tensor
    certainty: Tensor

    @staticmethod
    def none(count: int) -> TrunkLean:
        """Trunks (B,) that say nothing, of certainty 0; float32, on the CPU."""
        nothing, one = torch.zeros(count), torch.ones(count)
        return TrunkLean(nothing, nothing.clone(), one, one.clone(), one.clone(), nothing.clone())


def trunk_lean_of(points: Tensor, sightlines: Sightlines) -> TrunkLean:
    """How trunks lean.

    Args:
        points: (B, K, 3) metres, canonical joints, placed in the camera frame.
        sightlines: of their keypoints.
    """
    (left_hip, right_hip), (left_shoulder, right_shoulder) = (
        points[:, _PAIRS[part]].unbind(1) for part in ("hip", "shoulder")
    )
    trunk = (left_shoulder + right_shoulder - left_hip - right_hip) / 2
    left = left_hip - right_hip + left_shoulder - right_shoulder
    length = (left[:, 0].square() + left[:, 2].square()).sqrt().clamp_min(1e-6)
    ahead, sideways = -left[:, 0] / length, left[:, 2] / length
    noise = noise_of(points, sightlines, TRUNK_NOISE_DEG)
    walks = on_feet(points[:, _POINTS]) * sightlines.seen[:, _PAIRS["knee"]].any(1)
    seen = sightlines.seen[:, _PAIRS["hip"]].any(1) & sightlines.seen[:, _PAIRS["shoulder"]].any(1)
    angle, across = tilt_of(trunk), tilt_across(trunk)
    return TrunkLean(
        angle,
        ahead,
        _mixed(walks, AHEAD_SIGMA_DEG).sqrt(),
        sideways.abs() * _mixed(walks, SIDEWAYS_SIGMA_DEG).sqrt(),
        (noise.square() + (math.radians(FRONT_NOISE_DEG) * ahead).square()).sqrt(),
        _within(angle, _ALONG_DEG) * _within(across, _ACROSS_DEG) * seen,
    )


def _mixed(share: Tensor, sigmas_deg: tuple[float, float]) -> Tensor:
    """Variance (B,), radians, of the first kind by a share (B,) and of the second by the rest."""
    first, second = (math.radians(sigma) ** 2 for sigma in sigmas_deg)
    return second + (first - second) * share


def _within(angle: Tensor, limits_deg: tuple[float, float]) -> Tensor:
    """1 up to the first limit of an angle (B,), 0 from the second on."""
    first, last = (math.radians(limit) for limit in limits_deg)
    return ((last - angle.abs()) / (last - first)).clamp(0.0, 1.0)
