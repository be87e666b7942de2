"""Whether a fit knows left from right only by the image: bodies fitted to mirrored keypoints, mirrored back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, mirror_pose
from ..body.joint_sets import mirror_permutation
from ..body.parameters import Layout
from ..observations.people import Observations
from .body_errors import BodyErrors, body_errors


def mirrored_observations(observations: Observations) -> Observations:
    """Observations of the mirrored image: x becomes width - x, left and right joints change places.

    The principal point and the skew are mirrored with the image, so the mirror image of a person at ``params`` stands
    at `mirrored_params` before this camera.
    """
    order = list(mirror_permutation(CANONICAL_JOINTS))
    confidence = observations.confidence[:, order]
    keypoints = observations.keypoints[:, order].clone()
    width = observations.image_size[:, 0].to(keypoints)
    keypoints[..., 0] = torch.where(confidence > 0, width[:, None] - keypoints[..., 0], keypoints[..., 0])
    intrinsics = observations.intrinsics.clone()
    intrinsics[:, 0, 1] = -intrinsics[:, 0, 1]
    intrinsics[:, 0, 2] = width - intrinsics[:, 0, 2]
    masks = tuple(None if mask is None else mask[:, ::-1].copy() for mask in observations.masks)
    return replace(
        observations,
        keypoints=keypoints,
        confidence=confidence,
        intrinsics=intrinsics,
        masks=masks,
        world=observations.world[:, order] * observations.world.new_tensor([-1.0, 1.0, 1.0]),
    )


def mirrored_params(params: Tensor) -> Tensor:
    """Parameters (B, D) of the mirror image: `mirror_pose`, the translation's x negated, betas kept."""
    layout = Layout.of_size(params.shape[-1])
    out = params.clone()
    out[:, layout.pose] = mirror_pose(params[:, layout.pose])
    out[:, layout.transl.start] *= -1
    return out


def mirror_errors(body: BodyModel, fit: Callable[[Observations], Tensor], observations: Observations) -> BodyErrors:
    """Distances between bodies fitted to the mirrored image, mirrored back, and those fitted to the image.

    Args:
        body: a body that is its own mirror image at betas of its own, as the open bodies are.
        fit: observations of B people to parameters (B, D).
        observations: B people.
    """
    return body_errors(body, mirrored_params(fit(mirrored_observations(observations))), fit(observations))


def turned_round(params: Tensor, truth: Tensor) -> Tensor:
    """(B,) bool: the chest of bodies (B, D) points more than 90 degrees away from where the true one does."""
    ours, true = (axis_angle_to_matrix(some[:, :3])[:, :, 2] for some in (params, truth))
    return (ours * true).sum(-1) < 0
