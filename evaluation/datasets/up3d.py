"""UP-3D (Unite the People): Table 2's data set.

Layout, all in one folder: ``%05d_image.png``, ``%05d_body.pkl`` (t, rt, f, pose, betas, trans; SMPL, neutral),
``%05d_joints.npy`` (3, 14: x, y, confidence), and the list ``test.txt`` with lines such as ``/00001_image.png``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...body import BodyModel, axis_angle_to_matrix
from ...body.unpickling import load_pickle_safely
from ...observations import Person, image_size
from ...observations.conventions import LSP14, joints_to_canonical
from .roots import DatasetError, Origin, existing_root, lacking
from .samples import Sample, moved
from .spin import FOURTEEN

ORIGIN = Origin(
    "UP-3D", "https://files.is.tuebingen.mpg.de/classner/up/", "for research purposes; its page has the terms"
)


@dataclass(frozen=True)
class Up3d:
    """The people of a split.

    Attributes:
        folder: that the files lie in.
        numbers: five-digit names of the people.
    """

    folder: Path
    numbers: tuple[str, ...]
    judged: tuple[str, ...] = FOURTEEN

    @property
    def names(self) -> list[str]:
        """One a person: the file's number."""
        return list(self.numbers)

    def sample(self, index: int, body: BodyModel) -> Sample:
        """Keypoints, and the fitted body that the set holds for the truth."""
        number = self.numbers[index]
        image = self.folder / f"{number}_image.png"
        joints = np.load(self.folder / f"{number}_joints.npy", allow_pickle=False)
        if joints.shape != (3, 14):
            raise DatasetError(f"{self.folder / number}_joints.npy: expected (3, 14), got {joints.shape}")
        keypoints = joints_to_canonical(joints[:2].T.astype(np.float64), joints[2].astype(np.float64), LSP14)
        person = Person(
            person_id="0", keypoints=keypoints.positions, confidence=keypoints.confidence, image=image,
            image_size=image_size(image),
        )  # fmt: skip
        record = read_fields(self.folder / f"{number}_body.pkl", {"pose": 72, "betas": 10, "trans": 3, "rt": 3, "t": 3})
        params = torch.cat([record["pose"], record["betas"], record["trans"]])
        return Sample(person, params=moved(body, params, axis_angle_to_matrix(record["rt"]), record["t"]))


def open_up3d(root: str | Path, split: str = "test") -> Up3d:
    """Find a split's people, and check that their files are all there.

    Raises:
        DatasetError: no such folder, no such list, or a person's file is missing.
    """
    root = existing_root(root, ORIGIN)
    folder = next((root / part for part in ("", "up-3d", "up3d") if (root / part / f"{split}.txt").is_file()), None)
    if folder is None:
        raise lacking(root, f"{split}.txt", ORIGIN)
    lines = [line.strip() for line in (folder / f"{split}.txt").read_text().splitlines() if line.strip()]
    numbers = tuple(Path(line).name.partition("_")[0] for line in lines)
    wanted = [f"{number}_{kind}" for number in numbers for kind in ("image.png", "body.pkl", "joints.npy")]
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing or not numbers:
        raise lacking(folder, missing or f"line in {split}.txt", ORIGIN)
    return Up3d(folder, numbers)


def read_fields(path: Path, sizes: dict[str, int]) -> dict[str, torch.Tensor]:
    """Float64 vectors of a pickled dictionary, each of a known size; nothing in the file is run.

    Raises:
        DatasetError: one is missing or of another size.
    """
    content: Any = load_pickle_safely(path)
    fields = {}
    for key, size in sizes.items():
        try:
            value = np.asarray(content[key], dtype=np.float64).ravel()
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{path}: no numbers {key}; expected {', '.join(sizes)}") from error
        if value.size != size:
            raise DatasetError(f"{path}: {key}: expected {size} numbers, got {value.size}")
        fields[key] = torch.from_numpy(value)
    return fields
