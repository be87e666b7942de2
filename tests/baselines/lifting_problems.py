"""Poses that are known sums of known atoms, seen by known cameras."""

from __future__ import annotations

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from anchorfit_baselines.orthography import ImagePoints


def rotations(count: int, seed: int) -> Tensor:
    return torch.as_tensor(Rotation.random(count, random_state=seed).as_matrix())


def seen_from(shapes: Tensor, turns: Tensor, scale: float = 2.5) -> ImagePoints:
    """Shapes (B, P, 3), turned by (B, 3, 3), by a scaled orthographic camera; all points are seen."""
    points = scale * (shapes @ turns.mT)[..., :2] + torch.tensor([0.3, -0.2], dtype=shapes.dtype)
    ones = torch.ones(points.shape[:2], dtype=shapes.dtype)
    view = torch.eye(3, dtype=shapes.dtype).expand(len(shapes), 3, 3)
    return ImagePoints(points, ones, view, torch.full((len(shapes),), 0.2, dtype=shapes.dtype))
