"""Joints that views agree about, as bodies are fitted to them, and what those tell of exchanged sides."""

from __future__ import annotations

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.kinematics import compiled_points
from ..fitting import FitResult, GaussianMixture
from ..fitting.point_fit import PointSolution
from ..fitting.terms.keypoints import default_joint_weights
from ..points.exchanges import looks_exchanged
from .config import START


def about_their_middle(body: BodyModel, places: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The middle (R, 3) of each row's joints (R, K, 3), the joints about it, and how much they count; body's type."""
    base = default_joint_weights()
    sure = confidence * confidence.new_tensor([base.get(name, 0.0) for name in CANONICAL_JOINTS])
    middle = places.masked_fill((sure <= 0)[..., None], torch.nan).nanmedian(1).values.nan_to_num()
    local = torch.where((sure > 0)[..., None], places - middle[:, None], 0.0)
    found = tuple(part.to(body.device, body.dtype) for part in (middle, local, sure))
    return found[0], found[1], found[2]


def mirror_image_fits_better(
    body: BodyModel, pose_prior: GaussianMixture, places: Tensor, confidence: Tensor, result: FitResult
) -> Tensor:
    """(R,) bool: a body fits the joints (R, K, 3) badly, and much better with left and right exchanged.

    Args:
        result: of the fit, in the frame of the joints.
    """
    middle, local, sure = about_their_middle(body, places, confidence)
    params = result.params.to(middle).clone()
    params[:, body.layout.transl] -= middle
    away = compiled_points(body, CANONICAL_JOINTS).points(params) - local
    found = PointSolution(
        params=params,
        noise=torch.zeros_like(params[:, 0]),
        steps=result.steps,
        status=result.status,
        distances=away.norm(dim=-1).masked_fill(sure <= 0, torch.nan),
    )
    return looks_exchanged(body, pose_prior, CANONICAL_JOINTS, local, sure, found, START).cpu()
