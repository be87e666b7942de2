"""Human3.6M as its authors give it out: joints of one camera's videos in NASA's Common Data Format, read by cdflib.

Layout: ``S9/MyPoseFeatures/D3_Positions_mono/Directions 1.60457274.cdf`` (or ``S9/Poses_D3_Positions_mono/...``, as
download scripts unpack it) and the same under ``D2_Positions``. A file holds one variable Pose, (1, T, 96) millimetres
in the camera's frame or (1, T, 64) pixels, of 32 joints at 50 frames a second. 15 of the joints repeat others or mark
the ends of limbs; the usual 17 are read. ``D3_Positions`` (world frame, no camera in its names) is not needed, and
``D3_Positions_mono_universal`` puts all poses on one skeleton, which published errors are not over. The one
corrupt video of the two subjects, S11's Directions by camera 54138969, is not of the camera that is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...body import BodyModel
from ...observations import Person, image_size
from ...observations.conventions import H36M17, joints_to_canonical
from ...options import install_command, without_package
from ..file_cache import cached_by_file
from .roots import DatasetError, Origin
from .samples import Sample
from .spin import FOURTEEN

ORIGIN = Origin(
    "Human3.6M", "http://vision.imar.ro/human3.6m", "academic use only, after registration; the page has the terms"
)
FRONTAL = "60457274"  # the camera called cam3; the others are 54138969, 55011271 and 58860488
SUBJECTS = ("S9", "S11")
IMAGE_SIZE = (1000, 1002)  # pixels, of the frontal camera's videos
FRAMES_PER_SECOND, WANTED_FRAMES = 50, 10
USUAL = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Which of the 32 joints are the usual 17 (`H36M17` names them)."""

_JOINTS = 32
_KINDS = ("D3_Positions_mono", "D2_Positions")
_PARENTS = ("MyPoseFeatures/{}", "Poses_{}")


@dataclass(frozen=True)
class Human36mRaw:
    """Frames of the frontal camera.

    Attributes:
        root: the folder with the subjects; images are looked for in its folder ``images``.
        frames: file of 3D joints, file of 2D joints, and the frame's number, from 0.
    """

    root: Path
    frames: tuple[tuple[Path, Path, int], ...]
    judged: tuple[str, ...] = FOURTEEN

    @property
    def names(self) -> list[str]:
        """As SPIN's preprocessing calls the images: S9_Directions_1.60457274_000001."""
        return [self._name(*frame) for frame in self.frames]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        return [(name,) for name in self.names]

    @property
    def files(self) -> list[Path]:
        return list(dict.fromkeys(path for *pair, _ in self.frames for path in pair))

    def sample(self, index: int, body: BodyModel) -> Sample:
        """The projected joints, all sure, and the joints in the camera's frame."""
        places, pixels, frame = self.frames[index]
        image = self.root / "images" / f"{self._name(*self.frames[index])}.jpg"
        seen = read_poses(pixels, 2)[frame, USUAL]
        keypoints = joints_to_canonical(seen, np.ones(len(USUAL)), H36M17)
        person = Person(
            person_id="0", keypoints=keypoints.positions, confidence=keypoints.confidence, image=image,
            image_size=image_size(image) if image.is_file() else IMAGE_SIZE,
        )  # fmt: skip
        metres = torch.from_numpy(read_poses(places, 3)[frame, USUAL] / 1000)
        return Sample(person, joints={name: metres[i] for i, name in enumerate(H36M17) if name is not None})

    def _name(self, places: Path, pixels: Path, frame: int) -> str:
        subject = places.relative_to(self.root).parts[0]
        return f"{subject}_{places.stem.replace(' ', '_')}_{frame + 1:06d}"


def find_raw(root: Path) -> list[tuple[Path, Path]]:
    """Files of 3D and 2D joints by the frontal camera, in order; none where this is not the raw layout.

    Raises:
        DatasetError: there are 3D joints without the 2D joints of the same video.
    """
    pairs = []
    for subject in SUBJECTS:
        places, pixels = (
            [path for parent in _PARENTS for path in sorted((root / subject / parent.format(kind)).glob("*.cdf"))]
            for kind in _KINDS
        )
        seen = {path.name: path for path in pixels}
        for path in places:
            if f".{FRONTAL}." not in path.name or path.name.startswith("_ALL"):
                continue
            if path.name not in seen:
                raise DatasetError(
                    f"{path}: no {subject}/MyPoseFeatures/D2_Positions/{path.name} with its keypoints; {ORIGIN}"
                )
            pairs.append((path, seen[path.name]))
    return pairs


def open_raw(root: Path, pairs: list[tuple[Path, Path]], *, every: int | None = None) -> Human36mRaw:
    """Every fifth frame of each video.

    Args:
        root: the folder with the subjects.
        pairs: from `find_raw`.
        every: another step.
    Raises:
        DatasetError: a file cannot be read, or the two of a video have not as many frames.
        ImportError: cdflib is not installed.
    """
    step = every or FRAMES_PER_SECOND // WANTED_FRAMES
    frames = []
    for places, pixels in pairs:
        counts = len(read_poses(places, 3)), len(read_poses(pixels, 2))
        if counts[0] != counts[1]:
            raise DatasetError(f"{places}: {counts[0]} frames, but {pixels} has {counts[1]}; copy both again")
        frames += [(places, pixels, frame) for frame in range(0, counts[0], step)]
    return Human36mRaw(root, tuple(frames))


def read_poses(path: Path, dimensions: int) -> np.ndarray:
    """(T, 32, ``dimensions``) float64 of a file.

    Raises:
        DatasetError: it is no CDF file, or its Pose is not of 32 joints of so many numbers.
        ImportError: cdflib is not installed.
    """
    values = _pose(path)
    if values.size == 0 or values.shape[-1] != _JOINTS * dimensions:
        raise DatasetError(f"{path}: Pose: expected (1, T, {_JOINTS * dimensions}) numbers, got {values.shape}")
    return values.reshape(-1, _JOINTS, dimensions)


@cached_by_file(maxsize=8)
def _pose(path: Path) -> np.ndarray:
    try:
        import cdflib
    except ImportError as error:
        needed = f"Human3.6M's own files need cdflib: {install_command('h36m', 'cdflib')}"
        raise ImportError(f"{path}: {without_package('cdflib', needed, error)}") from error
    try:
        return np.asarray(cdflib.CDF(path).varget("Pose"), dtype=np.float64)
    except Exception as error:  # cdflib raises many kinds on what is no CDF file
        raise DatasetError(f"{path}: not a CDF file with the variable Pose ({error}); copy it again") from error
