"""One person's score: pixels against annotations, bodies and joints against the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..body import SMPL_JOINTS, BodyModel
from .body_errors import body_errors
from .metrics.pose import named_point_error, reconstruction_error
from .metrics.segmentation import SegmentationCounts


def empty_like(mask: np.ndarray) -> np.ndarray:
    """Labels of a missing prediction: background everywhere."""
    return np.zeros(mask.shape, dtype=np.uint8)


def segmentation_counts(labels: np.ndarray, mask: np.ndarray, parts: np.ndarray) -> tuple[int, ...]:
    """A record's counts of one image (see `SegmentationCounts.of`)."""
    return tuple(SegmentationCounts.of(labels, mask, parts).vectors().tolist())


def errors_of(
    body: BodyModel, params: Tensor | None, joints_cam: Tensor, truth: Tensor, true_body: BodyModel | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Per-vertex, joint and reconstruction errors, millimetres, (B,) each; NaN where they cannot be had.

    Args:
        params: (B, D), or None for methods that give joints alone: their per-vertex errors are NaN.
        joints_cam: (B, 24, 3) metres.
        truth: (B, any).
        true_body: that the truth is of; None: the same.
    """
    true_body = true_body or body
    if params is not None:
        finite = torch.isfinite(params).all(1)
        errors = body_errors(body, torch.where(finite[:, None], params, 0.0).to(truth), truth, true_body=true_body)
        surface, joints, reconstruction = (torch.where(finite, error, torch.nan) for error in errors)
        return surface, joints, reconstruction
    true_joints = true_body.from_params(truth).joints
    return torch.full((len(truth),), torch.nan), *joint_errors(joints_cam.to(true_joints), true_joints)


def joint_errors(
    joints: Tensor, truth: Tensor, names: Sequence[str] = SMPL_JOINTS, subset: Sequence[str] | None = None
) -> tuple[Tensor, Tensor]:
    """MPJPE with the pelvis laid together, and reconstruction error, millimetres, (B,) each.

    Args:
        joints, truth: (B, J, 3) metres; the first is the pelvis.
        names: of the J joints.
        subset: which to judge; None: all.
    """
    chosen = [names.index(name) for name in subset or names]
    rooted = named_point_error(joints - joints[:, :1], truth - truth[:, :1], names, subset)
    return 1000 * rooted, 1000 * reconstruction_error(joints[:, chosen], truth[:, chosen])
