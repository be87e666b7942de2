"""Keypoints that a body makes doubtful: all others lie near it, and they far off.

Detectors give single joints to another person, to the other side or to the image's corner. A network that looks at all
keypoints at once shows which: the body that it predicts follows the others. Another program's body, or an earlier fit,
does not: a limb that is wrong there lies far off right keypoints, and those are what mends it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.kinematics import compiled_points
from ..camera import project
from .people import Observations

FAR = 0.4
"""Off by so much of the keypoints' root mean square distance from their middle (about a tenth of a standing person's
height), and by `TIMES` the median of the person's joints, a keypoint is doubted. Chosen on people kept aside."""
TIMES = 3.0
FEWEST_LEFT = 6  # keypoints; where fewer would be left the body is as doubtful, and all are believed
_NEAREST = 0.1  # metres before the camera


def doubted_keypoints(body: BodyModel, params: Tensor, observations: Observations) -> Tensor:
    """Which keypoints lie so far off bodies that they are not to be believed.

    Args:
        body: the body model.
        params: (B, D) bodies, placed before their cameras.
        observations: B people, on the same device.
    Returns:
        (B, K) bool, of seen joints alone.
    """
    pixels = project(compiled_points(body).points(params), observations.intrinsics.to(params), nearest=_NEAREST)
    return far_off(pixels, observations.keypoints.to(params), observations.confidence.to(params))


def far_off(pixels: Tensor, keypoints: Tensor, confidence: Tensor) -> Tensor:
    """(B, K) bool: joints projected to pixels (B, K, 2) against keypoints (B, K, 2) of confidence (B, K).

    Rays, X/Z and Y/Z, do as well as pixels: lengths are told by the person's size.
    """
    seen = (confidence > 0) & keypoints.isfinite().all(-1)
    count = seen.sum(1, keepdim=True).clamp_min(1)
    middle = torch.where(seen[..., None], keypoints, 0.0).sum(1, keepdim=True) / count[..., None]
    squared = torch.where(seen, (keypoints - middle).square().sum(-1), 0.0)
    size = (squared.sum(1, keepdim=True) / count).sqrt()
    off = torch.where(seen, (pixels - keypoints).norm(dim=-1), torch.nan)
    doubted = (off > FAR * size) & (off > TIMES * off.nanmedian(1, keepdim=True).values)
    return doubted & ((seen & ~doubted).sum(1, keepdim=True) >= FEWEST_LEFT)
