"""Contours: points of the body's outline and of the mask's outline pull at each other, along the mask's normal."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..robust import geman_mcclure
from .keypoints import NEAREST


class SilhouetteTerm(Term):
    """w_m * GM(zoom * n_m . (projection of vertex v_m - p_m)) for matches m of a vertex and an outline's point.

    Matches go both ways: from the body's outline to the mask's and from the mask's to the body's; `fitting.contours`
    makes them and makes them anew between a few solver steps.

    Args:
        vertices: V vertex indices of the body that matches may name.
        index: (B, M) which of them.
        target: (B, M, 2) points of the masks' outlines, pixels.
        normal: (B, M, 2) unit normals of the outlines there.
        weights: (B, M); 0 where a row has fewer matches.
        intrinsics: (B, 3, 3) pixels.
        zoom: (B,) reference pixels in a pixel of the image.
        sigma: the kernel's scale, reference pixels.
    """

    name = "silhouette"

    def __init__(
        self,
        vertices: Sequence[int],
        index: Tensor,
        target: Tensor,
        normal: Tensor,
        weights: Tensor,
        intrinsics: Tensor,
        *,
        zoom: Tensor,
        sigma: float,
    ) -> None:
        self.point_names = tuple(f"vertex:{vertex}" for vertex in vertices)
        self._index, self._target, self._normal, self._weights = index, target, normal, weights
        self._focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)
        self._centre = intrinsics[:, :2, 2]
        self._zoom = zoom
        self._sigma = sigma

    def _errors(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Errors along the normals (B, M) in reference pixels, x/z and y/z (B, M, 2), depths (B, M)."""
        index = self._index[rows]
        points = state.points.gather(1, index[..., None].expand(*index.shape, 3))  # (B, M, 3)
        depth = points[..., 2].clamp(min=NEAREST)
        ratio = points[..., :2] / depth[..., None]
        pixels = ratio * self._focal[rows][:, None] + self._centre[rows][:, None]
        along = ((pixels - self._target[rows]) * self._normal[rows]).sum(-1)
        return along * self._zoom[rows][:, None], ratio, depth

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        errors, ratio, depth = self._errors(state, rows)
        rho, slope = geman_mcclure(errors, self._sigma)
        weights, index = self._weights[rows], self._index[rows]
        assert state.jacobian is not None
        scale = slope * weights * self._zoom[rows][:, None] / depth
        pull = scale[..., None] * self._normal[rows] * self._focal[rows][:, None]  # (B, M, 2)
        along = torch.cat([pull, -(pull * ratio).sum(-1, keepdim=True)], -1)  # (B, M, 3)
        chosen = state.jacobian.gather(1, index[..., None, None].expand(*index.shape, *state.jacobian.shape[2:]))
        return Residuals(rho * weights, (along[..., None] * chosen).sum(-2))

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        rho, _ = geman_mcclure(self._errors(state, rows)[0], self._sigma)
        return (rho * self._weights[rows]).square().sum(-1)
