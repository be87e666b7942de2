"""Bodies of another program, as its file holds them: nothing is fitted, nothing guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ...results import FARTHEST
from ...rows import Rows
from .cameras import GivenCamera, Placed
from .worlds import GivenWorld

FARTHEST_BETA = 20.0  # standard deviations


class ResultFileError(ValueError):
    """A file of results that cannot be used; one line that names it and says what to do."""


@dataclass(frozen=True, kw_only=True)
class GivenBodies(Rows):
    """B bodies of another program.

    Attributes:
        program: its name, as in ``usual_errors``.
        model: whose betas they are: "smpl", "smplh", "smplx", "mhr"; or what ``load_body`` takes, of our own files.
        gender: "neutral", "male", "female"; "" where the file does not say it.
        oriented: whether the root's rotation is relative to a camera; False: to a world.
        rotations: (B, 24, 3, 3) of SMPL's joints relative to their parents, the root's relative to the camera;
            NaN where the program has none.
        betas: (B, S); S is 0 where the program has none.
        camera: where the program's camera puts them.
        pelvis: (B, 3) metres, the root joint from the translation's origin, camera axes; NaN where that is SMPL's: the
            root joint of the shaped body at rest.
        points: (B, P, 3) metres, its own points of the body in the camera's axes, from the translation's origin; P may
            be 0.
        convention: which points they are, a name of `anchorfit.points`; "" for none.
        pixels: (B, Q, 2) the first Q of the points in the image, as the file itself has them; Q may be 0.
        boxes: (B, 4) x, y, width, height in pixels; NaN where not known.
        sizes: (B, 2) width and height of the images, pixels; NaN where not known.
        images: B paths or names of images, "" where not known.
        tracks: B numbers or names of people.
        frames: (B,) int64 of a video, from 0; -1 where not known.
        names: B names of people as `Person.name` has them, of our own files; "" for none.
        world: where the program has them in a world of its own.
        files: B paths of the files that they were read from; "" where not known.
    """

    program: str
    model: str
    gender: str
    oriented: bool
    rotations: Tensor
    betas: Tensor
    camera: GivenCamera
    pelvis: Tensor
    points: Tensor
    convention: str
    pixels: Tensor
    boxes: Tensor
    sizes: Tensor
    images: tuple[str, ...]
    tracks: tuple[str, ...]
    frames: Tensor
    names: tuple[str, ...]
    world: GivenWorld
    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rotations)

    def place(self, sizes: Tensor | None = None) -> Placed:
        """Cameras of the whole image; ``sizes`` (B, 2) of images, where the file does not say them."""
        known = self.sizes if sizes is None else torch.where(self.sizes.isnan(), sizes.double(), self.sizes)
        return self.camera.place(known)

    @property
    def finite(self) -> Tensor:
        """(B,) bool: the body can be used, by its rotations or by its points."""
        turned = torch.isfinite(self.rotations).flatten(1).all(1) & torch.isfinite(self.betas).all(1)
        if bool(torch.isfinite(self.rotations).any()) or not self.points.shape[1]:
            return turned
        return torch.isfinite(self.points).flatten(1).all(1)

    @property
    def possible(self) -> Tensor:
        """(B,) bool: betas and camera can be a person's before a camera; what is not known is no evidence.

        Betas within `FARTHEST_BETA`, a focal length above 0, and the body before the camera within `FARTHEST` metres.
        """
        sizes = torch.where(self.sizes.isnan(), 1000.0, self.sizes)
        transl = self.camera.place(sizes).transl
        wrong = (transl.abs() > FARTHEST).any(1) | (transl[:, 2] <= 0)
        if self.model != "mhr":  # whose coefficients are no standard deviations
            wrong |= (self.betas.abs() > FARTHEST_BETA).any(1)
        focal = getattr(self.camera, "focal", None)
        if isinstance(focal, Tensor):
            wrong |= (focal <= 0) | focal.isinf()
        return ~wrong


class ResultFile(NamedTuple):
    """Bodies of a file; what was decided about them; and a line for each thing that could not be used."""

    bodies: GivenBodies
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def given_bodies(
    program: str,
    camera: GivenCamera,
    rotations: Tensor | None,
    betas: Tensor | None = None,
    *,
    model: str = "smpl",
    gender: str = "",
    oriented: bool = True,
    pelvis: Tensor | None = None,
    points: Tensor | None = None,
    convention: str = "",
    pixels: Tensor | None = None,
    boxes: Tensor | None = None,
    sizes: Tensor | None = None,
    images: Sequence[str] = (),
    tracks: Sequence[object] = (),
    frames: Tensor | None = None,
    names: Sequence[str] = (),
    world: GivenWorld | None = None,
) -> GivenBodies:
    """`GivenBodies` with what is left out not known, and sizes that no image has."""
    count = len(camera)
    unknown = torch.full((count, 24, 3, 3), torch.nan, dtype=torch.float64)
    if sizes is not None:
        sizes = torch.where(torch.isfinite(sizes) & (sizes > 0), sizes, torch.nan)
    return GivenBodies(
        program=program,
        model=model,
        gender=gender,
        oriented=oriented,
        rotations=unknown if rotations is None else rotations,
        betas=unknown.new_zeros(count, 0) if betas is None else betas,
        camera=camera,
        pelvis=unknown.new_full((count, 3), torch.nan) if pelvis is None else pelvis,
        points=unknown.new_zeros(count, 0, 3) if points is None else points,
        convention=convention,
        pixels=unknown.new_zeros(count, 0, 2) if pixels is None else pixels,
        boxes=unknown.new_full((count, 4), torch.nan) if boxes is None else boxes,
        sizes=unknown.new_full((count, 2), torch.nan) if sizes is None else sizes,
        images=tuple(map(str, images)) or ("",) * count,
        tracks=tuple(map(str, tracks)) or ("",) * count,
        frames=torch.full((count,), -1) if frames is None else frames.long(),
        names=tuple(names) or ("",) * count,
        world=GivenWorld.unknown(count) if world is None else world,
        files=("",) * count,
    )
