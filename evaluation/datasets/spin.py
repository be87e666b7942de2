"""SPIN-style npz files: one row a person, as SPIN and the many methods after it write their data sets.

Arrays: imgname, center, scale; part (N, 24, 3) and openpose (N, 25, 3) keypoints in pixels with confidence; pose (N,
72) and shape (N, 10), with has_smpl where not all rows have them, and gender (m, f) where they are of gendered bodies;
S (N, 24, 4) joints in metres with confidence. Slot 13 of ``part`` and ``S`` is LSP's top of the head and slot 18
Human3.6M's, in whose rows the former is empty; it is the latter that errors on Human3.6M are over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...array_files import ArrayFile
from ...body import BodyModel
from ...body.parameters import NUM_TRANSL
from ...interchange.spin import NUM_BETAS, SPIN24
from ...observations import KeypointSet, Person, image_size
from ...observations.conventions import BODY25, LSP14, joints_to_canonical
from ..file_cache import cached_by_file
from .roots import DatasetError, Origin, dataset_file
from .samples import Sample

FOURTEEN = tuple(name for name in LSP14 if name is not None)
"""The joints that Human3.6M's and 3DPW's reconstruction errors are over."""

ORIGIN = Origin(
    "a SPIN-style npz",
    "the preprocessing of SPIN (https://github.com/nkolot/SPIN) or a method after it",
    "its contents under the terms of the data set that it was made from",
)
GENDERS = {"m": "male", "f": "female"}
_TOP, _HEAD = SPIN24.index("head_top"), 18
_SHAPES = {"part": (24, 3), "openpose": (25, 3), "S": (24, 4), "shape": (NUM_BETAS,), "center": (2,)}


@dataclass(frozen=True)
class SpinFile:
    """Rows of a SPIN-style file with a known body or known joints.

    Attributes:
        path: of the file.
        images: the folder that ``imgname`` is relative to, or None.
        rows: which rows; None: all.
        size: (width, height) of images that are not there to be measured, or None.
        judged: canonical joints that errors are over.
        truth_alone: whether keypoints and image sizes may be missing: for results that are there already.
    """

    path: Path
    images: Path | None = None
    rows: tuple[int, ...] | None = None
    size: tuple[int, int] | None = None
    judged: tuple[str, ...] = FOURTEEN
    truth_alone: bool = False

    def __post_init__(self) -> None:
        arrays = _load(self.path)
        missing = [key for key in ("imgname", "center", "scale") if key not in arrays]
        if missing:
            raise DatasetError(f"{self.path}: lacks {', '.join(missing)}; expected a SPIN-style npz")
        if not ({"pose", "shape"} <= arrays.keys() or "S" in arrays):
            raise DatasetError(f"{self.path}: neither pose and shape nor S: there is no truth to compare with")
        if not (self.truth_alone or {"part", "openpose"} & arrays.keys()):
            raise DatasetError(f"{self.path}: neither part nor openpose: there are no keypoints to start from")
        count = len(arrays["imgname"])
        for key, shape in _SHAPES.items():
            if key in arrays and arrays[key].shape != (count, *shape):
                raise DatasetError(f"{self.path}: {key}: expected {(count, *shape)}, got {arrays[key].shape}")

    @property
    def names(self) -> list[str]:
        """imgname#row, in the order of the rows."""
        images = _load(self.path)["imgname"]
        return [f"{images[row]}#{row}" for row in self._rows]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """Results of the same file's rows go by row; others by image."""
        images = _load(self.path)["imgname"]
        return [(f"{images[row]}#row{row}", str(images[row]), f"row{row}") for row in self._rows]

    @property
    def joints_alone(self) -> bool:
        """Whether the file has joints, which then are the truth, whatever else is in it."""
        arrays = _load(self.path)
        return "S" in arrays and bool(arrays["S"][..., 3].any())

    @property
    def files(self) -> list[Path]:
        return [self.path]

    def sample(self, index: int, body: BodyModel) -> Sample:
        """One row. Keypoints: ``part`` where any of it was seen, else ``openpose``."""
        arrays, row = _load(self.path), index if self.rows is None else self.rows[index]
        name = str(arrays["imgname"][row])
        keypoints = _keypoints(arrays, row)
        image = Path(name) if self.images is None else self.images / name
        size = image_size(image) if image.is_file() else self.size
        if size is None and not self.truth_alone:
            raise DatasetError(
                f"{self.path}: {name}: the image is not there, so its size is not known; give its folder"
            )
        person = Person(
            person_id=str(row), keypoints=keypoints.positions, confidence=keypoints.confidence, image=image,
            image_size=size,
        )  # fmt: skip
        if "S" in arrays and arrays["S"][row, :, 3].any():
            known = _with_head(np.asarray(arrays["S"][row], dtype=np.float64))
            places = {name: place for name, place in zip(SPIN24, known, strict=True) if name is not None}
            return Sample(person, joints={n: torch.from_numpy(p[:3]) for n, p in places.items() if p[3] > 0})
        if "pose" not in arrays or ("has_smpl" in arrays and not arrays["has_smpl"][row]):
            raise DatasetError(f"{self.path}: row {row} has neither joints nor a body; leave it out")
        params = np.concatenate([arrays["pose"][row].ravel(), arrays["shape"][row].ravel(), np.zeros(NUM_TRANSL)])
        return Sample(person, params=torch.as_tensor(params.astype(np.float64)))

    @property
    def _rows(self) -> tuple[int, ...]:
        return tuple(range(len(_load(self.path)["imgname"]))) if self.rows is None else self.rows


def open_spin(path: str | Path, gender: str = "neutral", *, images: Path | None = None) -> SpinFile:
    """A file as the truth of results that are there already.

    Args:
        path: of the file.
        gender: whose rows, where the file says whose its bodies are.
        images: the folder that ``imgname`` is relative to, or None.
    Raises:
        DatasetError: no such file, none that can be used, or no person of this gender; or its bodies are of both
            genders, which are two models, and none was said.
    """
    path = dataset_file(path, ORIGIN)
    arrays = _load(path)
    letters = [GENDERS.get(str(letter)) for letter in arrays.get("gender", [])]
    if "S" in arrays or not any(letters):
        return SpinFile(path, images=images, truth_alone=True)
    if gender == "neutral":
        raise DatasetError(f"{path}: its bodies are of men's and women's models; say whose rows: female or male")
    rows = tuple(row for row, letter in enumerate(letters) if letter == gender)
    if not rows:
        raise DatasetError(f"{path}: none of {len(letters)} rows is {gender}")
    return SpinFile(path, images=images, rows=rows, truth_alone=True)


def _keypoints(arrays: Mapping[str, np.ndarray], row: int) -> KeypointSet:
    if "part" in arrays and (arrays["part"][row, :, 2] > 0).any():
        values, joints = _with_head(np.asarray(arrays["part"][row], dtype=np.float64)), SPIN24
    elif "openpose" in arrays:
        values, joints = np.asarray(arrays["openpose"][row], dtype=np.float64), BODY25
    else:
        values, joints = np.zeros((len(SPIN24), 3)), SPIN24
    return joints_to_canonical(values[:, :2], values[:, 2], joints)


def _with_head(values: np.ndarray) -> np.ndarray:
    """(24, N) with Human3.6M's head for the top of the head where only the former is known; confidence comes last."""
    if values[_TOP, -1] > 0 or values[_HEAD, -1] <= 0:
        return values
    filled = values.copy()
    filled[_TOP] = values[_HEAD]
    return filled


@cached_by_file(maxsize=2)
def _load(path: Path) -> Mapping[str, np.ndarray]:
    return ArrayFile(path)
