"""Errors between bodies in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ...body.similarity import check_points, fit_similarity


def mean_point_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean Euclidean distance of matching points: MPJPE over joints, per-vertex error over vertices.

    Args:
        predicted, target: (..., N, 3), aligned as the metric asks (see ``root_aligned``).
    Returns:
        (...,) in the unit of the points.
    Raises:
        ValueError: the shapes differ.
    """
    check_points(predicted, target)
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
