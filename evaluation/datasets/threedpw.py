"""3DPW: people outdoors, with bodies from inertial sensors; frames whose camera pose is known, person by person.

Layout: ``sequenceFiles/test/SEQUENCE.pkl`` (lists with an entry a person: poses2d (T, 3, 18), poses (T, 72), trans
(T, 3), betas, campose_valid (T), genders; and cam_poses (T, 4, 4), cam_intrinsics (3, 3), img_frame_ids (T)), and
``imageFiles/SEQUENCE/image_%05d.jpg``.
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
from ...observations import Person, image_size
from ...observations.conventions import OPENPOSE18, joints_to_canonical
from ..file_cache import cached_by_file
from .roots import DatasetError, Origin, existing_root, lacking
from .samples import Sample, transformed_params
from .spin import FOURTEEN

ORIGIN = Origin(
    "3DPW", "https://virtualhumans.mpi-inf.mpg.de/3DPW/", "non-commercial research; the page has the licence"
)
FEWEST_JOINTS = 6  # keypoints of a frame that is scored
_KEYS = ("poses2d", "poses", "trans", "betas", "campose_valid", "genders", "cam_poses", "cam_intrinsics")
_GENDERS = {"f": "female", "m": "male"}


@dataclass(frozen=True)
class ThreeDpw:
    """Frames of people of one gender.

    Attributes:
        frames: file, person and frame of each.
        images: the folder of the sequences' images.
        alone: sequences with one person in them.
    """

    frames: tuple[tuple[Path, int, int], ...]
    images: Path
    alone: frozenset[str] = frozenset()
    judged: tuple[str, ...] = FOURTEEN

    @property
    def names(self) -> list[str]:
        """SEQUENCE#PERSON@FRAME."""
        return [f"{path.stem}#{person}@{frame}" for path, person, frame in self.frames]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """SEQUENCE/image_FRAME#PERSON; where a sequence has one person, that need not be said."""
        images = [(f"{path.stem}/image_{frame:05d}", person, path.stem) for path, person, frame in self.frames]
        return [
            (f"{image}#{person}", *([image] if sequence in self.alone else [])) for image, person, sequence in images
        ]

    @property
    def files(self) -> list[Path]:
        return list(dict.fromkeys(path for path, _, _ in self.frames))

    def sample(self, index: int, body: BodyModel) -> Sample:
        """OpenPose's keypoints as the set has them, and the body in the camera frame."""
        path, person, frame = self.frames[index]
        content = _sequence(path)
        x, y, confidence = np.asarray(content["poses2d"][person], dtype=np.float64)[frame]
        keypoints = joints_to_canonical(np.stack([x, y], 1), confidence, OPENPOSE18)
        intrinsics = torch.as_tensor(np.asarray(content["cam_intrinsics"], dtype=np.float64))
        image = self.images / path.stem / f"image_{frame:05d}.jpg"
        middle = (round(2 * float(intrinsics[0, 2])), round(2 * float(intrinsics[1, 2])))
        observed = Person(
            person_id=f"{person}@{frame}", keypoints=keypoints.positions, confidence=keypoints.confidence, image=image,
            image_size=image_size(image) if image.is_file() else middle,
        )  # fmt: skip
        rows = [np.asarray(content[key][person], dtype=np.float64) for key in ("poses", "betas", "trans")]
        params = torch.from_numpy(np.concatenate([rows[0][frame], rows[1].ravel()[:10], rows[2][frame]]))
        camera = self.camera_from_world(index)
        return Sample(
            observed, intrinsics=intrinsics, params=transformed_params(body, params, camera[:3, :3], camera[:3, 3])
        )

    def camera_from_world(self, index: int) -> Tensor:
        """(4, 4) float64, from the world to the camera."""
        path, _, frame = self.frames[index]
        return torch.from_numpy(np.asarray(_sequence(path)["cam_poses"][frame], dtype=np.float64))

    def frame(self, index: int) -> int:
        """Its number in the video."""
        return self.frames[index][2]

    @property
    def sequences(self) -> dict[str, list[int]]:
        """Indices of the frames of each person in each sequence, in the order of time."""
        found: dict[str, list[int]] = {}
        for index, (path, person, _) in enumerate(self.frames):
            found.setdefault(f"{path.stem}#{person}", []).append(index)
        return found


def open_threedpw(root: str | Path, gender: str, *, split: str = "test") -> ThreeDpw:
    """Find the frames of a split in which a person of one gender is seen by a camera whose place is known.

    Raises:
        DatasetError: no such folder or sequence, none of this gender, or a file without a field.
    """
    root = existing_root(root, ORIGIN)
    files = sorted((root / "sequenceFiles" / split).glob("*.pkl"))
    if not files:
        raise lacking(root, f"sequenceFiles/{split}/*.pkl", ORIGIN)
    frames, alone = [], set()
    for path in files:
        content = _sequence(path)
        if len(content["genders"]) == 1:
            alone.add(path.stem)
        for person, letter in enumerate(content["genders"]):
            if _GENDERS.get(str(letter)) != gender:
                continue
            seen = (np.asarray(content["poses2d"][person])[:, 2] > 0).sum(1) >= FEWEST_JOINTS
            valid = np.asarray(content["campose_valid"][person]).astype(bool) & seen
            frames += [(path, person, int(frame)) for frame in np.flatnonzero(valid)]
    if not frames:
        raise DatasetError(f"{root}: nobody {gender} in the {len(files)} sequences of {split}")
    return ThreeDpw(tuple(frames), root / "imageFiles", frozenset(alone))


@cached_by_file(maxsize=2)
def _sequence(path: Path) -> dict[str, Any]:
    content: Any = load_pickle_safely(path)
    missing = [key for key in _KEYS if not isinstance(content, dict) or key not in content]
    if missing:
        raise DatasetError(f"{path}: lacks {', '.join(missing)}; expected a sequence of 3DPW")
    people = len(content["genders"])
    uneven = [key for key in ("poses2d", "poses", "trans", "betas", "campose_valid") if len(content[key]) != people]
    if uneven:
        raise DatasetError(f"{path}: {', '.join(uneven)}: not of {people} people as genders is; copy it again")
    return dict(content)
