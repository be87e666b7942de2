"""The similarity transform between two sets of points, in least squares."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


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
    """The similarity that brings points (..., N, 3) nearest to others in least squares.

    A proper rotation is returned always, never a reflection. A source whose points all coincide, but for rounding,
    keeps scale 0 and lands on the target's centroid. A row with numbers that are not finite comes out as NaN and
    touches no other.

    Args:
        scaled: whether the size may change.
    Raises:
        ValueError: the shapes differ.
    Source: Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
    """
    check_points(source, target)
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


def check_points(first: Tensor, second: Tensor) -> None:
    """
    Raises:
        ValueError: two sets of points (..., N, 3) are not of one shape, or are empty.
    """
    if first.shape != second.shape or first.shape[-1] != 3 or not first.shape[-2]:
        raise ValueError(
            f"expected two (..., N, 3) of one shape, with points, got {tuple(first.shape)} and {tuple(second.shape)}"
        )
