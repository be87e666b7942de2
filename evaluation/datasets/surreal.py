"""SURREAL for Table 3: synthetic people of the gendered SMPL bodies, every fifth frame of the test videos.

Layout: ``.../test/run*/SEQUENCE/SEQUENCE_c%04d_info.mat`` beside the video ``..._c%04d.mp4``. The files hold the pose
(72, T) without the body's heading zrot (T, 1), shape (10, T), joints2D (2, 24, T), joints3D (3, 24, T), camLoc (3, 1)
and gender (T, 1; 0 female, 1 male); MATLAB drops a T of 1 from the end of a shape. All cameras look the same way, and
their images are mirrored: the person that one sees is the mirror image of the person that pose and names describe, and
is what the reader gives. Table 3 is on the part whose poses are Human3.6M's: where there are folders ``h36m`` and
``cmu``, the former alone is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor

from ...body import SMPL_JOINTS, BodyModel, axis_angle_to_matrix, matrix_to_axis_angle, mirror_pose
from ...body.joint_sets import mirror_permutation
from ...body.parameters import NUM_JOINTS, NUM_POSE
from ...camera import intrinsics_matrix
from ...observations import Person
from ...observations.conventions import SMPL24, joints_to_canonical
from ..file_cache import cached_by_file
from .roots import DatasetError, Origin, existing_root, lacking
from .samples import Sample
from .spin import FOURTEEN

ORIGIN = Origin(
    "SURREAL", "https://www.di.ens.fr/willow/research/surreal/data", "non-commercial research, after registration"
)
IMAGE_SIZE = (320, 240)
NUM_BETAS = 10
FOCAL = 60 / 32 * 320  # pixels: a 60 mm lens, a sensor 32 mm wide
EVERY = 5  # frames
GENDERS = ("female", "male")
_CAM_FROM_WORLD = torch.tensor([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]], dtype=torch.float64)
_MIRROR = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64))
_ENDING = "_info.mat"
_FIELDS = ("pose", "shape", "joints2D", "joints3D", "camLoc", "zrot", "gender")


@dataclass(frozen=True)
class Surreal:
    """Frames of people of one gender.

    Attributes:
        frames: file and frame number of each.
        root: what the files' names are told relative to.
    """

    frames: tuple[tuple[Path, int], ...]
    root: Path
    judged: tuple[str, ...] = FOURTEEN

    @property
    def names(self) -> list[str]:
        """RUN/SEQUENCE/FILE#FRAME."""
        return [f"{path.relative_to(self.root)}#{frame}" for path, frame in self.frames]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """RUN/SEQUENCE/VIDEO#FRAME and RUN/SEQUENCE/VIDEO_%06d; frames count from 0."""
        videos = [
            (path.relative_to(self.root).with_name(path.name.removesuffix(_ENDING)).as_posix(), frame)
            for path, frame in self.frames
        ]
        return [(f"{video}#{frame}", f"{video}_{frame:06d}") for video, frame in videos]

    @property
    def files(self) -> list[Path]:
        return list(dict.fromkeys(path for path, _ in self.frames))

    def sample(self, index: int, body: BodyModel) -> Sample:
        """Exact 2D joints, and the body as the image shows it."""
        path, frame = self.frames[index]
        info = _info(path)
        pixels = info["joints2D"][:, :, frame].T[list(mirror_permutation(SMPL_JOINTS))]
        keypoints = joints_to_canonical(pixels, np.ones(24), SMPL24)
        person = Person(
            person_id=str(frame), keypoints=keypoints.positions, confidence=keypoints.confidence,
            image=Path(path.name), image_size=IMAGE_SIZE,
        )  # fmt: skip
        betas = torch.from_numpy(info["shape"][:, frame])
        pelvis_world = torch.from_numpy(info["joints3D"][:, 0, frame])
        pose = _as_seen(torch.from_numpy(info["pose"][:, frame]), _heading(info, frame))
        pelvis_cam = _CAM_FROM_WORLD @ (pelvis_world - torch.from_numpy(info["camLoc"].ravel()))
        rest = body.rest_joints(body.layout.fit_betas(betas)[None].to(body.v_template))[0, 0].double()
        middle = (IMAGE_SIZE[0] / 2, IMAGE_SIZE[1] / 2)
        params = torch.cat([pose, betas, pelvis_cam - rest])
        return Sample(person, intrinsics=intrinsics_matrix(FOCAL, middle), params=params)


def open_surreal(root: str | Path, gender: str, *, split: str = "test", every: int = EVERY) -> Surreal:
    """Find the frames of a split that show people of one gender (their bodies are two models).

    Raises:
        DatasetError: no such folder, no info file, none of this gender, or a file without a field.
        ValueError: another gender.
    """
    if gender not in GENDERS:
        raise ValueError(f"gender: SURREAL's people are female or male, each scored with its own body; got {gender!r}")
    root = existing_root(root, ORIGIN)
    files = sorted(path for path in root.rglob("*_info.mat") if split in path.relative_to(root).parts[:-1])
    files = files or sorted(root.glob("run*/*/*_info.mat"))
    files = [path for path in files if "h36m" in path.relative_to(root).parts] or files
    if not files:
        raise lacking(root, f"{split}/run*/SEQUENCE/*_info.mat", ORIGIN)
    frames = []
    for path in files:
        info = _info(path)
        if info["gender"].ravel()[0] == GENDERS.index(gender):
            frames += [(path, frame) for frame in range(0, info["pose"].shape[1], every)]
    if not frames:
        raise DatasetError(f"{root}: none of {len(files)} videos shows a {gender} person")
    return Surreal(tuple(frames), root)


def _as_seen(pose: Tensor, zrot: float) -> Tensor:
    """(72,) pose of the mirrored person in the camera frame."""
    turn = axis_angle_to_matrix(torch.tensor([[0.0, 0.0, zrot], [math.pi / 2, 0.0, 0.0]], dtype=torch.float64))
    world = turn[1] @ turn[0] @ axis_angle_to_matrix(pose[:3])
    seen = mirror_pose(pose[None])[0]
    seen[:3] = matrix_to_axis_angle(_CAM_FROM_WORLD @ world @ _MIRROR)  # two reflections: a rotation
    return seen


def _heading(info: dict[str, np.ndarray], frame: int) -> float:
    zrot = info["zrot"].ravel()
    return float(zrot[min(frame, len(zrot) - 1)])


@cached_by_file(maxsize=8)
def _info(path: Path) -> dict[str, np.ndarray]:
    """Float64 arrays, time last."""
    try:
        content: dict[str, Any] = loadmat(path, variable_names=list(_FIELDS))
    except Exception as error:  # scipy raises many kinds on what is no MATLAB file
        raise DatasetError(f"{path}: not a readable MATLAB file ({error}); copy it again") from error
    missing = [name for name in _FIELDS if name not in content]
    if missing:
        raise DatasetError(f"{path}: lacks {', '.join(missing)}; expected one of SURREAL's *_info.mat")
    info = {name: np.asarray(content[name], dtype=np.float64) for name in _FIELDS}
    for name, lead in (("pose", 1), ("shape", 1), ("joints2D", 2), ("joints3D", 2)):
        if info[name].ndim == lead:  # a video of one frame has lost its time
            info[name] = info[name][..., None]
    frames = info["pose"].shape[-1]
    bodies = {"pose": (NUM_POSE, frames), "shape": (NUM_BETAS, frames)}
    shapes = {**bodies, "joints2D": (2, NUM_JOINTS, frames), "joints3D": (3, NUM_JOINTS, frames)}
    for name, shape in shapes.items():
        if info[name].shape != shape:
            raise DatasetError(f"{path}: {name}: expected {shape}, got {info[name].shape}; copy it again")
    if info["camLoc"].size != 3 or info["zrot"].size not in (1, frames) or not info["gender"].size:
        raise DatasetError(f"{path}: camLoc, zrot or gender are not of {frames} frames; copy it again")
    return info
