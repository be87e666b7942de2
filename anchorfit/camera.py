"""The camera: pinhole projection, focal length, and square crops with their exact inverse.

Camera frame: x right, y down, z forward, metres. Pixels: (0, 0) is the top-left corner of the image, so the centre of
the first pixel is (0.5, 0.5). See docs/conventions.md.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""Diagonal of a 35 mm film frame: what "35 mm equivalent" focal lengths are relative to (CIPA DCG-001)."""

FOCAL_LENGTH = 0x920A
PIXEL_X_DIMENSION = 0xA002
PIXEL_Y_DIMENSION = 0xA003
FOCAL_PLANE_X_RESOLUTION = 0xA20E
FOCAL_PLANE_RESOLUTION_UNIT = 0xA210
FOCAL_LENGTH_IN_35MM_FILM = 0xA405
MM_PER_RESOLUTION_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # inch, cm; mm and micrometre are common extensions
PLAUSIBLE_FOCAL = (0.2, 50.0)
"""Shortest and longest focal length, in image diagonals, that is believed when a file states it."""

NEAREST_DEPTH = 0.05  # metres: points nearer to the camera's plane count as behind it
STANDING_HEIGHT = 1.7  # metres, of the person whose height in the image sizes in pixels are relative to


def project(points_cam: Tensor, intrinsics: Tensor, *, nearest: float | None = None) -> Tensor:
    """Pinhole projection.

    Args:
        points_cam: (..., N, 3) metres, camera frame.
        intrinsics: (..., 3, 3) pixels, skew and unequal focal lengths included; leading dimensions broadcast.
        nearest: points nearer than so many metres are projected as if they were that far away; None: not.
    Returns:
        (..., N, 2) pixels; (0, 0) is the image's top-left corner.
    Raises:
        ValueError: a last dimension does not fit.
    Source: Hartley & Zisserman 2004, eq. 6.5. Points with z <= 0 are not masked.

    >>> project(torch.tensor([[0.0, 0.5, 2.0]]), default_intrinsics(640, 480, focal=800))
    tensor([[320., 440.]])
    """
    _check("points_cam", points_cam, (3,))
    _check("intrinsics", intrinsics, (3, 3))
    if nearest is not None:
        points_cam = torch.cat([points_cam[..., :2], points_cam[..., 2:].clamp(min=nearest)], -1)
    homogeneous = points_cam @ intrinsics.transpose(-1, -2)  # (..., N, 3)
    return homogeneous[..., :2] / homogeneous[..., 2:]


class Projection(NamedTuple):
    """Pixels (..., N, 2), their derivative (..., N, 2, 3) in pixels a metre, and which points are behind (..., N)."""

    pixels: Tensor
    jacobian: Tensor
    behind: Tensor


def project_with_jacobian(points_cam: Tensor, intrinsics: Tensor, *, nearest: float = NEAREST_DEPTH) -> Projection:
    """`project` with its derivative: for K = [A | c], d pixels / d point = [A | -A r] / z at the ray r = (x, y) / z.

    Args:
        points_cam: (..., N, 3) metres, camera frame.
        intrinsics: (..., 3, 3) pixels, skew included; leading dimensions broadcast.
        nearest: points nearer than so many metres are behind; they are projected as if they were that far away.
    Raises:
        ValueError: a last dimension does not fit.
    """
    _check("points_cam", points_cam, (3,))
    _check("intrinsics", intrinsics, (3, 3))
    affine = intrinsics[..., None, :2, :2]  # A, (..., 1, 2, 2)
    inverse = points_cam[..., 2:].clamp(min=nearest).reciprocal()
    rays = points_cam[..., :2] * inverse
    from_centre = (affine * rays[..., None, :]).sum(-1)  # (..., N, 2) pixels from the principal point
    full = affine.expand(*from_centre.shape[:-1], 2, 2)
    jacobian = torch.cat((full, -from_centre[..., None]), -1).mul_(inverse[..., None])
    return Projection(from_centre + intrinsics[..., None, :2, 2], jacobian, points_cam[..., 2] < nearest)


def unproject(pixels: Tensor, depth: Tensor, intrinsics: Tensor) -> Tensor:
    """The points that project to given pixels at given depths: the inverse of `project`.

    Args:
        pixels: (..., N, 2).
        depth: (..., N) metres along z.
        intrinsics: (..., 3, 3) pixels.
    Returns:
        (..., N, 3) metres, camera frame.
    Raises:
        ValueError: a last dimension does not fit.
    """
    _check("pixels", pixels, (2,))
    _check("intrinsics", intrinsics, (3, 3))
    ones = torch.ones_like(pixels[..., :1])
    rays = torch.linalg.solve(intrinsics, torch.cat([pixels, ones], dim=-1).transpose(-1, -2)).transpose(-1, -2)
    return rays * depth[..., None]


def rays_of(keypoints: Tensor, intrinsics: Tensor) -> Tensor:
    """(B, K, 2) X/Z and Y/Z of the rays through pixels (B, K, 2), for upper triangular intrinsics (B, 3, 3)."""
    y = (keypoints[..., 1] - intrinsics[:, 1, 2, None]) / intrinsics[:, 1, 1, None]
    x = (keypoints[..., 0] - intrinsics[:, 0, 2, None] - intrinsics[:, 0, 1, None] * y) / intrinsics[:, 0, 0, None]
    return torch.stack((x, y), -1)


def rotation_to_axis(direction: Tensor) -> Tensor:
    """The smallest rotations that take directions (B, 3) with z > 0 to +z: (B, 3, 3).

    Source: R = I + [v]x + [v]x^2 / (1 + d_z) with v = d x z, written out, for unit vectors d.
    """
    x, y, z = (direction / direction.norm(dim=-1, keepdim=True)).unbind(-1)
    a, b = x / (1 + z), y / (1 + z)
    across = -a * y
    return torch.stack((1 - a * x, across, -x, across, 1 - b * y, -y, x, y, z), -1).unflatten(-1, (3, 3))


def standing_height(intrinsics: Tensor, depth: Tensor, stature: float = STANDING_HEIGHT) -> Tensor:
    """Height in the image, (...) pixels, of a person who stands at ``depth`` (...) metres.

    Args:
        intrinsics: (..., 3, 3) pixels; of unequal focal lengths the mean is taken.
        depth: (...) metres; nearer than `NEAREST_DEPTH` counts as that.
        stature: metres.
    """
    focal = torch.diagonal(intrinsics[..., :2, :2], dim1=-2, dim2=-1).mean(-1)
    return stature * focal / depth.clamp(min=NEAREST_DEPTH)


def intrinsics_matrix(focal: Tensor | float, centre: Tensor | tuple[float, float]) -> Tensor:
    """K = [[f, 0, cx], [0, f, cy], [0, 0, 1]] with square pixels and no skew.

    Args:
        focal: (...) pixels; a number gives one float32 matrix.
        centre: (..., 2) pixels, the principal point.
    Returns:
        (..., 3, 3), in the type and on the device of whichever argument is a tensor.
    Raises:
        ValueError: a focal length is not finite and positive, or centre is not (..., 2).
    """
    like = focal if isinstance(focal, Tensor) else centre if isinstance(centre, Tensor) else torch.zeros(())
    focal = torch.as_tensor(focal, dtype=like.dtype, device=like.device)
    centre = torch.as_tensor(centre, dtype=like.dtype, device=like.device)
    _check("centre", centre, (2,))
    if not bool((torch.isfinite(focal) & (focal > 0)).all()):
        raise ValueError(f"focal: expected finite positive pixels, got {focal.tolist()}")
    shape = np.broadcast_shapes(focal.shape, centre.shape[:-1])  # torch's own imports sympy: half a second
    matrix = torch.zeros((*shape, 3, 3), dtype=like.dtype, device=like.device)
    matrix[..., 0, 0] = focal
    matrix[..., 1, 1] = focal
    matrix[..., :2, 2] = centre
    matrix[..., 2, 2] = 1
    return matrix


def default_focal(width: float, height: float) -> float:
    """The focal length taken when nothing is known: the image's diagonal, in pixels.

    That is a field of view of 2 atan(1/2) = 53.1 degrees over the diagonal, an ordinary lens (43 mm on 35 mm film).
    Source: CLIFF (Li et al., ECCV 2022), which takes sqrt(width^2 + height^2) wherever the truth is unknown.

    Raises:
        ValueError: a side is not positive.
    """
    if not (width > 0 and height > 0):
        raise ValueError(f"image size: expected positive width and height, got {width} x {height}")
    return math.hypot(width, height)


def default_intrinsics(width: float, height: float, focal: float | None = None) -> Tensor:
    """(3, 3) float32 intrinsics with the principal point in the image's middle; focal: pixels, or the default."""
    return intrinsics_matrix(default_focal(width, height) if focal is None else focal, (width / 2, height / 2))


def focal_from_exif(path: str | Path) -> float | None:
    """The focal length in pixels that a photograph's EXIF record states, or None where it states none.

    FocalLengthIn35mmFilm is relative to the film's diagonal, so focal = f35 * image diagonal / 43.27 mm. Otherwise
    FocalLength times FocalPlaneXResolution, scaled by the image's longer side over the one it was taken with.
    Both are wrong for a picture cropped after it was taken; implausible values count as none.

    Raises:
        FileNotFoundError: there is no such file.
    """
    from PIL import ExifTags

    from .image_formats import open_image

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's hints about large images and broken records
            with open_image(path) as image:
                exif = image.getexif()
                width, height = image.size
                tags = exif.get_ifd(ExifTags.IFD.Exif)
    except (
        Exception
    ):  # whatever is broken in the record or the image: no focal length is known; read_image says the rest
        return None
    diagonal = math.hypot(width, height)
    candidates = (
        _number(tags.get(FOCAL_LENGTH_IN_35MM_FILM)) * diagonal / FILM_DIAGONAL_MM,
        _focal_from_sensor(tags, width, height),
    )
    shortest, longest = PLAUSIBLE_FOCAL
    return next((focal for focal in candidates if shortest * diagonal <= focal <= longest * diagonal), None)


def _focal_from_sensor(tags: dict, width: int, height: int) -> float:
    """Pixels; nan where a tag is missing or not a number."""
    mm_per_unit = MM_PER_RESOLUTION_UNIT.get(tags.get(FOCAL_PLANE_RESOLUTION_UNIT, 2), math.nan)
    pixels_per_mm = _number(tags.get(FOCAL_PLANE_X_RESOLUTION)) / mm_per_unit
    # The longer sides are compared: programs that turn the pixels upright do not always swap the two dimensions.
    taken = max(_number(tags.get(PIXEL_X_DIMENSION)), _number(tags.get(PIXEL_Y_DIMENSION, 0)))
    resized = max(width, height) / taken if taken > 0 else 1.0
    return _number(tags.get(FOCAL_LENGTH)) * pixels_per_mm * resized


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return math.nan


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A square window of an image, resampled to ``out_size`` pixels a side; leading dimensions are batch.

    A point of the image at p is at (p - corner) * out_size / side in the crop: corner maps to corner, so no half pixel
    is lost. The window may reach beyond the image.

    Attributes:
        corner: (..., 2) the window's top-left corner, pixels of the image.
        side: (...) the window's side, pixels of the image.
        out_size: the crop's side, pixels of the crop.
    """

    corner: Tensor
    side: Tensor
    out_size: int

    def __post_init__(self) -> None:
        _check("corner", self.corner, (2,))
        if self.side.shape != self.corner.shape[:-1]:
            raise ValueError(f"side: expected {tuple(self.corner.shape[:-1])}, got {tuple(self.side.shape)}")
        if not bool((torch.isfinite(self.side) & (self.side > 0)).all()):
            raise ValueError(f"side: expected finite positive pixels, got {self.side.tolist()}")
        if self.out_size < 1:
            raise ValueError(f"out_size: expected at least one pixel, got {self.out_size}")

    @staticmethod
    def around_box(box: Tensor | tuple[float, float, float, float], *, scale: float = 1.2, out_size: int = 224) -> Crop:
        """The square around the middle of a box (..., 4) = x, y, width, height, with ``scale`` times its longer side.

        Numbers give a float64 crop. 1.2 and 224 are the usual framing of networks trained on crops (SPIN, HMR).

        Raises:
            ValueError: the box has no extent, or its last dimension is not 4.
        """
        box = box if isinstance(box, Tensor) else torch.tensor(box, dtype=torch.float64)
        _check("box", box, (4,))
        side = box[..., 2:].amax(dim=-1) * scale
        centre = box[..., :2] + box[..., 2:] / 2
        return Crop(corner=centre - side[..., None] / 2, side=side, out_size=out_size)

    @property
    def zoom(self) -> Tensor:
        """(...) pixels of the crop in one pixel of the image."""
        return self.out_size / self.side

    def to_crop(self, pixels: Tensor) -> Tensor:
        """(..., N, 2) pixels of the image -> pixels of the crop."""
        _check("pixels", pixels, (2,))
        return (pixels - self.corner[..., None, :]) * self.zoom[..., None, None]

    def to_image(self, pixels: Tensor) -> Tensor:
        """(..., N, 2) pixels of the crop -> pixels of the image; the inverse of `to_crop`."""
        _check("pixels", pixels, (2,))
        return pixels / self.zoom[..., None, None] + self.corner[..., None, :]

    def matrix(self) -> Tensor:
        """(..., 3, 3) the affine map crop_from_image, acting on homogeneous column pixels."""
        matrix = torch.zeros((*self.side.shape, 3, 3), dtype=self.side.dtype, device=self.side.device)
        matrix[..., 0, 0] = self.zoom
        matrix[..., 1, 1] = self.zoom
        matrix[..., :2, 2] = -self.corner * self.zoom[..., None]
        matrix[..., 2, 2] = 1
        return matrix

    def crop_intrinsics(self, intrinsics: Tensor) -> Tensor:
        """(..., 3, 3) intrinsics of the image -> of the crop: projecting with them is projecting, then `to_crop`."""
        _check("intrinsics", intrinsics, (3, 3))
        return self.matrix().to(intrinsics) @ intrinsics

    def image_intrinsics(self, intrinsics: Tensor) -> Tensor:
        """(..., 3, 3) intrinsics of the crop -> of the image; the inverse of `crop_intrinsics`."""
        _check("intrinsics", intrinsics, (3, 3))
        inverse = torch.zeros((*self.side.shape, 3, 3), dtype=self.side.dtype, device=self.side.device)
        inverse[..., 0, 0] = 1 / self.zoom
        inverse[..., 1, 1] = 1 / self.zoom
        inverse[..., :2, 2] = self.corner
        inverse[..., 2, 2] = 1
        return inverse.to(intrinsics) @ intrinsics


def _check(name: str, tensor: Tensor, last: tuple[int, ...]) -> None:
    if tuple(tensor.shape[-len(last) :]) != last:
        wanted = ", ".join(map(str, last))
        raise ValueError(f"{name}: expected (..., {wanted}), got {tuple(tensor.shape)}")
