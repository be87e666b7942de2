"""A small orthographic z-buffer renderer, to look at bodies while they are built (no dependency on the package)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

Array = np.ndarray

LIGHTS = (((0.4, 0.5, 0.8), 0.75), ((-0.7, 0.1, 0.4), 0.35))  # direction towards the light in view axes, strength
AMBIENT = 0.12
SKIN = (0.82, 0.74, 0.68)


def view_rotation(azimuth_deg: float, elevation_deg: float = 0.0) -> Array:
    """Rows: the view's right, up and towards-the-viewer axes. Azimuth 0 sees the body's front, 90 its left side."""
    a, e = np.deg2rad([azimuth_deg, elevation_deg])
    towards = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    right = np.array([np.cos(a), 0.0, -np.sin(a)])
    return np.stack([right, np.cross(towards, right), towards])


def render(
    vertices: Array,
    faces: Array,
    *,
    azimuth_deg: float = 0.0,
    elevation_deg: float = 0.0,
    centre: tuple[float, float, float] | None = None,
    width_m: float = 2.0,
    size: tuple[int, int] = (400, 400),
    colours: Array | None = None,
    marks: Array | None = None,
    smooth: bool = False,
) -> Array:
    """Shaded picture uint8 (height, width, 3); ``size`` = (height, width), ``width_m`` metres across.

    ``colours``: (F, 3) in [0, 1]. ``marks``: (M, 3) points drawn as dots, red where visible and blue where hidden.
    """
    height, width = size
    rotation = view_rotation(azimuth_deg, elevation_deg)
    middle = (vertices.max(0) + vertices.min(0)) / 2 if centre is None else np.asarray(centre)
    scale = width / width_m
    seen = (vertices - middle) @ rotation.T
    pixel = np.stack([seen[:, 0] * scale + width / 2, height / 2 - seen[:, 1] * scale, seen[:, 2]], axis=1)
    shade = _shading(seen, faces, smooth)
    base = np.tile(SKIN, (len(faces), 1)) if colours is None else colours
    depth = np.full((height, width), -np.inf)
    image = np.ones((height, width, 3))
    for corners, lit, colour in zip(pixel[faces], shade[faces] if smooth else shade, base, strict=True):
        _fill(image, depth, corners, lit, colour)
    for mark in [] if marks is None else (marks - middle) @ rotation.T:
        _dot(image, depth, mark[0] * scale + width / 2, height / 2 - mark[1] * scale, mark[2])
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)


def _shading(seen: Array, faces: Array, smooth: bool) -> Array:
    corners = seen[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if smooth:
        total = np.zeros_like(seen)
        for corner in range(3):
            np.add.at(total, faces[:, corner], normal)
        normal = total
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    light = np.full(len(normal), AMBIENT)
    for direction, strength in LIGHTS:
        light += strength * np.clip(normal @ (np.array(direction) / np.linalg.norm(direction)), 0, None)
    return light


def _fill(image: Array, depth: Array, corners: Array, lit: Array | float, colour: Array) -> None:
    height, width = depth.shape
    low = np.maximum(np.floor(corners[:, :2].min(0)).astype(int), 0)
    high = np.minimum(np.ceil(corners[:, :2].max(0)).astype(int), [width, height])
    if (low >= high).any():
        return
    a, b, c = corners
    twice = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    if twice >= 0:  # pixel rows run down: faces towards the viewer are clockwise there
        return
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    wb = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / twice
    wc = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / twice
    wa = 1 - wb - wc
    z = wa * a[2] + wb * b[2] + wc * c[2]
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    hit = (wa >= -1e-9) & (wb >= -1e-9) & (wc >= -1e-9) & (z > depth[window])
    depth[window][hit] = z[hit]
    light = (wa * lit[0] + wb * lit[1] + wc * lit[2])[hit] if np.ndim(lit) else np.full(hit.sum(), lit)
    image[window][hit] = light[:, None] * colour


def _dot(image: Array, depth: Array, x: float, y: float, z: float, radius: int = 3) -> None:
    height, width = depth.shape
    column, row = int(x), int(y)
    if not (radius < column < width - radius and radius < row < height - radius):
        return
    visible = z > depth[row, column] - 0.012
    grid = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = (grid**2).sum(0) <= radius**2
    window = np.s_[row - radius : row + radius + 1, column - radius : column + radius + 1]
    image[window][disc] = (0.9, 0.05, 0.05) if visible else (0.1, 0.2, 0.9)


def sheet(pictures: list[list[Array]]) -> Array:
    """Rows of equally high pictures, put together."""
    return np.vstack([np.hstack(row) for row in pictures])


def save(picture: Array, path: Path) -> None:
    """Write a PNG with a small palette of colours."""
    from PIL import Image

    Image.fromarray(picture).quantize(128).save(path, optimize=True)
