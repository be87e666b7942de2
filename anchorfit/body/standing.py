"""Who stands, and whether the body's centre of mass is over the feet.

The centre of mass of people who stand is over their feet to within two degrees (recorded poses of the library), which
no view of one camera shows as well: tilted towards the camera or away from it, a body looks nearly the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from ..rows import Rows, rowwise_atan2

_SIDES = ("left", "right")
_KINDS = ("ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "foot")
STANDING_POINTS = tuple(f"{side}_{kind}" for kind in _KINDS for side in _SIDES)
"""The points (16) that the measures of this module look at."""

SEGMENTS_OF_MASS: tuple[tuple[str, str, float, float], ...] = (
    ("ear", "ear", 0.081, 0.0),  # head and neck, whose centre is at the ear canal
    ("hip", "shoulder", 0.497, 0.5),  # trunk
    ("shoulder", "elbow", 0.056, 0.436),
    ("elbow", "wrist", 0.032, 0.430),
    ("wrist", "wrist", 0.012, 0.0),  # hands
    ("hip", "knee", 0.200, 0.433),
    ("knee", "ankle", 0.093, 0.433),
    ("ankle", "foot", 0.029, 0.5),
)
"""Segments of both sides: from, to, share of the body's mass, place of the segment's centre on the way.

Source: Winter 2005, Biomechanics and Motor Control of Human Movement, 3rd edition, table 4.1 (after Dempster 1955), as
course tables and the biomechanics notebooks of the BMClab give it: shares of the mass and of the way from the proximal
end. Hands are put at the wrists, of which their centres are half a palm away (less than 1 mm of the body's centre); the
trunk and the thighs begin at the hip joints, where the book has the greater trochanters.
"""

SUPPORT_AHEAD = 0.4
"""Where between ankles and balls of the feet a standing body is held up: there recorded people's centre of mass is."""

USUAL_PITCH_DEG, USUAL_SIGMA_DEG = 6.0, 10.0
"""Cameras are held higher than the middle of those they look at: mean and standard deviation of their pitch."""

SHOWN_SIGMA_DEG = 6.0
"""Of a pitch that is told further, at most: of one less certain it is not known what is upright."""

KNOWN_SIGMA_DEG = 2.5
"""Of a known camera's pitch as a standing person shows it: the centre of mass is off its support by 2.2 degrees."""


@dataclass(frozen=True, kw_only=True)
class Gravity(Rows):
    """What is known of the direction of gravity before B cameras.

    Attributes:
        pitch: (B,) radians by which the camera looks down.
        sigma: (B,) radians, standard deviation of the pitch as a standing person shows it.
    """

    pitch: Tensor
    sigma: Tensor

    def __len__(self) -> int:
        return len(self.pitch)

    @property
    def pitch_deg(self) -> Tensor:
        """(B,) degrees by which the cameras look down; NaN where that is not known to within `SHOWN_SIGMA_DEG`, apart
        from the sway of those who stand."""
        most = math.radians(math.hypot(SHOWN_SIGMA_DEG, KNOWN_SIGMA_DEG))
        return torch.where(self.sigma <= most, torch.rad2deg(self.pitch), torch.nan)

    @staticmethod
    def unknown(count: int) -> Gravity:
        """Of cameras of any pitch."""
        return Gravity.known(torch.zeros(count), math.inf)

    @staticmethod
    def usual(count: int) -> Gravity:
        """Of cameras that people took pictures with."""
        return Gravity.known(torch.full((count,), USUAL_PITCH_DEG), USUAL_SIGMA_DEG)

    @staticmethod
    def known(pitch_deg: Tensor, sigma_deg: float = KNOWN_SIGMA_DEG) -> Gravity:
        """Of cameras that look down by (B,) degrees."""
        return Gravity(pitch=torch.deg2rad(pitch_deg), sigma=torch.full_like(pitch_deg, math.radians(sigma_deg)))


_LIMITS = {
    "axis across": (15.0, 30.0),
    "axis along": (35.0, 55.0),
    "trunk": (20.0, 40.0),
    "left thigh": (20.0, 40.0),
    "left knee": (25.0, 50.0),
    "right thigh": (20.0, 40.0),
    "right knee": (25.0, 50.0),
    "drop": (0.08, 0.2),
    "stride": (0.5, 0.8),
}
"""Degrees, then metres, up to which a row stands altogether, and from which on it does not."""
_NONE, _WIDTH = ([end for _, end in _LIMITS.values()], [end - start for start, end in _LIMITS.values()])


def _offset_table() -> tuple[float, ...]:
    """Weights of `STANDING_POINTS` in the centre of mass, less those in the support."""
    share = dict.fromkeys(_KINDS, 0.0)
    for start, end, mass, place in SEGMENTS_OF_MASS:
        share[start] += mass * (1 - place)
        share[end] += mass * place
    share["ankle"] -= 1 - SUPPORT_AHEAD
    share["foot"] -= SUPPORT_AHEAD
    return tuple(share[kind] / 2 for kind in _KINDS for _ in _SIDES)


OFFSET = _offset_table()
"""Weights (16) of `STANDING_POINTS` whose sum is the way from the support to the centre of mass."""


def centre_over_support(points: Tensor) -> Tensor:
    """(B, 3) metres, from the support to the centre of mass, of `STANDING_POINTS` (B, 16, 3)."""
    return (points * points.new_tensor(OFFSET)[:, None]).sum(-2)


def upright_turn(pitch_deg: Tensor) -> Tensor:
    """(3, 3) rotation from the frame of a camera that looks down by so many degrees (a number) to one that is level.

    What stood upright before the camera has its head at -y then, and a right-handed frame stays one.
    """
    angle = torch.deg2rad(pitch_deg)
    turn = torch.eye(3, dtype=angle.dtype, device=angle.device)
    turn[1, 1] = turn[2, 2] = angle.cos()
    turn[1, 2], turn[2, 1] = angle.sin(), -angle.sin()
    return turn


def tilt_of(offset: Tensor) -> Tensor:
    """(B,) radians by which directions (B, 3), camera frame, lean away from the camera against the image's upright."""
    return rowwise_atan2(offset[..., 2], -offset[..., 1])


def tilt_across(offset: Tensor) -> Tensor:
    """(B,) radians by which directions (B, 3), camera frame, lean to the right against the image's upright."""
    return rowwise_atan2(offset[..., 0], -offset[..., 1])


def on_feet(points: Tensor) -> Tensor:
    """How certainly bodies are on their feet: stand, walk or run, however wide.

    Args:
        points: (B, 16, 3) metres, camera frame, `STANDING_POINTS`.
    Returns:
        (B,) from 0 (lies, sits, squats, bends, stands on the hands) to 1, continuous.
    """
    where = dict(zip(STANDING_POINTS, points.unbind(-2), strict=True))
    middle = {kind: (where[f"left_{kind}"] + where[f"right_{kind}"]) / 2 for kind in ("hip", "shoulder", "knee")}
    axis = centre_over_support(points)
    found = _ramp(torch.rad2deg(tilt_across(axis).abs()), "axis across")
    found = found * _ramp(torch.rad2deg(tilt_of(axis)).abs(), "axis along")
    found = found * _ramp(_angle_deg(middle["shoulder"] - middle["hip"], axis), "trunk")
    return found * _ramp(_angle_deg(middle["hip"] - middle["knee"], axis), "left thigh")


def _ramp(measure: Tensor, name: str) -> Tensor:
    """1 up to the first limit of a measure, 0 from the second on."""
    start, end = _LIMITS[name]
    return ((end - measure) / (end - start)).clamp(0.0, 1.0)


def _angle_deg(first: Tensor, second: Tensor) -> Tensor:
    sine = torch.linalg.cross(first, second).norm(dim=-1)
    return rowwise_atan2(sine, (first * second).sum(-1)) * (180.0 / math.pi)


def standing(points: Tensor, pitch: Tensor | float = 0.0) -> Tensor:
    """How certainly bodies stand: trunk and thighs near the body's axis, that near the upright, feet level and close.

    Args:
        points: (B, 16, 3) metres, camera frame, `STANDING_POINTS`.
        pitch: (B,) or one, radians by which the camera looks down.
    Returns:
        (B,) from 0 (jumps, lies, sits, walks wide, stands on the hands) to 1, continuous.
    """
    pairs = points.unflatten(-2, (len(_KINDS), len(_SIDES)))  # (B, 8, 2, 3)
    shoulders, hips, knees, ankles = (pairs[:, _KINDS.index(kind)] for kind in ("shoulder", "hip", "knee", "ankle"))
    axis = centre_over_support(points)
    trunk = ((shoulders[:, :1] + shoulders[:, 1:]) - (hips[:, :1] + hips[:, 1:])) / 2
    thighs, shins = hips - knees, knees - ankles
    bones = torch.cat((trunk, thighs.repeat_interleave(2, 1)), 1)  # (B, 5, 3), against the axis and the shins
    others = torch.stack((axis, axis, shins[:, 0], axis, shins[:, 1]), 1)
    apart = ankles[:, 0] - ankles[:, 1]
    drop = (apart * axis).sum(-1) / axis.norm(dim=-1).clamp_min(1e-6)
    sines = torch.linalg.cross(bones, others).norm(dim=-1)
    y = torch.cat((axis[:, :1].abs(), axis[:, 2:], sines), 1)
    x = torch.cat((-axis[:, 1:2].expand(-1, 2), (bones * others).sum(-1)), 1)
    across, along, *bent = rowwise_atan2(y, x).unbind(-1)  # radians
    turns = torch.rad2deg(torch.stack((across, (along + pitch).abs(), *bent)))
    measures = torch.cat((turns, drop.abs()[None], apart.norm(dim=-1)[None]))  # (9, B)
    ramps = (measures.new_tensor(_NONE)[:, None] - measures) / measures.new_tensor(_WIDTH)[:, None]
    return reduce(torch.mul, ramps.clamp(0.0, 1.0))
