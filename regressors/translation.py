"""Where a predicted body stands: the translation that brings its joints onto their keypoints, in closed form."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .normalisation import FARTHEST_RAY, rays_of

NEAREST = 0.3  # metres: nothing is placed closer to the camera
FALLBACK_DEPTH = 5.0  # metres, where no depth can be told


class Placement(NamedTuple):
    """translation: (B, 3) metres; found: (B,) bool, False where the keypoints did not determine it."""

    translation: Tensor
    found: Tensor


def place(points: Tensor, keypoints: Tensor, confidence: Tensor, intrinsics: Tensor) -> Placement:
    """The translation of least squared error, measured at the points' depth.

    A point P + t projects to the ray (x, y) where x (P_z + t_z) = P_x + t_x, and likewise for y: linear in t.

    Args:
        points: (B, K, 3) metres, turned as they are in the camera, at any place.
        keypoints: (B, K, 2) pixels.
        confidence: (B, K); 0 is not seen.
        intrinsics: (B, 3, 3) pixels.
    """
    rays = rays_of(keypoints, intrinsics)
    sane = torch.isfinite(rays).all(-1) & (rays.nan_to_num().abs().amax(-1) < FARTHEST_RAY) & (confidence > 0)
    rays = torch.where(sane[..., None], rays, 0)
    weight = torch.where(sane, confidence.nan_to_num().clamp(0, 1), 0)
    total = weight.sum(1).clamp_min(1e-6)
    weight = weight / total[:, None]

    def mean(values: Tensor) -> Tensor:
        return (values * weight[..., None]).sum(1)

    # With t_x and t_y eliminated: t_z sum |r - r_mean|^2 = sum (r - r_mean) . (q - q_mean),  q = P_xy - r P_z.
    flat = points[..., :2] - rays * points[..., 2:]
    ray_mean, flat_mean = mean(rays), mean(flat)
    spread = mean((rays - ray_mean[:, None]).square()).sum(-1)
    product = mean((rays - ray_mean[:, None]) * (flat - flat_mean[:, None])).sum(-1)
    tall = spread > 1e-10
    depth = product / torch.where(tall, spread, 1)
    nearest = NEAREST - torch.where(sane, points[..., 2], torch.inf).amin(1)
    found = tall & (sane.sum(1) >= 2) & torch.isfinite(depth) & (depth > nearest)
    depth = torch.where(found, depth, FALLBACK_DEPTH)
    across = ray_mean * depth[:, None] - flat_mean
    return Placement(torch.cat((across, depth[:, None]), 1), found)
