"""Scaled orthography: what the methods that lift 2D joints to 3D share.

Keypoints are taken as `regressors.normalisation` makes them: seen by a camera turned towards the person, centred, of
unit size. Each keypoint has a weight, its confidence; what was not seen weighs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, SMPL_PARENTS, BodyModel, PointSet, compile_points
from anchorfit.evaluation.answers import Answer
from anchorfit.observations.conventions import SMPL24
from anchorfit.observations.people import Observations
from anchorfit.regressors.normalisation import normalise
from anchorfit.regressors.pose_prior import PosePrior

SURFACE_POINTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "neck", "head_top")
SKELETON: tuple[str, ...] = (*(f"joint:{name}" for name in SMPL_JOINTS), *SURFACE_POINTS)
"""P points that a pose consists of here: SMPL's 24 joints, and the points of the head that COCO and LSP add to them.
Keypoints that are none of them are not looked at."""

BONES: tuple[tuple[int, int], ...] = (
    *((parent, child) for child, parent in enumerate(SMPL_PARENTS) if parent >= 0),
    *((SMPL_JOINTS.index("head"), row) for row in range(len(SMPL_JOINTS), len(SKELETON))),
)
"""(from, to) rows of ``SKELETON``: the bones of SMPL, and from the head's joint to each point of the head."""

CAMERA_ROUNDS = 10
ROWS_AT_ONCE = 256  # people: what is made for each of them is as large as the whole basis


class ImagePoints(NamedTuple):
    """points: (B, P, 2) in sizes of the person, 0 where not seen; weights: (B, P); view: (B, 3, 3) rotation of the
    turned camera, x_turned = view @ x_cam; size: (B,) of the person, as the tangent of an angle."""

    points: Tensor
    weights: Tensor
    view: Tensor
    size: Tensor


class Camera(NamedTuple):
    """scale: (B,) image units a metre; rotation: (B, 3, 3)."""

    scale: Tensor
    rotation: Tensor


class Lifted(NamedTuple):
    """shape: (B, P, 3) metres, in the basis's frame; camera: that sees it."""

    shape: Tensor
    camera: Camera

    def turned(self) -> Tensor:
        """(B, P, 3) as the camera sees it."""
        return self.shape @ self.camera.rotation.mT


@lru_cache(maxsize=4)
def skeleton_points(body: BodyModel) -> PointSet:
    """The points of ``SKELETON`` of a body."""
    return compile_points(body, SKELETON)


def image_points(observations: Observations) -> ImagePoints:
    """Keypoints of ``SKELETON``. Rows whose keypoints cannot be used have no weights."""
    inputs = normalise(observations.keypoints, observations.confidence, observations.intrinsics)
    positions, confidence, size = PosePrior.split(inputs.features)
    names = (*SMPL24, *SURFACE_POINTS)
    known = [row for row, name in enumerate(names) if name is not None]
    source = [CANONICAL_JOINTS.index(name) for name in names if name is not None]
    points = positions.new_zeros(len(positions), len(SKELETON), 2)
    weights = positions.new_zeros(len(positions), len(SKELETON))
    points[:, known], weights[:, known] = positions[:, source], confidence[:, source]
    return ImagePoints(points, weights, inputs.view, size)


def reduced(points: Tensor, weights: Tensor) -> Tensor:
    """Points (B, ..., P, D) about their weighted mean, times the square roots of weights (B, P).

    Sums of squares over what comes out are weighted sums of squares with the best translation taken out.
    """
    shape = (len(points), *(1,) * (points.ndim - 3), points.shape[-2], 1)
    weight = weights.reshape(shape)
    mean = (points * weight).sum(-2, keepdim=True) / weight.sum(-2, keepdim=True).clamp_min(1e-9)
    return (points - mean) * weight.sqrt()


def find_camera(shape: Tensor, image: Tensor, *, start: Camera | None = None) -> Camera:
    """Scale and rotation of least squares, min |image - s (R shape)_xy|^2, of points made by `reduced`.

    From the best affine camera, made orthonormal (or from ``start``); then, in turns, the unseen depths s (R shape)_z
    and the similarity that takes the shape to image and depths (Umeyama 1991). Each turn lowers the error.

    Args:
        shape: (B, P, 3).
        image: (B, P, 2).
    """
    if start is None:
        gram = shape.mT @ shape
        size = torch.diagonal(gram, dim1=-2, dim2=-1).mean(-1).clamp_min(1e-9)
        ridge = 1e-4 * size[:, None, None] * torch.eye(3, dtype=shape.dtype, device=shape.device)
        affine = torch.linalg.solve(gram + ridge, shape.mT @ image).mT  # (B, 2, 3)
        u, singular, vt = torch.linalg.svd(affine, full_matrices=False)
        start = Camera(singular.mean(-1), with_third_row(u @ vt))
    scale, rotation = start
    spread = shape.square().sum((-2, -1)).clamp_min(1e-9)
    for _ in range(CAMERA_ROUNDS):
        depth = scale[:, None, None] * (shape @ rotation.mT)[..., 2:]
        u, singular, vt = torch.linalg.svd(torch.cat((image, depth), -1).mT @ shape)
        sign = torch.ones_like(singular)
        sign[:, 2] = torch.where(torch.linalg.det(u @ vt) < 0, -1.0, 1.0)
        rotation = (u * sign[:, None]) @ vt
        scale = (singular * sign).sum(-1) / spread
    return Camera(scale, rotation)


def with_third_row(rows: Tensor) -> Tensor:
    """Rotations (..., 3, 3) of their first two rows (..., 2, 3)."""
    return torch.cat((rows, torch.linalg.cross(rows[..., :1, :], rows[..., 1:, :])), -2)


def bone_lengths(points: Tensor) -> Tensor:
    """(..., 30) lengths of ``BONES`` of (..., P, 3)."""
    first, second = (list(ends) for ends in zip(*BONES, strict=True))
    return (points[..., first, :] - points[..., second, :]).norm(dim=-1)


def placed(turned: Tensor, image: ImagePoints, total_length: float) -> Tensor:
    """Shapes turned as the turned camera sees them, in metres in front of the camera: (B, P, 3).

    Args:
        turned: (B, P, 3) of any size.
        image: where they were seen.
        total_length: metres, of all bones of the person that they are taken to be.
    """
    turned = turned * (total_length / bone_lengths(turned).sum(-1).clamp_min(1e-6))[:, None, None]
    flat = reduced(turned[..., :2], image.weights)
    scale = (flat * reduced(image.points, image.weights)).sum((1, 2)) / flat.square().sum((1, 2)).clamp_min(1e-9)
    depth = 1.0 / (scale.clamp_min(1e-2) * image.size)
    weight = image.weights[..., None]
    mean = (turned * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp_min(1e-9)
    forward = torch.stack((torch.zeros_like(depth), torch.zeros_like(depth), depth), -1)
    return (turned - mean + forward[:, None]) @ image.view  # rows times V are V^T applied


def lifted(
    turn: Callable[[ImagePoints], Tensor], observations: Observations, body: BodyModel, total_length: float
) -> Answer:
    """3D joints of people, some at a time, in float64.

    Args:
        turn: gives shapes (B, P, 3) of any size, turned as the turned camera sees them.
        observations: of all people.
        body: for the type and device of the result.
        total_length: metres; see `placed`.
    """
    with torch.no_grad():
        image = image_points(observations.to(dtype=torch.float64))
        parts = [
            placed(turn(some), some, total_length)[:, :24]
            for some in map(ImagePoints._make, zip(*(value.split(ROWS_AT_ONCE) for value in image), strict=True))
        ]
        return Answer(None, torch.cat(parts).to(body.v_template))
