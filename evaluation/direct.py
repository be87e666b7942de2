"""How far predicted and fitted bodies are from the truth, all together, by view and by how rare the pose is."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel, axis_angle_to_matrix
from .metrics.pose import mean_point_error, reconstruction_error

VIEWS = ("front", "side", "back")
SIDE_COSINE = 0.5  # a person is seen from the side when the chest points within 60 to 120 degrees of the camera


class BodyErrors(NamedTuple):
    """Millimetres, (B,) each: mean per-vertex and mean joint error, both with the pelvis joints laid together; and the
    reconstruction error (joints, after Procrustes alignment)."""

    surface_mm: Tensor
    joints_mm: Tensor
    reconstruction_mm: Tensor


def body_errors(body: BodyModel, params: Tensor, truth: Tensor, *, rows_at_once: int = 256) -> BodyErrors:
    """Errors of bodies (B, 85) against the true ones (B, 85)."""
    parts = []
    for some, true in zip(params.split(rows_at_once), truth.split(rows_at_once), strict=True):
        ours, theirs = body.from_params(some), body.from_params(true)
        roots = ours.joints[:, :1], theirs.joints[:, :1]
        surface = mean_point_error(ours.vertices - roots[0], theirs.vertices - roots[1])
        joints = mean_point_error(ours.joints - roots[0], theirs.joints - roots[1])
        parts.append((surface, joints, reconstruction_error(ours.joints, theirs.joints)))
    return BodyErrors(*(1000 * torch.cat(column) for column in zip(*parts, strict=True)))


def view_of(params: Tensor) -> Tensor:
    """(B,) index into ``VIEWS``: where the chest of bodies (B, 85) points, seen from the camera."""
    forward = axis_angle_to_matrix(params[:, :3])[:, :, 2]
    towards = -forward[:, 2]  # cosine of the angle between the chest's normal and the way to the camera
    return torch.where(towards > SIDE_COSINE, 0, torch.where(towards < -SIDE_COSINE, 2, 1))


def rarity_of(params: Tensor, known: Tensor) -> Tensor:
    """(B,) degrees, root mean square over joints, from each body pose (B, 85) to the nearest of known poses (N, 72)."""
    nearest = torch.cdist(params[:, 3:72], known[:, 3:].to(params)).amin(1)
    return torch.rad2deg(nearest / 23**0.5)
