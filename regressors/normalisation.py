"""From keypoints in any image to a network's input: centred, of unit size, seen by a camera that looks at the person.

The camera is turned about its own place until it looks at the middle of the keypoints, so that where in the image the
person stands changes nothing, not even through perspective. What is predicted is relative to the turned camera;
``view`` turns it back.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..camera import rays_of, rotation_to_axis

FEWEST_JOINTS = 3  # of which position and size of a person can be told
FARTHEST_RAY = 20.0  # tangent of the angle to the optical axis; keypoints further out count as not seen
LONGEST_FEATURE = 5.0  # sizes of the person; outliers beyond are pulled in


class Rays(NamedTuple):
    """rays: (B, K, 2) X/Z and Y/Z; weight: (B, K) in [0, 1]. Both are 0 where a joint was not seen."""

    rays: Tensor
    weight: Tensor


class NormalisedKeypoints(NamedTuple):
    """features: (B, 3 K + 1): positions (K, 2) in sizes of the person, 0 where not seen, confidences (K), and the
        logarithm of the size as the tangent of an angle, which says how strong perspective is; 0 where not usable.

    view: (B, 3, 3) rotation of the turned camera: x_turned = view @ x_cam.
    usable: (B,) bool, enough joints were seen; features of the others are 0.
    seen: the rays in the camera's own frame.
    """

    features: Tensor
    view: Tensor
    usable: Tensor
    seen: Rays


def seen_rays(rays: Tensor, confidence: Tensor) -> Rays:
    """The rays that can be believed; never NaN, whatever comes.

    Args:
        rays: (B, K, 2) X/Z and Y/Z.
        confidence: (B, K); 0 is not seen, what is above 1 counts as 1.
    """
    sane = rays.abs().amax(-1) < FARTHEST_RAY  # neither NaN nor infinity is
    weight = torch.where(sane, confidence.nan_to_num().clamp(0, 1), 0)
    return Rays(torch.where((weight > 0)[..., None], rays, 0), weight)


def normalise(keypoints: Tensor, confidence: Tensor, intrinsics: Tensor) -> NormalisedKeypoints:
    """A network's input; never NaN, whatever comes.

    Args:
        keypoints: (B, K, 2) pixels.
        confidence: (B, K) in [0, 1]; 0 is not seen.
        intrinsics: (B, 3, 3) pixels.
    """
    believed = seen_rays(rays_of(keypoints, intrinsics), confidence)
    rays, sure = believed
    total = sure.sum(1, keepdim=True).clamp_min(1e-6)
    centre = (rays * sure[..., None]).sum(1) / total
    view = rotation_to_axis(torch.cat((centre, torch.ones_like(centre[:, :1])), -1))
    turned = torch.cat((rays, torch.ones_like(rays[..., :1])), -1) @ view.mT
    depth = turned[..., 2]
    seen = (sure > 0) & (depth > 1e-3)
    flat = turned[..., :2] / torch.where(seen, depth, 1)[..., None]
    weight = (sure * seen)[..., None]
    flat = flat - (flat * weight).sum(1, keepdim=True) / total[..., None]
    size = ((flat * flat * weight).sum((1, 2)) / total[:, 0]).clamp_min(1e-12).sqrt()  # 0 has no derivative
    usable = (seen.sum(1) >= FEWEST_JOINTS) & (size > 1e-6)
    keep = seen & usable[:, None]
    positions = flat / torch.where(usable, size, 1)[:, None, None]
    positions = torch.where(keep[..., None], positions.clamp(-LONGEST_FEATURE, LONGEST_FEATURE), 0)
    angle = torch.where(usable, size, 1).log()[:, None]
    return NormalisedKeypoints(torch.cat((positions.flatten(1), sure * keep, angle), 1), view, usable, believed)
