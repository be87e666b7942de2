"""Lens distortion by OpenCV's model: rational radial, tangential and thin-prism coefficients, and the exact inverse.

Coefficients in OpenCV's order: k1, k2, p1, p2[, k3[, k4, k5, k6[, s1, s2, s3, s4]]]. ViewRays are X/Z and Y/Z.

Beyond some radius the radial part may fold over: rays farther out come nearer to the middle again. A distorted ray is
inverted within that radius only, and by Newton's method to the last digit, whatever the coefficients.
Source: OpenCV's documentation of calib3d (cv.projectPoints).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

LENGTHS = (4, 5, 8, 12, 14)
"""Numbers of coefficients that OpenCV knows."""

_WIDEST = 12.0  # X/Z of the farthest ray that is looked at: 85 degrees from the axis
_GRID = 8192
_ROUNDS = 12
_EXACT = 1e-9


class Distorted(NamedTuple):
    """Distorted rays (..., 2), and their derivative (..., 2, 2) by the ideal ones."""

    rays: Tensor
    jacobian: Tensor


class Ideal(NamedTuple):
    """Ideal rays (..., 2), and which of them (...) there are: others lie where no ray of the lens falls."""

    rays: Tensor
    known: Tensor


def checked_coefficients(values: np.ndarray | tuple[float, ...]) -> tuple[float, ...]:
    """The coefficients as twelve numbers, or none where all are 0.

    Raises:
        ValueError: another number of them, one that is not finite, or a tilted sensor.
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    if len(flat) not in (0, *LENGTHS):
        raise ValueError(
            f"distortion: expected {', '.join(map(str, LENGTHS))} numbers (k1 k2 p1 p2 ...), got {len(flat)}"
        )
    if not np.isfinite(flat).all():
        raise ValueError(f"distortion: expected finite numbers, got {flat.tolist()}")
    if len(flat) == 14 and flat[12:].any():
        raise ValueError("distortion: a tilted sensor (tau_x, tau_y) is not supported; undistort the images")
    full = np.zeros(12)
    full[: min(12, len(flat))] = flat[:12]
    return tuple(full.tolist()) if full.any() else ()


def distort(rays: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Ideal rays (..., 2) as the lens bends them.

    Args:
        rays: (..., 2) X/Z and Y/Z.
        coefficients: twelve, as of `checked_coefficients`; none: the rays themselves.
    """
    return distort_with_jacobian(rays, coefficients).rays


def distort_with_jacobian(rays: Tensor, coefficients: tuple[float, ...]) -> Distorted:
    """`distort` with its derivative by the ideal rays."""
    if not coefficients:
        eye = torch.eye(2, dtype=rays.dtype, device=rays.device)
        return Distorted(rays, eye.expand(*rays.shape[:-1], 2, 2))
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = coefficients
    x, y = rays.unbind(-1)
    square = x * x + y * y
    above = 1 + square * (k1 + square * (k2 + square * k3))
    below = 1 + square * (k4 + square * (k5 + square * k6))
    radial = above / below
    slope = ((k1 + square * (2 * k2 + square * 3 * k3)) - radial * (k4 + square * (2 * k5 + square * 3 * k6))) / below
    across, prism_x, prism_y = 2 * x * y, s1 + 2 * s2 * square, s3 + 2 * s4 * square
    bent_x = x * radial + p1 * across + p2 * (square + 2 * x * x) + square * (s1 + s2 * square)
    bent_y = y * radial + p1 * (square + 2 * y * y) + p2 * across + square * (s3 + s4 * square)
    xx = radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x + 2 * x * prism_x
    xy = across * slope + 2 * p1 * x + 2 * p2 * y + 2 * y * prism_x
    yx = across * slope + 2 * p1 * x + 2 * p2 * y + 2 * x * prism_y
    yy = radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x + 2 * y * prism_y
    jacobian = torch.stack((torch.stack((xx, xy), -1), torch.stack((yx, yy), -1)), -2)
    return Distorted(torch.stack((bent_x, bent_y), -1), jacobian)


class _Radii(NamedTuple):
    """Radii of ideal rays up to the fold, and of the distorted ones."""

    ideal: np.ndarray
    distorted: np.ndarray


@lru_cache(maxsize=64)
def _radii(coefficients: tuple[float, ...]) -> _Radii:
    ideal = np.linspace(0.0, _WIDEST, _GRID)
    k1, k2, _, _, k3, k4, k5, k6, *_ = coefficients
    square = ideal * ideal
    below = 1 + square * (k4 + square * (k5 + square * k6))
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = ideal * (1 + square * (k1 + square * (k2 + square * k3))) / below
    folds = np.flatnonzero(~(np.diff(bent) > 0) | (below[1:] <= 0))
    last = int(folds[0]) + 1 if len(folds) else _GRID
    return _Radii(ideal[:last], bent[:last])


def fold_radius(coefficients: tuple[float, ...]) -> float:
    """The radius X/Z of ideal rays beyond which the lens folds over; infinite where it does not (to 85 degrees)."""
    if not coefficients:
        return float("inf")
    ideal = _radii(coefficients).ideal
    return float("inf") if len(ideal) == _GRID else float(ideal[-1])


def undistort(rays: Tensor, coefficients: tuple[float, ...]) -> Ideal:
    """The inverse of `distort`, within the fold.

    Args:
        rays: (..., 2) distorted X/Z and Y/Z, float64 for exact results.
        coefficients: twelve, as of `checked_coefficients`; none: the rays themselves.
    """
    finite = torch.isfinite(rays).all(-1)
    if not coefficients:
        return Ideal(rays, finite)
    wanted = torch.where(finite[..., None], rays, 0.0)
    radii = _radii(coefficients)
    length = wanted.norm(dim=-1).double().cpu().numpy()
    first = np.interp(length, radii.distorted, radii.ideal) / np.maximum(length, 1e-12)
    found = wanted * torch.as_tensor(np.where(length > 1e-12, first, 1.0)).to(wanted)[..., None]
    for _ in range(_ROUNDS):
        bent, jacobian = distort_with_jacobian(found, coefficients)
        (a, b), (c, d) = (row.unbind(-1) for row in jacobian.unbind(-2))
        off_x, off_y = (bent - wanted).unbind(-1)
        determinant = a * d - b * c
        safe = torch.where(determinant.abs() > 1e-12, determinant, 1e-12)
        step = torch.stack((d * off_x - b * off_y, a * off_y - c * off_x), -1) / safe[..., None]
        found = found - step.clamp(-0.3, 0.3)
    bent, jacobian = distort_with_jacobian(found, coefficients)
    upright = jacobian[..., 0, 0] * jacobian[..., 1, 1] > jacobian[..., 0, 1] * jacobian[..., 1, 0]
    exact = max(_EXACT, 100 * torch.finfo(rays.dtype).eps)
    close = (bent - wanted).abs().amax(-1) <= exact * (1 + wanted.norm(dim=-1))
    known = finite & upright & close & (found.norm(dim=-1) <= radii.ideal[-1])
    return Ideal(torch.where(known[..., None], found, 0.0), known)
