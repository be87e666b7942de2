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
from .fragments import DrawableBodies, Scene, SoftSilhouette, check_scene, place_bodies
from .rasterizer import NEAR, to_pixels

_CPU_SAMPLES_AT_ONCE = 1 << 20  # winding numbers of a group of bodies, 2 bytes each: they should stay in the cache
_GPU_SAMPLES_AT_ONCE = 1 << 26

# Winding numbers lie in fields of 16 bits, four to a word: one addition then serves four samples. A field holds the
# number + _ZERO, so that no number within +-8191 borrows from the next field; the sum of two fields fits as well.
_ONES = 0x0001_0001_0001_0001
_ZERO = 0x2000


def silhouette(
    vertices_cam: Tensor,
    faces: Tensor,
    intrinsics: Tensor,
    size: tuple[int, int],
    *,
    samples: int | None = None,
    near: float = NEAR,
) -> SoftSilhouette:
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
    placement = place_bodies(scene, near)
    soup_x, soup_y, soup_body = _cut_bodies(scene, placement, near)
    gradient = torch.is_grad_enabled() and (scene.vertices_cam.requires_grad or scene.intrinsics.requires_grad)
    size = (scene.height, scene.width)
    task = _Task(scene.corners, edge_table(scene.faces), placement, soup_body, *size, samples, gradient)
    mask = _Coverage.apply(scene.vertices_cam, scene.intrinsics, soup_x, soup_y, task)  # type: ignore[no-untyped-call]
    return SoftSilhouette(mask, placement.valid)


class _Task(NamedTuple):
    """What to draw besides the numbers that carry gradients.

    placement: whole bodies are drawn by their contour edges; soup_body: (M,) body of each triangle of those that the
    near plane cuts, which are drawn triangle by triangle.
    """

    corners: Tensor  # (3, F) vertices of the faces
    edges: EdgeTable
    placement: DrawableBodies
    soup_body: Tensor
    height: int
    width: int
    samples: int
    gradient: bool  # whether anybody will ask for it


def _cut_bodies(scene: Scene, placement: DrawableBodies, near: float) -> tuple[Tensor, Tensor, Tensor]:
    """Corners x, y (M, 3) in pixels and body (M,) of the triangles of bodies that the near plane cuts."""
    if not placement.any_cut:
        nothing = scene.vertices_cam.new_zeros(0, 3)
        return nothing, nothing, torch.empty(0, dtype=torch.int64, device=nothing.device)
    bodies = (placement.valid & ~placement.whole).nonzero()[:, 0]
    body = bodies.repeat_interleave(scene.faces.shape[0])
    corners = scene.vertices_cam[bodies][:, scene.faces].reshape(-1, 3, 3)
    soup = clip_to_near(Triangles(corners, body, body), near)
    x, y, _ = to_pixels(soup.corners_cam, scene.intrinsics[soup.body][:, None])
    return x, y, soup.body


class _Window(NamedTuple):
    """The part of the image that a group of bodies touches, in samples; it ends where pixels end."""

    left: int
    right: int
    top: int
    bottom: int


class _Contours(NamedTuple):
    """Contour edges (M,) of a group of bodies, and the window that they lie in.

    places: (2 ends, x and y, M) in samples. points: (2 ends, M) indices among all points, B V vertices first, corners
    of cut triangles after them. winding: (M,) int64, its sign goes with the direction. body: (M,) within the group.
    """

    places: Tensor
    points: Tensor
    winding: Tensor
    body: Tensor
    window: _Window


class _OutlinePoints(NamedTuple):
    """Crossings of the outline (N,): points (2, N), the ends of their edge; share (N,) of the way between them; gains
    (2, N), what moving the crossing along x and y adds to the cover of its pixel; that pixel's index (N,)."""

    points: Tensor
    share: Tensor
    gains: Tensor
    pixel: Tensor


class _Coverage(torch.autograd.Function):
    """vertices_cam (B, V, 3), intrinsics (B, 3, 3), soup corners (M, 3) twice -> cover (B, H, W)."""

    @staticmethod
    def forward(
        ctx: Any, vertices_cam: Tensor, intrinsics: Tensor, soup_x: Tensor, soup_y: Tensor, task: _Task
    ) -> Tensor:
        batch = vertices_cam.shape[0]
        per_body = task.height * task.width * task.samples**2
        limit = _CPU_SAMPLES_AT_ONCE if vertices_cam.device.type == "cpu" else _GPU_SAMPLES_AT_ONCE
        bodies_at_once = max(1, limit // per_body)
        mask = vertices_cam.new_zeros((batch, task.height, task.width))
        points: list[_OutlinePoints] = []
        for first in range(0, batch, bodies_at_once):
            bodies = slice(first, min(first + bodies_at_once, batch))
            contours = _contours(vertices_cam, intrinsics, task, bodies)
            if task.soup_body.shape[0]:
                contours = _add_soup(contours, soup_x, soup_y, task, bodies, vertices_cam.shape[:2].numel())
            crossings = _cross(contours, task)
            numbers = _winding_numbers(crossings, bodies.stop - first, contours.window)
            left, right, top, bottom = (end // task.samples for end in contours.window)
            mask[bodies, top:bottom, left:right] = _cover(numbers, bodies.stop - first, contours.window, task.samples)
            if task.gradient:
                points.append(_outline_points(contours, crossings, numbers, task, first))
        if points:
            saved = points[0] if len(points) == 1 else (torch.cat(part, -1) for part in zip(*points, strict=True))
            ctx.save_for_backward(vertices_cam, intrinsics, *saved)
            ctx.soup_shape = soup_x.shape
        return mask

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        vertices_cam, intrinsics, points, share, gains, pixel = ctx.saved_tensors
        force = grad.reshape(-1).index_select(0, pixel) * gains  # (2, N)
        at_end = force * share
        forces = torch.cat([force.sub_(at_end), at_end], 1)
        points = points.view(-1)
        on_soup: tuple[Tensor | None, Tensor | None] = (None, None)
        if ctx.soup_shape.numel():
            first_corner = vertices_cam.shape[:2].numel()
            of_soup, of_vertices = ((points >= first_corner) == soup for soup in (True, False))
            total = grad.new_zeros(2, ctx.soup_shape.numel())
            for axis_total, axis_forces in zip(total, forces, strict=True):
                axis_total.index_add_(0, points[of_soup] - first_corner, axis_forces[of_soup])
            on_soup = (total[0].view(ctx.soup_shape), total[1].view(ctx.soup_shape))
            points, forces = points[of_vertices], forces[:, of_vertices]
        return *_through_projection(forces, points, vertices_cam, intrinsics, ctx.needs_input_grad[1]), *on_soup, None


def _through_projection(
    forces: Tensor, points: Tensor, vertices_cam: Tensor, intrinsics: Tensor, to_intrinsics: bool
) -> tuple[Tensor, Tensor | None]:
    """Gradients with respect to vertices (B, V, 3) and, where asked for, intrinsics (B, 3, 3), of forces (2, N) on the
    pixels of points (N,), indices among B V: the transposed derivative of x = (fx X + s Y) / Z + cx, y = fy Y / Z + cy.
    """
    body = torch.div(points, vertices_cam.shape[1], rounding_mode="floor") if intrinsics.shape[0] > 1 else None
    matrix = intrinsics if body is None else intrinsics.index_select(0, body)
    corners = vertices_cam.reshape(-1, 3).index_select(0, points)
    depth = corners[:, 2]
    x_plane, y_plane = corners[:, 0] / depth, corners[:, 1] / depth
    to_x = forces[0] * matrix[:, 0, 0]
    to_y = (forces[1] * matrix[:, 1, 1]).add_(forces[0] * matrix[:, 0, 1])
    to_z = (to_x * x_plane).add_(to_y * y_plane).neg_()
    on_vertices = torch.zeros_like(vertices_cam, memory_format=torch.contiguous_format)
    on_vertices.view(-1, 3).index_add_(0, points, torch.stack([to_x, to_y, to_z], -1).div_(depth[:, None]))
    if not to_intrinsics:
        return on_vertices, None
    body = torch.zeros_like(points) if body is None else body
    plane = torch.stack([x_plane, y_plane, torch.ones_like(depth)], -1)
    on_intrinsics = torch.zeros_like(intrinsics, memory_format=torch.contiguous_format)
    on_intrinsics[:, 0].index_add_(0, body, forces[0][:, None] * plane)
    on_intrinsics[:, 1, 1:].index_add_(0, body, forces[1][:, None] * plane[:, 1:])
    return on_vertices, on_intrinsics


def _contours(vertices_cam: Tensor, intrinsics: Tensor, task: _Task, bodies: slice) -> _Contours:
    """Contour edges of the whole bodies of a group. Vertices run along the first dimension here: to fetch a vertex for
    all bodies is then one copy of neighbouring numbers, ten times faster than along the second."""
    edges, whole = task.edges, None if task.placement.all_whole else task.placement.whole[bodies]
    samples_xy = _sample_places(vertices_cam[bodies], intrinsics[bodies], task.samples, whole)  # (2, V, G)
    num_vertices, group = samples_xy.shape[1:]
    window = _window_of(samples_xy, task)
    front = _turned_to_us(samples_xy, task.corners)  # (F, G), or (F,) for one body
    first, second = (front.index_select(0, face) for face in edges.faces)
    differ = first != second
    if not edges.closed:
        differ ^= edges.flip.view(-1, *[1] * (differ.ndim - 1))
    if group == 1:
        edge = at = differ.nonzero()[:, 0]
        body = torch.zeros_like(edge)
    else:
        edge, body = differ.nonzero().t().contiguous().unbind(0)
        at = edge * group + body
    # In a closed mesh the second face looks the other way, and runs the other way along the edge: 2 or -2.
    winding = torch.where(first.view(-1).index_select(0, at), 2, -2)
    if not edges.closed:
        turn = torch.where(second.view(-1).index_select(0, at), 1, -1)
        winding = turn.mul_(edges.second_direction.index_select(0, edge)).add_(winding // 2)
    vertex = edges.ends.gather(1, edge.expand(2, -1))  # (2, M)
    at = (vertex * group).add_(body)
    places = samples_xy.view(1, 2, -1).expand(2, -1, -1).gather(2, at[:, None].expand(-1, 2, -1))
    return _Contours(places, vertex.add_((body + bodies.start) * num_vertices), winding, body, window)


def _whole_image(task: _Task) -> _Window:
    return _Window(0, task.width * task.samples, 0, task.height * task.samples)


def _window_of(places: Tensor, task: _Task) -> _Window:
    """What the bodies touch of the image, and a pixel around it: they reach no border of it but those of the image."""
    if places.numel() == 0:
        return _whole_image(task)
    ends = torch.stack([places.flatten(1).amin(1), places.flatten(1).amax(1)], 1) / task.samples
    sides = []
    for (low, high), side in zip(ends.tolist(), (task.width, task.height), strict=True):
        start = int(min(max(low - 1, 0), side - 1))
        sides += [start, max(start, int(min(max(high + 1, 0), side - 1))) + 1]
    return _Window(*(side * task.samples for side in sides))


def _sample_places(vertices_cam: Tensor, intrinsics: Tensor, samples: int, whole: Tensor | None) -> Tensor:
    """x and y (2, V, G), in samples; bodies that are not whole shrink to a point."""
    planes = vertices_cam.permute(2, 1, 0).contiguous()
    if whole is not None:
        planes = torch.stack([torch.where(whole, plane, value) for plane, value in zip(planes, (0, 0, 1), strict=True)])
        intrinsics = torch.where(whole[:, None, None], intrinsics, 0)
    scaled = intrinsics * samples  # exact for the default numbers of samples
    focal, centre = scaled.diagonal(dim1=1, dim2=2)[:, :2], scaled[:, :2, 2]  # (G, 2)
    places = planes[:2] / planes[2]
    skewed = scaled[:, 0, 1] * places[1]
    places.mul_(focal.t()[:, None])[0].add_(skewed)
    return places.add_(centre.t()[:, None])


def _turned_to_us(places: Tensor, corners: Tensor) -> Tensor:
    """(F, G), or (F,) for one body: which way round faces run in the image; one without area counts as "not"."""
    if places.shape[2] == 1:  # fetching from a plain list is twice as fast as fetching rows of one
        places = places.view(2, -1)
    x, y = (plane.index_select(0, corners.view(-1)).view(*corners.shape, *plane.shape[1:]) for plane in places)
    side_x, other_x = x[1:].sub_(x[0])
    side_y, other_y = y[1:].sub_(y[0])
    return side_x.mul_(other_y) > side_y.mul_(other_x)


def _add_soup(
    contours: _Contours, soup_x: Tensor, soup_y: Tensor, task: _Task, bodies: slice, first_corner: int
) -> _Contours:
    """The contours, and every edge of the group's cut triangles."""
    mine = ((task.soup_body >= bodies.start) & (task.soup_body < bodies.stop)).nonzero()[:, 0]
    corners = torch.stack([soup_x[mine], soup_y[mine]]) * task.samples  # (2, M, 3)
    side, other = corners[..., 1] - corners[..., 0], corners[..., 2] - corners[..., 0]
    turn = (side[0] * other[1] - side[1] * other[0]).sign().to(torch.int64)
    corner = first_corner + 3 * mine[:, None] + torch.arange(3, device=mine.device)
    return _Contours(
        torch.cat([contours.places, torch.stack([corners, corners.roll(-1, 2)]).flatten(2)], 2),
        torch.cat([contours.points, torch.stack([corner, corner.roll(-1, 1)]).flatten(1)], 1),
        torch.cat([contours.winding, turn.repeat_interleave(3)]),
        torch.cat([contours.body, (task.soup_body[mine] - bodies.start).repeat_interleave(3)]),
        _whole_image(task),
    )


class _Crossings(NamedTuple):
    """Where contour edges meet sample columns (steeper than wide edges excepted), then where they meet sample rows.

    By edge, (2, M), columns first: start and run down the lines, slope: how far the place moves from line to line;
    jump: what the winding number changes by in passing the edge (int64). steep: (M,), edges whose outline is summed
    over rows.
    By crossing, (N,), the first `columns` of them with columns: entry among the 2 M, edge, line (as its centre), place
    along it in samples, the first sample past it (int64, within the window or past its end), and the field of that
    sample's winding number.
    """

    start: Tensor
    run: Tensor
    slope: Tensor
    jump: Tensor
    steep: Tensor
    columns: int
    entry: Tensor
    edge: Tensor
    centre: Tensor
    place: Tensor
    sample: Tensor
    field: Tensor


def _words_of_a_row(window: _Window) -> int:
    """Words of four winding numbers: the row's samples, the one past its end, and what is added one word further; an
    even count, so that bytes make whole words in `_cover`."""
    return ((window.right - window.left) // 8 + 1) * 2 + 2


def _cross(contours: _Contours, task: _Task) -> _Crossings:
    """A line k crosses an edge when low <= k + 0.5 < high, and always at the same place, whichever way the edge runs,
    so that the ends of neighbouring edges neither leave a gap nor overlap."""
    window = contours.window
    (start, end), (along_start, along_end) = contours.places, contours.places.flip(1)  # (2, M): of columns, of rows
    run = end - start
    slope = (along_end - along_start) / run
    forward = run > 0
    low = torch.minimum(start, end)
    bounds = (contours.places - 0.5).ceil_()
    bounds[:, 0].clamp_(window.left, window.right)
    bounds[:, 1].clamp_(window.top, window.bottom)
    first = torch.minimum(bounds[0], bounds[1])
    place_first = torch.where(forward, along_start, along_end).add_((first + 0.5).sub_(low).mul_(slope))
    count = (bounds[1] - bounds[0]).abs_().to(torch.int64)
    size = run.abs()
    steep = size[1] >= size[0]
    count[0].mul_(~steep if task.gradient else 0)
    columns, rows = count.sum(1).tolist()
    count = count.view(-1)
    index = torch.repeat_interleave(count, output_size=columns + rows)
    line = (first.view(-1).to(torch.int64) - (count.cumsum(0) - count)).index_select(0, index)
    line += torch.arange(columns + rows, device=line.device)
    centre = line.to(low.dtype).add_(0.5)
    within = centre - first.add_(0.5).view(-1).index_select(0, index)
    place = within.mul_(slope.view(-1).index_select(0, index)).add_(place_first.view(-1).index_select(0, index))
    sample = (place - 0.5).ceil_()
    sample[:columns].clamp_(window.top, window.bottom)
    sample[columns:].clamp_(window.left, window.right)
    sample = sample.to(torch.int64)
    edge = index.clone()
    edge[columns:].sub_(contours.winding.shape[0])
    jump = torch.where(forward, contours.winding, -contours.winding)
    jump[1].neg_()
    step = 4 * _words_of_a_row(window)
    first_field = (1 - window.top) * step - window.left
    field = (contours.body * ((window.bottom - window.top) * step) + first_field).index_select(0, edge)
    field[:columns].add_(line[:columns]).add_(sample[:columns], alpha=step)
    field[columns:].add_(sample[columns:]).add_(line[columns:], alpha=step)
    return _Crossings(start, run, slope, jump, steep, columns, index, edge, centre, place, sample, field)


def _winding_numbers(crossings: _Crossings, group: int, window: _Window) -> Tensor:
    """(1 + G h + 1, words) int64, fields of 16 bits, h the rows of samples of the window: each crossing of a row adds
    its jump to all samples past it. Before and after the bodies' rows lies an empty one, so that every sample has its
    neighbours.

    The running sum goes from word to word. A jump at field k of a word is to reach fields k..3 there and all fields of
    later words: it is added to the former, and what is missing of the latter, fields 0..k-1, one word further on.
    """
    rows = 2 + group * (window.bottom - window.top)
    words = _words_of_a_row(window)
    numbers = torch.zeros(rows * words, dtype=torch.int64, device=crossings.field.device)
    numbers.view(rows, words)[:, 0] = _ZERO * _ONES
    field = crossings.field[crossings.columns :]
    everywhere = (crossings.jump[1] * _ONES).index_select(0, crossings.edge[crossings.columns :])
    here = everywhere << ((field & 3) << 4)
    word = field >> 2
    numbers.scatter_add_(0, word, here)
    numbers.scatter_add_(0, word.add_(1), everywhere.sub_(here))
    return numbers.view(rows, words).cumsum_(1)


def _cover(numbers: Tensor, group: int, window: _Window, samples: int) -> Tensor:
    """(G, h, w), the window's pixels: the share of each pixel's samples whose winding number is not zero."""
    covered = numbers[1:-1].view(torch.int16).sub(_ZERO).to(torch.bool)
    # Bytes of 0 and 1, added up eight at a time: at most 64 rows of a pixel.
    rows = covered.view(torch.int64).view(group, (window.bottom - window.top) // samples, samples, -1).sum(2)
    width = window.right - window.left
    if samples in (2, 4, 8):  # the first byte of every two, four or eight gathers their sum, at most 64
        for shift in (8, 16, 32)[: samples.bit_length() - 1]:
            rows += rows >> shift
        count = rows.view(torch.uint8)[..., :width:samples]
    else:
        count = rows.view(torch.uint8)[..., :width].unflatten(2, (-1, samples)).sum(3)
    return count / samples**2


def _outline_points(
    contours: _Contours, crossings: _Crossings, numbers: Tensor, task: _Task, first_body: int
) -> _OutlinePoints:
    """The outline where it crosses sample rows (edges that are steep) or sample columns (those that are not): the
    crossings between a free and a covered sample, and what moving them does."""
    columns, sample, samples = crossings.columns, crossings.sample, task.samples
    fields = numbers.view(-1).view(torch.int16)
    after = fields.index_select(0, crossings.field)
    field_before = crossings.field - 1
    field_before[:columns].sub_(4 * numbers.shape[1] - 1)
    before = fields.index_select(0, field_before)
    shown = ((after == _ZERO) != (before == _ZERO)).logical_and_(sample > 0)
    shown[:columns].logical_and_(sample[:columns] < task.height * samples)
    shown[columns:].logical_and_(sample[columns:] < task.width * samples)
    shown[columns:].logical_and_(crossings.steep.index_select(0, crossings.edge[columns:]))
    chosen = shown.nonzero()[:, 0]
    index, edge = crossings.entry.index_select(0, chosen), crossings.edge.index_select(0, chosen)
    place, centre = crossings.place.index_select(0, chosen), crossings.centre.index_select(0, chosen)
    # Where the number goes from 0 to n over one sample, all crossings between the two samples have jumps that add up
    # to n, and weights jump / n that add up to one.
    change = after.add_(before).index_select(0, chosen).to(place.dtype).sub_(2 * _ZERO).mul_(-samples)
    # A crossing stands for a strip one sample wide. If what lies past it is covered, moving it on uncovers.
    gain = crossings.jump.view(-1).index_select(0, index).to(place.dtype).div_(change)
    across = (gain * crossings.slope.view(-1).index_select(0, index)).neg_()
    share = (centre - crossings.start.reshape(-1).index_select(0, index)) / crossings.run.view(-1).index_select(
        0, index
    )
    by_column = chosen < columns
    pixel_centre, pixel_place = (value.div_(samples).to(torch.int64) for value in (centre, place))
    row = torch.where(by_column, pixel_place, pixel_centre)
    column = pixel_centre.add_(pixel_place).sub_(row)
    along_and_across = torch.stack([gain, across])
    image = contours.body.index_select(0, edge).add_(first_body)
    return _OutlinePoints(
        contours.points.gather(1, edge.expand(2, -1)),
        share,
        torch.where(by_column, along_and_across.flip(0), along_and_across),
        image.mul_(task.height).add_(row).mul_(task.width).add_(column),
    )
