"""UP-3D (Unite the People): Table 2's data set.

Layout, all in one folder: ``%05d_image.png``, ``%05d_body.pkl`` (t, rt, f, pose, betas, trans; SMPL, neutral),
``%05d_joints.npy`` (3, 14: x, y, confidence), ``%05d_dataset_info.txt`` (where the image is from: lsp, lspext, mpii or
fashionpose, and its number there), and the list ``test.txt`` with lines such as ``/00001_image.png``.

The parts of Table 2 are the origins; the reduced set of 139 images is a list that BodyNet's authors give out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...array_files import read_npy
from ...body import BodyModel, axis_angle_to_matrix
from ...body.parameters import NUM_POSE, NUM_TRANSL
from ...body.unpickling import load_pickle_safely
from ...observations import Person, image_size
from ...observations.conventions import LSP14, joints_to_canonical
from .roots import DatasetError, Origin, existing_root, lacking
from .samples import Sample, transformed_params
from .spin import FOURTEEN

ORIGIN = Origin(
    "UP-3D", "https://files.is.tuebingen.mpg.de/classner/up/", "for research purposes; its page has the terms"
)
REDUCED_ORIGIN = Origin(
    "the list of the reduced set",
    "https://github.com/gulvarol/bodynet, fitting/testnames/namesUPbmvc.txt",
    "the repository has the licence",
)
PARTS = {"lsp": "LSP", "lspext": "LSP", "mpii": "MPII", "fashionpose": "Fashion"}
"""Origin -> what Table 2 calls it."""

FULL, REDUCED = "Full", "Reduced"
_SIZES = {"pose": NUM_POSE, "betas": 10, "trans": NUM_TRANSL, "rt": 3, "t": NUM_TRANSL}
_NUMBER = re.compile(r"(?<!\d)(\d{5})(?!\d)")


@dataclass(frozen=True)
class Up3d:
    """The people of a split.

    Attributes:
        folder: that the files lie in.
        numbers: five-digit names of the people.
        reduced: those among them that are of the reduced set.
        added: those among the reduced that are not of the split.
    """

    folder: Path
    numbers: tuple[str, ...]
    reduced: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    judged: tuple[str, ...] = FOURTEEN

    @property
    def names(self) -> list[str]:
        """One a person: the file's number."""
        return list(self.numbers)

    @property
    def labels(self) -> list[tuple[str, ...]]:
        return [(f"{number}_image", number) for number in self.numbers]

    @property
    def files(self) -> list[Path]:
        return [self.folder / f"{number}_{kind}" for number in self.numbers for kind in ("body.pkl", "joints.npy")]

    def parts(self) -> dict[str, frozenset[str]]:
        """The people of each of Table 2's columns; origins are left out where the files do not say them.

        Raises:
            DatasetError: a file names an origin that the set does not have.
        """
        parts: dict[str, set[str]] = {part: set() for part in ("LSP", "MPII", "Fashion")}
        split = [number for number in self.numbers if number not in self.added]
        for number in split:
            path = self.folder / f"{number}_dataset_info.txt"
            if path.is_file():
                origin = (path.read_text().split() or [""])[0]
                if origin not in PARTS:
                    raise DatasetError(f"{path}: origin {origin!r}; expected one of {', '.join(PARTS)}")
                parts[PARTS[origin]].add(number)
        parts |= {FULL: set(split), REDUCED: set(self.reduced)}
        return {part: frozenset(people) for part, people in parts.items() if people}

    def sample(self, index: int, body: BodyModel) -> Sample:
        """Keypoints, and the fitted body that the set holds for the truth."""
        number = self.numbers[index]
        image = self.folder / f"{number}_image.png"
        joints = _joints(self.folder / f"{number}_joints.npy")
        if joints.shape != (3, 14):
            raise DatasetError(f"{self.folder / number}_joints.npy: expected (3, 14), got {joints.shape}")
        keypoints = joints_to_canonical(joints[:2].T.astype(np.float64), joints[2].astype(np.float64), LSP14)
        person = Person(
            person_id="0", keypoints=keypoints.positions, confidence=keypoints.confidence, image=image,
            image_size=image_size(image),
        )  # fmt: skip
        record = read_fields(self.folder / f"{number}_body.pkl", _SIZES)
        params = torch.cat([record["pose"], record["betas"], record["trans"]])
        return Sample(person, params=transformed_params(body, params, axis_angle_to_matrix(record["rt"]), record["t"]))


def open_up3d(root: str | Path, split: str = "test", *, reduced: Path | None = None) -> Up3d:
    """Find a split's people, and check that their files are all there.

    Args:
        root: the folder of the set, or the one above.
        split: which list.
        reduced: the list of the reduced set; who is not in the split is added to it.
    Raises:
        DatasetError: no such folder, no such list, a number twice in it, or a person's file is missing.
    """
    root = existing_root(root, ORIGIN)
    folder = next((root / part for part in ("", "up-3d", "up3d") if (root / part / f"{split}.txt").is_file()), None)
    if folder is None:
        raise lacking(root, f"{split}.txt", ORIGIN)
    numbers = _listed(folder / f"{split}.txt", ORIGIN)
    chosen = () if reduced is None else _listed(reduced, REDUCED_ORIGIN)
    added = tuple(number for number in chosen if number not in set(numbers))
    everybody = (*numbers, *added)
    wanted = [f"{number}_{kind}" for number in everybody for kind in ("image.png", "body.pkl", "joints.npy")]
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise lacking(folder, missing, ORIGIN)
    return Up3d(folder, everybody, frozenset(chosen), frozenset(added))


def _listed(path: Path, origin: Origin) -> tuple[str, ...]:
    """Five-digit numbers of a list, in its order, whatever is written around them."""
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; {origin}")
    numbers = _NUMBER.findall(path.read_text())
    if not numbers:
        raise DatasetError(f"{path}: no line such as /00001_image.png; {origin}")
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise DatasetError(f"{path}: lists {twice} twice; copy it again")
    return tuple(numbers)


def _joints(path: Path) -> np.ndarray:
    try:
        return read_npy(path)
    except ValueError as error:
        raise DatasetError(f"{path}: not a plain array ({error}); copy it again") from error


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
