"""Silhouettes with gradients: winding numbers of contour edges forward, an integral along the outline backward.

Turn every face so that it runs the same way round in the image. The winding number at a point then counts the faces
over it; between two faces that look the same way an edge cancels out, and what remains are the contour edges, a few
hundred of twenty thousand. So no face is ever filled:

forward    each contour edge adds its winding at the sample rows that it crosses; a running sum along the row gives the
           number at every sample, and a pixel's cover is the share of its samples x samples where it is not zero.
backward   a pixel's cover is the body's area inside it. By Reynolds' transport theorem its derivative is an integral
           along the outline, of the outline's speed along its outward normal:
               dL/dp = sum over contour edges of  integral of g(x) n(x) . dx/dp ds,   g = dL/dcover at the pixel of x.
           The integral is a sum over crossings with sample rows where the edge is steep, with sample columns where it
           is not; n ds is then (1, -dx/dy) or (-dy/dx, 1), times a sample's width. A crossing counts where one of the
           two samples beside it is free and the other covered (elsewhere the contour lies before or behind another
           part of the body, and moves no outline), with the weight

               jump of the winding number at the crossing / its change from the one sample to the other.

           Contours of a triangle mesh fold back on themselves, and limbs' outlines cross: of several between the same
           two samples the weights add up to one. (Counting each as a whole made the gradient of limbs 1.3-1.5 times
           too long.)

Sources: Li, Aittala, Durand, Lehtinen 2018 (edge sampling) for the integral; the counting of contours is the non-zero
winding rule of two-dimensional fonts. Bodies that reach behind the near plane are cut there and drawn face by face.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .clipping import Triangles, clip_to_near
from .edges import EdgeTable, edge_table
from .fragments import Scene, Silhouette, check_scene, finite_bodies
from .rasterizer import NEAR, to_pixels

_CPU_SAMPLES_AT_ONCE = 1 << 20  # winding numbers of a group of bodies, 2 bytes each: they should stay in the cache
_GPU_SAMPLES_AT_ONCE = 1 << 26


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
        faces: (F, 3) vertex indices, closed or open mesh. Keep one int64 tensor from call to call: its edge table is
            then made once.
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
    whole = valid & (scene.vertices_cam.detach()[..., 2].amin(1) >= near)
    soup_x, soup_y, soup_body = _cut_bodies(scene, valid & ~whole, near)
    gradient = torch.is_grad_enabled() and (scene.vertices_cam.requires_grad or scene.intrinsics.requires_grad)
    edges = edge_table(scene.faces)
    task = _Task(edges, scene.faces, whole, soup_body, scene.height, scene.width, samples, gradient)
    mask = _Coverage.apply(scene.vertices_cam, scene.intrinsics, soup_x, soup_y, task)
    return Silhouette(mask, valid)


class _Task(NamedTuple):
    """What to draw besides the numbers that carry gradients.

    whole: (B,) bodies in front of the near plane, drawn by their contour edges; soup_body: (M,) body of each triangle
    of the others, which are drawn triangle by triangle.
    """

    edges: EdgeTable
    faces: Tensor
    whole: Tensor
    soup_body: Tensor
    height: int
    width: int
    samples: int
    gradient: bool  # whether anybody will ask for it


def _cut_bodies(scene: Scene, chosen: Tensor, near: float) -> tuple[Tensor, Tensor, Tensor]:
    """Corners x, y (M, 3) in pixels and body (M,) of the triangles of the chosen bodies (B,), cut at the near plane."""
    bodies = chosen.nonzero()[:, 0]
    if bodies.shape[0] == 0:
        nothing = scene.vertices_cam.new_zeros(0, 3)
        return nothing, nothing, bodies
    body = bodies.repeat_interleave(scene.faces.shape[0])
    corners = scene.vertices_cam[bodies][:, scene.faces].reshape(-1, 3, 3)
    soup = clip_to_near(Triangles(corners, body, body), near)
    x, y, _ = to_pixels(soup.corners_cam, scene.intrinsics[soup.body][:, None])
    return x, y, soup.body


class _Contours(NamedTuple):
    """Contour edges (M,): ends in pixels; winding (int16, its sign goes with the direction); body within the group;
    start, end: indices of the ends among all points, B V vertices first, corners of cut triangles after them."""

    x_a: Tensor
    y_a: Tensor
    x_b: Tensor
    y_b: Tensor
    winding: Tensor
    body: Tensor
    start: Tensor
    end: Tensor


class _OutlinePoints(NamedTuple):
    """Crossings of the outline (N,): indices of the ends of their edge, share of the way between them, what moving
    that point along x and y adds to the cover of its pixel, that pixel's index."""

    start: Tensor
    end: Tensor
    share: Tensor
    gain_x: Tensor
    gain_y: Tensor
    pixel: Tensor


class _Coverage(torch.autograd.Function):
    """vertices_cam (B, V, 3), intrinsics (B, 3, 3), soup corners (M, 3) twice -> cover (B, H, W)."""

    @staticmethod
    def forward(
        ctx: Any, vertices_cam: Tensor, intrinsics: Tensor, soup_x: Tensor, soup_y: Tensor, task: _Task
    ) -> Tensor:
        batch = vertices_cam.shape[0]
        per_body = task.height * task.width * task.samples**2
        bodies_at_once = max(
            1, (_CPU_SAMPLES_AT_ONCE if task.whole.device.type == "cpu" else _GPU_SAMPLES_AT_ONCE) // per_body
        )
        mask = vertices_cam.new_empty((batch, task.height, task.width))
        points: list[_OutlinePoints] = []
        for first in range(0, batch, bodies_at_once):
            bodies = slice(first, min(first + bodies_at_once, batch))
            contours = _contours(vertices_cam, intrinsics, task, bodies)
            if task.soup_body.shape[0]:
                contours = _add_soup(contours, soup_x, soup_y, task, bodies, vertices_cam.shape[:2].numel())
            numbers = _winding_numbers(contours, bodies.stop - first, task)
            mask[bodies] = _pool(numbers, task.samples).to(mask.dtype) / task.samples**2
            if task.gradient:
                points.append(_outline_points(contours, numbers, task, first))
        if points:
            ctx.save_for_backward(vertices_cam, intrinsics, *(torch.cat(part) for part in zip(*points, strict=True)))
            ctx.soup_shape = soup_x.shape
        return mask

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        vertices_cam, intrinsics, start, end, share, gain_x, gain_y, pixel = ctx.saved_tensors
        batch, num_vertices = vertices_cam.shape[:2]
        g = grad.reshape(-1).index_select(0, pixel)
        forces = []
        for gain in (gain_x, gain_y):
            force = g * gain
            at_end = force * share
            total = grad.new_zeros(batch * num_vertices + ctx.soup_shape.numel())
            forces.append(total.index_add_(0, start, force - at_end).index_add_(0, end, at_end))
        on_x, on_y = (force[: batch * num_vertices] for force in forces)
        on_soup = [force[batch * num_vertices :].view(ctx.soup_shape) for force in forces]
        touched = (on_x.abs() + on_y.abs()).nonzero()[:, 0]
        return (
            _to_vertices(on_x, on_y, touched, vertices_cam, intrinsics),
            _to_intrinsics(on_x, on_y, touched, vertices_cam, intrinsics) if ctx.needs_input_grad[1] else None,
            *on_soup,
            None,
        )


def _to_vertices(grad_x: Tensor, grad_y: Tensor, touched: Tensor, vertices_cam: Tensor, intrinsics: Tensor) -> Tensor:
    """Gradient with respect to vertices (B, V, 3) from those to their pixels (B V,), which are zero but at the few
    touched ones: the transposed derivative of x = (fx X + s Y) / Z + cx, y = fy Y / Z + cy."""
    grad_x, grad_y = grad_x.index_select(0, touched), grad_y.index_select(0, touched)
    body = touched // vertices_cam.shape[1]
    fx, skew, fy = (intrinsics[:, i, j].index_select(0, body) for i, j in ((0, 0), (0, 1), (1, 1)))
    x_cam, y_cam, z_cam = vertices_cam.reshape(-1, 3).index_select(0, touched).unbind(-1)
    to_x = fx * grad_x / z_cam
    to_y = (skew * grad_x + fy * grad_y) / z_cam
    to_z = -(to_x * x_cam + to_y * y_cam) / z_cam
    result = torch.zeros_like(vertices_cam)
    result.view(-1, 3).index_copy_(0, touched, torch.stack([to_x, to_y, to_z], -1))
    return result


def _to_intrinsics(grad_x: Tensor, grad_y: Tensor, touched: Tensor, vertices_cam: Tensor, intrinsics: Tensor) -> Tensor:
    """Gradient with respect to intrinsics (B, 3, 3), likewise."""
    body = touched // vertices_cam.shape[1]
    plane = vertices_cam.reshape(-1, 3)[touched]
    plane = plane / plane[:, 2:]  # (X / Z, Y / Z, 1)
    result = torch.zeros_like(intrinsics)
    result[:, 0].index_add_(0, body, grad_x[touched, None] * plane)
    result[:, 1, 1:].index_add_(0, body, grad_y[touched, None] * plane[:, 1:])
    return result


def _contours(vertices_cam: Tensor, intrinsics: Tensor, task: _Task, bodies: slice) -> _Contours:
    """Contour edges of the whole bodies of a group. Vertices run along the first dimension here: to fetch a vertex for
    all bodies is then one copy of neighbouring numbers, ten times faster than along the second."""
    x, y = _pixels(vertices_cam[bodies], intrinsics[bodies], task.whole[bodies])  # (V, G)
    group = x.shape[1]
    if group == 1:  # fetching from a plain list is twice as fast as fetching rows of one
        x, y = x.view(-1), y.view(-1)
    side_x, other_x = _two_sides(x, task.faces)
    side_y, other_y = _two_sides(y, task.faces)
    front = side_x.mul_(other_y) > side_y.mul_(other_x)  # (F, G): which way round; one without area counts as "not"
    edges = task.edges
    differ = front.index_select(0, edges.faces[0]) ^ front.index_select(0, edges.faces[1])
    if not edges.closed:
        differ ^= edges.flip.view(-1, *[1] * (differ.ndim - 1))
    edge, body = differ.view(-1, group).nonzero().unbind(-1)
    front = front.view(-1).to(torch.int16)
    winding = torch.zeros_like(edge, dtype=torch.int16)
    for face, direction in zip(edges.faces, edges.directions, strict=True):
        turn = 2 * front.index_select(0, face.index_select(0, edge) * group + body) - 1
        winding += turn * direction.index_select(0, edge)
    start, end = edges.start.index_select(0, edge), edges.end.index_select(0, edge)
    at_start, at_end = start * group + body, end * group + body
    x, y = x.view(-1), y.view(-1)
    first_point = (body + bodies.start) * vertices_cam.shape[1]
    return _Contours(
        x.index_select(0, at_start),
        y.index_select(0, at_start),
        x.index_select(0, at_end),
        y.index_select(0, at_end),
        winding,
        body,
        first_point + start,
        first_point + end,
    )


def _pixels(vertices_cam: Tensor, intrinsics: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
    """x and y (V, G), pixels; bodies that are not whole shrink to a point."""
    x, y, z = vertices_cam.permute(2, 1, 0).contiguous()
    if not bool(whole.all()):
        x, y, z = torch.where(whole, x, 0), torch.where(whole, y, 0), torch.where(whole, z, 1)
        intrinsics = torch.where(whole[:, None, None], intrinsics, 0)
    x, y = x.div_(z), y.div_(z)
    x = x.mul_(intrinsics[:, 0, 0]).add_(intrinsics[:, 0, 1] * y).add_(intrinsics[:, 0, 2])
    return x, y.mul_(intrinsics[:, 1, 1]).add_(intrinsics[:, 1, 2])


def _two_sides(coordinate: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """One coordinate of the sides of faces from their first corner to the two others; (F, G) each."""
    corner = coordinate.index_select(0, faces[:, 0])
    return coordinate.index_select(0, faces[:, 1]).sub_(corner), coordinate.index_select(0, faces[:, 2]).sub_(corner)


def _add_soup(
    contours: _Contours, soup_x: Tensor, soup_y: Tensor, task: _Task, bodies: slice, first_corner: int
) -> _Contours:
    """The contours, and every edge of the group's cut triangles."""
    mine = ((task.soup_body >= bodies.start) & (task.soup_body < bodies.stop)).nonzero()[:, 0]
    x, y = soup_x[mine], soup_y[mine]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (y[:, 1] - y[:, 0]) * (x[:, 2] - x[:, 0])
    turn = area.sign().to(torch.int16)
    corner = first_corner + 3 * mine[:, None] + torch.arange(3, device=mine.device)
    soup = _Contours(
        x.reshape(-1),
        y.reshape(-1),
        x.roll(-1, 1).reshape(-1),
        y.roll(-1, 1).reshape(-1),
        turn.repeat_interleave(3),
        (task.soup_body[mine] - bodies.start).repeat_interleave(3),
        corner.reshape(-1),
        corner.roll(-1, 1).reshape(-1),
    )
    return _Contours(*(torch.cat(pair) for pair in zip(contours, soup, strict=True)))


class _Crossings(NamedTuple):
    """Where edges meet sample lines (N,): the edge, the line, place along the line in samples, and the first
    sample past it (0..count, int64); slope (M,) of each edge: how far the place moves from line to line."""

    edge: Tensor
    line: Tensor
    place: Tensor
    sample: Tensor
    slope: Tensor


def _cross(down_a: Tensor, along_a: Tensor, down_b: Tensor, along_b: Tensor, lines: int, samples: int) -> _Crossings:
    """A line k crosses an edge when low <= k + 0.5 < high, and always at the same place, whichever way the edge runs,
    so that the ends of neighbouring edges neither leave a gap nor overlap. All in samples."""
    forward = down_b > down_a
    low, high = torch.where(forward, down_a, down_b), torch.where(forward, down_b, down_a)
    along_low, along_high = torch.where(forward, along_a, along_b), torch.where(forward, along_b, along_a)
    slope = (along_high - along_low) / (high - low)
    first = (low - 0.5).ceil_().clamp_(0, lines)
    place_first = along_low + (first + 0.5 - low) * slope
    count = (high - 0.5).ceil_().clamp_(0, lines).sub_(first).long()
    index = torch.repeat_interleave(count)
    within = torch.arange(index.shape[0], device=index.device)
    within -= (count.cumsum(0) - count).index_select(0, index)
    place = place_first.index_select(0, index) + within * slope.index_select(0, index)
    sample = (place - 0.5).ceil_().clamp_(0, samples).long()
    return _Crossings(index, first.long().index_select(0, index).add_(within), place, sample, slope)


def _winding_numbers(contours: _Contours, group: int, task: _Task) -> Tensor:
    """(G, H samples, W samples) int16: each crossing adds its winding to all samples past it."""
    height, width = task.height * task.samples, task.width * task.samples
    x_a, y_a, x_b, y_b = (value * task.samples for value in contours[:4])
    rows = _cross(y_a, x_a, y_b, x_b, height, width)
    jump = torch.where(y_b > y_a, -contours.winding, contours.winding)
    line = (contours.body * height).index_select(0, rows.edge).add_(rows.line)
    numbers = torch.zeros(group * height * (width + 1), dtype=torch.int16, device=line.device)
    numbers.scatter_add_(0, line.mul_(width + 1).add_(rows.sample), jump.index_select(0, rows.edge))
    return numbers.view(group, height, width + 1).cumsum_(-1)[..., :width]


def _pool(numbers: Tensor, samples: int) -> Tensor:
    """(G, H, W) int16: how many samples of each pixel are covered. Numbers are never negative."""
    rows = numbers[:, ::samples].clamp_max(1)
    for row in range(1, samples):
        rows += numbers[:, row::samples].clamp_max(1)
    return torch.stack([rows[..., column::samples] for column in range(samples)]).sum(0, dtype=torch.int16)


def _outline_points(contours: _Contours, numbers: Tensor, task: _Task, first_body: int) -> _OutlinePoints:
    """The outline where it crosses sample rows (edges that are steep) or sample columns (those that are not): the
    crossings between a free and a covered sample, and what moving them does."""
    _, height, width = numbers.shape
    row_step = numbers.stride(1)
    x_a, y_a, x_b, y_b = (value * task.samples for value in contours[:4])
    steep = (y_b - y_a).abs() >= (x_b - x_a).abs()
    down_a, down_b = torch.where(steep, y_a, x_a), torch.where(steep, y_b, x_b)
    along_a, along_b = torch.where(steep, x_a, y_a), torch.where(steep, x_b, y_b)
    side = max(height, width)
    edge, line, place, sample, slope = _cross(down_a, along_a, down_b, along_b, side, side)
    by_row = steep.index_select(0, edge)
    lines, count = torch.where(by_row, height, width), torch.where(by_row, width, height)
    inside = (line < lines) & (sample > 0) & (sample < count)
    row, column = torch.where(by_row, line, sample), torch.where(by_row, sample, line)
    body = contours.body.index_select(0, edge)
    past = (body * (height * row_step) + row * row_step + column) * inside
    flat = numbers.as_strided((numbers.shape[0] * height * row_step,), (1,))
    after = flat.index_select(0, past)
    before = flat.index_select(0, (past - torch.where(by_row, 1, row_step)).clamp_min_(0))
    chosen = (inside & ((after == 0) != (before == 0))).nonzero()[:, 0]
    edge, by_row = edge.index_select(0, chosen), by_row.index_select(0, chosen)
    # Where the number goes from 0 to n over one sample, all crossings between the two samples have jumps that add up
    # to n, and weights jump / n that add up to one.
    jump = torch.where((down_b > down_a) == steep, -contours.winding, contours.winding).index_select(0, edge)
    # A crossing stands for a strip one sample wide. If what lies past it is covered, moving it on uncovers.
    gain = -jump / ((before + after).index_select(0, chosen) * task.samples)
    across = -gain * slope.index_select(0, edge)
    line, place = line.index_select(0, chosen), place.index_select(0, chosen).long()
    share = (line + 0.5 - down_a.index_select(0, edge)) / (down_b - down_a).index_select(0, edge)
    row, column = torch.where(by_row, line, place), torch.where(by_row, place, line)
    image = body.index_select(0, chosen) + first_body
    return _OutlinePoints(
        contours.start.index_select(0, edge),
        contours.end.index_select(0, edge),
        share,
        torch.where(by_row, gain, across),
        torch.where(by_row, across, gain),
        (image * task.height + row // task.samples) * task.width + column // task.samples,
    )
