"""Points in space from several views, robustly: pairs of views vote, those that agree are solved together.

Every sum over views is written out, so a row does not depend on its batch.
Source: for rays from c along d the nearest point solves sum w (I - d d^T) (x - c) = 0 (midpoint method); weights of one
over squared depth make it the least-squares reprojection (Hartley & Sturm 1997, iterated linear method).
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

_ROUNDS = 4
_MOST_PAIRS = 45  # of ten cameras; of more, neighbours in the list and those opposite
_APART = 1e-6  # of the largest distance from the origin: cameras nearer together stand at one place, without parallax
_NEAREST = 0.01  # of the distance of two cameras: a point so near to one of them is its own place
_PARALLEL = 0.03  # sine of the angle between rays under which their crossing says nothing of the depth


class ViewRays(NamedTuple):
    """ViewRays of B rows in V views to K points: origins (B, V, 3), directions (B, V, K, 3) of unit length."""

    origins: Tensor
    directions: Tensor


class Triangulated(NamedTuple):
    """Triangulated points.

    Attributes:
        points: (B, K, 3), 0 where unknown. confidence: (B, K), 0 there.
        agrees: (B, V, K) bool, the views that agree about a point.
        parallax: (B, K) sine of the largest angle between two of their rays, 0 where there is none.
    """

    points: Tensor
    confidence: Tensor
    agrees: Tensor
    parallax: Tensor


def rays_of_views(pixels: Tensor, intrinsics: Tensor, rotations: Tensor, translations: Tensor) -> ViewRays:
    """ViewRays in the world through ideal pixels.

    Args:
        pixels: (B, V, K, 2). intrinsics: (B, V, 3, 3).
        rotations: (B, V, 3, 3) camera from world. translations: (B, V, 3).
    """
    y = (pixels[..., 1] - intrinsics[..., 1, 2, None]) / intrinsics[..., 1, 1, None]
    x = (pixels[..., 0] - intrinsics[..., 0, 2, None] - intrinsics[..., 0, 1, None] * y) / intrinsics[..., 0, 0, None]
    away = torch.stack((x, y, torch.ones_like(x)), -1)  # (B, V, K, 3) camera frame
    world = (away[..., :, None] * rotations[..., None, :, :]).sum(-2)
    origins = -(translations[..., :, None] * rotations).sum(-2)
    return ViewRays(origins, world / world.norm(dim=-1, keepdim=True))


def nearest_points(rays: ViewRays, weights: Tensor) -> Tensor:
    """(B, K, 3) the points nearest to all rays, by weights (B, V, K); NaN where the rays do not settle them."""
    matrix = weights.new_zeros(*weights.shape[:1], weights.shape[2], 3, 3)
    right = matrix.new_zeros(*matrix.shape[:2], 3)
    eye = torch.eye(3, dtype=weights.dtype, device=weights.device)
    for view in range(weights.shape[1]):
        along = rays.directions[:, view]
        across = weights[:, view, :, None, None] * (eye - along[..., :, None] * along[..., None, :])
        matrix = matrix + across
        right = right + (across * rays.origins[:, view, None, None, :]).sum(-1)
    return _solved(matrix, right)


def _solved(matrix: Tensor, right: Tensor) -> Tensor:
    """Solutions (..., 3) of symmetric systems (..., 3, 3), by Cramer's rule."""
    rows = matrix.unbind(-2)
    inverse = torch.stack([torch.linalg.cross(rows[(i + 1) % 3], rows[(i + 2) % 3]) for i in range(3)], -1)
    determinant = (rows[0] * inverse[..., :, 0]).sum(-1)
    scale = torch.diagonal(matrix, dim1=-2, dim2=-1).sum(-1) / 3
    sure = determinant > (_PARALLEL * scale).square() * scale * 0.1
    found = (inverse * right[..., None, :]).sum(-1) / torch.where(sure, determinant, 1.0)[..., None]
    return torch.where(sure[..., None], found, torch.nan)


class _Seen(NamedTuple):
    """What points look like from the views: depth (B, V, K) along the ray, and the sine of the angle off it."""

    depth: Tensor
    sine: Tensor


def _seen(rays: ViewRays, points: Tensor) -> _Seen:
    away = points[:, None] - rays.origins[:, :, None]  # (B, V, K, 3)
    depth = (away * rays.directions).sum(-1)
    off = (away - depth[..., None] * rays.directions).norm(dim=-1)
    return _Seen(depth, off / away.norm(dim=-1).clamp_min(1e-12))


def view_pairs(count: int) -> list[tuple[int, int]]:
    """Pairs of views that vote: all of them, or of many cameras those near and opposite in the list."""
    pairs = list(combinations(range(count), 2))
    if len(pairs) <= _MOST_PAIRS:
        return pairs
    steps = sorted({1, 2, count // 4, count // 3, count // 2} - {0})
    return sorted({tuple(sorted((view, (view + step) % count))) for view in range(count) for step in steps})  # type: ignore[misc]


def triangulate(rays: ViewRays, confidence: Tensor, tolerance: Tensor) -> Triangulated:
    """Robust triangulation: each point by the pair of views that most others agree with, then by all that do.

    Args:
        rays: of B rows, V views and K points; of those that are not finite nothing was seen.
        confidence: (B, V, K), 0 where a view has not seen a point.
        tolerance: (B, V) sine of the angle by which a ray may miss a point that it agrees with.
    """
    known = torch.isfinite(rays.directions).all(-1) & (confidence > 0)
    confidence = torch.where(known, confidence, 0.0)
    rays = ViewRays(rays.origins, torch.where(known[..., None], rays.directions, 0.0))
    best = torch.zeros_like(confidence[:, 0])  # (B, K) agreement
    agrees = torch.zeros_like(confidence, dtype=torch.bool)
    seen = confidence > 0
    reach = rays.origins.norm(dim=-1).amax(1) + torch.finfo(confidence.dtype).tiny
    for one, other in view_pairs(confidence.shape[1]):
        apart = (rays.origins[:, one] - rays.origins[:, other]).norm(dim=-1)  # (B,)
        least = _NEAREST * apart
        both = seen[:, one] & seen[:, other] & (apart > _APART * reach)[:, None]
        weights = torch.zeros_like(confidence)
        weights[:, one], weights[:, other] = both.to(weights), both.to(weights)
        points = nearest_points(rays, weights)
        depth, sine = _seen(rays, points.nan_to_num())
        near = seen & (depth > least[:, None, None]) & (sine < tolerance[..., None]) & both[:, None]
        good = near & torch.isfinite(points).all(-1)[:, None] & (near[:, one] & near[:, other])[:, None]
        score = (confidence * (1.0 - (sine / tolerance[..., None]).square()) * good).sum(1)
        better = score > best
        best = torch.where(better, score, best)
        agrees = torch.where(better[:, None], good, agrees)
    weights = confidence * agrees
    points = nearest_points(rays, weights)
    for _ in range(_ROUNDS):
        depth, sine = _seen(rays, points.nan_to_num())
        # Geman-McClure's weight of the angle, over squared depth: what lies off by the tolerance weighs a quarter.
        robust = 1.0 / (1.0 + (sine / tolerance[..., None]).square()).square()
        weights = confidence * agrees * robust / depth.clamp_min(1e-6).square()
        points = nearest_points(rays, weights / weights.amax(1, keepdim=True).clamp_min(1e-30))
    known = torch.isfinite(points).all(-1) & (agrees.sum(1) >= 2)
    depth, sine = _seen(rays, points.nan_to_num())
    agrees = seen & (depth > 0) & (sine < tolerance[..., None]) & known[:, None]
    total = (confidence * agrees).sum(1) / agrees.sum(1).clamp_min(1)
    parallax = torch.zeros_like(total)
    for one, other in view_pairs(confidence.shape[1]):
        sine = torch.linalg.cross(rays.directions[:, one], rays.directions[:, other]).norm(dim=-1)
        parallax = torch.maximum(parallax, torch.where(agrees[:, one] & agrees[:, other], sine, 0.0))
    points = torch.where(known[..., None], points, 0.0)
    return Triangulated(points, torch.where(known, total, 0.0), agrees, parallax)
