"""Errors of bodies in space and in the image, by view and by rarity of the pose."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel, axis_angle_to_matrix
from ..body.kinematics import compiled_points
from ..body.parameters import NUM_BODY_POSE, NUM_JOINTS, Layout
from ..camera import Crop, project
from ..observations.people import Observations
from ..rendering import silhouette
from .metrics.pose import mean_point_error, reconstruction_error
from .metrics.segmentation import intersection_over_union

VIEWS = ("front", "side", "back")
SIDE_COSINE = 0.5  # a person is seen from the side when the chest points within 60 to 120 degrees of the camera


class BodyErrors(NamedTuple):
    """Millimetres, (B,) each: mean per-vertex and mean joint error, both with the pelvis joints laid together; and the
    reconstruction error (joints, after Procrustes alignment)."""

    surface_mm: Tensor
    joints_mm: Tensor
    reconstruction_mm: Tensor


def body_errors(
    body: BodyModel, params: Tensor, truth: Tensor, *, true_body: BodyModel | None = None, rows_at_once: int = 256
) -> BodyErrors:
    """Errors of bodies (B, D) against the true ones (B, any), which may be of another model with the same surface."""
    parts = []
    true_body = true_body or body
    for some, true in zip(params.split(rows_at_once), truth.split(rows_at_once), strict=True):
        ours, theirs = body.from_params(some), true_body.from_params(true)
        roots = ours.joints[:, :1], theirs.joints[:, :1]
        surface = mean_point_error(ours.vertices - roots[0], theirs.vertices - roots[1])
        joints = mean_point_error(ours.joints - roots[0], theirs.joints - roots[1])
        parts.append((surface, joints, reconstruction_error(ours.joints, theirs.joints)))
    return BodyErrors(*(1000 * torch.cat(column) for column in zip(*parts, strict=True)))


class ImageErrors(NamedTuple):
    """(B,) each: mean distance of projected joints from the seen keypoints, percent of the true body's height in the
    image; and the overlap of the body's silhouette with the true one, intersection over union."""

    reprojection_percent: Tensor
    mask_iou: Tensor


SILHOUETTE_PIXELS = 128  # side of the square around the true body in which silhouettes are compared
SILHOUETTE_SCALE = 1.4  # of the body's longer side


def image_errors(
    body: BodyModel, params: Tensor, truth: Tensor, observations: Observations, *, rows_at_once: int = 64
) -> ImageErrors:
    """Errors in the image of bodies (B, D) against the true ones (B, any)."""
    points = compiled_points(body)
    size = (SILHOUETTE_PIXELS, SILHOUETTE_PIXELS)
    parts = []
    for start in range(0, len(params), rows_at_once):
        rows = slice(start, start + rows_at_once)
        intrinsics = observations.intrinsics[rows]
        ours, theirs = (body.from_params(some[rows]).vertices for some in (params, truth))
        outline = project(theirs, intrinsics)
        low, high = outline.amin(1), outline.amax(1)
        seen = observations.confidence[rows] > 0
        apart = (project(points.points(params[rows]), intrinsics) - observations.keypoints[rows]).norm(dim=-1)
        mean = torch.where(seen, apart, 0).sum(1) / seen.sum(1).clamp_min(1)
        crop = Crop.around_box(torch.cat((low, high - low), 1), scale=SILHOUETTE_SCALE, out_size=size[0])
        cameras = crop.crop_intrinsics(intrinsics)
        mine, true = (silhouette(some, body.faces, cameras, size).mask > 0.5 for some in (ours, theirs))
        overlap = torch.from_numpy(intersection_over_union(mine.cpu().numpy(), true.cpu().numpy()))
        parts.append((100 * mean / (high - low).amax(1), overlap.to(mean)))
    return ImageErrors(*(torch.cat(column) for column in zip(*parts, strict=True)))


def view_of(params: Tensor) -> Tensor:
    """(B,) index into ``VIEWS``: where the chest of bodies (B, D) points, seen from the camera."""
    forward = axis_angle_to_matrix(Layout.of_size(params.shape[1]).split(params).global_orient)[:, :, 2]
    towards = -forward[:, 2]  # cosine of the angle between the chest's normal and the way to the camera
    return torch.where(towards > SIDE_COSINE, 0, torch.where(towards < -SIDE_COSINE, 2, 1))


def rarity_of(params: Tensor, known: Tensor) -> Tensor:
    """(B,) degrees, root mean square over joints, from each body pose (B, D) to the nearest of known poses (N, 72)."""
    poses = Layout.of_size(params.shape[1]).split(params).body_pose
    nearest = torch.cdist(poses, known[:, -NUM_BODY_POSE:].to(params)).amin(1)
    return torch.rad2deg(nearest / (NUM_JOINTS - 1) ** 0.5)
