"""Pictures of estimates: overlays on their photographs, side views, a contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from .body import BodyModel
from .observations import read_image
from .rendering import PALETTE, load_renderer, overlay, side_view
from .results import BodyEstimate


def draw_overlay(estimate: BodyEstimate, body: BodyModel, renderer: str = "torch") -> np.ndarray:
    """The bodies of one photograph drawn on it, in the estimates' own camera.

    Args:
        estimate: rows of one photograph.
        body: the body that they were made with.
        renderer: "torch", or "pytorch3d" where that package is installed.
    Returns:
        (H, W, 3) uint8 RGB, of the photograph's size.
    Raises:
        ValueError: the rows are of several photographs or cameras, or of no photograph.
    """
    if not (estimate.intrinsics == estimate.intrinsics[:1]).all():
        raise ValueError(f"{_photograph(estimate)}: its people have different cameras; draw them one by one")
    image = read_image(_photograph(estimate))
    vertices_cam = estimate.bodies(body).vertices
    return overlay(
        image, vertices_cam, body.faces, estimate.intrinsics[0], rasterizer=load_renderer(renderer).rasterize
    )


def draw_side_view(estimate: BodyEstimate, body: BodyModel, size: tuple[int, int] = (480, 480)) -> np.ndarray:
    """The bodies of one photograph seen from the camera's right, where they stand; (height, width, 3) uint8 RGB."""
    return side_view(estimate.bodies(body).vertices, body.faces, size)


def draw_line_up(estimate: BodyEstimate, body: BodyModel, size: tuple[int, int]) -> np.ndarray:
    """The bodies side by side in the photograph's order, each seen from the camera's right.

    Unlike ``draw_side_view`` it shows people who stand far apart as large as people who stand together.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    vertices, joints = estimate.bodies(body)
    order = joints[:, 0, 0].argsort()  # from left to right
    centred = (vertices - joints[:, :1])[order]
    depth_span = centred[..., 2].amax(dim=1) - centred[..., 2].amin(dim=1)
    right_edge = (depth_span + 0.15).cumsum(dim=0)  # seen from the right, depth runs from left to right
    start = right_edge - depth_span - centred[..., 2].amin(dim=1)
    shift = torch.stack([torch.zeros_like(start), torch.zeros_like(start), start], dim=-1)
    return side_view(
        centred + shift[:, None], body.faces, size, colors=[PALETTE[i % len(PALETTE)] for i in order.tolist()]
    )


def draw_contact_sheet(estimate: BodyEstimate, body: BodyModel, *, row_height: int = 300) -> np.ndarray:
    """A row a photograph: as it is, with the bodies on it, and the bodies from the side; (H, W, 3) uint8 RGB."""
    rows = []
    for image in dict.fromkeys(estimate.images):
        people = estimate.rows([i for i, name in enumerate(estimate.images) if name == image])
        photograph = read_image(_photograph(people))
        panels = [photograph, draw_overlay(people, body), draw_line_up(people, body, (row_height, 3 * row_height // 2))]
        rows.append(np.concatenate([_to_height(panel, row_height) for panel in panels], axis=1))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(r, ((0, 4), (0, width - r.shape[1]), (0, 0)), constant_values=255) for r in rows]
    return np.concatenate(padded, axis=0)


def _photograph(estimate: BodyEstimate) -> Path:
    images = set(estimate.images)
    if len(images) != 1 or not next(iter(images)):
        raise ValueError(f"expected the people of one photograph, got {sorted(images)}")
    return Path(next(iter(images)))


def _to_height(image: np.ndarray, height: int) -> np.ndarray:
    import cv2  # here, so that a system without OpenCV's libraries loses this one picture only

    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
