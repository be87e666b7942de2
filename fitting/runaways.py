"""Bodies that a fit has lost: far out of sight of their keypoints.

Keypoints that a body cannot reach weigh next to nothing in a Geman-McClure kernel. Where none weighs anything, nothing
in the image holds the body, and one step of the solver may take it a kilometre away at less energy than it had.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..body.parameters import Layout
from ..camera import STANDING_HEIGHT
from ..observations.people import Observations

OUT_OF_SIGHT = 3.0  # standing heights in the image, of the pelvis from the middle of the keypoints


def caught(params: Tensor, start: Tensor, observations: Observations) -> tuple[Tensor, Tensor]:
    """Parameters (B, D) as fitted; the start's where the fit took the body out of sight of its keypoints, but for
    betas, which rows of one person may share; and (B,) bool, where it did.

    Out of sight is a pelvis farther from the middle of the seen keypoints than `OUT_OF_SIGHT` heights of a standing
    person at the start's distance, and than the start's.

    Args:
        params, start: (B, D) metres and radians.
        observations: of the same B rows.
    """
    layout = Layout.of_size(params.shape[1])
    seen = ((observations.confidence > 0) & observations.keypoints.isfinite().all(-1)).to(params)
    count = seen.sum(1, keepdim=True).clamp_min(1)
    pixels = observations.keypoints.to(params).nan_to_num()
    middle = (pixels * seen[..., None]).sum(1) / count
    focal, centre = (observations.intrinsics[:, :2].to(params)[:, :, index] for index in (slice(0, 2), 2))
    middle = (middle - centre) / torch.diagonal(focal, dim1=-2, dim2=-1)

    def off(some: Tensor) -> Tensor:
        place = some[:, layout.transl]
        return (place[:, :2] / place[:, 2:].clamp_min(1e-3) - middle).norm(dim=-1)

    height = STANDING_HEIGHT / start[:, layout.depth].clamp_min(1e-3)
    gone = off(params) > torch.maximum(OUT_OF_SIGHT * height, off(start))
    restored = start.clone()
    restored[:, layout.betas] = params[:, layout.betas]
    return torch.where(gone[:, None], restored, params), gone
