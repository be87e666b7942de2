"""Pictures of estimates: overlays on their photographs, side views, a contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .body import CANONICAL_JOINTS, BodyModel
from .body.kinematics import compiled_points
from .body.soles import soles
from .body.standing import upright_turn
from .looks import OverlayLook as OverlayLook
from .observations import read_image
from .rendering import DOUBTFUL, PALETTE, label_picture, load_renderer, overlay, side_view
from .rendering.floor_grid import draw_floor
from .results import BodyEstimate, said_of_up

NOT_TRUSTED = "striped: not trusted"
_SIDE_BONES = (
    *(("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip")),
    *(("ankle", "heel"), ("ankle", "big_toe")),
)
BONES = (
    *((f"{side}_{one}", f"{side}_{other}") for side in ("left", "right") for one, other in _SIDE_BONES),
    *(("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")),
)
"""Canonical joints that overlays join by lines, where both are seen."""

_BONES = [(CANONICAL_JOINTS.index(one), CANONICAL_JOINTS.index(other)) for one, other in BONES]
_SIDE_VIEW_HEIGHT = 480
_SIDE_VIEW_SHAPES = (0.5, 4.0)  # least and largest width over height


def draw_overlay(
    estimate: BodyEstimate, body: BodyModel, renderer: str = "torch", *, look: OverlayLook | None = None
) -> np.ndarray:
    """The bodies of one photograph drawn on it, in the estimates' own camera; those not trusted are striped.

    Args:
        estimate: rows of one photograph.
        body: the body that they were made with.
        renderer: "torch", or "pytorch3d" where that package is installed.
        look: opacity, keypoints, and the renderer in place of the one above.
    Returns:
        (H, W, 3) uint8 RGB, of the photograph's size.
    Raises:
        ValueError: the rows are of several photographs or cameras, or of no photograph.
    """
    if not (estimate.intrinsics == estimate.intrinsics[:1]).all():
        raise ValueError(f"{_photograph(estimate)}: its people have different cameras; draw them one by one")
    image = read_image(_photograph(estimate))
    return draw_on(image, estimate, body, look or OverlayLook(renderer=renderer))


def draw_on(
    image: np.ndarray,
    estimate: BodyEstimate,
    body: BodyModel,
    look: OverlayLook = OverlayLook(),
    *,
    colors: Tensor | None = None,
    legend: bool | None = None,
) -> np.ndarray:
    """`draw_overlay` on an image that is there already, a frame of a video for instance.

    Args:
        image: (H, W, 3) uint8 RGB; without people and legend it is returned as it is.
        estimate: rows in one camera, or none.
        colors: (B, 3) sRGB 0..1; by default the palette's, in turn.
        legend: whether a line says what stripes mean; by default where there are some.
    """
    doubtful = ~estimate.diagnostics.trusted
    if len(estimate) and look.floor_grid:
        feet = compiled_points(body, soles(body).names).points(estimate.params.to(body.device, body.dtype))
        image = draw_floor(image, estimate.floors.planes.cpu(), feet.cpu(), estimate.intrinsics[0])
    if len(estimate):
        marks = torch.cat([estimate.keypoints, estimate.confidence[..., None]], -1) if look.keypoints else None
        image = overlay(
            image,
            estimate.bodies(body).vertices,
            body.faces,
            estimate.intrinsics[0],
            colors=colors,
            alpha=look.opacity,
            doubtful=doubtful,
            keypoints=marks,
            bones=_BONES,
            rasterizer=load_renderer(look.renderer).rasterize,
        )
    return label_picture(image, NOT_TRUSTED, DOUBTFUL) if (doubtful.any() if legend is None else legend) else image


def draw_side_view(estimate: BodyEstimate, body: BodyModel, size: tuple[int, int] | None = None) -> np.ndarray:
    """The bodies of one photograph seen from the camera's right, where they stand; up is where gravity has it.

    Where it is not known by how much the camera looks down (``pitch_deg``), up is as in the photograph, in which people
    seen from above lean towards the camera, or as the points have it that bodies were fitted to; a line says which. The
    ground is at the lowest of all feet; those not trusted are striped.

    Args:
        size: (height, width); by default 480 pixels high and as wide as fills the picture with the people.
    Returns:
        (height, width, 3) uint8 RGB.
    """
    turn, up = _upright(estimate)
    vertices = estimate.bodies(body).vertices @ turn.mT
    doubtful = ~estimate.diagnostics.trusted
    drawn = side_view(vertices, body.faces, size or _filled_size(vertices), ground=True, doubtful=doubtful)
    drawn = label_picture(drawn, up, top=True)
    return label_picture(drawn, NOT_TRUSTED, DOUBTFUL) if doubtful.any() else drawn


def _upright(estimate: BodyEstimate) -> tuple[Tensor, str]:
    """(3, 3) what turns one camera's rows upright, and a line that says what up is."""
    pitch_deg = estimate.pitch_deg.nanmedian() if len(estimate) else torch.tensor(torch.nan)
    if not bool(pitch_deg.isfinite()):
        return torch.eye(3).to(estimate.transl), f"up: {said_of_up(estimate.method, known=False)}"
    up = said_of_up(estimate.method, known=True)
    return upright_turn(pitch_deg), f"up: {up}, the camera looks {_downwards(float(pitch_deg))}"


def _downwards(pitch_deg: float) -> str:
    """In words: "down by 12 degrees"."""
    angle = round(abs(pitch_deg))
    return f"{'down' if pitch_deg >= 0 else 'up'} by {angle} {'degree' if angle == 1 else 'degrees'}"


def _filled_size(vertices: Tensor) -> tuple[int, int]:
    """(height, width) in the shape of the people (B, V, 3) as seen from the side."""
    points = vertices[vertices.isfinite().flatten(1).all(1)].reshape(-1, 3)
    if not len(points):
        return _SIDE_VIEW_HEIGHT, _SIDE_VIEW_HEIGHT
    _, up, deep = (points.amax(0) - points.amin(0)).tolist()
    least, largest = _SIDE_VIEW_SHAPES
    return _SIDE_VIEW_HEIGHT, round(_SIDE_VIEW_HEIGHT * min(max(deep / max(up, 1e-6), least), largest))


def draw_line_up(estimate: BodyEstimate, body: BodyModel, size: tuple[int, int]) -> np.ndarray:
    """The bodies side by side in the photograph's order, each seen from the camera's right; up as in `draw_side_view`.

    Unlike that one it shows people who stand far apart as large as people who stand together. Those not trusted are
    striped.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    vertices, joints = estimate.bodies(body)
    order = joints[:, 0, 0].argsort()  # from left to right
    turn, up = _upright(estimate)
    centred = (vertices - joints[:, :1])[order] @ turn.mT
    depth_span = centred[..., 2].amax(dim=1) - centred[..., 2].amin(dim=1)
    right_edge = (depth_span + 0.15).cumsum(dim=0)  # seen from the right, depth runs from left to right
    start = right_edge - depth_span - centred[..., 2].amin(dim=1)
    shift = torch.stack([torch.zeros_like(start), torch.zeros_like(start), start], dim=-1)
    paint = [PALETTE[i % len(PALETTE)] for i in order.tolist()]
    doubtful = ~estimate.diagnostics.trusted[order]
    drawn = side_view(centred + shift[:, None], body.faces, size, colors=paint, doubtful=doubtful)
    return label_picture(drawn, up, top=True)


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
