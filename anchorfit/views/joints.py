"""Bodies fitted to the joints that views agree about, and what they tell of exchanged sides."""

from __future__ import annotations

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.kinematics import compiled_points
from ..fitting import FitResult, GaussianMixture
from ..fitting.point_fit import PointSolution, fit_positions
from ..fitting.terms.keypoints import default_joint_weights
from ..points import trust
from ..points.exchanges import looks_exchanged, strain
from .agreement import RigSight, ViewAgreement, agree_with
from .config import START

SURER = 0.6
"""Share of its strain that a body must have with the sides of one of two views exchanged, where the views agree as they
are: of 256 pairs of a detector's views without exchanges none may be taken for one."""


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


def settled_pairs(found: ViewAgreement, sight: RigSight, body: BodyModel, pose_prior: GaussianMixture) -> ViewAgreement:
    """Which of two views has its sides exchanged: the body that fits the joints best says it.

    Where two views alone saw a person, exchanging either makes them agree about a person or its mirror image; and where
    cameras stand at one height, a view with exchanged sides does not contradict the other at all.

    Args:
        found: what the views say. sight: what they saw, both in metres.
        body, pose_prior: what a person is like.
    """
    pairs = torch.nonzero(found.usable & (found.seen.sum(1) == 2))[:, 0]
    if not len(pairs):
        return found
    now = _strains(found.rows(pairs), body, pose_prior)
    doubtful = (now > trust.DOUBTFUL) | found.exchanged[pairs].any(1)
    rows, now = pairs[doubtful], now[doubtful]
    if not len(rows):
        return found
    some, held = sight.rows(rows), found.rows(rows)
    order = held.seen.int().argsort(dim=1, descending=True, stable=True)  # the two views that saw the person come first
    ways = [held]
    for pattern in ((False, False), (True, False), (False, True)):
        flags = torch.zeros_like(held.exchanged)
        for place, flag in enumerate(pattern):
            flags[torch.arange(len(rows)), order[:, place]] = flag
        ways.append(agree_with(some, flags))
    costs = torch.stack([now, *(_strains(way, body, pose_prior) for way in ways[1:])])  # (4, R)
    costs = torch.where(torch.stack([way.usable for way in ways]), costs, torch.inf)
    best = costs.argmin(0)
    sure = costs.amin(0) < torch.where(held.exchanged.any(1), 1.0, SURER) * now
    chosen = torch.where(sure, best, 0)
    picked = ViewAgreement.concatenate(ways).rows(chosen * len(rows) + torch.arange(len(rows)))
    index = torch.arange(len(found))
    index[rows] = len(found) + torch.arange(len(rows))
    return ViewAgreement.concatenate([found, picked]).rows(index)


def _strains(found: ViewAgreement, body: BodyModel, pose_prior: GaussianMixture) -> Tensor:
    """(R,) of bodies fitted to the joints that views agree about."""
    _, local, sure = about_their_middle(body, found.points, found.confidence)
    return strain(body, pose_prior, fit_positions(body, pose_prior, CANONICAL_JOINTS, local, sure, START)).cpu()
