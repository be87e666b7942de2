"""Shaded, antialiased pictures of bodies: over a photograph, from the side, from above."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..options import OPACITY
from .drawing import draw_segment, draw_skeleton
from .fragments import Fragments, check_scene, check_size
from .rasterizer import rasterize, to_pixels
from .shading import error_colors, person_colors, shade, striped, vertex_normals

_MOST_SAMPLES = 16_000_000  # for one picture, where the caller does not say how many
_SAMPLES_AT_ONCE = 1 << 21  # shaded points held at a time
_KEYPOINT_COLOR = (1.0, 0.82, 0.10)

ByteImage = NDArray[np.uint8]
Colors = Tensor | Sequence[Sequence[float]] | Sequence[float]
Rasterizer = Callable[[Tensor, Tensor, Tensor, tuple[int, int]], Fragments]


def overlay(
    image: ByteImage,
    vertices_cam: Tensor | Sequence[Tensor],
    faces: Tensor,
    intrinsics: Tensor,
    *,
    colors: Colors | None = None,
    values: Tensor | None = None,
    value_range: tuple[float, float] | None = None,
    colormap: str = "viridis",
    alpha: float = OPACITY,
    doubtful: Sequence[bool] | Tensor = (),
    keypoints: Tensor | NDArray[np.floating] | None = None,
    bones: Iterable[tuple[int, int]] = (),
    keypoint_color: Sequence[float] = _KEYPOINT_COLOR,
    min_confidence: float = 0.05,
    samples: int | None = None,
    rasterizer: Rasterizer = rasterize,
) -> ByteImage:
    """Bodies drawn into a photograph: nearer people hide farther ones, edges are antialiased.

    A person with NaN or infinite vertices is left out; the others come out as without them.

    Args:
        image: (H, W, 3) uint8 RGB.
        vertices_cam: (N, V, 3), or N of (V, 3); metres, camera frame. N may be 0.
        faces: (F, 3) vertex indices.
        intrinsics: (3, 3) pixels, of this image.
        colors: (N, 3) or (3,) sRGB 0..1 a person, or (N, V, 3) a vertex; by default a neutral palette.
        values: (N, V) numbers to colour the vertices with (errors, say) in place of `colors`.
        value_range: values at the colour map's ends; by default 0 and the largest.
        colormap: a name that matplotlib knows.
        alpha: opacity of the bodies, 0..1.
        doubtful: N flags, or none: of bodies that are drawn striped.
        keypoints: (N, K, 2) or (N, K, 3) pixels and confidence, drawn on top; or without the leading N.
        bones: pairs of keypoint indices to join.
        keypoint_color: sRGB 0..1.
        min_confidence: keypoints at or below it are left out.
        samples: antialiasing, samples a pixel along x and y; by default 3, fewer where the bodies fill many pixels.
        rasterizer: another backend's `rasterize`.
    Returns:
        (H, W, 3) uint8, a new image.
    Raises:
        ValueError: a shape or a number does not fit.
    """
    _check_image(image)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha: expected 0..1, got {alpha}")
    people = _stack_people(vertices_cam)
    paint = _vertex_colors(people, colors, values, value_range, colormap)
    striped_bodies = _flags(doubtful, len(people))
    height, width = image.shape[:2]
    result = image.copy()
    bands = draw_bodies(
        people,
        faces,
        intrinsics,
        paint,
        (height, width),
        doubtful=striped_bodies,
        samples=samples,
        rasterizer=rasterizer,
    )
    for box, layer in bands:
        part = result[box].astype(np.float32)
        part *= 1 - alpha * layer[..., 3:]
        part += 255 * alpha * layer[..., :3]
        result[box] = _as_bytes(part)
    if keypoints is not None:
        _mark_keypoints(result, keypoints, tuple(bones), keypoint_color, min_confidence)
    return result


def _mark_keypoints(
    picture: ByteImage,
    keypoints: Tensor | NDArray[np.floating],
    bones: Sequence[tuple[int, int]],
    color: Sequence[float],
    min_confidence: float,
) -> None:
    """Draw keypoints and the bones between them into a picture; arguments as of `overlay`."""
    height, width = picture.shape[:2]
    red, green, blue = color
    for points, shown in _visible_keypoints(keypoints, min_confidence):
        radius = _mark_radius(points[shown], height, width)
        box, corner = _box_of_marks(points[shown], radius + 2, height, width)
        part = picture[box].astype(np.float32)
        draw_skeleton(part, points - corner, shown, bones, (red, green, blue), radius)
        picture[box] = _as_bytes(part)


def _as_bytes(picture: NDArray[np.float32]) -> ByteImage:
    """Rounded, 0..255; the argument is written to."""
    picture += 0.5
    return picture.clip(0, 255, out=picture).astype(np.uint8)


def _flags(doubtful: Sequence[bool] | Tensor, count: int) -> Tensor:
    """(count,) bool."""
    flags = torch.as_tensor(doubtful, dtype=torch.bool)
    if len(flags) not in (0, count):
        raise ValueError(f"doubtful: expected {count} flags or none, got {len(flags)}")
    return flags if len(flags) else torch.zeros(count, dtype=torch.bool)


def side_view(
    vertices_cam: Tensor | Sequence[Tensor],
    faces: Tensor,
    size: tuple[int, int],
    *,
    azimuth_deg: float = 90.0,
    elevation_deg: float = 0.0,
    colors: Colors | None = None,
    values: Tensor | None = None,
    value_range: tuple[float, float] | None = None,
    colormap: str = "viridis",
    background: Sequence[float] = (1.0, 1.0, 1.0),
    margin: float = 0.06,
    ground: bool = False,
    doubtful: Sequence[bool] | Tensor = (),
    samples: int | None = None,
    rasterizer: Rasterizer = rasterize,
) -> ByteImage:
    """The same bodies seen from elsewhere, all in the frame, almost without foreshortening.

    Args:
        vertices_cam: (N, V, 3), (V, 3), or N of (V, 3); metres, camera frame.
        faces: (F, 3) vertex indices.
        size: (height, width) pixels.
        azimuth_deg: how far the viewer walks round the bodies, about the image's vertical, degrees; 0 is the
            camera's own view, 90 has the viewer on the camera's right.
        elevation_deg: how far the viewer then rises, degrees; 90 looks down from above.
        colors, values, value_range, colormap, doubtful, samples, rasterizer: as in `overlay`.
        background: sRGB 0..1.
        margin: free share of the picture on each side.
        ground: whether the people stand at the bottom of the picture, on a line at the lowest point of the lowest of
            them; who stands higher has a short line of their own. Only without elevation.
    Returns:
        (height, width, 3) uint8.
    Raises:
        ValueError: a shape or a number does not fit.
    """
    height, width = check_size(size)
    people = _stack_people(vertices_cam)
    paint = _vertex_colors(people, colors, values, value_range, colormap)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = 255 * np.asarray(background, np.float32)
    finite = people.isfinite().flatten(1).all(1)
    if bool(finite.any()):
        turned, intrinsics = _look_from(people, finite, azimuth_deg, elevation_deg, height, width, margin)
        if ground and not elevation_deg:
            intrinsics = _draw_ground(picture, turned[finite], intrinsics, margin)
        bands = draw_bodies(
            turned,
            faces,
            intrinsics,
            paint,
            (height, width),
            doubtful=_flags(doubtful, len(people)),
            samples=samples,
            rasterizer=rasterizer,
        )
        for box, layer in bands:
            picture[box] = picture[box] * (1 - layer[..., 3:]) + 255 * layer[..., :3]
    return _as_bytes(picture)


def top_view(
    vertices_cam: Tensor | Sequence[Tensor],
    faces: Tensor,
    size: tuple[int, int],
    *,
    colors: Colors | None = None,
) -> ByteImage:
    """`side_view` from straight above, the camera's side at the bottom."""
    return side_view(vertices_cam, faces, size, azimuth_deg=0.0, elevation_deg=90.0, colors=colors)


def draw_bodies(
    vertices_cam: Tensor,
    faces: Tensor,
    intrinsics: Tensor,
    vertex_colors: Tensor,
    size: tuple[int, int],
    *,
    doubtful: Tensor,
    samples: int | None = None,
    rasterizer: Rasterizer = rasterize,
) -> Iterator[Band]:
    """The bodies' box in the image, band by band from above, so that no picture of it all is held.

    All bodies go through one depth buffer, so that each hides what is behind it.

    Args:
        vertices_cam: (N, V, 3); vertex_colors: (N, V, 3) sRGB 0..1; doubtful: (N,) bool; the rest as in `overlay`.
    """
    if samples is not None and samples < 1:
        raise ValueError(f"samples: expected at least 1, got {samples}")
    height, width = check_size(size)
    if vertices_cam.shape[0] == 0:
        return iter(())
    intrinsics = torch.as_tensor(intrinsics).to(vertices_cam)
    check_scene(vertices_cam, faces, intrinsics, size)
    finite = vertices_cam.isfinite().flatten(1).all(1)
    bodies, paint = vertices_cam[finite], vertex_colors.to(vertices_cam)[finite]
    crowd = _crowd(bodies, faces.to(bodies.device), paint, doubtful.to(bodies.device)[finite], intrinsics)
    return _bands(crowd, _box_of(bodies, intrinsics, height, width), intrinsics, samples, rasterizer)


class Band(NamedTuple):
    """A part of an image: row and column slices, and a layer (h, w, 4) for it of colour x cover, and cover."""

    box: tuple[slice, slice]
    layer: NDArray[np.float32]


class _Crowd(NamedTuple):
    """All bodies as one surface."""

    points: Tensor  # (1, N V, 3)
    faces: Tensor  # (N F, 3)
    surface: Tensor  # (N V, 9): normal, point and colour of each vertex
    stripes: Tensor  # (N F,) pixels from stripe to stripe; 0: none


def _crowd(bodies: Tensor, faces: Tensor, paint: Tensor, doubtful: Tensor, intrinsics: Tensor) -> _Crowd:
    count, num_vertices = bodies.shape[:2]
    offsets = torch.arange(count, device=bodies.device) * num_vertices
    crowd_faces = (faces[None] + offsets[:, None, None]).reshape(-1, 3)
    normals = vertex_normals(bodies, faces).reshape(-1, 3)
    points = bodies.reshape(1, -1, 3)
    stripes = torch.where(doubtful, _stripe_pixels(bodies, intrinsics), 0.0)
    table = torch.cat([normals, points[0], paint.reshape(-1, 3)], 1)
    return _Crowd(points, crowd_faces, table, stripes.repeat_interleave(len(faces)))


def _stripe_pixels(bodies: Tensor, intrinsics: Tensor) -> Tensor:
    """(N,) pixels from stripe to stripe: a share of the body's extent in the image."""
    if not bodies.numel():
        return bodies.new_zeros(len(bodies))
    extent = (bodies.amax(1) - bodies.amin(1))[:, :2].amax(1) * intrinsics[0, 0]
    return (0.04 * extent / bodies[..., 2].mean(1).clamp_min(0.1)).clamp(5.0, 200.0)


@torch.no_grad()
def _bands(
    crowd: _Crowd, box: tuple[int, int, int, int], intrinsics: Tensor, samples: int | None, rasterizer: Rasterizer
) -> Iterator[Band]:
    top, bottom, left, right = box
    if bottom <= top or right <= left:
        return
    samples = samples or _affordable_samples((bottom - top) * (right - left))
    rows_at_once = max(1, _SAMPLES_AT_ONCE // ((right - left) * samples**2))
    for start in range(top, bottom, rows_at_once):
        end = min(start + rows_at_once, bottom)
        size = ((end - start) * samples, (right - left) * samples)
        layer = _shaded_band(crowd, _zoom(intrinsics, left, start, samples), (start, left), size, samples, rasterizer)
        yield Band((slice(start, end), slice(left, right)), layer)


def _affordable_samples(pixels: int) -> int:
    """3 a pixel along x and y, or as many as keep to the limit: on a large picture a jagged edge is small."""
    return next((samples for samples in (3, 2) if pixels * samples**2 <= _MOST_SAMPLES), 1)


def _shaded_band(
    crowd: _Crowd,
    intrinsics: Tensor,
    corner: tuple[int, int],
    size: tuple[int, int],
    samples: int,
    rasterizer: Rasterizer,
) -> NDArray[np.float32]:
    fragments = rasterizer(crowd.points, crowd.faces, intrinsics, size)
    face_ids = fragments.face_ids[0].reshape(-1)
    hit = (face_ids >= 0).nonzero()[:, 0]
    hit_faces = face_ids.index_select(0, hit)
    shares = fragments.barycentrics[0].reshape(-1, 3).index_select(0, hit).to(crowd.surface)
    corners = crowd.faces.index_select(0, hit_faces)
    surface = crowd.surface.index_select(0, corners[:, 0]) * shares[:, :1]
    for k in (1, 2):
        surface += crowd.surface.index_select(0, corners[:, k]) * shares[:, k : k + 1]
    normal, point, albedo = surface.split(3, 1)
    if bool(crowd.stripes.any()):
        along = corner[0] + corner[1] + (hit // size[1] + hit % size[1]) / samples  # row + column, pixels
        albedo = striped(albedo, along, crowd.stripes.index_select(0, hit_faces))
    color = shade(
        albedo,
        torch.nn.functional.normalize(normal, dim=-1),
        torch.nn.functional.normalize(-point, dim=-1),
    )
    fine = color.new_zeros(size[0] * size[1], 4)
    fine.index_copy_(0, hit, torch.cat([color, torch.ones_like(color[:, :1])], 1))
    return _average(fine.view(*size, 4), samples).float().cpu().numpy()


def _average(fine: Tensor, samples: int) -> Tensor:
    """Means of blocks of samples x samples, (h samples, w samples, C) -> (h, w, C)."""
    rows = torch.stack([fine[k::samples] for k in range(samples)]).sum(0)
    return torch.stack([rows[:, k::samples] for k in range(samples)]).sum(0) / samples**2


def _zoom(intrinsics: Tensor, left: int, top: int, samples: int) -> Tensor:
    """Intrinsics of the part of the image that starts at (left, top), enlarged `samples` times."""
    shift = intrinsics.new_tensor([[samples, 0, -left * samples], [0, samples, -top * samples], [0, 0, 1]])
    return shift @ intrinsics


def _box_of(bodies: Tensor, intrinsics: Tensor, height: int, width: int) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the pixels that the bodies can touch; the whole image when one reaches behind."""
    if bodies.shape[0] == 0:
        return 0, 0, 0, 0
    if bool((bodies[..., 2] < 0.02).any()):
        return 0, height, 0, width
    x, y, _ = to_pixels(bodies, intrinsics)
    left, right = (int(v) for v in (x.min().floor().clamp(0, width), x.max().ceil().clamp(0, width)))
    top, bottom = (int(v) for v in (y.min().floor().clamp(0, height), y.max().ceil().clamp(0, height)))
    return top, bottom, left, right


def _look_from(
    people: Tensor, finite: Tensor, azimuth_deg: float, elevation_deg: float, height: int, width: int, margin: float
) -> tuple[Tensor, Tensor]:
    """Vertices in the frame of a distant camera that looks at the people from there, and its intrinsics."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    about_vertical = [[math.cos(azimuth), 0, math.sin(azimuth)], [0, 1, 0], [-math.sin(azimuth), 0, math.cos(azimuth)]]
    about_level = [
        [1, 0, 0],
        [0, math.cos(elevation), -math.sin(elevation)],
        [0, math.sin(elevation), math.cos(elevation)],
    ]
    turn = people.new_tensor(about_level) @ people.new_tensor(about_vertical)
    turned = people @ turn.T
    points = turned[finite].reshape(-1, 3)
    low, high = points.amin(0), points.amax(0)
    turned = turned - (low + high) / 2
    extent = (high - low).clamp_min(1e-6)
    distance = 40 * float(extent.max())
    turned = turned + turned.new_tensor([0.0, 0.0, distance])
    free = 1 - 2 * margin
    focal = distance * free * min(width / float(extent[0]), height / float(extent[1]))
    return turned, people.new_tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def _draw_ground(picture: NDArray[np.float32], bodies: Tensor, intrinsics: Tensor, margin: float) -> Tensor:
    """Draw the ground into the picture, in place; returns intrinsics with the lowest point on it."""
    height, width = picture.shape[:2]
    level = (1 - margin) * height
    x, y, _ = to_pixels(bodies, intrinsics)
    lowest = y.amax(1)
    down = level - float(lowest.max())
    thick = max(1.0, 0.004 * height)
    picture[round(level) :] *= 0.94
    grey = (0.55, 0.55, 0.55)
    draw_segment(picture, np.array([0.0, level]), np.array([width, level]), thick / 2, grey)
    for left, right, own in zip(x.amin(1).tolist(), x.amax(1).tolist(), lowest.tolist(), strict=True):
        if own + down < level - 0.02 * height:
            start, end = (np.array([across, own + down]) for across in (left, right))
            draw_segment(picture, start, end, thick / 2, grey)
    return intrinsics + intrinsics.new_tensor([[0, 0, 0], [0, 0, down], [0, 0, 0]])


def _check_image(image: ByteImage) -> None:
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise ValueError(f"image: expected (H, W, 3) uint8 RGB, got {array.shape} {array.dtype}")
    check_size((array.shape[0], array.shape[1]))


def _stack_people(vertices_cam: Tensor | Sequence[Tensor]) -> Tensor:
    if not isinstance(vertices_cam, Tensor):
        vertices_cam = torch.stack(list(vertices_cam)) if len(vertices_cam) else torch.zeros(0, 0, 3)
    if vertices_cam.ndim == 2:
        vertices_cam = vertices_cam[None]
    if vertices_cam.ndim != 3 or vertices_cam.shape[-1] != 3:
        raise ValueError(f"vertices_cam: expected (N, V, 3) or (V, 3), got {tuple(vertices_cam.shape)}")
    return vertices_cam.detach()


def _vertex_colors(
    people: Tensor,
    colors: Colors | None,
    values: Tensor | None,
    value_range: tuple[float, float] | None,
    colormap: str,
) -> Tensor:
    """(N, V, 3) sRGB."""
    count, num_vertices = people.shape[:2]
    if values is not None:
        if values.shape not in ((count, num_vertices), (num_vertices,)):
            raise ValueError(f"values: expected ({count}, {num_vertices}), got {tuple(values.shape)}")
        return error_colors(values, value_range, colormap).expand(count, num_vertices, 3)
    paint = person_colors(count) if colors is None else torch.as_tensor(colors, dtype=torch.float32)
    if paint.shape == (3,) or paint.shape == (count, 3):
        paint = paint.expand(count, 3)[:, None]
    if paint.shape not in ((count, 1, 3), (count, num_vertices, 3)):
        raise ValueError(f"colors: expected (3,), ({count}, 3) or ({count}, V, 3), got {tuple(paint.shape)}")
    return paint.expand(count, num_vertices, 3)


def _mark_radius(points: NDArray[np.float64], height: int, width: int) -> float:
    """Pixels: a share of the person's extent, so that small people are not buried under their own joints."""
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    return float(np.clip(0.013 * extent, 1.2, max(2.0, 0.006 * math.hypot(height, width))))


def _box_of_marks(
    points: NDArray[np.float64], radius: float, height: int, width: int
) -> tuple[tuple[slice, slice], NDArray[np.int64]]:
    """Row and column slices around the points (M, 2), and the left top corner of that part as (x, y)."""
    if not len(points):
        return (slice(0, 0), slice(0, 0)), np.zeros(2, np.int64)
    low = np.floor(points.min(0) - radius).clip(0, (width, height)).astype(np.int64)
    high = np.ceil(points.max(0) + radius).clip(0, (width, height)).astype(np.int64)
    return (slice(low[1], high[1]), slice(low[0], high[0])), low


def _visible_keypoints(
    keypoints: Tensor | NDArray[np.floating], min_confidence: float
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    array = np.asarray(torch.as_tensor(keypoints).detach().cpu(), np.float64)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[-1] not in (2, 3):
        raise ValueError(f"keypoints: expected (N, K, 2) or (N, K, 3), got {array.shape}")
    shown = np.isfinite(array).all(-1) & (np.abs(array[..., :2]) < 1e6).all(-1)
    if array.shape[-1] == 3:
        shown &= array[..., 2] > min_confidence
    return list(zip(array[..., :2], shown, strict=True))
