"""Losses of the networks; each is a mean over the batch.

Sources: Pavlakos et al. 2018, sections 4.2 and 4.3: parameters in axis-angle or as matrices, per-vertex, joints,
reprojection of keypoints and silhouettes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..body.similarity import fit_similarity
from ..camera import project
from .human2d import Human2DOutput
from .representations import matrix_to_6d
from .translation import translate_to_keypoints

HEATMAP_WEIGHT = 100.0
JOINTS_WEIGHT = 10.0


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


def aligned_point_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean distance of points (B, N, 3) after the best similarity transform, metres: the reconstruction error.

    The transform is held while gradients pass, but for its centre.
    """
    align = fit_similarity(predicted.detach(), target)
    centre = predicted.mean(1, keepdim=True)
    return point_loss(align(predicted - centre + centre.detach()), target)


def betas_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of betas (B, S)."""
    return (predicted - target).square().mean()


def keypoint_reprojection_loss(points: Tensor, keypoints: Tensor, confidence: Tensor, intrinsics: Tensor) -> Tensor:
    """Squared distance of projected points and keypoints, in sizes of the person, the body placed in closed form.

    Args:
        points: (B, K, 3) metres, turned as in the camera, at any place.
        keypoints, confidence, intrinsics: as for `translation.translate_to_keypoints`; gradients reach ``points`` only.
    """
    translation = translate_to_keypoints(points, keypoints, confidence, intrinsics).translation
    pixels = project(points + translation[:, None], intrinsics, nearest=1e-2)
    seen = (confidence > 0)[..., None]
    count = seen.sum((1, 2)).clamp_min(1)[:, None]
    middle = (keypoints * seen).sum(1) / count
    size = ((keypoints - middle[:, None]).square() * seen).sum((1, 2)) / count[:, 0]
    error = ((pixels - keypoints).square() * confidence[..., None] * seen).sum((1, 2)) / count[:, 0]
    return (error / size.clamp_min(1e-6)).mean()


def projection_loss(joints: Tensor, annotated: Tensor, known: Tensor, cover: Tensor, body: Tensor) -> Tensor:
    """(B,) L_Pi = 10 sum |W^ - W|^2 + |S^ - S|^2, joints in sides of the picture, silhouettes in its area.

    So the size of the picture does not matter; in pixels of 64 x 64 it is the paper's sum over 64^2.

    Args:
        joints, annotated: (B, J, 2) projected and marked joints, sides of the picture; known: (B, J) bool, what is
            marked.
        cover, body: (B, H, W) drawn and marked silhouettes, 0..1; give the drawn one for both where none is marked.
    Source: Pavlakos et al. 2018, section 4.3.
    """
    apart = torch.where(known, (joints - annotated).square().sum(-1), 0).sum(1)
    return JOINTS_WEIGHT * apart + (cover - body).square().mean((1, 2))


def human2d_loss(
    outputs: Sequence[Human2DOutput], heatmaps: Tensor, known: Tensor, body: Tensor, has_body: Tensor
) -> Tensor:
    """Heatmaps and silhouettes of all stacks: 100 MSE + binary cross entropy, each stack's added up.

    Args:
        outputs: of J joints.
        heatmaps: (B, J, 64, 64) true ones; known: (B, J) bool, the joints of which something is known.
        body: (B, 64, 64) the share of each pixel that the person covers; has_body: (B,) bool, where that is known.
    Source: Pavlakos et al. 2018, section 4.1.
    """
    weight, outlined = known.to(heatmaps), has_body.to(body)
    truth = torch.stack((1 - body, body), 1)
    total = heatmaps.new_zeros(())
    for output in outputs:
        squares = (output.heatmaps - heatmaps).square().mean((-2, -1))
        entropy = functional.binary_cross_entropy_with_logits(output.silhouette, truth, reduction="none").mean(
            (1, 2, 3)
        )
        total = total + HEATMAP_WEIGHT * (squares * weight).sum() / weight.sum().clamp_min(1)
        total = total + (entropy * outlined).sum() / outlined.sum().clamp_min(1)
    return total


def pose_angles_deg(predicted: Tensor, target: Tensor) -> Tensor:
    """(B, J) degrees between rotations (B, J, 3, 3). Source: trace R = 1 + 2 cos t."""
    trace = (predicted * target).sum((-2, -1))
    return torch.rad2deg(torch.acos(((trace - 1) / 2).clamp(-1, 1)))
