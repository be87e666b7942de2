"""LSP and LSP-extended (Johnson & Everingham 2010, 2011): a folder with ``joints.mat`` and ``images/``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from ...observations.lsp import read_lsp
from ...observations.people import Person

TRAINING_IMAGES = 1000
"""The first so many of LSP's 2000 are for training, the others for testing."""


def lsp_people(folder: str | Path, split: Literal["train", "test", "all"] = "train") -> list[Person]:
    """The people of LSP or LSP-extended, with the paths of their images.

    Args:
        folder: as it is unpacked.
        split: of LSP's own two halves; LSP-extended is all for training.
    Raises:
        FileNotFoundError, KeypointFileError: as `observations.lsp.read_lsp`; or there is no folder ``images``.
        ValueError: no such split.
    """
    folder = Path(folder)
    people = list(read_lsp(folder / "joints.mat").people)
    images = folder / "images"
    if not images.is_dir():
        raise FileNotFoundError(f"{images}: no such folder; give the folder that holds joints.mat and images/")
    if split not in ("train", "test", "all"):
        raise ValueError(f"split: expected train, test or all, got {split!r}")
    extended = bool(people) and people[0].image is not None and len(people[0].image.stem) == len("im00001")
    if not extended and split != "all":
        people = people[:TRAINING_IMAGES] if split == "train" else people[TRAINING_IMAGES:]
    elif split == "test":
        people = []
    return [replace(person, image=images / (person.image or "")) for person in people]
