"""A person from the side, with an ellipse around each joint that holds its true place in nine people of ten."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..body import SMPL_JOINTS
from ..body.joint_sets import SMPL_PARENTS
from ..body.standing import upright_turn
from ..body.uncertainty import INSIDE
from ..results import Diagnostics, said_of_up

_DRAWN = tuple(index for index, name in enumerate(SMPL_JOINTS) if name.split("_")[-1] not in ("hand", "foot"))
_MARGIN = 0.12  # metres around the skeleton


def doubts(found: Diagnostics, row: int, joints: Tensor, pitch_deg: Tensor, method: str = "") -> dict[str, Any] | None:
    """A picture, and each joint's deviations in the image and in depth; None where they are not known.

    Args:
        found: the diagnostics; row: which row of them.
        joints: (24, 3) metres, camera frame.
        pitch_deg: degrees by which the camera looks down, and the picture is turned upright; NaN: not known.
        method: by which the body was made.
    """
    if not bool(torch.isfinite(found.joint_covariance_mm2[row]).all()):
        return None
    known = bool(pitch_deg.isfinite())
    turn = upright_turn(pitch_deg.double() if known else torch.zeros((), dtype=torch.float64))
    spread = turn @ found.joint_covariance_mm2[row].double() @ turn.mT
    deviations = np.round(found.joint_std_mm[row].double().numpy(), 1)
    return {
        "picture": _picture_source((joints.double() @ turn.mT).numpy(), spread.numpy()),
        "up": f"up {said_of_up(method, known=known)}",
        "joints": [[SMPL_JOINTS[index], deviations[index].tolist()] for index in _DRAWN if index],
    }


def _picture_source(joints: np.ndarray, covariance_mm2: np.ndarray) -> str:
    """An SVG: depth from left (near) to right, down as the ground is; millimetres, relative to the pelvis."""
    places = 1000 * (joints - joints[0])[:, [2, 1]]
    spread = covariance_mm2[1:, [[2], [1]], [[2, 1]]]
    ellipses = [_ellipse(places[index], spread[index - 1]) for index in _DRAWN if index]
    bones = [(places[index], places[SMPL_PARENTS[index]]) for index in _DRAWN if index]
    lines = [
        f'<line x1="{a[0]:.0f}" y1="{a[1]:.0f}" x2="{b[0]:.0f}" y2="{b[1]:.0f}" stroke="#333" stroke-width="14"/>'
        for a, b in bones
    ]
    reach = math.sqrt(INSIDE[2]) * np.sqrt(spread[[index - 1 for index in _DRAWN if index]].diagonal(axis1=1, axis2=2))
    shown = places[[index for index in _DRAWN if index]]
    low, high = (shown - reach).min(0) - 1000 * _MARGIN, (shown + reach).max(0) + 1000 * _MARGIN
    width, height = np.maximum(high - low, 1.0)
    box = f"{low[0]:.0f} {low[1]:.0f} {width:.0f} {height:.0f}"
    text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{"".join(ellipses + lines)}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()


def _ellipse(place: np.ndarray, covariance: np.ndarray) -> str:
    """Of a covariance (2, 2) in square millimetres."""
    values, axes = np.linalg.eigh(covariance)
    minor, major = np.sqrt(INSIDE[2] * np.maximum(values, 0.0))
    angle = math.degrees(math.atan2(axes[1, 1], axes[0, 1]))
    turn = f"translate({place[0]:.0f} {place[1]:.0f}) rotate({angle:.1f})"
    return f'<ellipse rx="{major:.0f}" ry="{minor:.0f}" transform="{turn}" fill="#1f77b4" fill-opacity="0.15"/>'
