"""Strips of a take from the side, with the floor as a line: true bodies, and fits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from filmed_takes import Filmed
from torch import Tensor

from anchorfit.body import BodyModel
from anchorfit.body.floor import world_rotation
from anchorfit.camera import intrinsics_matrix
from anchorfit.observations import write_image
from anchorfit.rendering import overlay
from anchorfit.results import BodyEstimate

_FRAMES, _SIZE, _SCALE = 12, (1500, 300), 140.0  # bodies a strip; pixels; pixels a metre
_FAR = 200.0  # metres: nearly parallel rays
_COLORS = ((0.35, 0.55, 0.85), (0.9, 0.55, 0.3))


def draw_strip(path: Path, body: BodyModel, truth: Filmed, fits: Mapping[str, BodyEstimate]) -> None:
    """Write a picture of rows: the truth and each fit, in turn from the camera's side and from a right angle to it."""
    plane = torch.cat((truth.up, truth.up.new_tensor([truth.height])))
    bodies = {"true": (truth.params, plane)}
    for name, fit in fits.items():
        bodies[name] = (fit.params, fit.floors.planes[0] if bool(fit.floors.known[0]) else plane)
    strips = [_strip(body, params, own, side) for params, own in bodies.values() for side in (False, True)]
    write_image(path, np.concatenate(strips))


def _strip(body: BodyModel, params: Tensor, plane: Tensor, side: bool) -> np.ndarray:
    """Some frames on the floor at their places; ``side``: seen at a right angle to the camera, each in a place of its
    own."""
    some = torch.linspace(0, len(params) - 1, _FRAMES).round().long()
    vertices = body.from_params(params[some]).vertices @ world_rotation(plane[None])[0].T
    vertices[..., 1] += plane[3]
    if side:
        vertices = torch.stack((-vertices[..., 2], vertices[..., 1], vertices[..., 0]), -1)
    vertices[..., 0] -= vertices[..., 0].mean(1, keepdim=True) if side else vertices[..., 0].mean()
    vertices[..., 0] += torch.linspace(-4.6, 4.6, _FRAMES)[:, None]
    seen = torch.stack((vertices[..., 0], 0.85 - vertices[..., 1], _FAR - 0.05 * vertices[..., 2]), -1)
    picture = np.full((_SIZE[1], _SIZE[0], 3), 245, dtype=np.uint8)
    line = round(_SIZE[1] / 2 + 0.85 * _SCALE)
    picture[line : line + 2] = (200, 30, 30)
    intrinsics = intrinsics_matrix(_SCALE * _FAR, (_SIZE[0] / 2, _SIZE[1] / 2))
    colors = [_COLORS[number % 2] for number in range(_FRAMES)]
    drawn = overlay(picture, seen, body.faces, intrinsics, colors=colors)
    return np.asarray(drawn)
