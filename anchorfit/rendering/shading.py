"""Light and colour: vertex normals, a fixed set of soft studio lights in the camera frame, palettes and colour maps."""

from __future__ import annotations

import torch
from torch import Tensor

PALETTE: tuple[tuple[float, float, float], ...] = (
    (0.65, 0.74, 0.86),  # mist blue
    (0.89, 0.72, 0.60),  # clay
    (0.68, 0.80, 0.66),  # sage
    (0.84, 0.70, 0.80),  # mauve
    (0.91, 0.83, 0.59),  # straw
    (0.60, 0.78, 0.78),  # teal
    (0.80, 0.76, 0.72),  # stone
    (0.73, 0.68, 0.85),  # lavender
)
"""Neutral sRGB colours (0..1) for people in one picture, told apart at a glance and printed in grey without loss."""

# Towards each light, in the camera frame (x right, y down, z forward), and its strength: a key light above the
# viewer's left shoulder, a fill on the right, and a rim from behind that parts limbs from the trunk.
_LIGHTS: tuple[tuple[tuple[float, float, float], float], ...] = (
    ((-0.50, -0.75, -0.80), 0.62),
    ((0.85, -0.15, -0.60), 0.22),
    ((0.10, -0.60, 0.85), 0.18),
)
_AMBIENT_SKY, _AMBIENT_GROUND = 0.30, 0.12
_GLOSS, _GLOSS_EXPONENT = 0.07, 24.0


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals (B, V, 3) of vertices (B, V, 3): the faces' normals added up with their areas as weights.

    A vertex without any area gets (0, 0, 0). They point outwards where faces run counter-clockwise seen from outside.
    """
    a, b, c = (vertices[:, faces[:, k]] for k in range(3))
    normal = torch.linalg.cross(b - a, c - a)  # (B, F, 3), length = twice the area
    total = torch.zeros_like(vertices)
    for k in range(3):
        total.index_add_(1, faces[:, k], normal)
    return torch.nn.functional.normalize(total, dim=-1, eps=1e-20)


def shade(albedo: Tensor, normals: Tensor, towards_viewer: Tensor) -> Tensor:
    """sRGB colours (M, 3), 0..1, of surface points under the studio lights.

    Args:
        albedo: (M, 3) sRGB, 0..1.
        normals: (M, 3) unit, camera frame; turned towards the viewer where they point away (insides are lit too).
        towards_viewer: (M, 3) unit, camera frame.
    Source: Lambert's cosine law, hemisphere ambient, and a Blinn (1977) highlight; sums in linear light.
    """
    away = (normals * towards_viewer).sum(-1, keepdim=True) < 0
    normals = torch.where(away, -normals, normals)
    up = 0.5 - 0.5 * normals[:, 1:2]
    light = _AMBIENT_GROUND + (_AMBIENT_SKY - _AMBIENT_GROUND) * up
    gloss = torch.zeros_like(light)
    for direction, strength in _LIGHTS:
        towards_light = torch.nn.functional.normalize(normals.new_tensor(direction), dim=0)
        light = light + strength * (normals @ towards_light).clamp_min(0)[:, None]
        half = torch.nn.functional.normalize(towards_light + towards_viewer, dim=-1)
        gloss = gloss + strength * (normals * half).sum(-1, keepdim=True).clamp_min(0) ** _GLOSS_EXPONENT
    return linear_to_srgb((srgb_to_linear(albedo) * light + _GLOSS * gloss).clamp(0, 1))


DOUBTFUL = (0.86, 0.26, 0.16)
"""sRGB of the stripes of bodies that are not trusted: no colour of the palette is near it, in grey it is darker."""


def striped(albedo: Tensor, along: Tensor, period: Tensor) -> Tensor:
    """Colours (M, 3) with stripes across a direction in the image.

    Args:
        albedo: (M, 3) sRGB, 0..1.
        along: (M,) pixels on that way.
        period: (M,) pixels from stripe to stripe; 0: none.
    """
    on = (period > 0) & ((along / period.clamp_min(1e-6)) % 1 < 0.4)
    return torch.where(on[:, None], albedo.new_tensor(DOUBTFUL), albedo)


def srgb_to_linear(color: Tensor) -> Tensor:
    """IEC 61966-2-1, 0..1."""
    return torch.where(color <= 0.04045, color / 12.92, ((color.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Tensor) -> Tensor:
    """IEC 61966-2-1, 0..1."""
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)


def person_colors(count: int) -> Tensor:
    """(count, 3) sRGB colours of the palette, over again after the last."""
    return torch.tensor([PALETTE[k % len(PALETTE)] for k in range(count)]).reshape(count, 3)


def error_colors(values: Tensor, value_range: tuple[float, float] | None = None, colormap: str = "viridis") -> Tensor:
    """Colours (..., 3) of per-vertex numbers, for instance errors.

    Args:
        values: (...) any unit; NaN becomes mid-grey.
        value_range: the values at the colour map's two ends; by default 0 and the largest value.
        colormap: a name that matplotlib knows.
    Raises:
        ValueError: the name or the range is not usable.
    """
    from matplotlib import colormaps  # imports slowly, and only this function wants it

    if colormap not in colormaps:
        raise ValueError(f"colormap: {colormap!r} is not one that matplotlib knows; try 'viridis' or 'turbo'")
    numbers = values.detach().cpu().double()
    finite = numbers.isfinite()
    low, high = value_range or (0.0, float(numbers[finite].max()) if bool(finite.any()) else 1.0)
    if value_range is not None and not high > low:
        raise ValueError(f"value_range: expected (low, high) with low < high, got {value_range}")
    share = ((numbers - low) / max(high - low, 1e-12)).clamp(0, 1)
    colors = torch.from_numpy(colormaps[colormap](torch.where(finite, share, 0.5).numpy())[..., :3])
    return torch.where(finite[..., None], colors, 0.5).to(torch.float32)
