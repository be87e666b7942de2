"""One protocol for every backend, and the way to ask for one by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from .fragments import Fragments, SoftSilhouette
from .parts import PartMap, part_map
from .rasterizer import NEAR, rasterize
from .silhouettes import silhouette


class Renderer(Protocol):
    """Interface of a renderer. Arguments as in the functions of this package.

    `rasterize` is also what `overlay` and `side_view` take as their `rasterizer`.
    """

    def rasterize(
        self, vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int], *, near: float = NEAR
    ) -> Fragments:
        """Nearest face, barycentrics and depth at every pixel centre."""

    def silhouette(
        self, vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int], *, near: float = NEAR
    ) -> SoftSilhouette:
        """Soft mask with gradients."""

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
        """Label of the nearest face at every pixel centre."""


@dataclass(frozen=True, kw_only=True)
class TorchRenderer:
    """The default: plain PyTorch, CPU and CUDA alike."""

    samples: int | None = None  # of the silhouette, a pixel along x and y; None: as `silhouette` chooses

    def rasterize(
        self, vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int], *, near: float = NEAR
    ) -> Fragments:
        return rasterize(vertices_cam, faces, intrinsics, size, near=near)

    def silhouette(
        self, vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int], *, near: float = NEAR
    ) -> SoftSilhouette:
        return silhouette(vertices_cam, faces, intrinsics, size, samples=self.samples, near=near)

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
        return part_map(vertices_cam, faces, intrinsics, size, face_labels, background=background, near=near)


def _pytorch3d() -> Renderer:
    from .pytorch3d_backend import Pytorch3dRenderer

    return Pytorch3dRenderer()


_RENDERERS: dict[str, Callable[[], Renderer]] = {"torch": TorchRenderer, "pytorch3d": _pytorch3d}


def load_renderer(name: str = "torch") -> Renderer:
    """The renderer of that name: "torch" (always there) or "pytorch3d" (where that package is installed).

    Raises:
        ValueError: no such name.
        ImportError: its package is not installed; the message says what to do.
    """
    if name not in _RENDERERS:
        raise ValueError(f"renderer: expected one of {', '.join(map(repr, _RENDERERS))}, got {name!r}")
    return _RENDERERS[name]()
