"""Results of a rasteriser, and the checks of its inputs that every backend shares."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

_FARTHEST = 1e6  # metres
_LONGEST = 1e9  # pixels


class Fragments(NamedTuple):
    """The nearest surface at every pixel centre.

    face_ids: (B, H, W) int64, index into `faces`; -1 where there is nothing.
    barycentrics: (B, H, W, 3) perspective-correct weights of the face's three vertices; 0 where there is nothing.
    depth: (B, H, W) metres along the camera's z; inf where there is nothing.
    valid: (B,) bool; False for a body with NaN, infinite or absurd numbers, beyond 1e6 m (its rows above are empty).
    """

    face_ids: Tensor
    barycentrics: Tensor
    depth: Tensor
    valid: Tensor


class SoftSilhouette(NamedTuple):
    """Silhouettes (formerly ``Silhouette``).

    mask: (B, H, W) share of each pixel that the body covers, 0..1.
    valid: (B,) bool as in Fragments.
    """

    mask: Tensor
    valid: Tensor


class Scene(NamedTuple):
    """Checked inputs: vertices_cam (B, V, 3), faces (F, 3) int64, their corners one after another (3, F), intrinsics
    (B, 3, 3), height and width in pixels."""

    vertices_cam: Tensor
    faces: Tensor
    corners: Tensor
    intrinsics: Tensor
    height: int
    width: int


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) as ints. Raises ValueError unless both are at least 1."""
    if len(size) != 2:
        raise ValueError(f"size: expected (height, width), got {tuple(size)}")
    height, width = (int(side) for side in size)
    if height < 1 or width < 1:
        raise ValueError(f"size: expected (height, width) of at least 1 x 1 pixels, got {(height, width)}")
    return height, width


def check_scene(vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int]) -> Scene:
    """Shapes, types and index ranges of a batch of bodies with one face table.

    Raises:
        ValueError: a shape, a type or a face index does not fit; it names the argument.
    """
    height, width = check_size(size)
    if vertices_cam.ndim != 3 or vertices_cam.shape[-1] != 3:
        raise ValueError(f"vertices_cam: expected (B, V, 3), got {tuple(vertices_cam.shape)}")
    if vertices_cam.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"vertices_cam: expected float32 or float64, got {vertices_cam.dtype}; convert it first")
    if faces.ndim != 2 or faces.shape[-1] != 3 or faces.is_floating_point():
        raise ValueError(f"faces: expected (F, 3) integers, got {tuple(faces.shape)} {faces.dtype}")
    batch, num_vertices = vertices_cam.shape[:2]
    if faces.shape[0] >= 2**31:
        raise ValueError(f"faces: expected fewer than 2^31 faces, got {faces.shape[0]}")
    faces = faces.to(device=vertices_cam.device, dtype=torch.int64)
    low, high, corners = _face_table(faces)
    if low < 0 or high >= num_vertices:
        raise ValueError(
            f"faces: expected vertex indices 0..{num_vertices - 1}, got {low}..{high}; "
            "vertices and faces must come from the same body"
        )
    if intrinsics.shape not in ((3, 3), (1, 3, 3), (batch, 3, 3)):
        raise ValueError(f"intrinsics: expected (3, 3) or ({batch}, 3, 3), got {tuple(intrinsics.shape)}")
    intrinsics = intrinsics.to(vertices_cam)
    for _, (skewed, *_), (left, middle, right) in intrinsics.detach().view(-1, 3, 3).tolist():
        # NaN passes here: it is flagged with its body.
        if abs(skewed) + abs(left) + abs(middle) + abs(right - 1) > 0:
            raise ValueError("intrinsics: expected rows (fx, s, cx), (0, fy, cy), (0, 0, 1) in pixels")
    return Scene(vertices_cam, faces, corners, intrinsics.expand(batch, 3, 3), height, width)


_tables = WeakTensorKeyDictionary()


def _face_table(faces: Tensor) -> tuple[int, int, Tensor]:
    """Smallest and largest index, (0, -1) for no faces, and the corners (3, F), side by side to fetch from; remembered
    as long as this very tensor lives unchanged."""
    version = 0 if faces.is_inference() else faces._version
    known = _tables.get(faces)
    if known is None or known[0] != version:
        low, high = (int(end) for end in faces.aminmax()) if faces.numel() else (0, -1)
        known = _tables[faces] = (version, low, high, faces.t().contiguous())
    return known[1], known[2], known[3]


class DrawableBodies(NamedTuple):
    """valid: (B,) bool as in Fragments; whole: (B,) bool, valid and all of it in front of the near plane; the same for
    the host: whether all are whole, and whether some are valid but not whole."""

    valid: Tensor
    whole: Tensor
    all_whole: bool
    any_cut: bool


def place_bodies(scene: Scene, near: float) -> DrawableBodies:
    """Which bodies can be drawn, and which reach behind the near plane.

    Valid are those whose vertices and camera hold no NaN, no infinity and nothing absurd: up to 1e6 metres and 1e9
    pixels, float32 projects and interpolates without overflow. The few numbers that decide go to the host at once.

    Raises:
        ValueError: near is not above 0.
    """
    if not near > 0:
        raise ValueError(f"near: expected metres above 0, got {near}")
    vertices_cam, device = scene.vertices_cam.detach(), scene.vertices_cam.device
    if vertices_cam.numel() == 0:
        all_of_them = torch.ones(vertices_cam.shape[0], dtype=torch.bool, device=device)
        return DrawableBodies(all_of_them, all_of_them, True, False)
    numbers, depth = vertices_cam.flatten(1), vertices_cam[..., 2].contiguous()  # minima of neighbours are fast
    camera = scene.intrinsics.detach().flatten(1)
    ends = torch.stack([numbers.amin(1).neg_(), numbers.amax(1), depth.amin(1), camera.abs().amax(1)])
    valid, whole = [], []
    for low, high, nearest, largest in ends.t().tolist():  # NaN goes through, and fails every comparison
        valid.append(low <= _FARTHEST and high <= _FARTHEST and largest <= _LONGEST)
        whole.append(valid[-1] and nearest >= near)
    if all(whole):
        all_of_them = torch.ones(len(whole), dtype=torch.bool, device=device)
        return DrawableBodies(all_of_them, all_of_them, True, False)
    on_device = torch.tensor([valid, whole], device=device)
    return DrawableBodies(on_device[0], on_device[1], False, valid != whole)
