"""More than one frame of a person: betas shared by a group of rows, poses that change smoothly along a video.

Rows are solved apart, so what couples them goes round by turns: each row is fitted anew with what the others say held
fixed. Both start from a finished fit.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..observations.people import Observations
from ..observations.person_size import person_size
from .camera_stage import STATURE
from .config import FitConfig
from .diagnostics import diagnose, mean_error
from .energy import BETAS, BODY_POSE, GLOBAL_ORIENT, NUM_PARAMS, TRANSL, Energy, Term
from .pose_prior import GaussianMixture
from .results import FitResult
from .schedules import keypoint_term, run_stage, sanitised, stage_terms
from .terms import AnchorTerm

_LOST = 0.08  # of the person's size: a frame whose joints lie so far from its keypoints on average draws no other
_QUADRATIC = 1e4  # radians or metres: a kernel so wide is plain least squares


def share_betas(
    body: BodyModel,
    observations: Observations,
    prior: GaussianMixture,
    result: FitResult,
    persons: Sequence[Hashable],
    config: FitConfig | None = None,
) -> FitResult:
    """One shape for all rows of a person: pooled by what each row knows of it, then the poses are fitted to it.

    Each row's energy around its fit is (b - b_i)^T S_i (b - b_i) in its betas, S_i the Schur complement of its normal
    equations after everything else has been let go; the pooled betas minimise the sum, with the shape prior once.

    Args:
        body, observations, prior, config: as fitted.
        result: of `smplify` or `anchored`, rows as in the observations.
        persons: B labels; rows of one label are one person. Rows that the fit does not trust have no say.
    Raises:
        ValueError: not as many labels as rows.
    """
    config = config or FitConfig()
    if len(persons) != len(result):
        raise ValueError(f"persons: expected {len(result)} labels, got {len(persons)}")
    with torch.no_grad():
        clean, params, _ = sanitised(observations.to(body.device, body.dtype), result.params)
        terms = _last_terms(body, clean, prior, params, config)
        information = _shape_information(body, terms, params)
        pooled = params.clone()
        prior_weight = config.stages[-1].shape_weight ** 2
        for label in dict.fromkeys(persons):
            members = [row for row, one in enumerate(persons) if one == label]
            sure = [row for row in members if bool(result.trusted[row])] or members
            known = information[sure].double()
            eye = torch.eye(known.shape[-1], dtype=known.dtype, device=known.device)
            right = (known @ params[sure][:, BETAS, None].double()).sum(0)
            total = known.sum(0) - (len(sure) - 1) * prior_weight * eye
            # The Gauss-Newton model may know a little less than the prior says once; never less than the prior.
            values, vectors = torch.linalg.eigh(total)
            betas = vectors @ ((vectors.mT @ right) / values.clamp(min=prior_weight)[:, None])
            pooled[members] = pooled[members].index_copy(
                1,
                torch.arange(BETAS.start, BETAS.stop, device=params.device),
                betas[:, 0].to(params).expand(len(members), -1),
            )
        return _finish(body, clean, prior, result, terms, pooled, config, hold_betas=True)


def smooth(
    body: BodyModel,
    observations: Observations,
    prior: GaussianMixture,
    result: FitResult,
    videos: Sequence[Hashable],
    config: FitConfig | None = None,
    *,
    hold_betas: bool = False,
    pose_weight: float = 40.0,
    transl_weight: float = 200.0,
    sweeps: int = 8,
) -> FitResult:
    """Poses and places of neighbouring frames are drawn together.

    Adds w^2 |x_t - (x_(t-1) + x_(t+1)) / 2|^2 over body pose and translation, the neighbours held fixed in each sweep.
    A frame whose fit lies off its keypoints (somebody who is leaving the picture, say) draws no other: it begins anew
    between the nearest frames that are not so, and these see past it.

    Args:
        body, observations, prior, config: as fitted.
        result: rows in the order of time.
        videos: B labels; only neighbouring rows of one label are drawn together.
        hold_betas: whether shapes stay as they are: those that `share_betas` has pooled.
        pose_weight: for a radian. transl_weight: for a metre; both in reference pixels.
        sweeps: times that all frames are fitted to their neighbours.
    Raises:
        ValueError: not as many labels as rows.
    """
    config = config or FitConfig()
    if len(videos) != len(result):
        raise ValueError(f"videos: expected {len(result)} labels, got {len(videos)}")
    with torch.no_grad():
        clean, params, _ = sanitised(observations.to(body.device, body.dtype), result.params)
        size = person_size(body, clean.keypoints, clean.confidence)
        lost = mean_error(result.reprojection.to(params), size) > _LOST
        near = _neighbours(videos, lost)
        params = torch.where(lost[:, None], near.resumed(params), params)
        alone = (near.before == near.after) & (near.before == torch.arange(len(params), device=params.device))
        weight = torch.where(alone, 0.0, 1.0).to(params)
        base = _last_terms(body, clean, prior, params, config)
        for sweep in range(sweeps):
            between = near.between(params)
            pull = [
                AnchorTerm(between, BODY_POSE, pose_weight * weight, sigma=_QUADRATIC, name="smoothness"),
                AnchorTerm(between, TRANSL, transl_weight * weight, sigma=_QUADRATIC, name="smoothness"),
            ]
            if sweep + 1 < sweeps:
                rows = torch.arange(len(params), device=params.device)
                stage = config.stages[-1]
                params = run_stage(body, [*base, *pull], params, rows, stage, config, hold_betas=hold_betas).params
        return _finish(body, clean, prior, result, [*base, *pull], params, config, hold_betas=hold_betas)


class _Neighbours(NamedTuple):
    """Rows before and after each row (B,), and how far on the way from the one to the other it is (B,)."""

    before: Tensor
    after: Tensor
    share: Tensor

    def between(self, params: Tensor) -> Tensor:
        """(B, 85) on the straight way from the row before to the row after."""
        return torch.lerp(params[self.before], params[self.after], self.share.to(params)[:, None])

    def resumed(self, params: Tensor) -> Tensor:
        """The same with the nearer one's orientation: turns about half a circle have no straight way between them."""
        nearer = torch.where(self.share < 0.5, self.before, self.after)
        start = self.between(params)
        start[:, GLOBAL_ORIENT] = params[nearer][:, GLOBAL_ORIENT]
        return start


def _neighbours(videos: Sequence[Hashable], lost: Tensor) -> _Neighbours:
    """Of each row in its video, the nearest that are not lost; at an end the one neighbour counts twice."""
    before, after, share = [], [], []
    is_lost = lost.tolist()
    for _, video in groupby(range(len(videos)), key=lambda row: videos[row]):
        rows = list(video)
        sure = [row for row in rows if not is_lost[row]] or rows
        for row in rows:
            place, beyond = bisect_left(sure, row), bisect_right(sure, row)
            earlier, later = sure[max(0, place - 1) : place], sure[beyond : beyond + 1]
            first, last = (earlier or later or [row])[0], (later or earlier or [row])[0]
            before.append(first)
            after.append(last)
            share.append(0.5 if first == last else (row - first) / (last - first))
    device = lost.device
    return _Neighbours(*(torch.tensor(values, device=device) for values in (before, after, share)))


def _last_terms(
    body: BodyModel, observations: Observations, prior: GaussianMixture, params: Tensor, config: FitConfig
) -> list[Term]:
    focal = observations.intrinsics[:, [0, 1], [0, 1]].mean(-1)
    depth = params[:, TRANSL.stop - 1].clamp(min=0.1)
    height = config.reference_height
    zoom = torch.ones_like(depth) if height is None else height * depth / (STATURE * focal)
    names = tuple(name for name in CANONICAL_JOINTS if config.joint_weights.get(name, 0.0) > 0)
    data = keypoint_term(observations, names, zoom, config)
    return stage_terms(config.stages[-1], prior.to(body.device, body.dtype), data, params, params, config)


def _shape_information(body: BodyModel, terms: Sequence[Term], params: Tensor) -> Tensor:
    """(B, S, S) what each row's energy says of betas, all other unknowns let go."""
    hessian = Energy(body, terms).normal_equations(params, torch.arange(len(params), device=params.device)).hessian
    shape = torch.arange(BETAS.start, BETAS.stop, device=params.device)
    is_shape = torch.zeros(NUM_PARAMS, dtype=torch.bool, device=params.device)
    is_shape[shape] = True
    rest = torch.nonzero(~is_shape)[:, 0]
    hessian = hessian.double()
    cross = hessian[:, rest][:, :, shape]
    inner = hessian[:, rest][:, :, rest]
    torch.diagonal(inner, dim1=-2, dim2=-1).add_(1e-6)
    return hessian[:, shape][:, :, shape] - cross.mT @ torch.linalg.solve(inner, cross)


def _finish(
    body: BodyModel,
    observations: Observations,
    prior: GaussianMixture,
    result: FitResult,
    terms: Sequence[Term],
    params: Tensor,
    config: FitConfig,
    *,
    hold_betas: bool,
) -> FitResult:
    rows = torch.arange(len(params), device=params.device)
    solution = run_stage(body, terms, params, rows, config.stages[-1], config, hold_betas=hold_betas)
    whole = torch.isfinite(result.params).all(-1) & (observations.confidence > 0).any(-1)
    found = diagnose(
        body,
        observations,
        Energy(body, terms),
        prior.to(body.device, body.dtype),
        solution.params,
        steps=result.steps + solution.steps,
        converged=solution.converged,
        whole=whole,
        limits=config.limits,
    )
    # What was wrong with a row before stays wrong with it.
    trusted, score = found.trusted & result.trusted, torch.minimum(found.score, result.score)
    reasons = tuple(new or old for new, old in zip(found.reasons, result.reasons, strict=True))
    return replace(found, score=score, trusted=trusted, reasons=reasons)
