"""A camera whose intrinsics, lens and place are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import axis_angle_to_matrix
from ..camera import NEAREST_DEPTH, Projection, project_with_jacobian
from .distortion import Ideal, checked_coefficients, distort, distort_with_jacobian, fold_radius, undistort

_ROTATION = 1e-2  # of entries of R R^T - 1: rounded text is nearer, what is no rotation is not
_ASPECT = 0.01  # by which an image's shape may differ from that of the camera's


class UndistortedPixels(NamedTuple):
    """Pixels (..., 2) of the ideal pinhole of the same intrinsics, and which (...) have one: others are at (0, 0)."""

    pixels: Tensor
    known: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratedCamera:
    """One camera of a rig: ``x_cam = rotation @ x_world + translation``, then lens and intrinsics.

    Attributes:
        name: by which views are told.
        intrinsics: (3, 3) float64 pixels; (0, 0) is the image's top-left corner, the middle of its first pixel
            (0.5, 0.5).
        rotation: (3, 3) float64 camera from world.
        translation: (3,) float64 in the rig's unit: the world's origin as the camera sees it.
        distortion: OpenCV's coefficients, twelve of them, or none (see `distortion`).
        image_size: (width, height) pixels that the intrinsics are of; None: not known.
        remarks: what is worth knowing of it, a line each.

    Arrays and nested lists will do for tensors, and a rotation vector (3,) for a rotation.

    Raises:
        ValueError: numbers that are of no camera; one line.

    >>> camera = CalibratedCamera(name="left", intrinsics=np.array([[800.0, 0, 320], [0, 800, 240], [0, 0, 1]]))
    >>> camera.project(torch.tensor([[0.0, 0.5, 2.0]])).tolist()
    [[320.0, 440.0]]
    """

    name: str
    intrinsics: Tensor
    rotation: Tensor = field(default_factory=lambda: torch.eye(3, dtype=torch.float64))
    translation: Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))
    distortion: tuple[float, ...] = ()
    image_size: tuple[int, int] | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rotation, said = _rotation(_float64(self.rotation))
        values = {
            "intrinsics": _intrinsics(_float64(self.intrinsics)),
            "rotation": rotation,
            "translation": _translation(_float64(self.translation)),
            "distortion": checked_coefficients(self.distortion),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        said += _lens_remarks(self)
        object.__setattr__(self, "remarks", tuple(dict.fromkeys((*self.remarks, *said))))

    @property
    def centre(self) -> Tensor:
        """(3,) where the camera stands, in the world."""
        return -self.rotation.T @ self.translation

    def to_camera(self, points_world: Tensor) -> Tensor:
        """Points (..., 3) of the world in the camera's frame."""
        return points_world @ self.rotation.to(points_world).T + self.translation.to(points_world)

    def project(self, points_world: Tensor) -> Tensor:
        """Pixels (..., N, 2) of points (..., N, 3), lens included; NaN behind the camera and beyond the fold."""
        points = self.to_camera(points_world)
        rays = points[..., :2] / points[..., 2:]
        there = (points[..., 2] > 0) & (rays.norm(dim=-1) <= fold_radius(self.distortion))
        bent = distort(rays, self.distortion)
        intrinsics = self.intrinsics.to(points)
        pixels = bent @ intrinsics[:2, :2].T + intrinsics[:2, 2]
        return torch.where(there[..., None], pixels, torch.nan)

    def project_with_jacobian(self, points_world: Tensor) -> Projection:
        """Pixels with their derivative (..., N, 2, 3) by the points of the world, lens included."""
        points = self.to_camera(points_world)
        plain = torch.eye(3, dtype=points.dtype, device=points.device)
        rays, by_point, behind = project_with_jacobian(points, plain, nearest=NEAREST_DEPTH)
        bent, by_ray = distort_with_jacobian(rays, self.distortion)
        intrinsics = self.intrinsics.to(points)
        jacobian = intrinsics[:2, :2] @ by_ray @ by_point @ self.rotation.to(points)
        return Projection(bent @ intrinsics[:2, :2].T + intrinsics[:2, 2], jacobian, behind)

    def undistort(self, pixels: Tensor) -> UndistortedPixels:
        """Pixels (..., 2) of the image as an ideal pinhole of the same intrinsics would have them."""
        intrinsics = self.intrinsics.to(pixels)
        affine = torch.linalg.inv(intrinsics[:2, :2])
        found: Ideal = undistort((pixels - intrinsics[:2, 2]) @ affine.T, self.distortion)
        ideal = found.rays @ intrinsics[:2, :2].T + intrinsics[:2, 2]
        return UndistortedPixels(torch.where(found.known[..., None], ideal, 0.0), found.known)

    def distorted(self, pixels: Tensor) -> Tensor:
        """The inverse of `undistort`."""
        intrinsics = self.intrinsics.to(pixels)
        rays = (pixels - intrinsics[:2, 2]) @ torch.linalg.inv(intrinsics[:2, :2]).T
        return distort(rays, self.distortion) @ intrinsics[:2, :2].T + intrinsics[:2, 2]

    def of_size(self, size: tuple[int, int]) -> CalibratedCamera:
        """The same for images of another (width, height) that were scaled as a whole.

        Raises:
            ValueError: they are of another shape, so they were cropped or turned.
        """
        if self.image_size is None or self.image_size == size:
            return replace(self, image_size=size)
        across, down = (new / old for new, old in zip(size, self.image_size, strict=True))
        if abs(math.log(across / down)) > _ASPECT:
            old, new = (f"{width} x {height}" for width, height in (self.image_size, size))
            turned = " (turned by a quarter?)" if size == self.image_size[::-1] else ""
            raise ValueError(
                f"camera {self.name}: calibrated for images of {old}, these have {new}{turned}: not the same shape; "
                "give the images that it was calibrated on, or its calibration for these"
            )
        scale = torch.tensor([across, down, 1.0], dtype=torch.float64)
        return replace(self, intrinsics=scale[:, None] * self.intrinsics, image_size=size)

    def in_metres(self, metres: float) -> CalibratedCamera:
        """The same with the translation in metres, from a unit of so many."""
        return replace(self, translation=self.translation * metres)

    def inverted(self) -> CalibratedCamera:
        """The same with rotation and translation taken as world from camera."""
        return replace(self, rotation=self.rotation.T, translation=-self.rotation.T @ self.translation)


def _float64(values: object) -> Tensor:
    return torch.as_tensor(np.asarray(values, dtype=np.float64))


def _intrinsics(matrix: Tensor) -> Tensor:
    if matrix.shape != (3, 3):
        raise ValueError(f"K: expected 3 x 3, got {tuple(matrix.shape)}")
    if not bool(torch.isfinite(matrix).all()):
        raise ValueError("K: expected finite numbers")
    if bool((matrix[2, :2] != 0).any()) and not bool(matrix[:2, 2].any()):
        raise ValueError("K: the principal point stands in its last row: it is transposed")
    if matrix[2].tolist() != [0.0, 0.0, 1.0] or matrix[1, 0] != 0:
        raise ValueError(f"K: expected [[fx, s, cx], [0, fy, cy], [0, 0, 1]], got {matrix.tolist()}")
    if not bool((torch.diagonal(matrix)[:2] > 0).all()):
        raise ValueError(f"K: expected positive focal lengths, got {torch.diagonal(matrix)[:2].tolist()}")
    return matrix


def _rotation(given: Tensor) -> tuple[Tensor, list[str]]:
    """The nearest rotation, of a matrix or a rotation vector, and what is said of it."""
    if not bool(torch.isfinite(given).all()):
        raise ValueError("R: expected finite numbers")
    if given.numel() == 3:
        return axis_angle_to_matrix(given.reshape(3)), []
    if given.shape != (3, 3):
        raise ValueError(f"R: expected 3 x 3, or a rotation vector of 3, got {tuple(given.shape)}")
    off = float((given @ given.T - torch.eye(3, dtype=torch.float64)).abs().max())
    if off > _ROTATION:
        raise ValueError(f"R: this is no rotation (R R^T is off the identity by {off:.2g})")
    left, _, right = torch.linalg.svd(given)
    nearest = left @ right
    if float(torch.det(nearest)) < 0:
        raise ValueError("R: this is a reflection, no rotation: its world has left-handed axes; negate one axis of it")
    return nearest, [f"R is rounded to the nearest rotation ({off:.1g} off)"] if off > 1e-4 else []


def _translation(given: Tensor) -> Tensor:
    if given.numel() != 3:
        raise ValueError(f"t: expected 3 numbers, got {tuple(given.shape)}")
    if not bool(torch.isfinite(given).all()):
        raise ValueError("t: expected finite numbers")
    return given.reshape(3)


def _lens_remarks(camera: CalibratedCamera) -> list[str]:
    """What is said of a lens that folds over within the image, and of a principal point outside it.

    Raises:
        ValueError: most of the image lies beyond the fold.
    """
    if camera.image_size is None:
        return []
    width, height = camera.image_size
    said = []
    x, y = camera.intrinsics[:2, 2].tolist()
    if not (0 < x < width and 0 < y < height):
        said.append(f"the principal point ({x:.0f}, {y:.0f}) lies outside the image of {width} x {height}")
    if camera.distortion:
        across, down = torch.linspace(0, width, 17), torch.linspace(0, height, 17)
        grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1).double()
        share = float((~camera.undistort(grid).known).double().mean())
        if share > 0.5:
            raise ValueError(
                f"distortion: it folds over: {100 * share:.0f} % of the image cannot be undistorted; calibrate again "
                "with fewer coefficients"
            )
        if share > 0:
            said.append(
                f"its distortion folds over within the image: {100 * share:.0f} % of it cannot be undistorted, "
                "keypoints there are taken as not seen"
            )
    return said
