"""Results of any program, found by image and read one at a time.

Files are read where all programs' results are (`interchange.results`); here they get names, and cameras of the whole
image. anchorfit's own files also say on which crop a body was predicted. Rows of files that name no images, as what
SPIN's own evaluation saves, are called row0, row1 and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..array_files import ArrayFile, ArrayFileError
from ..body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from ..body.parameters import Layout
from ..body.unpickling import is_pickle
from ..camera import Crop
from ..index import estimate_files
from ..interchange.results import (
    ENDINGS,
    GivenBodies,
    GivenWorld,
    OwnCrop,
    Roots,
    motion_between,
    results_as_stored,
)
from ..interchange.spin import CROP_PIXELS, crop_intrinsics
from ..results import BodyEstimate, split_name
from .file_cache import cached_by_file

NOT_FINITE = "not finite"
BEYOND_ALL_BODIES = "beyond all bodies"
LARGEST = 1e4
"""Metres, radians or betas; larger numbers drown all others in a mean, and much larger ones overflow it."""


def what_is_wrong(values: Tensor) -> list[str]:
    """What is wrong with the numbers (B, ...) of each body, "" where nothing."""
    rows = values.flatten(1)
    finite, small = torch.isfinite(rows).all(1).tolist(), (rows.abs() <= LARGEST).all(1).tolist()
    return [
        "" if near else BEYOND_ALL_BODIES if known else NOT_FINITE for known, near in zip(finite, small, strict=True)
    ]


class EstimateError(ValueError):
    """A result that cannot be used; one line that names the file."""


class Entry(NamedTuple):
    """Where an estimate is: what it calls the image, the file, the row in it, and what it calls the person: the name
    after "#" in anchorfit's files, "row" and the number in SPIN-style ones."""

    label: str
    path: Path
    row: int
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class PlacedBody:
    """One estimated body.

    Attributes:
        params: (D,) of any number of betas, see `anchorfit.body.parameters.Layout`; camera frame.
        intrinsics: (3, 3) pixels of the whole image; the principal point is NaN where it is the image's middle and the
            file does not know the image's size.
        image_size: (width, height), where the file says it.
        crop: the crop it was predicted on, None for the whole image.
        pelvis: (3,) metres, the root joint from the translation's origin, where that is not SMPL's.
        world: where its program has it in a world of its own, one row.
    """

    params: Tensor
    intrinsics: Tensor
    image_size: tuple[int, int] | None = None
    crop: Crop | None = None
    pelvis: Tensor | None = None
    world: GivenWorld | None = None

    def params_of(self, body: BodyModel) -> Tensor:
        """(D,) parameters of a body's own layout.

        Raises:
            ValueError: it has more betas than the body.
        """
        params = body.own_params(_fewer_betas(self.params[None], body))
        if self.pelvis is None:
            return params[0]
        parts = body.layout.split(params)
        rest = body.rest_joints(parts.betas.to(body.v_template))[:, 0].to(params)
        return body.layout.join(**parts._replace(transl=parts.transl + self.pelvis.to(params) - rest)._asdict())[0]

    def to_world(self, params: Tensor, body: BodyModel) -> Tensor:
        """(4, 4) float64: the motion that brings the body, wherever ``params`` (D,) have it before a camera, to where
        its program has it in its world; NaN where that has none."""
        if self.world is None or not bool(self.world.transl.isfinite().all()):
            return torch.full((4, 4), torch.nan, dtype=torch.float64)
        own, rest = _root(self.params_of(body), body)
        there, _ = _root(params, body)
        return motion_between(there, self.world.roots(own, rest))[0]


def _fewer_betas(params: Tensor, body: BodyModel) -> Tensor:
    """The same without betas that the body has not, where they are 0.

    Raises:
        ValueError: one is not.
    """
    given = Layout.of_size(params.shape[-1])
    most = min(given.num_betas, body.num_betas)
    betas = given.split(params).betas
    if bool((betas[:, most:] != 0).any()):
        raise ValueError(
            f"{given.num_betas} betas, but the body {body.name} has {body.num_betas}; --body names the one they are of"
        )
    return Layout(most).join(**given.split(params)._replace(betas=betas[:, :most])._asdict())


def _root(params: Tensor, body: BodyModel) -> tuple[Roots, Tensor]:
    """A body's root (D,) before its camera, and the root joint (1, 3) of the shaped body at rest."""
    parts = body.layout.split(params[None].double().cpu())
    rest = body.rest_joints(parts.betas.to(body.v_template))[:, 0].double().cpu()
    return Roots(axis_angle_to_matrix(parts.global_orient), parts.transl + rest), rest


class EstimateIndex(NamedTuple):
    """Index of results. ``body``: name or path and gender of the body where the files say so; ``num_betas``: the
    most that a result has."""

    entries: tuple[Entry, ...]
    body: tuple[str, str] | None
    num_betas: int
    problems: tuple[str, ...]


def index_estimates(path: str | Path) -> EstimateIndex:
    """Find all results in a file or a folder ; a file that is none is a problem.

    Raises:
        FileNotFoundError: no such file or folder.
        EstimateError: not one result, or results of several bodies.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder of estimates")
    try:
        files = estimate_files(path, *ENDINGS) if path.is_dir() else [path]
    except (OSError, ValueError) as error:
        raise EstimateError(f"{path}: no estimates: {error}") from error
    entries: list[Entry] = []
    problems: list[str] = []
    bodies: dict[tuple[str, str], Path] = {}
    num_betas = 1
    for file in files:
        try:
            found, body, own_betas = _index_file(file)
        except (ValueError, OSError) as error:
            problems.append(str(error))
            continue
        entries.extend(found)
        num_betas = max(num_betas, own_betas)
        if body is not None:
            bodies.setdefault(body, file)
    if not entries:
        raise EstimateError(f"{path}: no estimates: {problems[0]}")
    if len(bodies) > 1:
        (one, here), (two, there), *_ = bodies.items()
        raise EstimateError(f"{path}: {here.name} is of body {one}, {there.name} of {two}; score them apart")
    return EstimateIndex(tuple(entries), next(iter(bodies), None), num_betas, tuple(problems))


def read_estimate(entry: Entry, *, enlarged: float = 1.0, image_size: tuple[int, int] | None = None) -> PlacedBody:
    """The body of an entry.

    Args:
        entry: from an index.
        enlarged: of SMPLify's pickles, how many times the images were enlarged before fitting; their focal length is
            in pixels of the enlarged image (the public LSP demo: 2).
        image_size: (width, height) of the image, for programs whose camera depends on it, where their file does not
            say it.
    Raises:
        EstimateError: it is no body of SMPL before a camera.
        ValueError, OSError: the file cannot be read.
    """
    return _from_anchorfit(entry) if _is_own(entry.path) else _from_others(entry, enlarged, image_size)


def _index_file(path: Path) -> tuple[list[Entry], tuple[str, str] | None, int]:
    """Its entries, their body where it says so, and how many betas they have."""
    if _is_own(path):
        estimate = _estimate(path)
        found = [
            Entry(image or split_name(name, image)[0], path, row, split_name(name, image)[1])
            for row, (image, name) in enumerate(zip(estimate.images, estimate.names, strict=True))
        ]
        return found, (estimate.body, estimate.gender), estimate.betas.shape[1]
    try:
        bodies = _stored(path)
    except ValueError:
        if not is_pickle(path):
            raise
        return [Entry(path.stem, path, 0)], None, 1  # mostly one person's: what is wrong is said of that person
    frames, stem = bodies.frames.tolist(), path.stem
    labels = [
        image or (f"{stem}@{frame:05d}" if frame >= 0 else f"row{row}")
        for row, (image, frame) in enumerate(zip(bodies.images, frames, strict=True))
    ]
    marks = [track or (f"row{row}" if image else "") for row, (track, image) in enumerate(_of(bodies))]
    rows = enumerate(zip(labels, marks, strict=True))
    return [Entry(label, path, row, mark) for row, (label, mark) in rows], None, max(1, bodies.betas.shape[1])


def _of(bodies: GivenBodies) -> list[tuple[str, str]]:
    return list(zip(bodies.tracks, bodies.images, strict=True))


@cached_by_file(maxsize=4)  # files of many rows are asked for again and again
def _is_own(path: Path) -> bool:
    """Whether a file is of this package's own format."""
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":
            return False
    try:
        return "format_version" in ArrayFile(path)
    except ArrayFileError:
        return False


@cached_by_file(maxsize=4)
def _estimate(path: Path) -> BodyEstimate:
    return BodyEstimate.load(path)


@cached_by_file(maxsize=4)
def _stored(path: Path) -> GivenBodies:
    """Raises ValueError for a file that cannot be read, or whose bodies are not SMPL's before a camera."""
    bodies = results_as_stored(path).bodies
    wrong = ""
    if bodies.model != "smpl":
        wrong = f"bodies of {bodies.model}, whose shapes are not SMPL's"
    elif not bodies.oriented:
        wrong = "bodies in a world, which no camera sees"
    elif bool(bodies.rotations.isnan().flatten(1).any(1).all()) and bodies.points.shape[1]:
        wrong = "points without poses"
    if wrong:
        raise EstimateError(
            f"{path} ({bodies.program}): {wrong}; make SMPL's of them by anchorfit refine, and score what it writes"
        )
    return bodies


def _from_anchorfit(entry: Entry) -> PlacedBody:
    row = _estimate(entry.path)[entry.row]
    width, height = (int(side) for side in row.image_size[0])
    matrix = row.crop_from_image[0].double()
    crop = None
    if not torch.equal(matrix, torch.eye(3, dtype=matrix.dtype)):
        zoom = matrix[0, 0]
        crop = Crop(corner=-matrix[:2, 2] / zoom, side=CROP_PIXELS / zoom, out_size=CROP_PIXELS)
    world = GivenWorld.of_cameras(row.world_from_camera)
    return PlacedBody(
        params=row.params[0], intrinsics=row.intrinsics[0], image_size=(width, height), crop=crop, world=world
    )


def _from_others(entry: Entry, enlarged: float, image_size: tuple[int, int] | None) -> PlacedBody:
    row = _stored(entry.path).rows([entry.row])
    own = tuple(map(round, row.sizes[0].tolist())) if bool(torch.isfinite(row.sizes).all()) else None
    sizes = row.sizes.new_tensor([image_size or (torch.nan, torch.nan)])
    placed = row.place(sizes)
    intrinsics, crop = placed.intrinsics[0].double().clone(), None
    size = None if own is None else (own[0], own[1])
    if isinstance(row.camera, OwnCrop):
        square = row.camera.square[0].double()
        if bool(torch.isfinite(square).all()):
            crop = Crop(corner=square[:2] - square[2] / 2, side=square[2], out_size=row.camera.pixels)
        else:  # the crop is all that is known of the image
            intrinsics, size = crop_intrinsics(), (CROP_PIXELS, CROP_PIXELS)
    elif bool(torch.isnan(intrinsics).any()) and image_size is None:
        intrinsics = _without_middle(row, intrinsics)
    if row.program == "SMPLify":
        intrinsics[:2, :2] /= enlarged
    if bool(torch.isnan(intrinsics[:2, :2]).any()):
        raise EstimateError(f"{entry.path}: row {entry.row}: no camera that can be: a focal length above 0 is needed")
    pose = matrix_to_axis_angle(row.rotations[0]).flatten()
    pelvis = None if bool(row.pelvis.isnan().any()) else row.pelvis[0]
    params = torch.cat([pose, row.betas[0], placed.transl[0]])
    return PlacedBody(params=params, intrinsics=intrinsics, image_size=size, crop=crop, pelvis=pelvis, world=row.world)


def _without_middle(row: GivenBodies, intrinsics: Tensor) -> Tensor:
    """Intrinsics of a camera that looks through the image's middle, of which the file does not know the size."""
    some = row.place(row.sizes.new_tensor([[2.0, 2.0]])).intrinsics[0].double()
    focal = getattr(row.camera, "focal", None)
    if not isinstance(focal, Tensor) or bool(focal.isnan().any()):
        return intrinsics  # a focal length by the image's size
    some[:2, 2] = torch.nan
    return some
