"""Translation of a predicted body that brings its joints onto their keypoints, in closed form.

A point P + t projects to the ray (x, y) where x (P_z + t_z) = P_x + t_x, and likewise for y: linear in t. The
translation sought has the least squared error of these equations, which is measured at the points' depth.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..camera import rays_of
from .normalisation import Rays, seen_rays

NEAREST = 0.3  # metres: nothing is placed closer to the camera
FALLBACK_DEPTH = 5.0  # metres, where no depth can be told


class Translations(NamedTuple):
    """translation: (B, 3) metres; found: (B,) bool, False where the keypoints did not determine it."""

    translation: Tensor
    found: Tensor

    def rays_of(self, points: Tensor) -> Tensor:
        """(B, K, 2) X/Z and Y/Z of points (B, K, 3) where they are placed; those too near as if they were not."""
        placed = points + self.translation[:, None]
        return placed[..., :2] / placed[..., 2:].clamp_min(NEAREST)


def translate_to_keypoints(points: Tensor, keypoints: Tensor, confidence: Tensor, intrinsics: Tensor) -> Translations:
    """The translation of least squared error.

    Args:
        points: (B, K, 3) metres, turned as they are in the camera, at any place.
        keypoints: (B, K, 2) pixels.
        confidence: (B, K); 0 is not seen.
        intrinsics: (B, 3, 3) pixels.
    """
    return Sightlines.of(seen_rays(rays_of(keypoints, intrinsics), confidence)).place(points)


class Sightlines(NamedTuple):
    """Rays that keypoints were seen along, and what placing bodies on them takes of the rays alone.

    Attributes:
        rays: (B, K, 2) X/Z and Y/Z, 0 where not seen.
        seen: (B, K) bool.
        weight: (B, K), of sum 1.
        middle: (B, 2) weighted mean of the rays.
        pull: (B, K, 2) weight times what the rays are off their middle.
        spread: (B,) weighted variance of the rays; 1 where it tells no depth.
        tells: (B,) bool, whether two joints are apart.
    """

    rays: Tensor
    seen: Tensor
    weight: Tensor
    middle: Tensor
    pull: Tensor
    spread: Tensor
    tells: Tensor

    @staticmethod
    def of(believed: Rays) -> Sightlines:
        rays, weight = believed
        seen = weight > 0
        weight = weight / weight.sum(1, keepdim=True).clamp_min(1e-6)
        middle = (rays * weight[..., None]).sum(1)
        apart = rays - middle[:, None]
        pull = apart * weight[..., None]
        spread = (pull * apart).sum((1, 2))
        tells = (spread > 1e-10) & (seen.sum(1) >= 2)
        return Sightlines(rays, seen, weight, middle, pull, torch.where(tells, spread, 1), tells)

    def place(self, points: Tensor) -> Translations:
        """As `translate_to_keypoints`, of points (B, K, 3)."""
        # With t_x and t_y eliminated: t_z sum |r - r_mean|^2 = sum (r - r_mean) . q,  q = P_xy - r P_z.
        away = points[..., 2]
        across = points[..., :2] - self.rays * away[..., None]
        depth = (self.pull * across).sum((1, 2)) / self.spread
        nearest = NEAREST - torch.where(self.seen, away, torch.inf).amin(1)
        found = self.tells & (depth > nearest) & (depth < torch.inf)
        depth = torch.where(found, depth, FALLBACK_DEPTH)[:, None]
        flat = self.middle * depth - (across * self.weight[..., None]).sum(1)
        return Translations(torch.cat((flat, depth), 1), found)
