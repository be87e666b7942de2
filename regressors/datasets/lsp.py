"""LSP and LSP-extended (Johnson & Everingham 2010, 2011): a folder with ``joints.mat``, and images in it or in
``images/``; the extended set's high resolution has them as .png."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from ...observations.formats.lsp import find_lsp_images, read_lsp
from ...observations.people import PeopleFile

TRAINING_IMAGES = 1000
"""The first so many of LSP's 2000 are for training, the others for testing."""


def lsp_people(folder: str | Path, split: Literal["train", "test", "all"] = "train") -> PeopleFile:
    """The people of LSP or LSP-extended, with the paths of their images.

    Args:
        folder: as it is unpacked.
        split: of LSP's own two halves; LSP-extended is all for training.
    Raises:
        FileNotFoundError, KeypointFileError: as `observations.formats.lsp.read_lsp`; or there is no image.
        ValueError: no such split.
    """
    folder = Path(folder)
    people = list(read_lsp(folder / "joints.mat").people)
    if split not in ("train", "test", "all"):
        raise ValueError(f"split: expected train, test or all, got {split!r}")
    first = people[0].image if people else None
    digits = len(first.stem) - len("im") if first is not None else 0
    found = find_lsp_images(folder, digits)
    if found is None:
        raise FileNotFoundError(
            f"{folder}: no image {first or 'im0001.jpg'} ... in it or in its images/; give the folder that holds "
            "joints.mat with its images"
        )
    if digits == len("0001") and split != "all":
        people = people[:TRAINING_IMAGES] if split == "train" else people[TRAINING_IMAGES:]
    elif split == "test":
        people = []
    return PeopleFile(tuple(replace(person, image=found.folder / (person.image or "")) for person in people))
