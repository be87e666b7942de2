"""The floor of points in space: at a given height, or where the feet of people who stand show it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import torch
from torch import Tensor

from ..body import BodyModel, Floor
from ..fitting.contacts import ContactRules, sides_seen
from ..fitting.grounds import FloorWish, Grounds, find_grounds
from .frames import AXES, PointFrame


def ground_of(
    body: BodyModel,
    names: Sequence[str],
    seen: Tensor,
    params: Tensor,
    frame: PointFrame,
    floor: float | Literal["auto"],
    *,
    videos: Sequence[Hashable],
    lost: Tensor,
    rate: float,
) -> Grounds:
    """What rows stand on.

    Args:
        names: P body points that were measured. seen: (B, P) their confidence.
        params: (B, D) of bodies in the frame of the virtual camera.
        frame: of the points.
        floor: where it is on the axis that points up, in the points' unit; or "auto".
        videos: B labels, or none; neighbouring rows of one label are successive frames.
        lost: (B,) bool, rows that say nothing.
        rate: frames a second.
    Raises:
        ValueError: a floor that is higher than the middle of the points.
    """
    wish = FloorWish(
        given=None if floor == "auto" else _given(frame, float(floor)),
        rate=rate,
        level=True,
        rules=ContactRules(along=0.05, along_share=1.0),
    )
    unknown = torch.full_like(params[:, 0], torch.nan)
    feet = sides_seen(seen, names, body)
    return find_grounds(body, params, wish, seen_feet=feet, time_s=unknown, videos=videos, lost=lost)


def said_of_ground(grounds: Grounds, frame: PointFrame) -> list[str]:
    """What is to be said of it, with an estimated floor in the points' own unit."""
    floor = grounds.floors.floor(0)
    texts = [text for text in dict.fromkeys(grounds.floors.said) if text]
    if floor is None or not texts:
        return texts
    sign = -1.0 if frame.up.startswith("-") else 1.0
    level = float(frame.centre[AXES.index(frame.up) % 3]) - sign * floor.height
    sure = f"sure to {1000 * floor.height_sigma:.0f} mm"
    unit = f" {frame.unit}" if frame.unit else ""
    return [f"floor: at {level / frame.metres:.4g}{unit} on the axis {frame.up.removeprefix('-')}, {sure}"]


def _given(frame: PointFrame, floor: float) -> Floor:
    axis = AXES.index(frame.up)
    place = frame.centre.clone()
    place[axis % 3] = floor * frame.metres
    height = float(frame.to_camera(place)[1])
    if not height > 0:
        raise ValueError(f"floor: {floor:g} is above the middle of the points; is {frame.up} the axis that points up?")
    return Floor(up=(0.0, -1.0, 0.0), height=height)
