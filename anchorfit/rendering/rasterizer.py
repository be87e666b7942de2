"""A batched z-buffer rasteriser in plain PyTorch: triangles to row spans, spans to pixels, nearest wins.

Each step turns a list into a longer list (`repeat_interleave`), so that thousands of small faces of many bodies go
through a few big tensor operations, on CPU and GPU alike:

1. faces whose bounding box holds a pixel centre -> the pixel rows whose centre lines they meet;
2. a row of a face -> its span [left, right) between two edges; a span -> its pixel centres;
3. `scatter_reduce(amax)` of the packed key (bits of 1/z, face id): nearest first, smallest face id on equal depth.

Rule for ties (the top-left rule): a row belongs to an edge when y_top <= y < y_bottom, a pixel to a span when
x_left <= x < x_right. Where an edge meets a row is computed from its upper end, with the same numbers for both of its
faces, hence bit for bit the same: a pixel centre on a shared edge goes to exactly one of them, and no hole opens.
Depth is interpolated as 1/z, which is affine in the image (Blinn 1992); float32 decides which surface is nearer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .clipping import Triangles, clip_to_near
from .fragments import DrawableBodies, Fragments, Scene, check_scene, place_bodies

NEAR = 0.01  # metres; closer than any lens focuses on a person
_FACES_AT_ONCE = 1 << 19  # limits of each list's length: together they bound memory at about 300 MB beside the results
_ROWS_AT_ONCE = 1 << 20
_PIXELS_AT_ONCE = 1 << 21
_LOW_BITS = (1 << 31) - 1


def rasterize(
    vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, size: tuple[int, int], *, near: float = NEAR
) -> Fragments:
    """Nearest face, its barycentrics and depth at every pixel centre, for a batch of bodies with one face table.

    Both sides of a face are drawn. Faces that cross the near plane are cut there. Batch rows do not touch each other.
    Barycentrics and depth carry gradients to the vertices (of the face that is seen; not across outlines).

    Args:
        vertices_cam: (B, V, 3) metres, camera frame (x right, y down, z forward), float32 or float64.
        faces: (F, 3) vertex indices.
        intrinsics: (3, 3) or (B, 3, 3) pixels.
        size: (height, width) of the image in pixels.
        near: metres; nothing closer to the camera's plane is drawn.
    Returns:
        Fragments. A body with NaN or infinite numbers is empty there, and `valid` is False for it.
    Raises:
        ValueError: a shape, type, index or size does not fit.
    """
    scene = check_scene(vertices_cam, faces, intrinsics, size)
    placement = place_bodies(scene, near)
    shape = (scene.vertices_cam.shape[0], scene.height, scene.width)
    face_ids = torch.full(shape, -1, dtype=torch.int64, device=scene.vertices_cam.device)
    for patch in nearest_faces(scene, placement, near):
        face_ids[patch.where] = patch.face_ids
    barycentrics, depth = interpolate_at(scene, face_ids)
    return Fragments(face_ids, barycentrics, depth, placement.valid)


class Patch(NamedTuple):
    """A part of the images: where, as slices of (B, H, W), and the face ids there, int64, -1 = none."""

    where: tuple[slice, slice, slice]
    face_ids: Tensor


@torch.no_grad()
def nearest_faces(scene: Scene, placement: DrawableBodies, near: float) -> Iterator[Patch]:
    """Ids of the nearest faces, for some bodies at a time, in the box of the image that they fit in: to go over a whole
    image takes longer than to draw a body into it. There is nothing outside of the patches."""
    at_once = max(1, _FACES_AT_ONCE // max(1, scene.faces.shape[0]))
    for start in range(0, scene.vertices_cam.shape[0], at_once):
        rows = slice(start, min(start + at_once, scene.vertices_cam.shape[0]))
        part = scene._replace(vertices_cam=scene.vertices_cam[rows], intrinsics=scene.intrinsics[rows])
        points = _project(part, placement.valid[rows], placement.all_whole, near)
        box = _box_of(points, part)
        shape = (rows.stop - rows.start, box.bottom - box.top, box.right - box.left)
        keys = torch.zeros(shape, dtype=torch.int64, device=scene.vertices_cam.device)
        if keys.numel() == 0:
            continue
        for triangles in _triangles_on_screen(points, part, box, near):
            for spans in _spans(triangles, box):
                _draw(spans, keys.view(-1))
        empty = keys == 0
        face_ids = keys.bitwise_not_().bitwise_and_(_LOW_BITS).masked_fill_(empty, -1)
        yield Patch((rows, slice(box.top, box.bottom), slice(box.left, box.right)), face_ids)


class _Box(NamedTuple):
    """Rows top..bottom and columns left..right (exclusive) of the image."""

    top: int
    bottom: int
    left: int
    right: int


class _Points(NamedTuple):
    """Vertices, (V, B) each: x and y (pixels; NaN where not to be drawn), 1/z; to_cut: bool, those behind the near
    plane of bodies that are to be drawn, or None where all vertices can be drawn."""

    x: Tensor
    y: Tensor
    inverse_z: Tensor
    to_cut: Tensor | None


def _project(scene: Scene, valid: Tensor, all_whole: bool, near: float) -> _Points:
    # Vertices run along the first dimension here: to fetch one for all bodies is then one copy of neighbours.
    points_cam = scene.vertices_cam.permute(2, 1, 0).contiguous().movedim(0, -1)  # (V, B, 3), planes apart
    x, y, inverse_z = to_pixels(points_cam, scene.intrinsics)
    if all_whole:
        return _Points(x, y, inverse_z, None)
    in_front = points_cam[..., 2] >= near
    drawn = in_front & valid
    # NaN fails every comparison, so that the faces of such a vertex leave with those outside the image.
    x, y = (torch.where(drawn, value, float("nan")) for value in (x, y))
    return _Points(x, y, inverse_z, ~in_front & valid)


def _box_of(points: _Points, scene: Scene) -> _Box:
    if points.to_cut is not None or points.x.numel() == 0:
        return _Box(0, scene.height, 0, scene.width)
    ends = torch.stack([points.y.amin(), points.y.amax(), points.x.amin(), points.x.amax()])
    top, bottom, left, right = (int(min(max(end, 0), 2**24)) for end in ends.tolist())
    return _Box(
        min(top, scene.height), min(bottom + 1, scene.height), min(left, scene.width), min(right + 1, scene.width)
    )


class _ScreenTriangles(NamedTuple):
    """x, y, inverse_z: (3, M) per corner, from top to bottom, pixels and 1/metres; face (M,); first_centre, rows: (M,)
    the centre of the first row that the triangle meets, and how many there are; line: (M,) that row, counted through
    the patches of all bodies."""

    x: Tensor
    y: Tensor
    inverse_z: Tensor
    face: Tensor
    first_centre: Tensor
    line: Tensor
    rows: Tensor


class _Spans(NamedTuple):
    """Runs of pixels: first_pixel (index into the image batch), length, 1/z at the first pixel, its step, face."""

    first_pixel: Tensor
    length: Tensor
    inverse_z: Tensor
    step: Tensor
    face: Tensor


def to_pixels(points_cam: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, y (pixels) and 1/z of points (..., 3) under intrinsics (..., 3, 3), one elementwise operation after another:
    a batched matrix product may round differently with the size of the batch."""
    x_cam, y_cam, z_cam = points_cam.unbind(-1)
    inverse_z = 1.0 / z_cam
    x_plane, y_plane = x_cam * inverse_z, y_cam * inverse_z
    x = intrinsics[..., 0, 0] * x_plane + intrinsics[..., 0, 1] * y_plane + intrinsics[..., 0, 2]
    y = intrinsics[..., 1, 1] * y_plane + intrinsics[..., 1, 2]
    return x, y, inverse_z


def _triangles_on_screen(points: _Points, scene: Scene, box: _Box, near: float) -> Iterator[_ScreenTriangles]:
    """Faces in front of the near plane whose bounding box holds a pixel centre, and the cut ones after them."""
    batch = points.x.shape[1]
    planes = [value.view(-1) if batch == 1 else value for value in (points.x, points.y)]
    corners_x, corners_y = ([plane.index_select(0, corner) for corner in scene.corners] for plane in planes)
    holds = _holds_a_centre(corners_x, corners_y, box)
    face, body = holds.view(-1, batch).nonzero().t().contiguous().unbind(0)
    at = face * batch + body
    y = torch.stack([corner.view(-1).index_select(0, at) for corner in corners_y])
    order = _from_top(y)
    corner = scene.corners.gather(1, face.expand(3, -1)).gather(0, order).mul_(batch).add_(body)
    x, y, inverse_z = (value.view(-1).index_select(0, corner.view(-1)).view(3, -1) for value in points[:3])
    yield _screen(x, y, inverse_z, body, face, box)
    if points.to_cut is not None and bool(points.to_cut.any()):
        yield from _cut_triangles(points.to_cut, scene, box, near)


def _cut_triangles(to_cut: Tensor, scene: Scene, box: _Box, near: float) -> Iterator[_ScreenTriangles]:
    corners_behind = to_cut.to(torch.uint8)[scene.corners].sum(0)  # (F, B)
    face, body = ((corners_behind > 0) & (corners_behind < 3)).nonzero().unbind(-1)
    if face.shape[0] == 0:
        return
    cut = clip_to_near(Triangles(scene.vertices_cam[body[:, None], scene.faces[face]], body, face), near)
    x, y, inverse_z = (value.t() for value in to_pixels(cut.corners_cam, scene.intrinsics[cut.body][:, None]))
    kept = _holds_a_centre(x.unbind(0), y.unbind(0), box).nonzero()[:, 0]
    x, y, inverse_z = x[:, kept], y[:, kept], inverse_z[:, kept]
    order = _from_top(y)
    x, y, inverse_z = (value.gather(0, order) for value in (x, y, inverse_z))
    yield _screen(x, y, inverse_z, cut.body[kept], cut.face[kept], box)


def _holds_a_centre(corners_x: Sequence[Tensor], corners_y: Sequence[Tensor], box: _Box) -> Tensor:
    """Bool, like one corner's tensor: the bounding box holds a pixel centre of the image, by the rule for ties."""
    holds = []
    for (a, b, c), first, last in ((corners_x, box.left, box.right), (corners_y, box.top, box.bottom)):
        low, high = torch.minimum(a, b), torch.maximum(a, b)
        start, end = _centres_between(torch.minimum(low, c, out=low), torch.maximum(high, c, out=high), first, last)
        holds.append(end > start)
    return holds[0].logical_and_(holds[1])


def _centres_between(low: Tensor, high: Tensor, first: int, last: int) -> tuple[Tensor, Tensor]:
    """First and end (exclusive) of the indices i in first..last-1 with low <= i + 0.5 < high, as floats; NaN stays."""
    return (low - 0.5).ceil_().clamp_(first, last), (high - 0.5).ceil_().clamp_(first, last)


def _from_top(y: Tensor) -> Tensor:
    """(3, M) int64, for each column of y (3, M) the order that sorts it; of equals the first comes first."""
    second_above, third_above, third_above_second = y[1] < y[0], y[2] < y[0], y[2] < y[1]
    top = torch.where(third_above & third_above_second, 2, second_above.to(torch.int64))
    bottom = torch.where(third_above | third_above_second, (~second_above).to(torch.int64), 2)
    return torch.stack([top, 3 - top - bottom, bottom])


def _screen(x: Tensor, y: Tensor, inverse_z: Tensor, body: Tensor, face: Tensor, box: _Box) -> _ScreenTriangles:
    first_row, end_row = _centres_between(y[0], y[2], box.top, box.bottom)
    line = (body * (box.bottom - box.top)).add_(first_row.long()).sub_(box.top)
    return _ScreenTriangles(x, y, inverse_z, face, first_row.add(0.5), line, end_row.sub_(first_row).long())


def _spans(triangles: _ScreenTriangles, box: _Box) -> Iterator[_Spans]:
    """The runs of pixel centres inside each triangle, row by row."""
    x, y, z = triangles.x, triangles.y, triangles.inverse_z
    # Slopes per row down each edge: top to bottom, top to middle, middle to bottom. A level edge divides by zero, and
    # is never asked: no row has y_top <= y < y_bottom there.
    rise_long, rise_short = y[2] - y[0], y[1:] - y[:2]
    x_long_slope, z_long_slope = (x[2] - x[0]) / rise_long, (z[2] - z[0]) / rise_long
    # The short side is two edges, one for the rows above the middle corner and one below, here one after the other.
    x_short_slope, z_short_slope = (((value[1:] - value[:2]) / rise_short).view(-1) for value in (x, z))
    short_x, short_y, short_z = (value[:2].reshape(-1) for value in (x, y, z))
    for chosen in _chunks(triangles.rows, _ROWS_AT_ONCE):
        index, within = _expand(triangles.rows[chosen])
        index += chosen.start
        centre = triangles.first_centre.index_select(0, index).add_(within)
        drop = centre - y[0].index_select(0, index)
        short = (centre >= y[1].index_select(0, index)).to(torch.int64).mul_(x.shape[1]).add_(index)
        drop_short = centre.sub_(short_y.index_select(0, short))
        x_long = (x_long_slope.index_select(0, index).mul_(drop)).add_(x[0].index_select(0, index))
        x_short = (x_short_slope.index_select(0, short).mul_(drop_short)).add_(short_x.index_select(0, short))
        left = torch.minimum(x_long, x_short)
        first, end = _centres_between(left, torch.maximum(x_long, x_short), box.left, box.right)
        # Many spans are empty. To carry them along takes less time than to sort them out.
        z_long = z_long_slope.index_select(0, index).mul_(drop).add_(z[0].index_select(0, index))
        z_short = z_short_slope.index_select(0, short).mul_(drop_short).add_(short_z.index_select(0, short))
        step = (z_short - z_long) / (x_short - x_long)
        z_left = torch.where(x_long > x_short, z_short, z_long)
        line = triangles.line.index_select(0, index).add_(within.long())
        yield _Spans(
            line.mul_(box.right - box.left).add_(first.long()).sub_(box.left),
            torch.where(end > first, end - first, 0).long(),
            z_left.add_((first + 0.5).sub_(left).mul_(step)),
            step,
            triangles.face.index_select(0, index),
        )


def _expand(counts: Tensor) -> tuple[Tensor, Tensor]:
    """For counts (2, 0, 3): where each element comes from (0, 0, 2, 2, 2), and its place there (0, 1, 0, 1, 2)."""
    index = torch.repeat_interleave(counts)
    before = counts.cumsum(0).sub_(counts)
    return index, torch.arange(index.shape[0], device=index.device).sub_(before.index_select(0, index))


def _draw(spans: _Spans, keys: Tensor) -> None:
    """Put every pixel of the spans into the z-buffer `keys`, in place."""
    for chosen in _chunks(spans.length, _PIXELS_AT_ONCE):
        index, within = _expand(spans.length[chosen])
        inverse_z = spans.step[chosen].index_select(0, index).mul_(within)
        inverse_z.add_(spans.inverse_z[chosen].index_select(0, index))
        # Positive floats sort as their bits do. 1/z is at most 1/near, and above 0 but for rounding at far slivers.
        key = inverse_z.float().clamp_min_(1e-30).view(torch.int32).to(torch.int64)
        key <<= 31
        key += (_LOW_BITS - spans.face[chosen]).index_select(0, index)
        keys.scatter_reduce_(0, within.add_(spans.first_pixel[chosen].index_select(0, index)), key, "amax")


def _chunks(counts: Tensor, limit: int) -> Iterator[slice]:
    """Slices of a list of counts whose sums stay near `limit` (a single count may exceed it)."""
    total = counts.shape[0]
    if total == 0:
        return
    running = counts.cumsum(0)
    start, done = 0, 0
    while start < total:
        end = int(torch.searchsorted(running, done + limit, right=True))
        end = max(end, start + 1)
        yield slice(start, end)
        start, done = end, int(running[end - 1])


def interpolate_at(scene: Scene, face_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Perspective-correct barycentrics (B, H, W, 3) and depth (B, H, W) of the given faces at pixel centres: where the
    ray through the centre meets the face's plane, in float64 (these are small differences of big products).

    Source: Moeller & Trumbore 1997.
    """
    dtype = scene.vertices_cam.dtype
    num_vertices = scene.vertices_cam.shape[1]
    vertex_planes = scene.vertices_cam.reshape(-1, 3).t().contiguous()  # (3, B V)
    seen = (face_ids >= 0).reshape(-1).nonzero()[:, 0]
    results: list[tuple[Tensor, Tensor]] = []
    for pixel in seen.split(_PIXELS_AT_ONCE // 8):
        body = pixel // (scene.height * scene.width)
        row, column = (pixel // scene.width) % scene.height, pixel % scene.width
        matrix = scene.intrinsics.double().index_select(0, body)
        y_ray = (row + 0.5 - matrix[:, 1, 2]) / matrix[:, 1, 1]
        x_ray = (column + 0.5 - matrix[:, 0, 2] - matrix[:, 0, 1] * y_ray) / matrix[:, 0, 0]
        face = face_ids.reshape(-1).index_select(0, pixel)
        corners = [
            vertex_planes.index_select(1, scene.faces[:, k].index_select(0, face) + body * num_vertices).double()
            for k in range(3)
        ]
        shares, depth = _meet(x_ray, y_ray, *corners)
        results.append((shares.to(dtype), depth.to(dtype)))
    barycentrics = scene.vertices_cam.new_zeros((face_ids.numel(), 3))
    depth_image = scene.vertices_cam.new_full((face_ids.numel(),), float("inf"))
    if results:
        shares, depth = (torch.cat(part) for part in zip(*results, strict=True))
        barycentrics = barycentrics.index_copy(0, seen, shares)
        depth_image = depth_image.index_copy(0, seen, depth)
    return barycentrics.view(*face_ids.shape, 3), depth_image.view(face_ids.shape)


def _meet(x_ray: Tensor, y_ray: Tensor, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Barycentrics (M, 3), kept within 0..1 against rounding at edges, and depth (M,) where rays (x, y, 1) from the
    camera meet the planes of triangles with corners a, b, c (3, M)."""
    x1, y1, z1 = b - a
    x2, y2, z2 = c - a
    x0, y0, z0 = -a
    px, py, pz = y_ray * z2 - y2, x2 - x_ray * z2, x_ray * y2 - y_ray * x2  # ray x second edge
    volume = x1 * px + y1 * py + z1 * pz
    edge_on = volume == 0  # no area in the image: only rounding can have drawn it
    scale = 1 / torch.where(edge_on, 1.0, volume)
    qx, qy, qz = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1  # (camera - a) x first edge
    to_b = (x0 * px + y0 * py + z0 * pz) * scale
    to_c = (x_ray * qx + y_ray * qy + qz) * scale
    depth = torch.where(edge_on, a[2], (x2 * qx + y2 * qy + z2 * qz) * scale)
    shares = torch.stack([1 - to_b - to_c, to_b, to_c], -1).clamp(0, 1)
    return shares / shares.sum(-1, keepdim=True), depth
