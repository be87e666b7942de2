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

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .clipping import Triangles, clip_to_near
from .fragments import Fragments, Scene, check_scene, finite_bodies

NEAR = 0.01  # metres; closer than any lens focuses on a person
_FACES_AT_ONCE = 1 << 20  # limits of each list's length: together they bound memory at about 300 MB beside the results
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
    if not near > 0:
        raise ValueError(f"near: expected metres above 0, got {near}")
    batch = scene.vertices_cam.shape[0]
    valid = finite_bodies(scene)
    keys = torch.zeros(batch * scene.height * scene.width, dtype=torch.int64, device=scene.vertices_cam.device)
    bodies_at_once = max(1, _FACES_AT_ONCE // max(1, scene.faces.shape[0]))
    for start in range(0, batch, bodies_at_once):
        rows = slice(start, start + bodies_at_once)
        part = Scene(scene.vertices_cam[rows], scene.faces, scene.intrinsics[rows], scene.height, scene.width)
        for triangles in _triangles_on_screen(part, valid[rows], near):
            for spans in _spans(triangles, part):
                _draw(spans, keys, start * scene.height * scene.width)
    face_ids = torch.where(keys > 0, _LOW_BITS - (keys & _LOW_BITS), -1)
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
    batch, num_vertices = scene.vertices_cam.shape[:2]
    num_faces = scene.faces.shape[0]
    x, y, inverse_z = to_pixels(scene.vertices_cam, scene.intrinsics[:, None])
    z = scene.vertices_cam[..., 2]
    drawable = valid[:, None] & (z >= near)  # (B, V)
    behind = ~drawable
    # A vertex that cannot be drawn gets NaN: every comparison with it fails, so its faces leave with the others.
    nowhere = x.new_tensor(float("nan"))
    x, y = torch.where(behind, nowhere, x), torch.where(behind, nowhere, y)
    index = scene.faces.t().reshape(-1)  # corner by corner: (3 F,)
    corner_x = x.index_select(1, index).view(batch, 3, num_faces)
    corner_y = y.index_select(1, index).view(batch, 3, num_faces)
    kept = _holds_a_centre(corner_x, corner_y, scene).nonzero()  # (M, 2)
    body, face = kept.unbind(-1)
    vertex = scene.faces[face].t() + body * num_vertices  # (3, M)
    yield _screen(x.reshape(-1)[vertex], y.reshape(-1)[vertex], inverse_z.reshape(-1)[vertex], body, face, scene)
    if bool((behind & valid[:, None]).any()):
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
    kept = _holds_a_centre(x[None], y[None], scene)[0].nonzero()[:, 0]
    yield _screen(x[:, kept], y[:, kept], inverse_z[:, kept], cut.body[kept], cut.face[kept], scene)


def _holds_a_centre(corner_x: Tensor, corner_y: Tensor, scene: Scene) -> Tensor:
    """(B, F) bool: the bounding box of corners (B, 3, F) holds a pixel centre of the image, by the rule for ties."""
    first_column, end_column = _centres_between(corner_x.amin(1), corner_x.amax(1), scene.width)
    first_row, end_row = _centres_between(corner_y.amin(1), corner_y.amax(1), scene.height)
    return (end_column > first_column) & (end_row > first_row)


def _centres_between(low: Tensor, high: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """First and end (exclusive) of the indices i in 0..count-1 with low <= i + 0.5 < high, as floats; NaN stays NaN."""
    return (low - 0.5).ceil().clamp(0, count), (high - 0.5).ceil().clamp(0, count)


def _screen(x: Tensor, y: Tensor, inverse_z: Tensor, body: Tensor, face: Tensor, scene: Scene) -> _ScreenTriangles:
    """Corners sorted from top to bottom, with the rows that the triangle meets."""
    y, order = y.sort(stable=True, dim=0)
    first_row, end_row = _centres_between(y[0], y[2], scene.height)
    return _ScreenTriangles(
        x.gather(0, order), y, inverse_z.gather(0, order), body, face, first_row.long(), end_row.long()
    )


def _spans(triangles: _ScreenTriangles, scene: Scene) -> Iterator[_Spans]:
    """The runs of pixel centres inside each triangle, row by row."""
    rise_long, rise_top, rise_bottom = (triangles.y[b] - triangles.y[a] for a, b in ((0, 2), (0, 1), (1, 2)))
    # Slopes per row down each edge: top to bottom, top to middle, middle to bottom. A level edge divides by zero, and
    # is never asked: no row has y_top <= y < y_bottom there.
    x, z = triangles.x, triangles.inverse_z
    x_slopes = ((x[2] - x[0]) / rise_long, (x[1] - x[0]) / rise_top, (x[2] - x[1]) / rise_bottom)
    z_slopes = ((z[2] - z[0]) / rise_long, (z[1] - z[0]) / rise_top, (z[2] - z[1]) / rise_bottom)
    rows_of_triangle = triangles.end_row - triangles.first_row
    for chosen in _chunks(rows_of_triangle, _ROWS_AT_ONCE):
        count = rows_of_triangle[chosen]
        index = torch.repeat_interleave(count)
        within = torch.arange(index.shape[0], device=index.device) - (count.cumsum(0) - count)[index]
        index = index + chosen.start
        row = triangles.first_row[index] + within
        centre = row.to(x.dtype) + 0.5
        upper = centre < triangles.y[1][index]  # above the middle corner: the short edge is top to middle
        drop = centre - triangles.y[0][index]
        short_drop = torch.where(upper, drop, centre - triangles.y[1][index])
        x_long = x[0][index] + drop * x_slopes[0][index]
        z_long = z[0][index] + drop * z_slopes[0][index]
        x_short = _either(upper, x[0], x[1], index) + short_drop * _either(upper, x_slopes[1], x_slopes[2], index)
        z_short = _either(upper, z[0], z[1], index) + short_drop * _either(upper, z_slopes[1], z_slopes[2], index)
        swap = x_long > x_short
        left, right = torch.where(swap, x_short, x_long), torch.where(swap, x_long, x_short)
        first, end = _centres_between(left, right, scene.width)
        kept = (end > first).nonzero()[:, 0]
        first, end, left, right = first[kept], end[kept], left[kept], right[kept]
        z_left, z_right = torch.where(swap, z_short, z_long)[kept], torch.where(swap, z_long, z_short)[kept]
        step = (z_right - z_left) / (right - left)
        index = index[kept]
        image_row = triangles.body[index] * scene.height + row[kept]
        first_pixel = image_row * scene.width + first.long()
        yield _Spans(
            first_pixel, (end - first).long(), z_left + (first + 0.5 - left) * step, step, triangles.face[index]
        )


def _either(condition: Tensor, yes: Tensor, no: Tensor, index: Tensor) -> Tensor:
    return torch.where(condition, yes[index], no[index])


def _draw(spans: _Spans, keys: Tensor, offset: int) -> None:
    """Put every pixel of the spans into the z-buffer `keys`, in place."""
    for chosen in _chunks(spans.length, _PIXELS_AT_ONCE):
        length = spans.length[chosen]
        index = torch.repeat_interleave(length)
        within = torch.arange(index.shape[0], device=index.device) - (length.cumsum(0) - length)[index]
        inverse_z = spans.inverse_z[chosen][index] + within * spans.step[chosen][index]
        # Positive floats sort as their bits do. 1/z is at most 1/near and above 0 but for rounding at far slivers.
        bits = inverse_z.to(torch.float32).clamp_min(1e-30).view(torch.int32).to(torch.int64)
        key = (bits << 31) | (_LOW_BITS - spans.face[chosen])[index]
        pixel = spans.first_pixel[chosen][index] + within + offset
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
    """Perspective-correct barycentrics (B, H, W, 3) and depth (B, H, W) of the given faces at pixel centres.

    The ray d through a pixel centre meets the plane of the face (a, b, c) at t d = u a + v b + w c, so that
    u : v : w = d.(b x c) : d.(c x a) : d.(a x b), behind the camera as well; float64, since these are small
    differences of big products. Source: Moeller & Trumbore 1997, in homogeneous form.
    """
    dtype = scene.vertices_cam.dtype
    seen = (face_ids >= 0).reshape(-1).nonzero()[:, 0]
    shares: list[Tensor] = []
    depths: list[Tensor] = []
    for pixel in seen.split(_PIXELS_AT_ONCE // 4):
        body = pixel // (scene.height * scene.width)
        row, column = (pixel // scene.width) % scene.height, pixel % scene.width
        matrix = scene.intrinsics[body].double()
        y_ray = (row + 0.5 - matrix[:, 1, 2]) / matrix[:, 1, 1]
        x_ray = (column + 0.5 - matrix[:, 0, 2] - matrix[:, 0, 1] * y_ray) / matrix[:, 0, 0]
        ray = torch.stack([x_ray, y_ray, torch.ones_like(x_ray)], -1)  # z = 1: t is the depth
        corners = scene.faces[face_ids.reshape(-1)[pixel]]
        a, b, c = (scene.vertices_cam[body, corners[:, k]].double() for k in range(3))
        normal = torch.linalg.cross(b - a, c - a)
        facing = (ray * normal).sum(-1)
        edge_on = facing == 0  # no area in the image: only rounding can have drawn it
        depth = (a * normal).sum(-1) / torch.where(edge_on, torch.ones_like(facing), facing)
        depth = torch.where(edge_on, a[:, 2], depth)
        point = ray * depth[:, None]
        shares.append(_shares_in_plane(point, a, b, c, normal).to(dtype))
        depths.append(depth.to(dtype))
    shape = face_ids.shape
    barycentrics = scene.vertices_cam.new_zeros((face_ids.numel(), 3))
    depth_image = scene.vertices_cam.new_full((face_ids.numel(),), float("inf"))
    if seen.shape[0]:
        barycentrics = barycentrics.index_put((seen,), torch.cat(shares))
        depth_image = depth_image.index_put((seen,), torch.cat(depths))
    return barycentrics.view(*shape, 3), depth_image.view(shape)


def _shares_in_plane(point: Tensor, a: Tensor, b: Tensor, c: Tensor, normal: Tensor) -> Tensor:
    """Barycentrics (M, 3) of points in the planes of triangles, kept within 0..1 against rounding at edges."""
    square = (normal * normal).sum(-1)
    square = torch.where(square == 0, torch.ones_like(square), square)
    u = (torch.linalg.cross(c - b, point - b) * normal).sum(-1) / square
    v = (torch.linalg.cross(a - c, point - c) * normal).sum(-1) / square
    shares = torch.stack([u, v, 1 - u - v], -1).clamp(0, 1)
    return shares / shares.sum(-1, keepdim=True)
