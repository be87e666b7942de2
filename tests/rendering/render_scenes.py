"""Small meshes, cameras and an independent ray caster for the renderer's tests."""

from __future__ import annotations

import numpy as np
import pytest
import torch


def cast_rays(vertices, faces, intrinsics, size, near=0.01):
    """Face id (-1 = none) and depth by a plain loop over faces, float64: Moeller-Trumbore on every pixel centre.

    Also the margin: how far, in barycentric units, the nearest decision was from going the other way; pixels with a
    margin near 0 lie on an edge, where two right rasterisers may differ.
    """
    vertices = np.asarray(vertices, np.float64)
    intrinsics = np.asarray(intrinsics, np.float64)
    height, width = size
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    ray_y = (row - intrinsics[1, 2]) / intrinsics[1, 1]
    ray_x = (column - intrinsics[0, 2] - intrinsics[0, 1] * ray_y) / intrinsics[0, 0]
    rays = np.stack([ray_x, ray_y, np.ones_like(ray_x)], -1).reshape(-1, 3)
    ids, depth = np.full(len(rays), -1), np.full(len(rays), np.inf)
    margin = np.full(len(rays), np.inf)
    for number, (a, b, c) in enumerate(vertices[np.asarray(faces)]):
        cross = np.cross(rays, c - a)
        volume = cross @ (b - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = cross @ -a / volume
            second = np.cross(-a, b - a)
            v = rays @ second / volume
            t = (c - a) @ second / volume
        inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (t >= near)
        edge = np.minimum(np.minimum(np.abs(u), np.abs(v)), np.abs(1 - u - v))
        close = (u > -1e-3) & (v > -1e-3) & (u + v < 1 + 1e-3)
        margin = np.where(close, np.minimum(margin, np.nan_to_num(edge)), margin)
        nearer = inside & (t < depth)
        ids[nearer], depth[nearer] = number, t[nearer]
    return ids.reshape(size), depth.reshape(size), margin.reshape(size)


def sphere(subdivisions=2, radius=1.0):
    """An icosphere: (V, 3) float32 and (F, 3) int64, closed, counter-clockwise seen from outside."""
    trimesh = pytest.importorskip("trimesh")
    ball = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return torch.tensor(np.array(ball.vertices), dtype=torch.float32), torch.tensor(np.array(ball.faces))


def blob(seed=0):
    """A bumpy closed surface that hides parts of itself, 2.5 m in front of the camera."""
    vertices, faces = sphere(3)
    generator = torch.Generator().manual_seed(seed)
    frequency = 2 * torch.randn(3, 3, generator=generator)
    bump = 1 + 0.35 * torch.sin(vertices @ frequency + 6 * torch.rand(3, generator=generator)).sum(-1, keepdim=True)
    return 0.5 * vertices * bump + torch.tensor([0.02, -0.03, 2.5]), faces


def camera(height, width, focal=None, dtype=torch.float32):
    focal = focal or 1.1 * min(height, width)
    return torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], dtype=dtype)
