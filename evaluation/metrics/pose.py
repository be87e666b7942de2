"""Errors between bodies in three dimensions."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_point_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean Euclidean distance of matching points: MPJPE over joints, per-vertex error over vertices.

    Args:
        predicted, target: (..., N, 3), aligned as the metric asks (see ``root_aligned``).
    Returns:
        (...,) in the unit of the points.
    Raises:
        ValueError: the shapes differ.
    """
    _check(predicted, target)
    return (predicted - target).norm(dim=-1).mean(dim=-1)


def root_aligned(points: Tensor, root: Tensor) -> Tensor:
    """Points (..., N, 3) relative to a root (..., 3), usually the pelvis joint."""
    return points - root[..., None, :]


def reconstruction_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean point error after the best similarity transform (PA-MPJPE).

    Args:
        predicted, target: (..., N, 3).
    Returns:
        (...,) in the unit of the points.
    Raises:
        ValueError: the shapes differ.
    """
    return mean_point_error(procrustes_aligned(predicted, target), target)


def procrustes_aligned(source: Tensor, target: Tensor) -> Tensor:
    """``source`` under the rotation, translation and scale that bring it nearest to ``target`` in least squares.

    A proper rotation is returned always, never a reflection. A source whose points all coincide keeps scale 0 and
    lands on the target's centroid.

    Args:
        source, target: (..., N, 3).
    Returns:
        (..., N, 3).
    Source: Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
    """
    _check(source, target)
    source_mean, target_mean = source.mean(dim=-2, keepdim=True), target.mean(dim=-2, keepdim=True)
    source_centred, target_centred = source - source_mean, target - target_mean
    u, singular, vt = torch.linalg.svd(target_centred.mT @ source_centred)
    sign = torch.ones_like(singular)
    sign[..., -1] = torch.where(torch.linalg.det(u @ vt) < 0, -1.0, 1.0)
    rotation = (u * sign[..., None, :]) @ vt
    spread = source_centred.square().sum(dim=(-2, -1))
    scale = torch.where(spread > 0, (singular * sign).sum(dim=-1) / spread.clamp_min(torch.finfo(spread.dtype).tiny), 0)
    return scale[..., None, None] * (source_centred @ rotation.mT) + target_mean


def _check(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape or first.shape[-1] != 3:
        raise ValueError(f"expected two (..., N, 3) of one shape, got {tuple(first.shape)} and {tuple(second.shape)}")
