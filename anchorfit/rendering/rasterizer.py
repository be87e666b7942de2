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
from .fragments import Fragments, Scene, check_scene, place_bodies

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
    face_ids, valid = visible_faces(scene, near=near)
    barycentrics, depth = interpolate_at(scene, face_ids)
    return Fragments(face_ids, barycentrics, depth, valid)


@torch.no_grad()
def visible_faces(scene: Scene, *, near: float = NEAR) -> tuple[Tensor, Tensor]:
    """(B, H, W) int64 ids of the nearest faces (-1 = none), and which bodies are valid (B,)."""
    batch = scene.vertices_cam.shape[0]
    valid = place_bodies(scene, near).valid
    keys = torch.zeros(batch * scene.height * scene.width, dtype=torch.int64, device=scene.vertices_cam.device)
    bodies_at_once = max(1, _FACES_AT_ONCE // max(1, scene.faces.shape[0]))
    for start in range(0, batch, bodies_at_once):
        rows = slice(start, start + bodies_at_once)
        part = Scene(scene.vertices_cam[rows], scene.faces, scene.intrinsics[rows], scene.height, scene.width)
        for triangles in _triangles_on_screen(part, valid[rows], near):
            for spans in _spans(triangles, part):
                _draw(spans, keys, start * scene.height * scene.width)
    empty = keys == 0
    face_ids = keys.bitwise_and_(_LOW_BITS).neg_().add_(_LOW_BITS).masked_fill_(empty, -1)
    return face_ids.view(batch, scene.height, scene.width), valid


class _ScreenTriangles(NamedTuple):
    """x, y, inverse_z: (3, M) per corner, pixels and 1/metres; body, face: (M,); first_row, end_row: (M,) int64."""

    x: Tensor
    y: Tensor
    inverse_z: Tensor
    body: Tensor
    face: Tensor
    first_row: Tensor
    end_row: Tensor


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


def _triangles_on_screen(scene: Scene, valid: Tensor, near: float) -> Iterator[_ScreenTriangles]:
    """Faces in front of the near plane whose bounding box holds a pixel centre, and the cut ones after them."""
    # Vertices run along the first dimension here: to fetch one for all bodies is then one copy of neighbours.
    points_cam = scene.vertices_cam.permute(2, 1, 0).contiguous().movedim(0, -1)  # (V, B, 3), planes apart
    x, y, inverse_z = to_pixels(points_cam, scene.intrinsics)
    behind = ~(valid & (points_cam[..., 2] >= near))  # (V, B)
    hidden = bool(behind.any())
    if hidden:  # NaN fails every comparison, so that the faces of such a vertex leave with those outside the image
        x, y = torch.where(behind, float("nan"), x), torch.where(behind, float("nan"), y)
    corners_x = tuple(x.index_select(0, scene.faces[:, k]) for k in range(3))  # (F, B) each
    corners_y = tuple(y.index_select(0, scene.faces[:, k]) for k in range(3))
    face, body = _holds_a_centre(corners_x, corners_y, scene).nonzero().unbind(-1)
    at = face * x.shape[1] + body
    corner = scene.faces.t().index_select(1, face) * x.shape[1] + body
    yield _screen(
        torch.stack([c.view(-1).index_select(0, at) for c in corners_x]),
        torch.stack([c.view(-1).index_select(0, at) for c in corners_y]),
        inverse_z.view(-1).index_select(0, corner.view(-1)).view(3, -1),
        body,
        face,
        scene,
    )
    if hidden and bool((behind & valid).any()):
        yield from _cut_triangles(scene, valid, near)


def _cut_triangles(scene: Scene, valid: Tensor, near: float) -> Iterator[_ScreenTriangles]:
    in_front = scene.vertices_cam[..., 2] >= near
    corners_in_front = in_front[:, scene.faces].sum(-1)  # (B, F)
    crossing = ((corners_in_front > 0) & (corners_in_front < 3) & valid[:, None]).nonzero()
    if crossing.shape[0] == 0:
        return
    body, face = crossing.unbind(-1)
    cut = clip_to_near(Triangles(scene.vertices_cam[body[:, None], scene.faces[face]], body, face), near)
    x, y, inverse_z = (value.t() for value in to_pixels(cut.corners_cam, scene.intrinsics[cut.body][:, None]))
    kept = _holds_a_centre(x.unbind(0), y.unbind(0), scene).nonzero()[:, 0]
    yield _screen(x[:, kept], y[:, kept], inverse_z[:, kept], cut.body[kept], cut.face[kept], scene)


def _holds_a_centre(corners_x: Sequence[Tensor], corners_y: Sequence[Tensor], scene: Scene) -> Tensor:
    """Bool, like one corner's tensor: the bounding box holds a pixel centre of the image, by the rule for ties."""
    holds = []
    for (a, b, c), count in ((corners_x, scene.width), (corners_y, scene.height)):
        low, high = torch.minimum(a, b), torch.maximum(a, b)
        first, end = _centres_between(torch.minimum(low, c, out=low), torch.maximum(high, c, out=high), count)
        holds.append(end > first)
    return holds[0].logical_and_(holds[1])


def _centres_between(low: Tensor, high: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """First and end (exclusive) of the indices i in 0..count-1 with low <= i + 0.5 < high, as floats; NaN stays NaN."""
    return (low - 0.5).ceil_().clamp_(0, count), (high - 0.5).ceil_().clamp_(0, count)


def _screen(x: Tensor, y: Tensor, inverse_z: Tensor, body: Tensor, face: Tensor, scene: Scene) -> _ScreenTriangles:
    """Corners sorted from top to bottom, with the rows that the triangle meets."""
    y, order = y.sort(stable=True, dim=0)
    first_row, end_row = _centres_between(y[0], y[2], scene.height)
    return _ScreenTriangles(
        x.gather(0, order), y, inverse_z.gather(0, order), body, face, first_row.long(), end_row.long()
    )


def _spans(triangles: _ScreenTriangles, scene: Scene) -> Iterator[_Spans]:
    """The runs of pixel centres inside each triangle, row by row."""
    x, y, z = triangles.x, triangles.y, triangles.inverse_z
    # Slopes per row down each edge: top to bottom, top to middle, middle to bottom. A level edge divides by zero, and
    # is never asked: no row has y_top <= y < y_bottom there.
    rise_long, rise_top, rise_bottom = y[2] - y[0], y[1] - y[0], y[2] - y[1]
    x_long_slope, z_long_slope = (x[2] - x[0]) / rise_long, (z[2] - z[0]) / rise_long
    # The short side is two edges, one for the rows above the middle corner and one below, here one after the other.
    short_x, short_y, short_z = (torch.cat([value[0], value[1]]) for value in (x, y, z))
    x_short_slope = torch.cat([(x[1] - x[0]) / rise_top, (x[2] - x[1]) / rise_bottom])
    z_short_slope = torch.cat([(z[1] - z[0]) / rise_top, (z[2] - z[1]) / rise_bottom])
    rows_of_triangle = triangles.end_row - triangles.first_row
    for chosen in _chunks(rows_of_triangle, _ROWS_AT_ONCE):
        index, within = _expand(rows_of_triangle[chosen])
        index += chosen.start
        row = triangles.first_row.index_select(0, index).add_(within)
        centre = row.to(x.dtype).add_(0.5)
        drop = centre - y[0].index_select(0, index)
        x_long = x[0].index_select(0, index) + drop * x_long_slope.index_select(0, index)
        z_long = z[0].index_select(0, index) + drop * z_long_slope.index_select(0, index)
        short = index + (centre >= y[1].index_select(0, index)) * x.shape[1]
        drop = centre.sub_(short_y.index_select(0, short))
        x_short = short_x.index_select(0, short) + drop * x_short_slope.index_select(0, short)
        z_short = short_z.index_select(0, short) + drop * z_short_slope.index_select(0, short)
        left, right = torch.minimum(x_long, x_short), torch.maximum(x_long, x_short)
        first, end = _centres_between(left, right, scene.width)
        kept = (end > first).nonzero()[:, 0]
        first, left = first.index_select(0, kept), left.index_select(0, kept)
        index = index.index_select(0, kept)
        x_long, z_long, x_short, z_short = (v.index_select(0, kept) for v in (x_long, z_long, x_short, z_short))
        step = (z_short - z_long) / (x_short - x_long)
        z_left = torch.where(x_long > x_short, z_short, z_long)
        first_row = triangles.body.index_select(0, index) * scene.height + row.index_select(0, kept)
        yield _Spans(
            first_row * scene.width + first.long(),
            (end.index_select(0, kept) - first).long(),
            z_left + (first + 0.5 - left) * step,
            step,
            triangles.face.index_select(0, index),
        )


def _expand(counts: Tensor) -> tuple[Tensor, Tensor]:
    """For counts (2, 0, 3): where each element comes from (0, 0, 2, 2, 2), and its place there (0, 1, 0, 1, 2)."""
    index = torch.repeat_interleave(counts)
    before = counts.cumsum(0).sub_(counts)
    return index, torch.arange(index.shape[0], device=index.device).sub_(before.index_select(0, index))


def _draw(spans: _Spans, keys: Tensor, offset: int) -> None:
    """Put every pixel of the spans into the z-buffer `keys`, in place."""
    for chosen in _chunks(spans.length, _PIXELS_AT_ONCE):
        index, within = _expand(spans.length[chosen])
        inverse_z = spans.step[chosen].index_select(0, index).mul_(within)
        inverse_z.add_(spans.inverse_z[chosen].index_select(0, index))
        # Positive floats sort as their bits do. 1/z is at most 1/near, and above 0 but for rounding at far slivers.
        key = inverse_z.float().clamp_min_(1e-30).view(torch.int32).to(torch.int64)
        key <<= 31
        key += (_LOW_BITS - spans.face[chosen]).index_select(0, index)
        pixel = (spans.first_pixel[chosen] + offset).index_select(0, index).add_(within)
        keys.scatter_reduce_(0, pixel, key, "amax")


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
