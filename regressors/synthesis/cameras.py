"""Cameras around people."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...body import axis_angle_to_matrix


def camera_rotations(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Rotations from a world whose y points up into cameras that look at a person.

    Args:
        yaw: (B,) radians, where around the person the camera stands.
        pitch: (B,) radians by which it looks down.
        roll: (B,) radians about its axis.
    Returns:
        (B, 3, 3); all zero gives a camera in front of a body that faces +z.
    """
    zero = torch.zeros_like(yaw)
    about_y = axis_angle_to_matrix(torch.stack((zero, yaw, zero), -1))
    about_x = axis_angle_to_matrix(torch.stack((math.pi + pitch, zero, zero), -1))
    about_z = axis_angle_to_matrix(torch.stack((zero, zero, roll), -1))
    return about_z @ about_x @ about_y
