"""BEDLAM's processed labels: an npz a scene, a row a person, of synthetic people whose bodies are known.

Arrays (https://bedlam.is.tue.mpg.de; the SMPL labels of its download page): imgname (N), pose_cam (N, 72) and shape (N,
10 or more) of SMPL, trans_cam (N, 3) and cam_ext (N, 4, 4), whose translations add up, cam_int (N, 3, 3), gtkps
(N, J, 2 or 3), whose first 22 are SMPL's first 22 joints in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...array_files import ArrayFile
from ...body import BodyModel
from ...observations import Person, image_size
from ...observations.conventions import SMPL24, joints_to_canonical
from ..file_cache import cached_by_file
from .roots import DatasetError, Origin, existing_root, lacking
from .samples import Sample
from .spin import FOURTEEN

ORIGIN = Origin("BEDLAM", "https://bedlam.is.tue.mpg.de", "non-commercial research; the page has the licence")
_KEYS = ("imgname", "pose_cam", "shape", "trans_cam", "cam_ext", "cam_int", "gtkps")
_BODY = 22  # joints that SMPL and SMPL-X share


@dataclass(frozen=True)
class Bedlam:
    """Rows of label files.

    Attributes:
        rows: file and row of each.
        images: the folder that ``imgname`` is relative to.
    """

    rows: tuple[tuple[Path, int], ...]
    images: Path
    judged: tuple[str, ...] = FOURTEEN

    @property
    def names(self) -> list[str]:
        """SCENE/imgname#row."""
        return [f"{path.stem}/{_labels(path)['imgname'][row]}#{row}" for path, row in self.rows]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """Results go by row, or by image where it has one person."""
        return [
            (f"{path.stem}/{image}#row{row}", f"{path.stem}/{image}", image)
            for path, row in self.rows
            for image in [str(_labels(path)["imgname"][row])]
        ]

    @property
    def files(self) -> list[Path]:
        return list(dict.fromkeys(path for path, _ in self.rows))

    def sample(self, index: int, body: BodyModel) -> Sample:
        """The projected joints, and the body in the camera frame."""
        path, row = self.rows[index]
        arrays = _labels(path)
        points = np.asarray(arrays["gtkps"][row], dtype=np.float64)[:_BODY, :2]
        keypoints = joints_to_canonical(points, np.ones(_BODY), SMPL24[:_BODY])
        intrinsics = torch.from_numpy(np.asarray(arrays["cam_int"][row], dtype=np.float64))
        image = self.images / path.stem / "png" / str(arrays["imgname"][row])
        middle = (round(2 * float(intrinsics[0, 2])), round(2 * float(intrinsics[1, 2])))
        person = Person(
            person_id=str(row), keypoints=keypoints.positions, confidence=keypoints.confidence, image=image,
            image_size=image_size(image) if image.is_file() else middle,
        )  # fmt: skip
        transl = arrays["trans_cam"][row] + arrays["cam_ext"][row][:3, 3]
        parts = (arrays["pose_cam"][row].ravel(), arrays["shape"][row].ravel()[:10], transl)
        params = np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])
        return Sample(person, intrinsics=intrinsics, params=torch.from_numpy(params))


def open_bedlam(root: str | Path) -> Bedlam:
    """Find the label files in a folder (or in its ``processed_labels``), and their rows.

    Raises:
        DatasetError: no such folder or file, a file without an array, or labels of SMPL-X.
    """
    root = existing_root(root, ORIGIN)
    inside = root / "processed_labels"
    files = sorted((inside if inside.is_dir() else root).glob("*.npz"))
    if not files:
        raise lacking(root, "*.npz of processed labels", ORIGIN)
    rows = [(path, row) for path in files for row in range(len(_labels(path)["imgname"]))]
    images = root / "images" if (root / "images").is_dir() else root
    return Bedlam(tuple(rows), images)


@cached_by_file(maxsize=4)
def _labels(path: Path) -> Mapping[str, np.ndarray]:
    arrays = ArrayFile(path)
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        raise DatasetError(f"{path}: lacks {', '.join(missing)}; expected processed labels of BEDLAM")
    count, pose = len(arrays["imgname"]), arrays["pose_cam"]
    if pose.reshape(count, -1).shape[1] != 72:
        raise DatasetError(
            f"{path}: pose_cam has {pose.reshape(count, -1).shape[1]} numbers a person: labels of SMPL-X; the download "
            "page has SMPL's (72), too"
        )
    if np.shape(arrays["cam_ext"]) != (count, 4, 4) or arrays["gtkps"].shape[1] < _BODY:
        raise DatasetError(f"{path}: cam_ext or gtkps: not as processed labels of BEDLAM have them")
    return {key: arrays[key] for key in _KEYS}
