"""Silhouettes for ShapePrior: cropped to the person, 64 x 64, as a segmentation network might have them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...body import BodyModel
from ...body.joint_sets import SMPL_JOINTS
from ...camera import Crop, project
from ...rendering import silhouette

MASK_SIZE = 64  # pixels, as in Pavlakos et al. 2018
CROP_SCALE = 1.2  # of the mask's longer side


@dataclass(frozen=True, kw_only=True)
class MaskNoise:
    """Differences of synthetic masks from true silhouettes."""

    clean: float = 0.4  # share of masks left as they are
    edge: float = 0.3  # strength of the noise that moves the outline, in units of cover
    grain: int = 8  # its cells along a side
    hidden: float = 0.15  # share of masks of which a rectangle is missing
    jitter: float = 0.04  # of the crop's side, how far crop and person are apart at most


def simple_poses(count: int, generator: torch.Generator) -> Tensor:
    """(B, 69) body poses between a T and an A: arms down by up to 75 degrees, legs apart a little, all slightly off."""
    pose = torch.zeros(count, 24, 3)
    down = torch.deg2rad(75 * torch.rand(count, generator=generator))
    apart = torch.deg2rad(15 * torch.rand(count, generator=generator))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[:, SMPL_JOINTS.index(f"{side}_shoulder"), 2] = -sign * down
        pose[:, SMPL_JOINTS.index(f"{side}_hip"), 2] = sign * apart
    pose[:, 1:22] += 0.05 * torch.randn(count, 21, 3, generator=generator)
    return pose[:, 1:].flatten(1)


def crop_around(vertices_cam: Tensor, intrinsics: Tensor, *, shift: Tensor | None = None) -> Tensor:
    """(B, 3, 3) intrinsics of square crops around projected bodies.

    Args:
        vertices_cam: (B, V, 3) metres, all in front of the camera.
        intrinsics: (B, 3, 3) pixels.
        shift: (B, 3) shares of the side by which the crop is off: x, y, and larger.
    """
    pixels = project(vertices_cam, intrinsics)
    low, high = pixels.amin(1), pixels.amax(1)
    if shift is not None:
        side = (high - low).amax(1, keepdim=True)
        low, high = low + side * (shift[:, :2] - shift[:, 2:]), high + side * (shift[:, :2] + shift[:, 2:])
    box = torch.cat((low, high - low), 1)
    return Crop.around_box(box, scale=CROP_SCALE, out_size=MASK_SIZE).crop_intrinsics(intrinsics)


def render_masks(body: BodyModel, params: Tensor, intrinsics: Tensor, *, shift: Tensor | None = None) -> Tensor:
    """(B, 64, 64) cover in 0..1 of bodies (B, D), each cropped to its own outline."""
    vertices = body.from_params(params).vertices
    crops = crop_around(vertices, intrinsics, shift=shift)
    return silhouette(vertices, body.faces, crops, (MASK_SIZE, MASK_SIZE), samples=2).mask


def spoil(masks: Tensor, generator: torch.Generator, noise: MaskNoise) -> Tensor:
    """Masks (B, H, W) with outlines moved in patches and rectangles missing; hard where spoiled. Draws on the CPU."""
    count, height, width = masks.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator).to(masks)

    coarse = 2 * uniform(1, noise.grain, noise.grain) - 1
    field = functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)[:, 0]
    soft = functional.avg_pool2d(masks[:, None], 3, stride=1, padding=1)[:, 0]
    moved = (soft + noise.edge * field > 0.5).to(masks)
    corner, extent = uniform(2), 0.15 + 0.3 * uniform(2)
    rows = (torch.arange(height, device=masks.device) + 0.5) / height
    columns = (torch.arange(width, device=masks.device) + 0.5) / width
    inside_rows = (rows - corner[:, :1]).abs() < extent[:, :1] / 2
    inside_columns = (columns - corner[:, 1:]).abs() < extent[:, 1:] / 2
    hole = inside_rows[:, :, None] & inside_columns[:, None, :] & (uniform() < noise.hidden)[:, None, None]
    spoiled = torch.where(hole, 0, moved)
    return torch.where((uniform() < noise.clean)[:, None, None], masks, spoiled)
