"""The frame in which pixel constants are stated: pixels from the principal point, scaled with the person's size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..rows import Rows


@dataclass(frozen=True, kw_only=True)
class ReferenceFrame(Rows):
    """B cameras and the zoom from each one's image to its reference frame.

    Attributes:
        intrinsics: (B, 3, 3) pixels of the image.
        zoom: (B,) pixels of the reference frame in one of the image.
    """

    intrinsics: Tensor
    zoom: Tensor

    def __len__(self) -> int:
        return len(self.zoom)

    @cached_property
    def matrix(self) -> Tensor:
        """(B, 3, 3) intrinsics of the reference frame: skew and both focal lengths zoomed, the principal point at 0."""
        matrix = self.intrinsics * self.zoom[:, None, None]
        matrix[:, :, 2] = torch.tensor([0.0, 0.0, 1.0], dtype=matrix.dtype, device=matrix.device)
        return matrix

    def pixels(self, image_pixels: Tensor) -> Tensor:
        """(B, N, 2) pixels of the image -> of the reference frame."""
        return (image_pixels - self.intrinsics[:, None, :2, 2]) * self.zoom[:, None, None]
