"""EMDB: people outdoors with electromagnetic sensors and a moving camera, bodies and cameras in the world.

Layout (dataset.md of https://github.com/eth-ait/emdb): ``P0/SEQUENCE/P0_SEQUENCE_data.pkl`` with gender, name, emdb1,
emdb2, n_frames, good_frames_mask (T), camera (intrinsics (3, 3), extrinsics (T, 4, 4) from the world to the camera,
width, height), smpl (poses_root (T, 3), poses_body (T, 69), trans (T, 3), betas (10)), kp2d (T, 24, 2), bboxes; and
``P0/SEQUENCE/images/%05d.jpg``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...body import BodyModel
from ...body.unpickling import load_pickle_safely
from ...observations import Person
from ...observations.conventions import SMPL24, joints_to_canonical
from ..file_cache import cached_by_file
from .roots import DatasetError, Origin, existing_root, lacking
from .samples import Sample, transformed_params
from .spin import FOURTEEN

ORIGIN = Origin("EMDB", "https://emdb.ait.ethz.ch", "non-commercial research; an application form")
SPLITS = ("emdb1", "emdb2")
_KEYS = ("gender", "name", "emdb1", "emdb2", "good_frames_mask", "camera", "smpl", "kp2d")
_SHAPES = {"poses_root": (3,), "poses_body": (69,), "trans": (3,)}


@dataclass(frozen=True)
class Emdb:
    """Frames of people of one gender.

    Attributes:
        frames: file and frame of each.
    """

    frames: tuple[tuple[Path, int], ...]
    judged: tuple[str, ...] = FOURTEEN

    @property
    def names(self) -> list[str]:
        """P0_SEQUENCE@FRAME."""
        return [f"{path.name.removesuffix('_data.pkl')}@{frame:05d}" for path, frame in self.frames]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        return [
            (f"{path.parent.parent.name}/{path.parent.name}/images/{frame:05d}", name)
            for (path, frame), name in zip(self.frames, self.names, strict=True)
        ]

    @property
    def files(self) -> list[Path]:
        return list(dict.fromkeys(path for path, _ in self.frames))

    def sample(self, index: int, body: BodyModel) -> Sample:
        """The projected SMPL joints, which are all the keypoints that the set has, and the body in the camera frame."""
        path, frame = self.frames[index]
        content = _sequence(path)
        keypoints = joints_to_canonical(np.asarray(content["kp2d"][frame], dtype=np.float64), np.ones(24), SMPL24)
        camera, image = content["camera"], path.parent / "images" / f"{frame:05d}.jpg"
        person = Person(
            person_id=str(frame), keypoints=keypoints.positions, confidence=keypoints.confidence, image=image,
            image_size=(int(camera["width"]), int(camera["height"])),
        )  # fmt: skip
        move = self.camera_from_world(index)
        intrinsics = torch.from_numpy(np.asarray(camera["intrinsics"], dtype=np.float64))
        params = transformed_params(body, self.world_params(index), move[:3, :3], move[:3, 3])
        return Sample(person, intrinsics=intrinsics, params=params)

    def world_params(self, index: int) -> Tensor:
        """(82 + 3,) float64: the body in the world."""
        path, frame = self.frames[index]
        smpl = _sequence(path)["smpl"]
        rows = (
            smpl["poses_root"][frame],
            smpl["poses_body"][frame],
            np.ravel(smpl["betas"])[:10],
            smpl["trans"][frame],
        )
        return torch.from_numpy(np.concatenate([np.asarray(row, dtype=np.float64) for row in rows]))

    def camera_from_world(self, index: int) -> Tensor:
        """(4, 4) float64, from the world to the camera."""
        path, frame = self.frames[index]
        return torch.from_numpy(np.asarray(_sequence(path)["camera"]["extrinsics"][frame], dtype=np.float64))

    def frame(self, index: int) -> int:
        """Its number in the video."""
        return self.frames[index][1]

    @property
    def sequences(self) -> dict[str, list[int]]:
        """Indices of the frames of each sequence, in the order of time."""
        found: dict[str, list[int]] = {}
        for index, (path, _) in enumerate(self.frames):
            found.setdefault(path.parent.name, []).append(index)
        return found


def open_emdb(root: str | Path, gender: str, *, split: str = "emdb1") -> Emdb:
    """Find the good frames of a split in which the person is of one gender.

    Raises:
        DatasetError: no such folder or sequence, none of this gender and split, or a file without a field.
    """
    root = existing_root(root, ORIGIN)
    if split not in SPLITS:
        raise DatasetError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    files = sorted(root.glob("P*/*/*_data.pkl"))
    if not files:
        raise lacking(root, "P*/*/*_data.pkl", ORIGIN)
    frames: list[tuple[Path, int]] = []
    for path in files:
        content = _sequence(path)
        if str(content["gender"]) == gender and content[split]:
            frames += [(path, int(frame)) for frame in np.flatnonzero(np.asarray(content["good_frames_mask"]))]
    if not frames:
        raise DatasetError(f"{root}: nobody {gender} in {split} of {len(files)} sequences")
    return Emdb(tuple(frames))


@cached_by_file(maxsize=4)
def _sequence(path: Path) -> dict[str, Any]:
    content: Any = load_pickle_safely(path)
    missing = [key for key in _KEYS if not isinstance(content, dict) or key not in content]
    if missing:
        raise DatasetError(f"{path}: lacks {', '.join(missing)}; expected a sequence of EMDB")
    count = len(content["good_frames_mask"])
    for key, shape in _SHAPES.items():
        if np.shape(content["smpl"].get(key)) != (count, *shape):
            raise DatasetError(
                f"{path}: smpl {key}: expected {(count, *shape)}, got {np.shape(content['smpl'].get(key))}"
            )
    if np.shape(content["camera"].get("extrinsics")) != (count, 4, 4) or np.shape(content["kp2d"]) != (count, 24, 2):
        raise DatasetError(f"{path}: extrinsics or kp2d are not of {count} frames; copy it again")
    return dict(content)
