"""The square that one person is looked at in."""

from __future__ import annotations

import torch

from ..camera import Crop
from ..observations import Observations


def crop_around_joints(seen: Observations, row: int, *, scale: float, out_size: int) -> Crop:
    """The square of ``scale`` times the longer side of the box of the joints seen of a person, at ``out_size`` pixels;
    the whole image where fewer than two were."""
    points = seen.keypoints[row][seen.confidence[row] > 0].double()
    if len(points) < 2:
        width, height = (float(side) for side in seen.image_size[row])
        return Crop.around_box((0.0, 0.0, width, height), scale=1.0, out_size=out_size)
    low, high = points.amin(0), points.amax(0)
    return Crop.around_box(torch.cat([low, (high - low).clamp_min(1.0)]), scale=scale, out_size=out_size)
