"""What the priors are trained to make small; each loss is a mean over the batch.

Sources: Pavlakos et al. 2018, sections 4.2 and 4.3: parameters in axis-angle or as matrices, per-vertex, joints,
reprojection of keypoints and silhouettes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .representations import matrix_to_6d
from .translation import place


def axis_angle_loss(raw: Tensor, pose: Tensor) -> Tensor:
    """Squared error of axis-angle numbers (B, 24, 3): the paper's baseline, blind to the jump at half a turn."""
    return (raw - pose).square().sum((-2, -1)).mean()


def matrix_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared Frobenius distance of rotations (B, J, 3, 3)."""
    return (predicted - target).square().sum((-2, -1)).mean()


def six_d_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance of the first two columns of rotations (B, J, 3, 3)."""
    return (matrix_to_6d(predicted) - matrix_to_6d(target)).square().sum(-1).mean()


def squared_point_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared distance of points (B, N, 3), square metres: the paper's per-vertex and joint losses."""
    return (predicted - target).square().sum(-1).mean()


def point_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean distance of points (B, N, 3), metres. Ambiguous poses pull less than under squares."""
    return ((predicted - target).square().sum(-1) + 1e-8).sqrt().mean()


def betas_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of betas (B, S)."""
    return (predicted - target).square().mean()


def keypoint_reprojection_loss(points: Tensor, keypoints: Tensor, confidence: Tensor, intrinsics: Tensor) -> Tensor:
    """Squared distance of projected points and keypoints, in sizes of the person, the body placed in closed form.

    Args:
        points: (B, K, 3) metres, turned as in the camera, at any place.
        keypoints, confidence, intrinsics: as for `translation.place`; gradients reach ``points`` only.
    """
    translation = place(points, keypoints, confidence, intrinsics).translation
    moved = points + translation[:, None]
    depth = moved[..., 2:].clamp_min(1e-2)
    pixels = (moved / depth) @ intrinsics.mT
    seen = (confidence > 0)[..., None]
    count = seen.sum((1, 2)).clamp_min(1)[:, None]
    middle = (keypoints * seen).sum(1) / count
    size = ((keypoints - middle[:, None]).square() * seen).sum((1, 2)) / count[:, 0]
    error = ((pixels[..., :2] - keypoints).square() * confidence[..., None] * seen).sum((1, 2)) / count[:, 0]
    return (error / size.clamp_min(1e-6)).mean()


def silhouette_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of cover (B, H, W): with `rendering.silhouette`, gradients reach the body."""
    return (predicted - target).square().mean()


def pose_angles_deg(predicted: Tensor, target: Tensor) -> Tensor:
    """(B, J) degrees between rotations (B, J, 3, 3). Source: trace R = 1 + 2 cos t."""
    trace = (predicted * target).sum((-2, -1))
    return torch.rad2deg(torch.acos(((trace - 1) / 2).clamp(-1, 1)))
