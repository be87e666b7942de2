"""Bodies fitted to the joints that views agree about, and what they tell of exchanged sides."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.kinematics import compiled_points
from ..fitting import FitResult, GaussianMixture
from ..fitting.point_fit import PointSolution, fit_positions
from ..fitting.terms.keypoints import default_joint_weights
from ..points.fitting import looks_exchanged, strain
from .agreement import ViewAgreement, mirror_places
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


def settled_pairs(found: ViewAgreement, body: BodyModel, pose_prior: GaussianMixture) -> ViewAgreement:
    """Which of two views has its sides exchanged: the body that fits the joints better says it.

    Where two views alone saw a person, exchanging either makes them agree, about a person or about its mirror image.

    Args:
        found: what the views say, in metres.
        body, pose_prior: what a person is like.
    """
    rows = torch.nonzero(found.usable & found.exchanged.any(1) & (found.seen.sum(1) == 2))[:, 0]
    if not len(rows):
        return found
    mirror = mirror_places()
    ways = [(found.points, found.confidence), (found.points[:, mirror], found.confidence[:, mirror])]
    costs = []
    for points, confidence in ways:
        _, local, sure = about_their_middle(body, points[rows], confidence[rows])
        fitted = fit_positions(body, pose_prior, CANONICAL_JOINTS, local, sure, START)
        costs.append(strain(body, pose_prior, fitted).cpu())
    turned = torch.zeros_like(found.usable)
    turned[rows] = costs[1] < costs[0]
    return replace(
        found,
        points=torch.where(turned[:, None, None], ways[1][0], ways[0][0]),
        confidence=torch.where(turned[:, None], ways[1][1], ways[0][1]),
        exchanged=torch.where(turned[:, None], found.seen & ~found.exchanged, found.exchanged),
    )
