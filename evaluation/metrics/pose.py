"""Errors between bodies in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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


def named_point_error(
    predicted: Tensor, target: Tensor, names: Sequence[str], subset: Sequence[str] | None = None
) -> Tensor:
    """Mean error over a named subset of points: landmarks, or the joints of an evaluation protocol.

    Args:
        predicted, target: (..., N, 3), aligned as the metric asks.
        names: N names of the points, such as ``body.landmark_names`` or ``SMPL_JOINTS``.
        subset: which to take; None: all.
    Returns:
        (...,) in the unit of the points.
    Raises:
        ValueError: the names do not fit the points, or there is no such name.
    """
    if predicted.shape[-2] != len(names):
        raise ValueError(f"names: expected {predicted.shape[-2]}, one a point, got {len(names)}")
    chosen = list(names) if subset is None else list(subset)
    unknown = [name for name in chosen if name not in names]
    if unknown or not chosen:
        raise ValueError(f"subset: expected names among {', '.join(names)}; got {', '.join(unknown) or 'none'}")
    index = [list(names).index(name) for name in chosen]
    return mean_point_error(predicted[..., index, :], target[..., index, :])


def reconstruction_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean point error after the best similarity transform (PA-MPJPE).

    Args:
        predicted, target: (..., N, 3).
    Returns:
        (...,) in the unit of the points; NaN in rows with numbers that are not finite.
    Raises:
        ValueError: the shapes differ.
    """
    return mean_point_error(procrustes_aligned(predicted, target), target)


def procrustes_aligned(source: Tensor, target: Tensor) -> Tensor:
    """``source`` under the rotation, translation and scale that bring it nearest to ``target`` in least squares.

    A proper rotation is returned always, never a reflection. A source whose points all coincide, but for rounding,
    keeps scale 0 and lands on the target's centroid. A row with numbers that are not finite comes out as NaN and
    touches no other.

    Args:
        source, target: (..., N, 3).
    Returns:
        (..., N, 3).
    Source: Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
    """
    return fit_similarity(source, target)(source)


class Similarity(NamedTuple):
    """Maps of points x -> scale rotation x + translation, one a row.

    rotation: (..., 3, 3); translation: (..., 1, 3) metres; scale: (..., 1, 1); NaN in rows that are not finite.
    """

    rotation: Tensor
    translation: Tensor
    scale: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """Points (..., N, 3), or of one map with any leading dimensions, moved."""
        return self.scale * (points @ self.rotation.mT) + self.translation


def fit_similarity(source: Tensor, target: Tensor, *, scaled: bool = True) -> Similarity:
    """The similarity that brings points (..., N, 3) nearest to others in least squares; rules of `procrustes_aligned`.

    Args:
        scaled: whether the size may change.
    Raises:
        ValueError: the shapes differ.
    """
    _check(source, target)
    whole = torch.isfinite(source).all(-1).all(-1) & torch.isfinite(target).all(-1).all(-1)
    clean, aim = (torch.where(whole[..., None, None], points, 0.0) for points in (source, target))
    source_mean, target_mean = clean.mean(dim=-2, keepdim=True), aim.mean(dim=-2, keepdim=True)
    source_centred, target_centred = clean - source_mean, aim - target_mean
    u, singular, vt = torch.linalg.svd(target_centred.mT @ source_centred)
    sign = torch.ones_like(singular)
    sign[..., -1] = torch.where(torch.linalg.det(u @ vt) < 0, -1.0, 1.0)
    rotation = (u * sign[..., None, :]) @ vt
    spread = source_centred.square().sum(dim=(-2, -1))
    rounding = (8 * torch.finfo(spread.dtype).eps * clean.abs().amax(dim=(-2, -1))).square() * source.shape[-2]
    extended = spread > rounding
    scale = torch.where(extended, (singular * sign).sum(dim=-1) / torch.where(extended, spread, 1.0), 0.0)
    scale = torch.where(whole, scale if scaled else torch.ones_like(scale), torch.nan)[..., None, None]
    return Similarity(rotation, target_mean - scale * (source_mean @ rotation.mT), scale)


def _check(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape or first.shape[-1] != 3 or not first.shape[-2]:
        raise ValueError(
            f"expected two (..., N, 3) of one shape, with points, got {tuple(first.shape)} and {tuple(second.shape)}"
        )
