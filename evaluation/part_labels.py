"""Six-part label images of estimated bodies, at the resolution of their photographs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from ..body import BodyModel
from ..camera import Crop
from ..rendering import part_map, paste_crop

_BODIES_AT_ONCE = 8  # of one size: what drawing them together saves is had, memory stays small


def draw_labels(
    body: BodyModel,
    params: Tensor,
    intrinsics: Tensor,
    sizes: Sequence[tuple[int, int]],
    crops: Sequence[Crop | None] | None = None,
) -> list[np.ndarray]:
    """Labels 0 (background) to 6 of each body, in its own camera.

    Args:
        body: the bodies' model.
        params: (B, D), camera frame.
        intrinsics: (B, 3, 3) pixels of the whole image.
        sizes: B of (width, height).
        crops: where a body was predicted on a crop and is to be judged as published crop-based methods are: drawn in
            the crop, and taken back to the image by nearest neighbour.
    Returns:
        B arrays (height, width) uint8; one whose numbers are not finite is empty.
    Raises:
        ValueError: the body's file has no faces' parts, or lengths differ.
    """
    if not len(params) == len(intrinsics) == len(sizes):
        raise ValueError(f"expected one camera and size a body, got {len(params)}, {len(intrinsics)}, {len(sizes)}")
    if crops is not None:
        rows = zip(params, intrinsics, sizes, crops, strict=True)
        return [_draw_one(body, row, camera, size, crop) for row, camera, size, crop in rows]
    labels: list[np.ndarray] = []
    for size, group in groupby(range(len(params)), key=lambda row: sizes[row]):
        same = list(group)
        for start in range(0, len(same), _BODIES_AT_ONCE):
            chosen = same[start : start + _BODIES_AT_ONCE]
            labels.extend(_draw(body, params[chosen], intrinsics[chosen], (size[1], size[0])).numpy())
    return labels


def _draw_one(
    body: BodyModel, params: Tensor, intrinsics: Tensor, size: tuple[int, int], crop: Crop | None
) -> np.ndarray:
    shape = (size[1], size[0])
    if crop is None:
        return _draw(body, params[None], intrinsics[None], shape)[0].numpy()
    inside = _draw(body, params[None], crop.crop_intrinsics(intrinsics)[None], (crop.out_size, crop.out_size))
    return paste_crop(inside, crop, shape)[0].numpy()


@torch.no_grad()
def _draw(body: BodyModel, params: Tensor, intrinsics: Tensor, shape: tuple[int, int]) -> Tensor:
    labels = body.face_parts
    if labels is None:
        raise ValueError(f"{body.name}: this body does not say which part its faces belong to")
    vertices = body.from_params(params.to(body.device, body.dtype)).vertices
    return part_map(vertices, body.faces, intrinsics.to(vertices), shape, labels).labels.cpu()
