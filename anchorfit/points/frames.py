"""In which unit and axes points were given, told by the body itself; and the virtual camera that fits are made in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..body import BodyModel, axis_angle_to_matrix
from ..camera import intrinsics_matrix
from ..fitting.point_start import point_start, rigid_pairs
from ..fitting.terms import KnownSize
from ..options import OptionError

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}
"""Metres in a unit."""

Up = Literal["x", "y", "z", "-x", "-y", "-z"]
AXES: tuple[Up, ...] = ("x", "y", "z", "-x", "-y", "-z")

_OTHERS = {0.3048: "feet", 0.0254: "inches", 0.1: "decimetres"}  # by their metres
_SURE = 2.2  # so many times too large or too small a person may be; the next unit is a factor of ten away
_THIN = 0.01  # of points' spread along a line: what they spread across it at most
_UPRIGHT = 0.6  # cosine of the mean trunk with an axis from which on that axis is up
IMAGE = 1000  # pixels, of the virtual camera's square image; its focal length, too


@dataclass(frozen=True, kw_only=True)
class PointFrame:
    """How given points stand to metres and to the virtual camera.

    Attributes:
        metres: in a unit of the points; 1 where that is free and rows have sizes of their own.
        unit: its name; empty where the scale is free.
        up: the axis of the points that points up.
        rotation: (3, 3) float64 from the points' axes to the camera's (x right, y down, z forward).
        centre: (3,) float64 metres, points' axes: what the camera looks at.
        depth: metres from the camera to there.
    """

    metres: float
    unit: str
    up: Up
    rotation: Tensor
    centre: Tensor
    depth: float

    def to_camera(self, points: Tensor) -> Tensor:
        """Points (..., 3) in metres and their own axes, in the camera's frame."""
        away = points - self.centre.to(points)
        return away @ self.rotation.to(points).mT + points.new_tensor([0.0, 0.0, self.depth])

    @property
    def intrinsics(self) -> Tensor:
        """(3, 3) of the virtual camera."""
        return intrinsics_matrix(float(IMAGE), (IMAGE / 2, IMAGE / 2))


def check_scale(unit: str, sizes: KnownSize | None) -> None:
    """Refuse known sizes of people whose scale is free.

    Raises:
        OptionError: of mean size, and of known size.
    """
    if unit == "free" and sizes is not None:
        raise OptionError("unit", "free makes people of mean size: leave out --height and --measure, or state the unit")


def bone_ratios(body: BodyModel, names: tuple[str, ...], points: Tensor, confidence: Tensor) -> Tensor:
    """(B,) how many units of the points a metre of the mean body is; NaN where no two points of one bone are seen."""
    first, second, length = rigid_pairs(body, names)
    if not len(length):
        return points.new_full((len(points),), torch.nan)
    both = (confidence[:, first] > 0) & (confidence[:, second] > 0)
    measured = (points[:, first] - points[:, second]).norm(dim=-1)
    return (measured / length).masked_fill(~both, torch.nan).nanmedian(1).values


def all_on_a_line(points: Tensor, confidence: Tensor) -> bool:
    """Whether the points of every row that has three or more lie on a line, whatever their unit."""
    seen = confidence > 0
    rows = seen.sum(1) >= 3
    if not bool(rows.any()):
        return False
    weights = seen[rows].to(points)[..., None]
    away = (points[rows] - (points[rows] * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)) * weights
    _, second, first = torch.linalg.eigvalsh(away.mT @ away).clamp_min(0.0).sqrt().unbind(1)
    return bool((second < _THIN * first).all())


def told_unit(ratios: Tensor) -> str:
    """The unit in which bones are as long as a person's.

    Raises:
        ValueError: none, or no bone was seen.
    """
    known = ratios[torch.isfinite(ratios) & (ratios > 0)]
    if not len(known):
        raise ValueError("points: no row has two points of one bone, so their unit cannot be told; say it with unit")
    ratio = float(known.median())
    unit = min(UNITS, key=lambda name: abs(math.log(ratio * UNITS[name])))
    if not 1 / _SURE < ratio * UNITS[unit] < _SURE:
        raise ValueError(
            f"points: a person in them would be {1.7 * ratio:.3g} units high, which is none in metres, centimetres or "
            f"millimetres: {_other_unit(ratio)}; say the unit with unit, or that there is none with unit free"
        )
    return unit


def _other_unit(ratio: float) -> str:
    """What units may be of which a metre of the mean body has so many, as a question."""
    metres = min(_OTHERS, key=lambda one: abs(math.log(ratio * one)))
    if abs(math.log(ratio * metres)) > math.log(1.35):
        return "are these points of one person?"
    return f"{_OTHERS[metres]}? (multiply them by {metres})"


def told_up(body: BodyModel, names: tuple[str, ...], points: Tensor, confidence: Tensor) -> tuple[Up, bool]:
    """The axis that people's trunks point along on average, and whether that is sure; points in metres."""
    start = point_start(body, names, points, confidence)
    turn = axis_angle_to_matrix(start[:, body.layout.global_orient])
    seen = ((confidence > 0).sum(1) >= 3).to(points)
    mean = (turn[..., 1] * seen[:, None]).sum(0) / seen.sum().clamp_min(1)
    axis = int(mean.abs().argmax())
    name: Up = AXES[axis + 3 * int(mean[axis] < 0)]
    return name, float(mean[axis].abs()) > _UPRIGHT


def point_frame(points: Tensor, confidence: Tensor, unit: str, metres: float, up: Up) -> PointFrame:
    """The frame of points (B, P, 3) in metres, with a camera that sees them all from a level."""
    seen = points[confidence > 0].double()
    centre = seen.median(0).values if len(seen) else points.new_zeros(3, dtype=torch.float64)
    extent = float((seen - centre).abs().amax()) if len(seen) else 1.0
    down = torch.zeros(3, dtype=torch.float64)
    axis = AXES.index(up)
    down[axis % 3] = 1.0 if up.startswith("-") else -1.0
    right = torch.zeros(3, dtype=torch.float64)
    right[(axis % 3 == 0) * 1] = 1.0  # x, or y where x is up or down
    rotation = torch.stack((right, down, torch.linalg.cross(right, down)))
    return PointFrame(
        metres=metres, unit=unit, up=up, rotation=rotation, centre=centre, depth=2.5 + 3.0 * min(extent, 100.0)
    )
