"""What tells the joints of bodies that estimates are of, remembered: an estimate names its body, and holds it not."""

from __future__ import annotations

import torch

from .body import BodyModel, PointSet, compile_points, load_body
from .body.joint_sets import CANONICAL_JOINTS
from .body.kinematics import compiled_points

_MOST_BODIES = 8
_joints: dict[tuple[str, str, int, torch.dtype], PointSet] = {}
"""Joints of the bodies that estimates are of."""


def remember_joints(body: BodyModel) -> None:
    """Keep what tells a body's joints, so that estimates of it do not read its file once more: half a second, and for a
    moment as much memory as the body takes."""
    key = (body.source or body.name, body.gender, body.num_betas, body.dtype)
    if key not in _joints:
        _remember(key, compiled_points(body).to("cpu"))


def _remember(key: tuple[str, str, int, torch.dtype], points: PointSet) -> PointSet:
    if len(_joints) >= _MOST_BODIES:
        _joints.clear()
    _joints[key] = points
    return points


def joints_of_body(body: str, gender: str, num_betas: int, dtype: torch.dtype) -> PointSet:
    """The canonical joints of a body, on the CPU; arguments are those of `load_body`."""
    key = (body, gender, num_betas, dtype)
    known = _joints.get(key)
    if known is not None:
        return known
    model = load_body(body, gender=gender, num_betas=num_betas, dtype=dtype)
    return _remember(key, compile_points(model, CANONICAL_JOINTS))
