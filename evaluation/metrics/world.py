"""Errors of a person's way through the world, over the frames of a video.

Definitions: W-MPJPE and WA-MPJPE of SLAHMR (Ye et al. 2023), RTE and foot sliding of WHAM (Shin et al. 2024), which
GVHMR (Shen et al. 2024) and later work report alike. Sequences are cut into stretches of 100 frames for the first two.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from ...body.similarity import fit_similarity
from .pose import mean_point_error

STRETCH = 100
"""Frames of a stretch that W-MPJPE and WA-MPJPE are taken over."""

_FIRST = 2  # frames by which W-MPJPE lays a stretch together
STILL_M = 0.01
"""Metres from frame to frame under which a foot stands, by the truth."""


def world_error(predicted: Tensor, target: Tensor, *, aligned: bool, stretch: int = STRETCH) -> Tensor:
    """W-MPJPE, or WA-MPJPE where ``aligned``: mean joint error in the world, frame by frame.

    Each stretch of frames is laid together by one similarity, of its first two frames or, ``aligned``, of all.

    Args:
        predicted, target: (T, J, 3) metres, in worlds of their own.
        stretch: frames of a stretch; the last may be shorter. One left over joins the stretch before it.
    Returns:
        (T,) metres; NaN throughout a stretch with numbers that are not finite where it is aligned by them.
    Raises:
        ValueError: the shapes differ, or there are no two frames.
    """
    _check(predicted, target)
    parts = []
    for first, last in _stretches(len(target), stretch):
        some, true = predicted[first:last], target[first:last]
        known = len(some) if aligned else _FIRST
        move = fit_similarity(some[:known].reshape(-1, 3), true[:known].reshape(-1, 3))
        parts.append(mean_point_error(move(some), true))
    return torch.cat(parts)


def root_translation_error(predicted: Tensor, target: Tensor) -> Tensor:
    """RTE: how far the root is from its true way, as a share of that way's length.

    The ways are laid together whole, by a rotation and a translation, without scale.

    Args:
        predicted, target: (T, 3) metres.
    Returns:
        (T,) shares, which tables give in percent; infinite of a person who stays in place.
    Raises:
        ValueError: the shapes differ, or there are no two frames.
    """
    _check(predicted[:, None], target[:, None])
    length = (target[1:] - target[:-1]).norm(dim=-1).sum()
    return (fit_similarity(predicted, target, scaled=False)(predicted) - target).norm(dim=-1) / length


def foot_sliding(predicted: Tensor, target: Tensor, still: float = STILL_M) -> Tensor:
    """Movement of feet from a frame to the next while the true foot stands.

    Args:
        predicted, target: (T, F, 3) metres: points of the feet (toes and heels).
        still: metres from frame to frame under which a true point stands.
    Returns:
        (N,) metres, one for each point and frame that stands; none where the person never does.
    Raises:
        ValueError: the shapes differ, or there are no two frames.
    """
    _check(predicted, target)
    standing = (target[1:] - target[:-1]).norm(dim=-1) < still
    return (predicted[1:] - predicted[:-1]).norm(dim=-1)[standing]


def _stretches(frames: int, stretch: int) -> list[tuple[int, int]]:
    edges = [*range(0, frames, stretch), frames]
    if len(edges) > 2 and edges[-1] - edges[-2] < _FIRST:
        del edges[-2]
    return list(pairwise(edges))


def _check(predicted: Tensor, target: Tensor) -> None:
    if predicted.shape != target.shape or predicted.ndim != 3 or predicted.shape[-1] != 3 or len(target) < _FIRST:
        raise ValueError(
            f"expected two (T, N, 3) of one shape, T at least {_FIRST}, got {tuple(predicted.shape)} and "
            f"{tuple(target.shape)}"
        )
