"""Predicted bodies that stand are turned as a whole towards balance: the centre of mass over the feet, along gravity.

How far a body leans towards the camera or away from it is what one camera shows least of. Where the prediction says
that a person stands, its lean and the camera's pitch are two measurements of one angle, which are averaged, each with
its uncertainty. Bodies turn about the camera's x axis and are placed anew: pose and shape stay.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, axis_angle_to_matrix, matrix_to_axis_angle
from ..body.standing import STANDING_POINTS, Gravity, centre_over_support, standing, tilt_of
from ..camera import STANDING_HEIGHT
from .translation import Sightlines, Translations

NOISE_DEG = (1.5, 2.4, 2.5, 8.0)
"""Error of a predicted lean by how far the body is off its keypoints: degrees with none, more for each percent of a
standing person's height, and the least and the most. Measured on 1,800 standing people in training poses, clean, noisy
and detected: 2.9 degrees where bodies are off by 0.6 %, 4.6 by 1.3 %, 7.5 by 2.7 %."""

_POINTS = [CANONICAL_JOINTS.index(name) for name in STANDING_POINTS]
_ANKLES = [CANONICAL_JOINTS.index(f"{side}_ankle") for side in ("left", "right")]


class Lean(NamedTuple):
    """(B,) each: radians by which standing bodies lean away from the camera, the standard deviation of that, and how
    certainly they stand with feet that were seen, 0 to 1."""

    angle: Tensor
    sigma: Tensor
    certainty: Tensor

    @staticmethod
    def none(count: int) -> Lean:
        """Leans (B,) of people of whom nothing was seen, which weigh nothing; float32, on the CPU."""
        return Lean(torch.zeros(count), torch.ones(count), torch.zeros(count))


def lean_of(points: Tensor, sightlines: Sightlines) -> Lean:
    """The lean of bodies.

    Args:
        points: (B, K, 3) metres, canonical joints, placed in the camera frame.
        sightlines: of their keypoints.
    """
    chosen = points[:, _POINTS]
    return Lean(
        tilt_of(centre_over_support(chosen)),
        noise_of(points, sightlines, NOISE_DEG),
        standing(chosen) * sightlines.seen[:, _ANKLES].any(1),
    )


def noise_of(points: Tensor, sightlines: Sightlines, noise_deg: tuple[float, float, float, float]) -> Tensor:
    """(B,) radians, the error of an angle of predicted bodies by how far they are off their keypoints.

    Args:
        points: (B, K, 3) metres, canonical joints, placed in the camera frame.
        sightlines: of their keypoints.
        noise_deg: degrees with none off, more for each percent of a standing person's height, the least, the most.
    """
    off = (points[..., :2] - sightlines.rays * points[..., 2:]).norm(dim=-1) * sightlines.seen
    percent = 100 / STANDING_HEIGHT * off.sum(1) / sightlines.seen.sum(1).clamp_min(1)
    none, more, least, most = noise_deg
    return torch.deg2rad((none + more * percent).clamp(least, most))


def balanced(
    orientation: Tensor, points: Tensor, root: Tensor, placed: Translations, sightlines: Sightlines, gravity: Gravity
) -> tuple[Tensor, Translations]:
    """Bodies turned towards balance and placed anew.

    Args:
        orientation: (B, 3) axis-angle, of the bodies in the camera frame.
        points: (B, K, 3) metres, canonical joints before they are placed. root: (B, 3) what the bodies turn about.
        placed: where they are. sightlines: of their keypoints.
        gravity: what is known of it.
    Returns:
        Orientations and placements; of rows that do not stand, or could not be placed, the given ones.
    """
    lean = lean_of(points + placed.translation[:, None], sightlines)
    share = lean.sigma.square() / (lean.sigma.square() + gravity.sigma.square())
    turn = share * lean.certainty * placed.found * (lean.angle + gravity.pitch)
    if not bool((turn != 0).any()):
        return orientation, placed
    about_x = axis_angle_to_matrix(torch.stack((turn, torch.zeros_like(turn), torch.zeros_like(turn)), -1))
    turned = _times(about_x, (points - root[:, None]).mT).mT + root[:, None]
    again = sightlines.place(turned)
    moves = ((turn != 0) & again.found)[:, None]
    found = matrix_to_axis_angle(_times(about_x, axis_angle_to_matrix(orientation)))
    translation = torch.where(moves, again.translation, placed.translation)
    return torch.where(moves, found, orientation), placed._replace(translation=translation)


def _times(matrices: Tensor, columns: Tensor) -> Tensor:
    """Products (B, 3, N) of (B, 3, 3) and (B, 3, N), in an order of sums that does not depend on the batch."""
    return (matrices[..., None] * columns[:, None]).sum(-2)
