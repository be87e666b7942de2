"""The pose library that ships with the package: real poses from CMU's motion capture, as SMPL axis-angles."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..array_files import ArrayFile
from ..assets import ASSETS
from .rotations import mirror_pose

DEFAULT_PATH = ASSETS / "poses" / "library.npz"

SPLITS = ("train", "heldout", "aside")
"""Who is in which part, by subject: ``aside`` holds people who may be the same as held-out ones."""

Split = Literal["train", "heldout", "aside", "all"]
FIELDS = ("poses_q", "quantum", "subject", "take", "frame", "subject_names", "subject_split", "take_names", "meta")


@dataclass(frozen=True, kw_only=True)
class PoseLibrary:
    """N poses and where each was recorded.

    Attributes:
        poses: (N, 72) axis-angle, radians; the first three are the orientation in a world whose y points up, the
            heading arbitrary. 120 frames a second were recorded; near-duplicates were dropped.
        subjects: (N,) names of the recorded people.
        takes: (N,) names of the recordings.
        frames: (N,) places of the poses in the recordings, 120 a second.
        mirrored: (N,) bool, True where the pose is the mirror image of a recorded one.
        meta: provenance, settings, and the notice that must go with anything made from these data.
    """

    poses: Tensor
    subjects: np.ndarray
    takes: np.ndarray
    frames: np.ndarray
    mirrored: np.ndarray
    meta: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.poses)

    def of_subjects(self, subjects: Collection[str]) -> PoseLibrary:
        """The poses of some people alone."""
        rows = np.isin(self.subjects, list(subjects))
        kept = {name: getattr(self, name)[rows] for name in ("subjects", "takes", "frames", "mirrored")}
        return replace(self, poses=self.poses[torch.from_numpy(rows)], **kept)

    def subject_balanced_weights(self, cap: int = 1000) -> Tensor:
        """(N,) float64 sampling weights that sum to one and let no subject count for more than ``cap`` poses.

        One climber is 40 % of the recorded poses. Mirror images count as poses.
        """
        _, inverse, counts = np.unique(self.subjects, return_inverse=True, return_counts=True)
        weights = (np.minimum(counts, cap) / counts)[inverse]
        return torch.from_numpy(weights / weights.sum())


def load_pose_library(
    path: str | Path | None = None,
    split: Split = "train",
    *,
    mirrored: bool = True,
    dtype: torch.dtype = torch.float32,
) -> PoseLibrary:
    """Load poses.

    Args:
        path: a library file; None for the one in the package.
        split: ``train``, ``heldout`` (other people), ``aside`` (people who may be the held-out ones or who are not
            known: for neither), or ``all``. Parts are apart by person.
        mirrored: add the mirror image of every pose, after all the recorded ones.
        dtype: of the poses.
    Raises:
        FileNotFoundError: no such file.
        ValueError: an unknown split, or a file that is not a pose library.
    """
    if split not in (*SPLITS, "all"):
        raise ValueError(f"split: expected one of {', '.join((*SPLITS, 'all'))}, got {split!r}")
    data = _read(Path(path) if path is not None else DEFAULT_PATH)
    wanted = np.isin(data["subject_split"], SPLITS if split == "all" else (split,))
    rows = wanted[data["subject"]]
    poses = torch.from_numpy(data["poses_q"][rows].astype(np.float64) * float(data["quantum"]))
    subjects = data["subject_names"][data["subject"][rows]]
    takes = data["take_names"][data["take"][rows]]
    frames = data["frame"][rows]
    is_mirror = np.zeros(len(poses), dtype=bool)
    if mirrored:
        poses = torch.cat([poses, mirror_pose(poses)])
        subjects, takes, frames = (np.concatenate([column, column]) for column in (subjects, takes, frames))
        is_mirror = np.concatenate([is_mirror, ~is_mirror])
    return PoseLibrary(
        poses=poses.to(dtype),
        subjects=subjects,
        takes=takes,
        frames=frames,
        mirrored=is_mirror,
        meta=MappingProxyType(json.loads(str(data["meta"]))),
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such pose library; scripts/build_pose_library.py makes one")
    try:
        archive = ArrayFile(path)
        missing = [name for name in FIELDS if name not in archive]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        return {name: archive[name] for name in FIELDS}
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: expected a pose library (.npz without pickles): {error}") from error
