"""Label images: which part of the body each pixel shows, from labels that the body's faces carry."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .fragments import check_scene, place_bodies
from .rasterizer import NEAR, nearest_faces


class PartMap(NamedTuple):
    """labels: (B, H, W) uint8; valid: (B,) bool, False for a body with NaN or infinite numbers (all background)."""

    labels: Tensor
    valid: Tensor


def part_map(
    vertices_cam: Tensor,
    faces: Tensor,
    intrinsics: Tensor,
    size: tuple[int, int],
    face_labels: Tensor,
    *,
    background: int = 0,
    near: float = NEAR,
) -> PartMap:
    """The label of the nearest face at every pixel centre.

    With a body's `face_parts` these are the LSP benchmark's labels: 0 background, 1 head, 2 torso, 3 right arm,
    4 left arm, 5 right leg, 6 left leg. With `face_segments` (SMPL joints 0..23) choose a free `background`, say 255.

    Args:
        vertices_cam: (B, V, 3) metres, camera frame.
        faces: (F, 3) vertex indices.
        intrinsics: (3, 3) or (B, 3, 3) pixels.
        size: (height, width) pixels.
        face_labels: (F,) integers 0..255.
        background: label where there is no body, 0..255.
        near: metres; nothing closer to the camera's plane is drawn.
    Raises:
        ValueError: a shape, type, index or size does not fit.
    """
    scene = check_scene(vertices_cam, faces, intrinsics, size)
    check_labels(face_labels, scene.faces.shape[0], background)
    placement = place_bodies(scene, near)
    shape = (scene.vertices_cam.shape[0], scene.height, scene.width)
    labels = torch.full(shape, background, dtype=torch.uint8, device=scene.vertices_cam.device)
    for patch in nearest_faces(scene, placement, near):
        labels[patch.where] = labels_of(patch.face_ids, face_labels, background)
    return PartMap(labels, placement.valid)


def check_labels(face_labels: Tensor, num_faces: int, background: int) -> None:
    """Raises ValueError unless there is one integer label a face and the background is a byte."""
    if face_labels.shape != (num_faces,) or face_labels.is_floating_point():
        raise ValueError(
            f"face_labels: expected ({num_faces},) integers, one a face, "
            f"got {tuple(face_labels.shape)} {face_labels.dtype}"
        )
    if not 0 <= background <= 255:
        raise ValueError(f"background: expected 0..255, got {background}")


def labels_of(face_ids: Tensor, face_labels: Tensor, background: int) -> Tensor:
    """uint8 labels, like face_ids (-1 = background)."""
    first = torch.full((1,), background, dtype=torch.uint8, device=face_ids.device)
    table = torch.cat([first, face_labels.to(first)])
    return table.index_select(0, face_ids.add(1).view(-1)).view(face_ids.shape)
