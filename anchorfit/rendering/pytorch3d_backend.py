"""PyTorch3D behind the renderer's protocol, where that package is installed.

Its image plane: x to the left, y up, the image's shorter side from -1 to 1. Vertices go there with their depth kept as
z, and are rasterised without its cameras, so that the same intrinsics give the same picture.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..options import without_package
from .fragments import Fragments, Scene, SoftSilhouette, check_scene, place_bodies
from .parts import PartMap, check_labels, labels_of
from .rasterizer import NEAR, to_pixels

SLOW = (
    "renderer 'pytorch3d': on a CPU its silhouettes take seconds a body at 64 pixels and far more above; "
    "the renderer 'torch' takes milliseconds"
)


@dataclass(frozen=True, kw_only=True)
class Pytorch3dRenderer:
    """Raises ImportError where PyTorch3D is missing."""

    sigma: float = 1e-4  # softness of the silhouette, squared units of the image plane (SoftRas's default)
    faces_per_pixel: int = 100  # layers blended in the silhouette: with 30 a body's gradients point elsewhere

    def __post_init__(self) -> None:
        _import()

    def rasterize(
        self, vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int], *, near: float = NEAR
    ) -> Fragments:
        """As `anchorfit.rendering.rasterize`."""
        scene = check_scene(vertices_cam, faces, intrinsics, size)
        valid = place_bodies(scene, near).valid
        ids, depth, barycentrics, _ = self._rasterize(scene, valid, near, blur_radius=0.0, faces_per_pixel=1)
        face_ids = _within_body(ids[..., 0], scene)
        seen = face_ids >= 0
        return Fragments(
            face_ids,
            torch.where(seen[..., None], barycentrics[..., 0, :], 0),
            torch.where(seen, depth[..., 0], math.inf),
            valid,
        )

    def silhouette(
        self, vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int], *, near: float = NEAR
    ) -> SoftSilhouette:
        """Soft mask: 1 - product over faces of (1 - sigmoid(-d / sigma)), d signed squared distances.

        Source: Liu et al. 2019 (SoftRas). It is wider than the body by about the blur's reach, and its gradient is
        less right than that of the renderer "torch" (docs/rendering.md). Warns on a CPU, where it is slow.
        """
        scene = check_scene(vertices_cam, faces, intrinsics, size)
        valid = place_bodies(scene, near).valid
        if scene.vertices_cam.device.type == "cpu":
            warnings.warn(SLOW, RuntimeWarning, stacklevel=2)
        blur_radius = math.log(1 / 1e-4 - 1) * self.sigma
        ids, _, _, distances = self._rasterize(
            scene, valid, near, blur_radius=blur_radius, faces_per_pixel=self.faces_per_pixel
        )
        free = torch.where(ids >= 0, torch.sigmoid(distances / self.sigma), 1)
        return SoftSilhouette(1 - free.prod(-1), valid)

    def part_map(
        self,
        vertices_cam: Tensor,
        faces: Tensor,
        intrinsics: Tensor,
        size: tuple[int, int],
        face_labels: Tensor,
        *,
        background: int = 0,
        near: float = NEAR,
    ) -> PartMap:
        """As `anchorfit.rendering.part_map`."""
        check_labels(face_labels, faces.shape[0], background)
        with torch.no_grad():
            fragments = self.rasterize(vertices_cam, faces, intrinsics, size, near=near)
        return PartMap(labels_of(fragments.face_ids, face_labels, background), fragments.valid)

    def _rasterize(
        self, scene: Scene, valid: Tensor, near: float, *, blur_radius: float, faces_per_pixel: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Packed face ids, depth, barycentrics and signed squared distances, as PyTorch3D gives them."""
        rasterize_meshes, meshes = _import()
        # Bodies that cannot be drawn go behind the camera, where its clipping takes them out.
        behind = scene.vertices_cam.new_tensor([0.0, 0.0, -1.0])
        points = torch.where(valid[:, None, None], scene.vertices_cam, behind)
        matrix = torch.where(valid[:, None, None], scene.intrinsics, torch.eye(3).to(points))
        # Points behind the camera keep their sign: its clipping multiplies by z to get back to where they were.
        depth = torch.where(points[..., 2].abs() < 1e-6, 1e-6, points[..., 2])
        x, y, _ = to_pixels(torch.cat([points[..., :2], depth[..., None]], -1), matrix[:, None])
        side = min(scene.height, scene.width)
        plane = torch.stack([(scene.width - 2 * x) / side, (scene.height - 2 * y) / side, depth], -1)
        ids, *numbers = rasterize_meshes(
            meshes(list(plane.float()), [scene.faces] * plane.shape[0]),
            image_size=(scene.height, scene.width),
            blur_radius=blur_radius,
            faces_per_pixel=faces_per_pixel,
            perspective_correct=True,
            # A blurred face reaches to pixels outside of it, where its plane may lie behind the camera.
            clip_barycentric_coords=blur_radius > 0,
            z_clip_value=near,
        )
        depth, barycentrics, distances = (value.to(scene.vertices_cam.dtype) for value in numbers)
        return ids, depth, barycentrics, distances


def _within_body(packed_ids: Tensor, scene: Scene) -> Tensor:
    """PyTorch3D numbers the faces of all bodies in one row."""
    first = torch.arange(packed_ids.shape[0], device=packed_ids.device) * scene.faces.shape[0]
    return torch.where(packed_ids >= 0, packed_ids - first[:, None, None], -1)


def _import() -> tuple[Any, Any]:
    try:
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes
    except ImportError as error:
        needed = "the package pytorch3d cannot be imported; build it as its INSTALL.md says"
        why = without_package("pytorch3d", needed, error)
        raise ImportError(f"renderer 'pytorch3d': {why}, or use the renderer 'torch', which needs nothing") from error
    return rasterize_meshes, Meshes
