"""Cameras of other programs as pinholes of the whole image: intrinsics, and the translation of their bodies.

s, x, y is a weak-perspective camera; a square (cx, cy, b) is the crop that the network saw: its middle and side in
pixels of the image, enlargement included. s b / 2 is pixels a metre at the body's origin in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from ...camera import intrinsics_matrix
from ...rows import Rows


class Placed(NamedTuple):
    """intrinsics (B, 3, 3) pixels of the whole image, and transl (B, 3) metres; NaN where the file does not say it."""

    intrinsics: Tensor
    transl: Tensor


@dataclass(frozen=True)
class FocalRule:
    """A focal length as a multiple of the image's ``diagonal`` or of its ``longer`` side."""

    of: str
    times: float = 1.0

    def pixels(self, sizes: Tensor) -> Tensor:
        """(B,) of images (B, 2), width and height."""
        length = sizes.double().norm(dim=-1) if self.of == "diagonal" else sizes.double().amax(-1)
        return self.times * length

    def __str__(self) -> str:
        length = {"diagonal": "diagonal", "longer": "longer side"}[self.of]
        return f"the image's {length}" if self.times == 1 else f"{self.times:.4g} times the image's {length}"


DIAGONAL = FocalRule("diagonal")


@dataclass(frozen=True, kw_only=True)
class GivenCamera(Rows):
    """Cameras of B bodies, as one program means them."""

    def __len__(self) -> int:
        raise NotImplementedError

    def place(self, sizes: Tensor) -> Placed:
        """The same as pinholes.

        Args:
            sizes: (B, 2) width and height of the images, pixels; NaN where not known.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Pinhole(GivenCamera):
    """A camera of the whole image.

    Attributes:
        transl: (B, 3) metres.
        focal: (B,) pixels; NaN: by the rule.
        centre: (B, 2) the principal point, pixels; NaN: the image's middle.
        lost: (B, 3) bool, whose focal length, principal point and translation are given, but no finite numbers.
        rule: of the focal length where it is not stated.
    """

    transl: Tensor
    focal: Tensor
    centre: Tensor
    lost: Tensor
    rule: FocalRule = DIAGONAL

    def __len__(self) -> int:
        return len(self.transl)

    @classmethod
    def of(
        cls, transl: Tensor, focal: Tensor | None = None, centre: Tensor | None = None, rule: FocalRule = DIAGONAL
    ) -> Pinhole:
        """A pinhole camera; what is not given, NaN, or a principal point that is not finite, counts as not known.

        Args:
            transl, focal, centre: see the class.
            rule: of the focal length where it is not stated.
        """
        nothing = transl.new_full((len(transl), 2), torch.nan)
        lost = torch.zeros_like(transl, dtype=torch.bool)
        lost[:, 2] = ~torch.isfinite(transl).all(-1)
        if focal is not None:
            lost[:, 0] = focal.isnan()
        if centre is not None:
            lost[:, 1] = ~torch.isfinite(centre).all(-1)
            centre = torch.where(lost[:, 1:2], torch.nan, centre)
        return cls(
            transl=transl,
            focal=nothing[:, 0] if focal is None else focal,
            centre=nothing if centre is None else centre,
            lost=lost,
            rule=rule,
        )

    def place(self, sizes: Tensor) -> Placed:
        focal = torch.where(self.focal.isnan(), self.rule.pixels(sizes), self.focal)
        centre = torch.where(self.centre.isnan(), sizes.double() / 2, self.centre)
        return Placed(_intrinsics(focal, centre), self.transl)


@dataclass(frozen=True, kw_only=True)
class OwnCrop(GivenCamera):
    """The crop by itself, seen by a pinhole that looks at its middle: how HMR, SPIN, VIBE, PARE and PyMAF are trained.

    Attributes:
        weak: (B, 3) s, x, y.
        square: (B, 3) cx, cy, b; NaN where the file does not say it.
        focal: pixels of the crop.
        pixels: the crop's side after resampling.

    f = focal b / pixels, principal point (cx, cy), t = (x, y, 2 focal / (pixels s)).
    """

    weak: Tensor
    square: Tensor
    focal: float = 5000.0
    pixels: int = 224

    def __len__(self) -> int:
        return len(self.weak)

    def place(self, sizes: Tensor) -> Placed:
        scale, x, y = self.weak.unbind(-1)
        transl = torch.stack([x, y, 2 * self.focal / (self.pixels * scale)], -1)
        return Placed(_intrinsics(self.focal * self.square[:, 2] / self.pixels, self.square[:, :2]), transl)


@dataclass(frozen=True, kw_only=True)
class CropOfImage(GivenCamera):
    """The camera of a crop, moved into the whole image's: how HMR2, TokenHMR, CLIFF and CameraHMR place bodies.

    Attributes:
        weak: (B, 3) s, x, y.
        square: (B, 3) cx, cy, b.
        focal: (B,) pixels of the image; NaN: by the rule.
        lost: (B,) bool, whose focal length is given, but no finite number.
        rule: of the focal length.

    t = (x + 2 (cx - W / 2) / (s b), y + 2 (cy - H / 2) / (s b), 2 f / (s b)); principal point W / 2, H / 2.
    """

    weak: Tensor
    square: Tensor
    focal: Tensor
    lost: Tensor
    rule: FocalRule = DIAGONAL

    def __len__(self) -> int:
        return len(self.weak)

    def place(self, sizes: Tensor) -> Placed:
        focal = torch.where(self.focal.isnan(), self.rule.pixels(sizes), self.focal)
        scale, x, y = self.weak.unbind(-1)
        middle = sizes.double() / 2
        metres = 2 / (scale * self.square[:, 2])  # in a pixel
        off = (self.square[:, :2] - middle) * metres[:, None]
        return Placed(_intrinsics(focal, middle), torch.stack([x + off[:, 0], y + off[:, 1], focal * metres], -1))


@dataclass(frozen=True, kw_only=True)
class PaddedImage(GivenCamera):
    """The whole image, padded to a square: s X + t in -1 to 1, as ROMP has it (its offset stands outside the bracket).

    Attributes:
        weak: (B, 3) s, x, y.
        rule: of a focal length, which such a camera does not have: it decides the distance alone.

    t = (x / s, y / s, 2 f / (s D)) with D the longer side; principal point W / 2, H / 2.
    """

    weak: Tensor
    rule: FocalRule = DIAGONAL

    def __len__(self) -> int:
        return len(self.weak)

    def place(self, sizes: Tensor) -> Placed:
        scale, x, y = self.weak.unbind(-1)
        focal = self.rule.pixels(sizes)
        depth = 2 * focal / (scale * sizes.double().amax(-1))
        return Placed(_intrinsics(focal, sizes.double() / 2), torch.stack([x / scale, y / scale, depth], -1))


def unknown_camera(count: int) -> Pinhole:
    """Of bodies that no camera sees: in a world, or in a file that says none."""
    camera = Pinhole.of(torch.full((count, 3), torch.nan, dtype=torch.float64))
    return replace(camera, lost=torch.zeros_like(camera.lost))


def _intrinsics(focal: Tensor, centre: Tensor) -> Tensor:
    """(B, 3, 3); NaN where a number is not known or makes no camera."""
    good = torch.isfinite(focal) & (focal > 0) & torch.isfinite(centre).all(-1)
    matrix = intrinsics_matrix(torch.where(good, focal, 1.0), torch.where(good[:, None], centre, 0.0))
    return torch.where(good[:, None, None], matrix, torch.nan)


class Solved(NamedTuple):
    """focal (B,) and centre (B, 2) in pixels."""

    focal: Tensor
    centre: Tensor


def solve_pinhole(points_cam: Tensor, pixels: Tensor) -> Solved:
    """The focal length and principal point by which points of the camera's frame fall on their pixels, least squares.

    u = f X / Z + cx and v = f Y / Z + cy are linear in f, cx, cy.

    Args:
        points_cam: (B, P, 3) metres.
        pixels: (B, P, 2).
    Returns:
        NaN where the points do not tell it.
    """
    rays = points_cam[..., :2] / points_cam[..., 2:]
    flat = rays - rays.mean(1, keepdim=True)
    focal = (flat * (pixels - pixels.mean(1, keepdim=True))).sum((1, 2)) / flat.square().sum((1, 2))
    focal = torch.where(torch.isfinite(focal) & (focal > 0), focal, torch.nan)
    return Solved(focal, (pixels - focal[:, None, None] * rays).mean(1))
