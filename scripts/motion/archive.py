"""The archive of CMU takes: its list, its files, and the takes as rotations of bones."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .expmap import parse_expmap
from .skeleton import Skeleton, global_rotations, parse_amc, parse_asf

LIST = "seqlist.tsv"

DUPLICATES = frozenset(
    f"exp38-{name}"
    for name in (
        "train_walking_1",
        "train_walking_2",
        "train_walking_3",
        "train_walking_4",
        "train_walking_5",
        "test_walking_1",
        "test_soccer_1",
    )
)
"""Takes of exp38 that repeat 02_01, 05_01, 06_01, 07_01, 07_02, 35_01 and 11_01."""

HELD_OUT_SUBJECTS = frozenset(
    {"13", "14", "131", "135", "r-backflip", "r-charleston", "r-lambada", "r-pirouette"},
)

SET_ASIDE_SUBJECTS = frozenset({"exp38", "05", "55"})
"""Neither trained on nor tested on: exp38's people are unknown; 05's and 55's skeletons are, to the micrometre, those
of the held-out pirouette and lambada, so they are the same people."""


def split_of(subject: str) -> str:
    """``train``, ``heldout`` or ``aside``."""
    if subject in HELD_OUT_SUBJECTS:
        return "heldout"
    return "aside" if subject in SET_ASIDE_SUBJECTS else "train"


@dataclass(frozen=True, kw_only=True)
class Take:
    """One recording: subject and take as the list names them, places of its frames in the file, bones' rotations; and
    the root's places (T, 3) in metres, y up, where the file has them."""

    subject: str
    name: str
    frames: np.ndarray
    bones: dict[str, np.ndarray]
    root: np.ndarray | None = None


def read_takes(archive: Path, *, stride: int, report: Callable[[str], None] = print) -> Iterator[Take]:
    """Every take of the archive but the duplicates, in the order of its list, every ``stride``-th frame.

    A take that cannot be used is one line to ``report``, and the others are read.

    Raises:
        FileNotFoundError: no such archive.
        ValueError: the archive lacks its list or a file that the list names.
    """
    if not archive.is_file():
        raise FileNotFoundError(f"{archive}: no such file; expected the tar archive of CMU takes")
    with tarfile.open(archive) as tar:
        texts = {
            member.name.removeprefix("./"): file.read().decode("latin1")
            for member in tar
            if member.isfile() and (file := tar.extractfile(member)) is not None
        }
    if LIST not in texts:
        raise ValueError(f"{archive}: {LIST} is missing; expected one line a take: file, skeleton or -, subject, take")
    skeletons: dict[str, Skeleton] = {}
    for line in texts[LIST].splitlines():
        file_name, skeleton_name, subject, take = line.split("\t")
        if take in DUPLICATES:
            continue
        for needed in {file_name, skeleton_name} - {"-"}:
            if needed not in texts:
                raise ValueError(f"{archive}: {LIST} names {needed}, which is missing")
        root = None
        try:
            if skeleton_name == "-":
                frames, bones = parse_expmap(texts[file_name], stride=stride, name=file_name)
            else:
                if skeleton_name not in skeletons:
                    skeletons[skeleton_name] = parse_asf(texts[skeleton_name], skeleton_name)
                skeleton = skeletons[skeleton_name]
                motion = parse_amc(texts[file_name], skeleton, stride=stride, name=file_name)
                frames, bones = motion["frame"], global_rotations(skeleton, motion)
                root = motion["translation"]
        except ValueError as error:
            report(f"{error}; left out")
            continue
        yield Take(subject=subject, name=take, frames=frames, bones=bones, root=root)
