"""Silhouettes with gradients: winding numbers of contour edges forward, an integral along the outline backward.

Turn every face so that it runs the same way round in the image. The winding number at a point then counts the faces
over it; between two faces that look the same way an edge cancels out, and what remains are the contour edges, a few
hundred of twenty thousand. So no face is ever filled:

forward    each contour edge adds its winding at the sample rows that it crosses; a running sum along the row gives the
           number at every sample, and a pixel's cover is the share of its samples x samples where it is not zero.
backward   cover is the area of the body inside a pixel. By Reynolds' transport theorem its derivative is an integral
           along the outline, of the outline's speed along its outward normal:
               dL/dp = sum over contour edges of  integral of g(x) n(x) . dx/dp ds,   g = dL/dcover at the pixel of x.
           An edge is summed at points a third of a pixel apart; a point counts where the sample just outside is free
           (elsewhere the contour lies in front of or behind another part of the body, and moves no outline).

Sources: Li, Aittala, Durand, Lehtinen 2018 (edge sampling) for the integral; the counting of contours is the non-zero
winding rule of two-dimensional fonts. Bodies that reach behind the near plane are cut there and drawn face by face.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .clipping import Triangles, clip_to_near
from .edges import edge_table
from .fragments import Scene, Silhouette, check_scene, finite_bodies
from .rasterizer import NEAR, to_pixels

_SAMPLES_AT_ONCE = 1 << 24  # winding numbers held at a time, 2 bytes each
_STEP = 0.35  # pixels between the points of the outline's integral
_OUTSIDE = 0.75  # samples: from a point of the outline to where it must be free; sqrt(1/2) reaches the next centre


def silhouette(
    vertices_cam: Tensor,
    faces: Tensor,
    intrinsics: Tensor,
    size: tuple[int, int],
    *,
    samples: int | None = None,
    near: float = NEAR,
) -> Silhouette:
    """The share of each pixel that each body covers, with gradients to vertices and intrinsics.

    Args:
        vertices_cam: (B, V, 3) metres, camera frame, float32 or float64.
        faces: (F, 3) vertex indices; closed or open mesh. Keep the same tensor from call to call: its edge table is
            made once.
        intrinsics: (3, 3) or (B, 3, 3) pixels.
        size: (height, width) pixels.
        samples: samples a pixel along x and y; by default 4 up to 128 pixels, 2 above.
        near: metres; nothing closer to the camera's plane is drawn.
    Returns:
        mask (B, H, W), 0..1, exact to the samples; valid (B,): a body with NaN or infinite numbers is empty there.
    Raises:
        ValueError: a shape, type, index or size does not fit.
    """
    scene = check_scene(vertices_cam, faces, intrinsics, size)
    if samples is None:
        samples = 4 if max(scene.height, scene.width) <= 128 else 2
    if not 1 <= samples <= 64:
        raise ValueError(f"samples: expected 1..64, got {samples}")
    valid = finite_bodies(scene)
    outline = _outline_points(scene, valid, near)
    mask = _Coverage.apply(outline.x, outline.y, scene, outline, samples)
    return Silhouette(mask, valid)


class _Outline(NamedTuple):
    """Points x, y (P,) in pixels: the bodies' vertices, then corners of triangles that were cut at the near plane.

    usable: (B, V) bool vertices of bodies that are drawn by their contour edges; soup_body: (M,) body of each cut
    triangle, whose corners are the points B V + 3 k ...
    """

    x: Tensor
    y: Tensor
    usable: Tensor
    soup_body: Tensor


def _outline_points(scene: Scene, valid: Tensor, near: float) -> _Outline:
    z = scene.vertices_cam.detach()[..., 2]
    whole = valid & (z >= near).all(1)  # (B,)
    safe = scene.vertices_cam
    if not bool(whole.all()):
        safe = torch.where(whole[:, None, None], safe, safe.new_tensor([0.0, 0.0, 1.0]))
    matrix = scene.intrinsics
    if not bool(valid.all()):
        matrix = torch.where(valid[:, None, None], matrix, torch.eye(3, dtype=matrix.dtype, device=matrix.device))
    x, y, _ = to_pixels(safe, matrix[:, None])
    x, y = x.reshape(-1), y.reshape(-1)
    cut_bodies = (valid & ~whole).nonzero()[:, 0]
    if cut_bodies.shape[0] == 0:
        return _Outline(x, y, whole, cut_bodies)
    body = cut_bodies.repeat_interleave(scene.faces.shape[0])
    corners = scene.vertices_cam[cut_bodies][:, scene.faces].reshape(-1, 3, 3)
    soup = clip_to_near(Triangles(corners, body, body), near)
    soup_x, soup_y, _ = to_pixels(soup.corners_cam, matrix[soup.body][:, None])
    return _Outline(torch.cat([x, soup_x.reshape(-1)]), torch.cat([y, soup_y.reshape(-1)]), whole, soup.body)


class _Contours(NamedTuple):
    """Contour edges (M,): point indices start and end, winding (int64, sign by direction), body."""

    start: Tensor
    end: Tensor
    winding: Tensor
    body: Tensor


def _contours(x: Tensor, y: Tensor, scene: Scene, outline: _Outline) -> _Contours:
    batch, num_vertices = scene.vertices_cam.shape[:2]
    table = edge_table(scene.faces)
    body_x, body_y = (p[: batch * num_vertices].view(batch, num_vertices) for p in (x, y))
    index = scene.faces.t().reshape(-1)
    x0, x1, x2 = body_x.index_select(1, index).view(batch, 3, -1).unbind(1)
    y0, y1, y2 = body_y.index_select(1, index).view(batch, 3, -1).unbind(1)
    turn = _turn(x0, y0, x1, y1, x2, y2) * outline.usable[:, None]  # (B, F)
    turn = torch.cat([turn, turn.new_zeros(batch, 1)], 1)
    winding = turn.index_select(1, table.faces[0]) * table.directions[0]
    winding += turn.index_select(1, table.faces[1]) * table.directions[1]
    body, edge = winding.nonzero().unbind(-1)
    contours = _Contours(
        body * num_vertices + table.start[edge], body * num_vertices + table.end[edge], winding[body, edge].long(), body
    )
    if outline.soup_body.shape[0] == 0:
        return contours
    corner = batch * num_vertices + torch.arange(3 * outline.soup_body.shape[0], device=x.device).view(-1, 3)
    soup_turn = _turn(*(p[corner[:, k]] for k in range(3) for p in (x, y))).long()
    soup = _Contours(
        corner.reshape(-1),
        corner.roll(-1, 1).reshape(-1),
        soup_turn.repeat_interleave(3),
        outline.soup_body.repeat_interleave(3),
    )
    return _Contours(*(torch.cat(pair) for pair in zip(contours, soup, strict=True)))


def _turn(x0: Tensor, y0: Tensor, x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor) -> Tensor:
    """int8: which way round triangles run in the image, 0 for one without area."""
    return ((x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)).sign().to(torch.int8)


class _Coverage(torch.autograd.Function):
    """x, y (P,) pixels -> cover (B, H, W)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, scene: Scene, outline: _Outline, samples: int) -> Tensor:
        contours = _contours(x, y, scene, outline)
        numbers = _winding_numbers(x * samples, y * samples, contours, scene, samples)
        if any(ctx.needs_input_grad):
            points = _outline_integral(x, y, contours, numbers, samples)
            ctx.save_for_backward(*points)
            ctx.num_points = x.shape[0]
        return _pool(numbers != 0, samples, x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        start, end, share, normal_x, normal_y, pixel = ctx.saved_tensors
        g = grad.reshape(-1)[pixel]
        results = []
        for normal in (normal_x, normal_y):
            force = g * normal
            at_end = force * share
            total = grad.new_zeros(ctx.num_points)
            total.index_add_(0, start, force - at_end)
            total.index_add_(0, end, at_end)
            results.append(total)
        return results[0], results[1], None, None, None


def _winding_numbers(x: Tensor, y: Tensor, contours: _Contours, scene: Scene, samples: int) -> Tensor:
    """(B, H samples, W samples) int16. x, y in samples."""
    batch, height, width = scene.vertices_cam.shape[0], scene.height * samples, scene.width * samples
    numbers = torch.empty((batch, height, width), dtype=torch.int16, device=x.device)
    x_a, y_a, x_b, y_b = x[contours.start], y[contours.start], x[contours.end], y[contours.end]
    downwards = y_b > y_a
    # An edge is crossed by the same rows, at the same places, whichever way it runs: its upper end counts.
    x_top, y_top = torch.where(downwards, x_a, x_b), torch.where(downwards, y_a, y_b)
    y_bottom = torch.where(downwards, y_b, y_a)
    slope = (torch.where(downwards, x_b, x_a) - x_top) / (y_bottom - y_top)
    winding = torch.where(downwards, -contours.winding, contours.winding).to(torch.int16)
    bodies_at_once = max(1, _SAMPLES_AT_ONCE // (height * width))
    rows_at_once = max(1, min(height, _SAMPLES_AT_ONCE // width))
    for body in range(0, batch, bodies_at_once):
        bodies = min(bodies_at_once, batch - body)
        mine = slice(None)
        if bodies < batch:
            mine = ((contours.body >= body) & (contours.body < body + bodies)).nonzero()[:, 0]
        for row in range(0, height, rows_at_once):
            rows = min(rows_at_once, height - row)
            first = (y_top[mine] - 0.5).ceil().clamp(row, row + rows).long()
            count = (y_bottom[mine] - 0.5).ceil().clamp(row, row + rows).long() - first
            index = torch.repeat_interleave(count)
            at = torch.arange(index.shape[0], device=x.device) + (first - (count.cumsum(0) - count))[index]
            column = x_top[mine][index] + (at + 0.5 - y_top[mine][index]) * slope[mine][index]
            column = (column - 0.5).ceil().clamp(0, width).long()
            line = (contours.body[mine][index] - body) * rows + (at - row)
            changes = torch.zeros(bodies * rows * (width + 1), dtype=torch.int16, device=x.device)
            changes.index_add_(0, line * (width + 1) + column, winding[mine][index])
            number = changes.view(bodies, rows, width + 1).cumsum(-1, dtype=torch.int16)
            numbers[body : body + bodies, row : row + rows] = number[..., :width]
    return numbers


def _pool(covered: Tensor, samples: int, dtype: torch.dtype) -> Tensor:
    """(B, H, W) share of covered samples in each pixel."""
    batch, height, width = covered.shape
    total = torch.zeros((batch, height // samples, width // samples), dtype=torch.int16, device=covered.device)
    for row in range(samples):
        for column in range(samples):
            total += covered[:, row::samples, column::samples]
    return total.to(dtype) / samples**2


def _outline_integral(x: Tensor, y: Tensor, contours: _Contours, numbers: Tensor, samples: int) -> tuple[Tensor, ...]:
    """Points of the outline inside the image: start and end vertex, share of the way, outward normal times length of
    its piece (x and y), pixel."""
    x_a, y_a, x_b, y_b = x[contours.start], y[contours.start], x[contours.end], y[contours.end]
    along_x, along_y = x_b - x_a, y_b - y_a
    length = torch.hypot(along_x, along_y)
    _, height, width = numbers.shape
    # Edges far outside the image would be cut into endless lists of points.
    near_image = (torch.minimum(x_a, x_b) < width / samples) & (torch.minimum(y_a, y_b) < height / samples)
    near_image &= (torch.maximum(x_a, x_b) > 0) & (torch.maximum(y_a, y_b) > 0)
    pieces = (length / _STEP).ceil().clamp(1, 4 * (height + width)).long() * (near_image & (length > 0))
    index = torch.repeat_interleave(pieces)
    within = torch.arange(index.shape[0], device=x.device) - (pieces.cumsum(0) - pieces)[index]
    share = (within + 0.5) / pieces[index]
    normal_x, normal_y = along_y, -along_x  # to the side of the lower number where the winding is positive
    point_x, point_y = x_a[index] + share * along_x[index], y_a[index] + share * along_y[index]
    inside = (point_x >= 0) & (point_x < width / samples) & (point_y >= 0) & (point_y < height / samples)
    reach = _OUTSIDE / length[index]
    body = contours.body[index]
    sides = []
    for side in (1, -1):
        column = (point_x * samples + side * reach * normal_x[index]).floor().long().clamp(0, width - 1)
        row = (point_y * samples + side * reach * normal_y[index]).floor().long().clamp(0, height - 1)
        sides.append(numbers.view(-1)[(body * height + row) * width + column])
    chosen = (inside & ((sides[0] == 0) != (sides[1] == 0))).nonzero()[:, 0]
    step = (sides[0] + sides[1])[chosen]
    index, share, body = index[chosen], share[chosen].to(x.dtype), body[chosen]
    pixel = (body * (height // samples) + point_y[chosen].long()) * (width // samples) + point_x[chosen].long()
    weight = contours.winding[index] / (pieces[index] * step)
    return contours.start[index], contours.end[index], share, normal_x[index] * weight, normal_y[index] * weight, pixel
