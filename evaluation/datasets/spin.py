"""SPIN-style npz files: one row a person, as SPIN and the many methods after it write their data sets.

Arrays: imgname, center, scale; part (N, 24, 3) and openpose (N, 25, 3) keypoints in pixels with confidence; pose (N,
72) and shape (N, 10), with has_smpl where not all rows have them; S (N, 24, 4) joints in metres with confidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...body import BodyModel
from ...interchange.spin import SPIN24
from ...observations import Keypoints, Person, image_size
from ...observations.arrays import load_arrays
from ...observations.conventions import BODY25, LSP14, joints_to_canonical
from ..file_cache import cached_by_file
from .roots import DatasetError
from .samples import Sample

FOURTEEN = tuple(name for name in LSP14 if name is not None)
"""The joints that Human3.6M's and 3DPW's reconstruction errors are over."""


@dataclass(frozen=True)
class SpinFile:
    """Rows of a SPIN-style file with a known body or known joints.

    Attributes:
        path: of the file.
        images: the folder that ``imgname`` is relative to, or None.
        rows: which rows; None: all.
        size: (width, height) of images that are not there to be measured, or None.
    """

    path: Path
    images: Path | None = None
    rows: tuple[int, ...] | None = None
    size: tuple[int, int] | None = None
    judged: tuple[str, ...] = FOURTEEN

    def __post_init__(self) -> None:
        arrays = _load(self.path)
        missing = [key for key in ("imgname", "center", "scale") if key not in arrays]
        if missing:
            raise DatasetError(f"{self.path}: lacks {', '.join(missing)}; expected a SPIN-style npz")
        if not ({"pose", "shape"} <= arrays.keys() or "S" in arrays):
            raise DatasetError(f"{self.path}: neither pose and shape nor S: there is no truth to compare with")
        if not {"part", "openpose"} & arrays.keys():
            raise DatasetError(f"{self.path}: neither part nor openpose: there are no keypoints to start from")

    @property
    def names(self) -> list[str]:
        """imgname#row, in the order of the rows."""
        images = _load(self.path)["imgname"]
        return [f"{images[row]}#{row}" for row in self._rows]

    def sample(self, index: int, body: BodyModel) -> Sample:
        """One row. Keypoints: ``part`` where any of it was seen, else ``openpose``."""
        arrays, row = _load(self.path), self._rows[index]
        name = str(arrays["imgname"][row])
        keypoints = _keypoints(arrays, row)
        image = None if self.images is None else self.images / name
        size = image_size(image) if image is not None and image.is_file() else self.size
        if size is None:
            raise DatasetError(
                f"{self.path}: {name}: the image is not there, so its size is not known; give its folder"
            )
        person = Person(
            person_id=str(row), keypoints=keypoints.positions, confidence=keypoints.confidence, image=Path(name),
            image_size=size,
        )  # fmt: skip
        if "S" in arrays and arrays["S"][row, :, 3].any():
            stored = torch.as_tensor(np.asarray(arrays["S"][row, :, :3], dtype=np.float64))
            return Sample(person, joints={joint: stored[i] for i, joint in enumerate(SPIN24) if joint is not None})
        if "has_smpl" in arrays and not arrays["has_smpl"][row]:
            raise DatasetError(f"{self.path}: row {row} has neither joints nor a body; leave it out")
        params = np.concatenate([arrays["pose"][row].ravel(), arrays["shape"][row].ravel(), [0.0, 0.0, 0.0]])
        return Sample(person, params=torch.as_tensor(params.astype(np.float64)))

    @property
    def _rows(self) -> tuple[int, ...]:
        return tuple(range(len(_load(self.path)["imgname"]))) if self.rows is None else self.rows


def _keypoints(arrays: dict[str, np.ndarray], row: int) -> Keypoints:
    if "part" in arrays and (arrays["part"][row, :, 2] > 0).any():
        values, joints = np.asarray(arrays["part"][row], dtype=np.float64), SPIN24
    else:
        values, joints = np.asarray(arrays["openpose"][row], dtype=np.float64), BODY25
    return joints_to_canonical(values[:, :2], values[:, 2], joints)


@cached_by_file(maxsize=2)
def _load(path: Path) -> dict[str, np.ndarray]:
    return load_arrays(path)
