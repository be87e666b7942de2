"""Pictures made in a crop, taken back into their image: the other half of rendering with a crop's intrinsics.

A network that predicts on a crop is compared in the image. Render with `crop.crop_intrinsics(intrinsics)` in
`(out_size, out_size)`, then `paste_crop`: every pixel centre of the image takes the crop's pixel that it falls into, so
that a border lies within half a pixel of the crop from where rendering in the image would put it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..camera import Crop
from .fragments import check_size


def paste_crop(picture: Tensor, crop: Crop, size: tuple[int, int], *, background: float = 0) -> Tensor:
    """A label map, mask or depth of a crop, at the resolution of its image, by nearest neighbour.

    Args:
        picture: (B, out_size, out_size) of any type.
        crop: one (no leading dimensions) or B crops.
        size: (height, width) of the image, pixels.
        background: value outside the crop.
    Returns:
        (B, height, width), of the picture's type.
    Raises:
        ValueError: the picture is not of the crop's size, the number of crops does not fit, or the size is empty.
    """
    height, width = check_size(size)
    if picture.ndim != 3 or picture.shape[1:] != (crop.out_size, crop.out_size):
        raise ValueError(f"picture: expected (B, {crop.out_size}, {crop.out_size}), got {tuple(picture.shape)}")
    batch = picture.shape[0]
    if crop.side.shape not in ((), (batch,)):
        raise ValueError(f"crop: expected one crop or {batch}, got {tuple(crop.side.shape)}")
    # float64: a centre that falls on a border of the crop's pixels must fall the same way in every row.
    corner = crop.corner.double().to(picture.device).expand(batch, 2)
    zoom = (crop.out_size / crop.side.double().to(picture.device)).expand(batch)[:, None]
    column, column_inside = _source(width, corner[:, :1], zoom, crop.out_size)
    row, row_inside = _source(height, corner[:, 1:], zoom, crop.out_size)
    body = torch.arange(batch, device=picture.device)[:, None, None]
    values = picture[body, row[:, :, None], column[:, None, :]]
    inside = row_inside[:, :, None] & column_inside[:, None, :]
    return torch.where(inside, values, torch.as_tensor(background, dtype=picture.dtype, device=picture.device))


def _source(count: int, corner: Tensor, zoom: Tensor, out_size: int) -> tuple[Tensor, Tensor]:
    """For each pixel centre along one side of the image (B, count): the crop's pixel, and whether there is one."""
    place = (torch.arange(count, device=corner.device) + 0.5 - corner) * zoom
    return place.floor().clamp(0, out_size - 1).long(), (place >= 0) & (place < out_size)
