"""How sure fits to points in space are of their joints: the posterior of a noise that the residuals tell.

What a fit leaves of the noise is less than the noise, since as many unknowns as the points settle follow it. With H the
energy's curvature and H_p the points' share, tr(H^-1 H_p) unknowns of n coordinates were settled by the points, and
s^2 = n r^2 / (n - tr) of their mean squared residual r^2; s changes H, so this is gone through a few times. Where few
coordinates are free, their residuals may be small by chance: s^2 is widened by what held 90 % of the joints of people
from the prior's own library in 90 % regions (`_UNSURE`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.kinematics import compiled_points
from .covariance import JointCovariance, Trimming, in_space
from .energy import Energy
from .point_fit import PointConfig, PointSolution
from .pose_prior import GaussianMixture
from .terms.known_size import KnownSize
from .terms.mixture import MixtureTerm
from .terms.points import PointTerm
from .terms.shape import ShapeTerm

BY = Trimming(across=1.0, along=1.0, evidence=0.25)
"""Factors, and the share of the pose prior's curvature that counts: people do what recorded people have not.
Chosen on poses kept aside; ``benchmarks/bench_points.py --regions`` judges them on others."""

_ROUNDS = 3
_LEAST_FREE = 0.15  # of the coordinates: so many are free of the fit at least
_CHUNK_ROWS = 64
_UNSURE = (3.0, 200.0)  # what a squared noise told by f free coordinates is taken too large by, over f and f^2
_MEDIAN = 2.366  # of chi squared with 3 degrees,
_REACH = 4.0  # times it: larger squares count as so much, since they may be outliers,
_MEAN = 2.949  # and the mean of chi squared then


def point_covariance(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: Sequence[str],
    positions: Tensor,
    confidence: Tensor,
    found: PointSolution,
    config: PointConfig = PointConfig(),
    *,
    sizes: KnownSize | None = None,
    labels: Sequence[str] = (),
    by: Trimming = BY,
) -> JointCovariance:
    """Covariances of the joints of fitted bodies; arguments as for `fit_positions`, of which ``found`` is."""
    labels = tuple(labels) or ("",) * len(positions)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(positions), _CHUNK_ROWS):
            some = slice(start, start + _CHUNK_ROWS)
            known = sizes and sizes.term(body, labels[some], found.params[some], weight=config.shape_weight)
            prior = [
                MixtureTerm(pose_prior, config.pose_weight * by.evidence**0.5, temperature=config.mixture_temperature),
                ShapeTerm(config.shape_weight),
                *([known] if known else []),
            ]
            own, rows = found.params[some], torch.arange(len(found.params[some]), device=positions.device)
            held = Energy(body, prior).normal_equations(own, rows).hessian
            at, weights = positions[some], confidence[some].clamp(0, 1).sqrt()
            curvature = _curvature(body, names, at, weights, own, config)
            noise = found.noise[some] if config.noise is None else own.new_full((len(own),), config.noise)
            if config.noise is None:
                noise = _noise(body, names, at, weights, own, held, curvature, noise).clamp_min(config.least_noise)
            hessian = held + curvature / noise.square()[:, None, None]
            parts.append(in_space(body, own, hessian, by=by))
    return JointCovariance(*(torch.cat(values) for values in zip(*parts, strict=True)))


def _curvature(
    body: BodyModel, names: Sequence[str], positions: Tensor, weights: Tensor, params: Tensor, config: PointConfig
) -> Tensor:
    """(B, D, D) of the points alone, for a noise of a metre."""
    energy = Energy(body, [PointTerm(names, positions, weights, sigma=config.reach)], rigid=True)
    return energy.normal_equations(params, torch.arange(len(params), device=params.device)).hessian


def _noise(
    body: BodyModel,
    names: Sequence[str],
    positions: Tensor,
    weights: Tensor,
    params: Tensor,
    held: Tensor,
    curvature: Tensor,
    noise: Tensor,
) -> Tensor:
    """(B,) metres, standard deviation of a coordinate, freed of what the fit took of it."""
    away = weights * (compiled_points(body, tuple(names)).points(params) - positions).norm(dim=-1)
    squared = away.square().masked_fill(weights <= 0, torch.nan)
    most = _REACH * squared.nanmedian(1, keepdim=True).values
    typical = torch.minimum(squared, most).nanmean(1).div(_MEAN).nan_to_num(0.0)
    count = 3.0 * (weights > 0).sum(1).clamp_min(1)
    for _ in range(_ROUNDS):
        points = curvature / noise.square()[:, None, None]
        whole = held + points
        torch.diagonal(whole, dim1=-2, dim2=-1).add_(1e-3)
        root, _ = torch.linalg.cholesky_ex(whole)
        settled = torch.diagonal(torch.cholesky_solve(points, root), dim1=-2, dim2=-1).sum(-1)
        free = (1.0 - settled / count).clamp_min(_LEAST_FREE)
        unsure = 1.0 + _UNSURE[0] / (free * count) + _UNSURE[1] / (free * count).square()
        noise = (unsure * typical / free).sqrt().clamp(1e-4, 0.2)
    return noise
