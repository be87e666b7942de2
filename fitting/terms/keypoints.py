"""The data term: projected body points against 2D keypoints."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..robust import geman_mcclure

NEAREST = 0.05  # metres: a used point nearer than this to the camera's plane makes the energy infinite


class KeypointTerm(Term):
    """conf * w * GM(zoom * (projection - keypoint)), x and y apart (Bogo et al. 2016, eq. 2 as the public code has it).

    Args:
        names: P canonical joints.
        keypoints: (B, P, 2) pixels.
        weights: (B, P) confidence times base weight; 0 takes a joint out.
        intrinsics: (B, 3, 3) pixels.
        zoom: (B,) pixels of the reference frame in one pixel of the image; 1 keeps pixels as they are.
        sigma: the kernel's scale in pixels of the reference frame.
    """

    name = "keypoints"

    def __init__(
        self,
        names: Sequence[str],
        keypoints: Tensor,
        weights: Tensor,
        intrinsics: Tensor,
        *,
        zoom: Tensor,
        sigma: float = 100.0,
    ) -> None:
        self.point_names = tuple(names)
        self._keypoints = keypoints
        self._weights = weights
        self._focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)  # (B, 2)
        self._skew = intrinsics[:, 0, 1]
        self._centre = intrinsics[:, :2, 2]
        self._zoom = zoom
        self._sigma = sigma

    def _errors(self, points: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, P, 2) errors in reference pixels; depth (B, P), behind (B,); ratio x/z as (B, P, 2)."""
        depth = points[..., 2]
        safe = depth.clamp(min=NEAREST)
        behind = ((depth < NEAREST) & (self._weights[rows] > 0)).any(-1)
        ratio = points[..., :2] / safe[..., None]
        pixels = ratio * self._focal[rows][:, None] + self._centre[rows][:, None]
        skewed = self._skew[rows][:, None] * ratio[..., 1]
        pixels = torch.stack([pixels[..., 0] + skewed, pixels[..., 1]], -1)
        return (pixels - self._keypoints[rows]) * self._zoom[rows][:, None, None], safe, behind, pixels

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        errors, depth, behind, pixels = self._errors(state.points, rows)
        rho, slope = geman_mcclure(errors, self._sigma)
        weights = self._weights[rows][..., None]
        values = torch.where(behind[:, None], torch.inf, (rho * weights).flatten(1))
        assert state.jacobian is not None
        pull = slope * weights * (self._zoom[rows][:, None] / depth)[..., None]  # (B, P, 2)
        offset = (pixels - self._centre[rows][:, None]) * pull
        focal = self._focal[rows][:, None] * pull
        along = state.jacobian[:, :, :2] * focal[..., None]  # (B, P, 2, 85)
        along.addcmul_(state.jacobian[:, :, 2:], offset[..., None], value=-1.0)
        skew = self._skew[rows][:, None] * pull[..., 0]
        along[:, :, 0].addcmul_(state.jacobian[:, :, 1], skew[..., None])
        return Residuals(values, along.flatten(1, 2))

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        errors, _, behind, _ = self._errors(state.points, rows)
        rho, _ = geman_mcclure(errors, self._sigma)
        total = (rho * self._weights[rows][..., None]).square().sum((-1, -2))
        return torch.where(behind, torch.inf, total)
