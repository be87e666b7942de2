"""Size of a person in the image, from the keypoints alone; errors in the image are measured against it."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, compile_points
from ..camera import STANDING_HEIGHT

NARROWEST = 0.2  # of the stature, shoulders: joints nearer together, as those of a face, say little of size


def extent(points: Tensor, seen: Tensor) -> Tensor:
    """(B,) the longer side of the box around the seen (B, K) of points (B, K, 2); 0 where none is seen."""
    high = torch.where(seen[..., None], points, -torch.inf).amax(1)
    low = torch.where(seen[..., None], points, torch.inf).amin(1)
    return (high - low).amax(-1).clamp(min=0.0)


@lru_cache(maxsize=8)
def stature(body: BodyModel) -> float:
    """Metres that a person of this body stands, whom sizes in the image are relative to: adults, all the same, or a
    child of the mean shape."""
    return (
        STANDING_HEIGHT if body.ages_years is None else float(body.v_template[:, 1].max() - body.v_template[:, 1].min())
    )


@lru_cache(maxsize=8)
def _standing(body: BodyModel) -> Tensor:
    """(K, 2) metres: the canonical joints of a person who stands with hanging arms, seen from the front."""
    rest = body.layout.zeros(1, body.v_template)
    joints = compile_points(body, CANONICAL_JOINTS).points(rest)[0, :, :2].clone()
    for side in ("left", "right"):
        shoulder = joints[CANONICAL_JOINTS.index(f"{side}_shoulder")].clone()
        for part in ("elbow", "wrist", "hand"):
            joint = CANONICAL_JOINTS.index(f"{side}_{part}")
            length = (joints[joint] - shoulder).norm()
            joints[joint, 0], joints[joint, 1] = shoulder[0], shoulder[1] - length
    return joints


def person_size(body: BodyModel, keypoints: Tensor, confidence: Tensor) -> Tensor:
    """(B,) pixels: how tall the person would stand in the image, by the extent of the joints that were seen.

    Of the keypoints alone: a fit that runs towards the camera does not make the person any larger.

    Args:
        body: whose proportions to go by.
        keypoints: (B, K, 2) pixels. confidence: (B, K), 0 where not seen.
    """
    seen = confidence > 0
    standing = extent(_standing(body).to(keypoints).expand(len(seen), -1, -1), seen)
    tall = stature(body)
    return tall * extent(keypoints, seen) / standing.clamp(min=NARROWEST * tall)
