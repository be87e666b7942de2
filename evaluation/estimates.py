"""Results of any method: anchorfit's npz, SMPLify's pickles, SPIN-style npz, found by image and read one at a time.

What SPIN's own evaluation saves (pose, betas, camera) names no images: its rows are those of a data set's npz, and they
are called row0, row1 and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..array_files import ArrayFile
from ..body import matrix_to_axis_angle
from ..body.parameters import NUM_JOINTS, NUM_POSE
from ..body.unpickling import is_pickle
from ..camera import Crop
from ..index import estimate_files
from ..interchange.spin import CROP_PIXELS, crop_intrinsics, spin_crop, weak_perspective_translation
from ..results import BodyEstimate, split_name
from ..stored_objects import read_objects
from .file_cache import cached_by_file

_CAMERAS = ("camera", "cam", "pred_cam")
_SPIN_ARRAYS = ("pose", "imgname", "shape", "betas", "center", "scale", *_CAMERAS)


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
    """

    params: Tensor
    intrinsics: Tensor
    image_size: tuple[int, int] | None = None
    crop: Crop | None = None


class EstimateIndex(NamedTuple):
    """Index of results. ``body``: name or path and gender of the body where the files say so; ``num_betas``: the
    most that a result has."""

    entries: tuple[Entry, ...]
    body: tuple[str, str] | None
    num_betas: int
    problems: tuple[str, ...]

    def by_name(self, name_of: Callable[[str], str | None]) -> Iterator[tuple[str | None, Entry]]:
        """Entries with what a data set calls their image, None where it has no such image."""
        return ((name_of(entry.label), entry) for entry in self.entries)


def index_estimates(path: str | Path) -> EstimateIndex:
    """Find all results in a file or a folder (its ``.npz`` and ``.pkl`` files); a file that is none is a problem.

    Raises:
        FileNotFoundError: no such file or folder.
        EstimateError: not one result, or results of several bodies.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder of estimates")
    try:
        files = estimate_files(path, ".npz", ".pkl") if path.is_dir() else [path]
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


def read_estimate(entry: Entry, *, enlarged: float = 1.0) -> PlacedBody:
    """The body of an entry.

    Args:
        entry: from an index.
        enlarged: of SMPLify's pickles, how many times the images were enlarged before fitting; their focal length is
            in pixels of the enlarged image (the public LSP demo: 2).
    Raises:
        EstimateError: it has no camera, or numbers of a wrong shape.
        ValueError, OSError: the file cannot be read.
    """
    if is_pickle(entry.path):
        return _from_smplify(entry.path, enlarged)
    arrays = _arrays(entry.path)
    return _from_anchorfit(entry) if "format_version" in arrays else _from_spin(entry, arrays)


def _index_file(path: Path) -> tuple[list[Entry], tuple[str, str] | None, int]:
    """Its entries, their body where it says so, and how many betas they have."""
    if is_pickle(path):
        return [Entry(path.stem, path, 0)], None, _betas_of_smplify(path)
    arrays = _arrays(path)
    if "format_version" in arrays:
        estimate = _estimate(path)
        found = [
            Entry(image or split_name(name, image)[0], path, row, split_name(name, image)[1])
            for row, (image, name) in enumerate(zip(estimate.images, estimate.names, strict=True))
        ]
        return found, (estimate.body, estimate.gender), estimate.betas.shape[1]
    num_betas = np.atleast_1d(arrays[_spin_keys(arrays, path).shape])[:1].size
    lengths = {key: len(np.atleast_1d(arrays[key])) for key in _SPIN_ARRAYS if key in arrays}
    uneven = next((key for key, length in lengths.items() if length != lengths["pose"]), None)
    if uneven is not None:
        raise EstimateError(f"{path}: {lengths[uneven]} {uneven}, but {lengths['pose']} pose; write it again")
    if "imgname" not in arrays:
        return [Entry(f"row{row}", path, row) for row in range(lengths["pose"])], None, num_betas
    return [Entry(str(label), path, row, f"row{row}") for row, label in enumerate(arrays["imgname"])], None, num_betas


@cached_by_file(maxsize=4)  # files of many rows are asked for again and again
def _arrays(path: Path) -> Mapping[str, np.ndarray]:
    return ArrayFile(path)


@cached_by_file(maxsize=4)
def _estimate(path: Path) -> BodyEstimate:
    return BodyEstimate.load(path)


def _from_anchorfit(entry: Entry) -> PlacedBody:
    row = _estimate(entry.path)[entry.row]
    width, height = (int(side) for side in row.image_size[0])
    matrix = row.crop_from_image[0].double()
    crop = None
    if not torch.equal(matrix, torch.eye(3, dtype=matrix.dtype)):
        zoom = matrix[0, 0]
        crop = Crop(corner=-matrix[:2, 2] / zoom, side=CROP_PIXELS / zoom, out_size=CROP_PIXELS)
    return PlacedBody(params=row.params[0], intrinsics=row.intrinsics[0], image_size=(width, height), crop=crop)


def _from_smplify(path: Path, enlarged: float) -> PlacedBody:
    """A pickle of cam_t, f, pose, betas; the camera looks through the middle of the image."""
    content: Any = read_objects(path)
    if not isinstance(content, dict):
        raise EstimateError(f"{path}: expected SMPLify's dictionary, got {type(content).__name__}")
    for key in ("cam_t", "f"):
        if content.get(key) is None:
            raise EstimateError(f"{path}: no camera ({key}); SMPLify's results have cam_t and f")
    _need(content, ("pose", "betas"), path)
    params = np.concatenate([_numbers(content, "pose", NUM_POSE, path), _numbers(content, "betas", None, path)])
    camera = _numbers(content, "cam_t", 3, path)
    focal = np.asarray(content["f"], dtype=np.float64).ravel()
    if focal.size not in (1, 2) or not (np.isfinite(focal) & (focal > 0)).all():
        raise EstimateError(f"{path}: f: expected a focal length in pixels, got {content['f']!r}")
    intrinsics = torch.eye(3, dtype=torch.float64)
    intrinsics[0, 0], intrinsics[1, 1] = float(focal[0]) / enlarged, float(focal[-1]) / enlarged
    intrinsics[:2, 2] = torch.nan
    return PlacedBody(params=torch.from_numpy(np.concatenate([params, camera])), intrinsics=intrinsics)


def _from_spin(entry: Entry, arrays: Mapping[str, np.ndarray]) -> PlacedBody:
    """Pose, betas and a weak-perspective camera (s, x, y) on the crop that center and scale name; where they are
    missing the crop is all that is known of the image."""
    shape, camera, placed = _spin_keys(arrays, entry.path)
    rows = {key: np.asarray(arrays[key][entry.row], np.float64) for key in ("pose", shape, camera, *placed)}
    pose = torch.from_numpy(rows["pose"].reshape(-1))
    if pose.shape == (9 * NUM_JOINTS,):  # rotation matrices
        pose = matrix_to_axis_angle(pose.reshape(NUM_JOINTS, 3, 3)).flatten()
    betas = _numbers(rows, shape, None, entry.path)
    size, right, down = _numbers(rows, camera, 3, entry.path)
    if pose.shape != (NUM_POSE,) or not size > 0:
        raise EstimateError(
            f"{entry.path}: row {entry.row}: expected {NUM_POSE} numbers of pose and a camera of positive scale"
        )
    transl = weak_perspective_translation(torch.tensor([size, right, down], dtype=torch.float64))
    params = torch.cat([pose, torch.from_numpy(betas), transl])
    if not placed:
        return PlacedBody(params=params, intrinsics=crop_intrinsics(), image_size=(CROP_PIXELS, CROP_PIXELS))
    crop = spin_crop(torch.from_numpy(rows["center"].reshape(2)), torch.from_numpy(rows["scale"].reshape(-1)[:1])[0])
    return PlacedBody(params=params, intrinsics=crop.image_intrinsics(crop_intrinsics()), crop=crop)


class _SpinKeys(NamedTuple):
    """What a SPIN-style file calls its arrays; ``placed``: center and scale, or none where it names no images."""

    shape: str
    camera: str
    placed: tuple[str, ...]


def _spin_keys(arrays: Mapping[str, Any], path: Path) -> _SpinKeys:
    """Raises EstimateError where an array is missing, for then no row can be used."""
    _need(arrays, ("pose",), path)
    camera = next((key for key in _CAMERAS if key in arrays), None)
    if camera is None:
        raise EstimateError(f"{path}: no camera: expected an array camera (N, 3), weak perspective on the crop")
    shape = "shape" if "shape" in arrays else "betas"
    placed = ("center", "scale") if {"center", "scale", "imgname"} & arrays.keys() else ()
    _need(arrays, (shape, *placed), path)
    return _SpinKeys(shape, camera, placed)


def _need(arrays: Mapping[str, Any], keys: tuple[str, ...], path: Path) -> None:
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise EstimateError(
            f"{path}: lacks {', '.join(missing)}; expected anchorfit's npz, SMPLify's pickle (cam_t, f, pose, betas) "
            "or a SPIN-style npz (imgname, center, scale, pose, shape, camera)"
        )


def _betas_of_smplify(path: Path) -> int:
    """How many a pickle has; what is wrong with it is said when it is read."""
    try:
        return np.size(read_objects(path)["betas"])
    except (TypeError, KeyError, ValueError, OSError):
        return 1


def _numbers(content: Mapping[str, Any], key: str, size: int | None, path: Path) -> np.ndarray:
    """A vector; of any size but none where ``size`` is None."""
    wanted = size or "some"
    try:
        values = np.asarray(content[key], dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise EstimateError(f"{path}: {key}: expected {wanted} numbers") from error
    if values.size != size and (size or not values.size):
        raise EstimateError(f"{path}: {key}: expected {wanted} numbers, got {values.size}")
    return values
