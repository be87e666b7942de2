"""The two things that the PyTorch3D backend uses, `Meshes` and `rasterize_meshes`, as a plain loop over triangles.

Written from PyTorch3D's documented conventions, to test the backend where that package cannot be installed: image plane
with x to the left and y up, the image's shorter side from -1 to 1; z as given; faces of the whole batch numbered in one
row; the nearest faces first; what is empty filled with -1; distances squared, negative inside a face; barycentrics
of the whole face also where the near plane cuts it. Slow, float64 inside, with gradients through distances, depths and
barycentrics.
"""

from __future__ import annotations

import math
import sys
from types import ModuleType

import torch


class Meshes:
    def __init__(self, verts, faces):
        assert all(v.dtype == torch.float32 for v in verts)
        self.verts, self.faces = verts, faces


def rasterize_meshes(
    meshes,
    image_size=256,
    blur_radius=0.0,
    faces_per_pixel=8,
    bin_size=None,
    max_faces_per_bin=None,
    perspective_correct=False,
    clip_barycentric_coords=False,
    cull_backfaces=False,
    z_clip_value=None,
    cull_to_frustum=False,
):
    """pix_to_face (N, H, W, K) int64; zbuf, (…, K); barycentrics (…, K, 3); signed squared distances (…, K)."""
    assert not cull_backfaces
    height, width = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    side = min(height, width)
    x = (width - 2 * torch.arange(width, dtype=torch.float64) - 1) / side
    y = (height - 2 * torch.arange(height, dtype=torch.float64) - 1) / side
    pixels = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
    images, first_face = [], 0
    for vertices, faces in zip(meshes.verts, meshes.faces, strict=True):
        layers = []
        for number, corners in enumerate(vertices.double()[faces]):
            for piece, weights in _pieces(corners, z_clip_value, perspective_correct):
                layer = _one_triangle(piece, weights, pixels, blur_radius, perspective_correct, clip_barycentric_coords)
                if layer is not None:
                    layers.append((torch.full((height, width), first_face + number), *layer))
        images.append(_nearest(layers, faces_per_pixel, height, width))
        first_face += len(faces)
    ids, depth, shares, distance = (torch.stack(part) for part in zip(*images, strict=True))
    return ids, depth.float(), shares.float(), distance.float()


def _pieces(corners, near, perspective):
    """Triangles (3, 3) of a face that remain in front of the plane z = near, and their corners as weights (3, 3) of the
    face's own. x and y of a perspective image are first multiplied by z: that is where straight lines are straight."""
    if near is None or bool((corners[:, 2] >= near).all()):
        return [(corners, torch.eye(3, dtype=torch.float64))]
    scale = corners[:, 2:] if perspective else torch.ones_like(corners[:, 2:])
    solid = torch.cat([corners[:, :2] * scale, corners[:, 2:]], 1)
    polygon = []
    for k in range(3):
        here, there = torch.eye(3, dtype=torch.float64)[k], torch.eye(3, dtype=torch.float64)[(k + 1) % 3]
        z_here, z_there = corners[k, 2], corners[(k + 1) % 3, 2]
        if z_here >= near:
            polygon.append(here)
        if (z_here >= near) != (z_there >= near):
            share = (z_here - near) / (z_here - z_there)
            polygon.append(here * (1 - share) + there * share)
    pieces = []
    for k in range(1, len(polygon) - 1):
        weights = torch.stack([polygon[0], polygon[k], polygon[k + 1]])
        points = weights @ solid
        plane = points[:, :2] / points[:, 2:] if perspective else points[:, :2]
        pieces.append((torch.cat([plane, points[:, 2:]], 1), weights))
    return pieces


def _cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _one_triangle(corners, weights, pixels, blur_radius, perspective, clip):
    """Depth (inf where not hit), barycentrics of the whole face, signed squared distance; (H, W) each; None: no hit."""
    plane, z = corners[:, :2], corners[:, 2]
    area = _cross(plane[1] - plane[0], plane[2] - plane[0])
    if area == 0:
        return None
    sides, distances = [], []
    for k in range(3):
        start, end = plane[(k + 1) % 3], plane[(k + 2) % 3]
        sides.append(_cross(end - start, pixels - start) / area)
        along = (((pixels - start) * (end - start)).sum(-1) / (end - start).square().sum().clamp_min(1e-30)).clamp(0, 1)
        distances.append((pixels - start - along[..., None] * (end - start)).square().sum(-1))
    shares, distance = torch.stack(sides, -1), torch.stack(distances).amin(0)
    if perspective:
        shares = shares / z
        shares = shares / shares.sum(-1, keepdim=True)
    inside = (shares > 0).all(-1)
    if clip:
        shares = shares.clamp(0, 1)
        shares = shares / shares.sum(-1, keepdim=True).clamp_min(1e-5)
    depth = shares @ z
    hit = (inside | (distance < blur_radius)) & (depth >= 0)
    if not bool(hit.any()):
        return None
    return torch.where(hit, depth, math.inf), shares @ weights, torch.where(inside, -distance, distance)


def _nearest(layers, faces_per_pixel, height, width):
    fill = (
        torch.full((height, width), -1),
        torch.full((height, width), math.inf, dtype=torch.float64),
        torch.full((height, width, 3), -1.0, dtype=torch.float64),
        torch.full((height, width), -1.0, dtype=torch.float64),
    )
    layers = layers + [fill] * max(0, faces_per_pixel - len(layers))
    ids, depth, shares, distance = (torch.stack(part, 2) for part in zip(*layers, strict=True))
    order = depth.argsort(dim=2, stable=True)[..., :faces_per_pixel]
    ids, depth, distance = (value.gather(2, order) for value in (ids, depth, distance))
    shares = shares.gather(2, order[..., None].expand(*order.shape, 3))
    empty = depth.isinf()
    return (
        torch.where(empty, -1, ids),
        torch.where(empty, -1, depth),
        torch.where(empty[..., None], -1, shares),
        torch.where(empty, -1, distance),
    )


def install(monkeypatch):
    """`import pytorch3d` finds the stand-in for the length of a test."""
    for name in ("", ".structures", ".renderer", ".renderer.mesh", ".renderer.mesh.rasterize_meshes"):
        module = ModuleType(f"pytorch3d{name}")
        vars(module).update(Meshes=Meshes, rasterize_meshes=rasterize_meshes)
        monkeypatch.setitem(sys.modules, module.__name__, module)
