"""In which unit cameras were placed, told by the people they see."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..body import CANONICAL_JOINTS, BodyModel
from ..cameras import CalibratedCamera
from ..points.frames import UNITS, bone_ratios, told_unit
from .agreement import ViewAgreement

FREE = "free"
_ODD = (0.6, 1.6)  # of a person's size in a unit: beyond it is remarked on


def rig_in_metres(
    cameras: tuple[CalibratedCamera, ...], found: ViewAgreement, body: BodyModel, *, unit: str, stated: str
) -> tuple[tuple[CalibratedCamera, ...], ViewAgreement, list[str]]:
    """The cameras and what they see in metres, and what is said of their unit.

    Args:
        cameras: in their own unit. found: by them.
        body: whose bones tell the unit.
        unit: m, cm, mm; auto; or free: none, and people are of mean size.
        stated: what the file says.
    Raises:
        ValueError: an unknown unit.
    """
    if unit not in (*UNITS, "auto", FREE):
        raise ValueError(f"unit: expected one of {', '.join(UNITS)}, auto or free, got {unit!r}")
    if len(cameras) == 1 or not bool(found.usable.any()):
        metres = UNITS.get(unit if unit in UNITS else stated, 1.0)
        return _scaled(cameras, found, metres, [])
    sure = torch.where(found.usable[:, None], found.confidence, 0.0)
    ratios = bone_ratios(body, CANONICAL_JOINTS, *(part.to(body.device, body.dtype) for part in (found.points, sure)))
    known = ratios[torch.isfinite(ratios) & (ratios > 0)]
    if not len(known):
        return _scaled(cameras, found, UNITS.get(unit if unit in UNITS else stated, 1.0), [])
    middle = float(known.median())
    if unit == FREE or (unit == "auto" and stated == FREE):
        return _scaled(cameras, found, 1.0 / middle, ["the cameras' scale is free: people are of mean size"])
    if unit in UNITS:
        said = [f"the cameras' unit: {unit}"]
        size = middle * UNITS[unit]
        if not _ODD[0] < size < _ODD[1]:
            said.append(f"in {unit} a person would be {1.7 * size:.3g} m high: another unit?")
        return _scaled(cameras, found, UNITS[unit], said)
    try:
        told = told_unit(ratios)
    except ValueError:
        size = 1.7 * middle
        text = f"the cameras' scale is arbitrary (a person would be {size:.3g} units high): people are of mean size"
        return _scaled(cameras, found, 1.0 / middle, [text])
    said = [f"the cameras' unit: {told}, told by the body's size"]
    if stated and stated != told:
        said[0] += f"; the file says {stated}"
    return _scaled(cameras, found, UNITS[told], said)


def _scaled(
    cameras: tuple[CalibratedCamera, ...], found: ViewAgreement, metres: float, said: list[str]
) -> tuple[tuple[CalibratedCamera, ...], ViewAgreement, list[str]]:
    scaled = tuple(camera.in_metres(metres) for camera in cameras)
    return scaled, replace(found, points=found.points * metres), said
