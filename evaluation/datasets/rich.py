"""RICH: people in scanned scenes, seen by fixed cameras, with SMPL-X bodies; judged by the joints that SMPL has, too.

Layout (https://github.com/paulchhuang/rich_toolkit): ``bodies/test/SEQUENCE/00012/SUBJECT.pkl`` with transl,
global_orient, body_pose (63) and betas (10), a row each; ``scan_calibration/SCENE/calibration/003.xml``, OpenCV's, with
CameraMatrix (3, 4) from the world and Intrinsics (3, 3); ``images/test/SEQUENCE/cam_03/00012_03.jpeg``. Bodies need
the licensed SMPL-X file: its rest joints only, for the joints follow from them by the rotations alone.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...array_files import ArrayFile
from ...body import BodyModel, axis_angle_to_matrix
from ...body.unpickling import load_pickle_safely
from ...camera import project
from ...observations import Person
from ...observations.conventions import SMPL24, joints_to_canonical
from ..file_cache import cached_by_file
from .roots import DatasetError, Origin, existing_root, lacking
from .samples import Sample

ORIGIN = Origin("RICH", "https://rich.is.tue.mpg.de", "non-commercial research; the page has the licence")
BODY = 22  # joints that SMPL and SMPL-X share, their first
_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
JUDGED = tuple(name for name in SMPL24[:BODY] if name is not None and name.endswith(_LIMBS))
"""The joints of the limbs, which the two models have at nearly the same places."""
_SHAPES = {"transl": 3, "global_orient": 3, "body_pose": 3 * (BODY - 1), "betas": 10}


@dataclass(frozen=True)
class Rich:
    """People of one camera.

    Attributes:
        files_of: the pickle of each.
        root: of the data set.
        camera: its number.
        model: SMPL-X's .npz of their gender.
    """

    files_of: tuple[Path, ...]
    root: Path
    camera: int
    model: Path
    judged: tuple[str, ...] = JUDGED

    @property
    def names(self) -> list[str]:
        """SEQUENCE/FRAME#SUBJECT."""
        return [f"{path.parent.parent.name}/{path.parent.name}#{path.stem}" for path in self.files_of]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        return [
            (f"{self._image(path).with_suffix('')}#{path.stem}", str(self._image(path).with_suffix("")))
            for path in self.files_of
        ]

    @property
    def files(self) -> list[Path]:
        calibrations = {self._calibration(path) for path in self.files_of}
        return [*self.files_of, *sorted(calibrations), self.model]

    def sample(self, index: int, body: BodyModel) -> Sample:
        """The joints of the limbs, projected and in the camera frame."""
        path = self.files_of[index]
        matrix, intrinsics = _camera(self._calibration(path))
        joints_cam = smplx_joints(_person(path), self.model) @ matrix[:, :3].mT + matrix[:, 3]
        keypoints = joints_to_canonical(project(joints_cam, intrinsics).numpy(), np.ones(BODY), SMPL24[:BODY])
        image = self.root / self._image(path)
        person = Person(
            person_id=path.stem, keypoints=keypoints.positions, confidence=keypoints.confidence,
            image=image if image.is_file() else None,
            image_size=(round(2 * float(intrinsics[0, 2])), round(2 * float(intrinsics[1, 2]))),
        )  # fmt: skip
        places = {name: at for name, at in zip(SMPL24[:BODY], joints_cam, strict=True) if name is not None}
        places["pelvis"] = (places["left_hip"] + places["right_hip"]) / 2
        return Sample(person, intrinsics=intrinsics, joints=places)

    def camera_from_world(self, index: int) -> Tensor:
        """(4, 4) float64, from the world to the camera, which stands."""
        matrix, _ = _camera(self._calibration(self.files_of[index]))
        return torch.cat([matrix, matrix.new_tensor([[0.0, 0.0, 0.0, 1.0]])])

    def frame(self, index: int) -> int:
        """Its number in the video."""
        return int(self.files_of[index].parent.name)

    @property
    def sequences(self) -> dict[str, list[int]]:
        """Indices of the frames of each person in each sequence, in the order of time."""
        found: dict[str, list[int]] = {}
        for index, path in enumerate(self.files_of):
            found.setdefault(f"{path.parent.parent.name}#{path.stem}", []).append(index)
        return found

    def _image(self, path: Path) -> Path:
        folder = Path("images") / path.parents[2].name / path.parent.parent.name / f"cam_{self.camera:02d}"
        return folder / f"{path.parent.name}_{self.camera:02d}.jpeg"

    def _calibration(self, path: Path) -> Path:
        return calibration_of(self.root, path.parent.parent.name, self.camera)


def calibration_of(root: Path, sequence: str, camera: int) -> Path:
    """The calibration of a sequence's scene, whose name begins the sequence's."""
    return root / "scan_calibration" / sequence.split("_")[0] / "calibration" / f"{camera:03d}.xml"


def open_rich(root: str | Path, model: Path, *, camera: int = 0, split: str = "test", every: int = 1) -> Rich:
    """Find the people of a split that a camera sees.

    Args:
        model: SMPL-X's .npz.
        every: of the frames so many; 1: all.
    Raises:
        DatasetError: no such folder, body or calibration.
    """
    root = existing_root(root, ORIGIN)
    frames = sorted(path for path in (root / "bodies" / split).glob("*/*/*.pkl"))
    kept = [path for path in frames if path.parent.name.isdecimal() and int(path.parent.name) % every == 0]
    if not kept:
        raise lacking(root, f"bodies/{split}/SEQUENCE/FRAME/SUBJECT.pkl", ORIGIN)
    seen = tuple(path for path in kept if calibration_of(root, path.parent.parent.name, camera).is_file())
    if not seen:
        raise lacking(root, f"scan_calibration/SCENE/calibration/{camera:03d}.xml", ORIGIN)
    return Rich(seen, root, camera, model)


def smplx_joints(person: dict[str, np.ndarray], model: Path) -> Tensor:
    """(22, 3) float64 metres, world: the first joints of an SMPL-X body.

    Source: forward kinematics of SMPL-X (Pavlakos et al. 2019): rest joints by the regressor, a chain of rotations.
    """
    rest, parents = _rest_joints(model, tuple(np.ravel(person["betas"])[:10].tolist()))
    turns = axis_angle_to_matrix(
        torch.from_numpy(np.concatenate([np.ravel(person["global_orient"]), np.ravel(person["body_pose"])])).double()
        .reshape(BODY, 3)
    )  # fmt: skip
    places, frames = [rest[0]], [turns[0]]
    for joint in range(1, BODY):
        parent = parents[joint]
        places.append(places[parent] + frames[parent] @ (rest[joint] - rest[parent]))
        frames.append(frames[parent] @ turns[joint])
    return torch.stack(places) + torch.from_numpy(np.ravel(person["transl"])).double()


def _rest_joints(model: Path, betas: Sequence[float]) -> tuple[Tensor, list[int]]:
    template, shape, regressor, parents = _model(model)
    vertices = template + shape[..., : len(betas)] @ torch.tensor(betas, dtype=torch.float64)
    return regressor @ vertices, parents


@cached_by_file(maxsize=2)
def _model(path: Path) -> tuple[Tensor, Tensor, Tensor, list[int]]:
    arrays = ArrayFile(path)
    keys = ("v_template", "shapedirs", "J_regressor", "kintree_table")
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise DatasetError(f"{path}: lacks {', '.join(missing)}; expected SMPLX_MALE.npz or another of SMPL-X's .npz")
    template, shape, regressor = (torch.from_numpy(np.asarray(arrays[key], dtype=np.float64)) for key in keys[:3])
    return template, shape, regressor[:BODY], [int(parent) for parent in arrays["kintree_table"][0][:BODY]]


@cached_by_file(maxsize=64)
def _person(path: Path) -> dict[str, np.ndarray]:
    content: Any = load_pickle_safely(path)
    for key, size in _SHAPES.items():
        if not isinstance(content, dict) or np.size(content.get(key, ())) < size:
            raise DatasetError(f"{path}: {key}: expected {size} numbers; expected a body of RICH")
    return {key: np.asarray(content[key], dtype=np.float64).ravel()[:size] for key, size in _SHAPES.items()}


@cached_by_file(maxsize=32)
def _camera(path: Path) -> tuple[Tensor, Tensor]:
    """(3, 4) from the world to the camera, and (3, 3) pixels."""
    try:
        tree = ElementTree.parse(path)
        texts = [tree.findtext(f"./{name}/data") or "" for name in ("CameraMatrix", "Intrinsics")]
        found = [[float(word) for word in text.split()] for text in texts]
    except (ElementTree.ParseError, ValueError) as error:
        raise DatasetError(f"{path}: not OpenCV's XML of a camera ({error})") from error
    if [len(numbers) for numbers in found] != [12, 9]:
        raise DatasetError(f"{path}: expected CameraMatrix of 12 and Intrinsics of 9 numbers")
    matrix, intrinsics = (torch.tensor(numbers, dtype=torch.float64) for numbers in found)
    return matrix.reshape(3, 4), intrinsics.reshape(3, 3)
