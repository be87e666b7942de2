"""Data sets with known bodies or joints, opened: with what else they are judged by, and what to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...body import load_body
from ..joint_regressor import JointRegressor, load_joint_regressor
from ..records import checksum, data_key
from ..summary import LANDMARKS, POSE, SURFACE, Column
from ..surface_landmarks import ORIGIN as LANDMARKS_ORIGIN
from ..surface_landmarks import SurfaceLandmarks, load_surface_landmarks
from .human36m import open_human36m
from .samples import BodyDataset
from .spin import open_spin
from .surreal import open_surreal
from .threedpw import open_threedpw
from .up3d import FULL, PARTS, REDUCED_ORIGIN, open_up3d


@dataclass(frozen=True, kw_only=True)
class OpenedSet:
    """A data set, opened.

    Attributes:
        dataset: the people.
        columns: of the table, without time.
        regressor, landmarks: what else it is judged by.
        parts: of the people, by name, that the table has a row for each; none: one row for all.
        keys: checksums of all that was read, which must be the same for a run to go on.
        problems: a line for everything that is not as it should be.
    """

    dataset: BodyDataset
    columns: tuple[Column, ...] = (SURFACE, *POSE)
    regressor: JointRegressor | None = None
    landmarks: SurfaceLandmarks | None = None
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def up3d(root: Path, reduced: Path | None, landmarks: Path | None, body: str) -> OpenedSet:
    """UP-3D with its parts.

    Args:
        root: of the data set.
        reduced: the list of the reduced set.
        landmarks: the file of the 79 vertices.
        body: SMPL's file, that the vertices are of.
    """
    dataset = open_up3d(root, reduced=reduced)
    parts = dataset.parts()
    problems = []
    unsaid = parts[FULL] - {number for part in PARTS.values() for number in parts.get(part, ())}
    if unsaid:
        problems.append(
            f"{dataset.folder}: {len(unsaid)} of {len(parts[FULL])} people have no %05d_dataset_info.txt, which says "
            "where an image is from: they are in no row but Full"
        )
    if reduced is None:
        problems.append(f"Table 2's reduced set is left out: give its list by --reduced; {REDUCED_ORIGIN}")
    if landmarks is None:
        problems.append(f"the 91 landmarks, which the reduced set is published by, are left out: {LANDMARKS_ORIGIN}")
        points, extra = None, {}
    else:
        points = load_surface_landmarks(landmarks, load_body(body))
        extra = {"sha256 of the landmarks": checksum([landmarks])}
    return OpenedSet(
        dataset=dataset,
        columns=(SURFACE, *POSE, *([] if points is None else [LANDMARKS])),
        landmarks=points,
        parts=parts,
        keys={**_keys(dataset), **extra},
        problems=tuple(problems),
    )


def surreal(root: Path, gender: str) -> OpenedSet:
    """SURREAL's people of one gender."""
    dataset = open_surreal(root, gender)
    return OpenedSet(dataset=dataset, keys=_keys(dataset))


def threedpw_people(root: Path, gender: str, regressor: Path | None, body: str) -> OpenedSet:
    """3DPW's people of one gender; joints by the regressor, for a body, where there is one."""
    return _by_regressor(open_threedpw(root, gender), regressor, body)


def spin(root: Path, gender: str, regressor: Path | None, body: str) -> OpenedSet:
    """A SPIN-style file as truth; joints by the regressor, for a body, where there is one."""
    dataset = open_spin(root, gender)
    opened = _by_regressor(dataset, regressor, body)
    return replace(opened, columns=POSE) if dataset.joints_alone else opened


def human36m(root: Path, regressor: Path | None, body: str, *, truth_alone: bool = False) -> OpenedSet:
    """Human3.6M, its joints by the regressor where there is one.

    Args:
        root: of the data set.
        regressor: J_regressor_h36m.npy.
        body: that it is for.
        truth_alone: whether keypoints are not asked for.
    """
    dataset = open_human36m(root, truth_alone=truth_alone)
    return replace(_by_regressor(dataset, regressor, body), columns=POSE)


def _by_regressor(dataset: BodyDataset, regressor: Path | None, body: str) -> OpenedSet:
    if regressor is None:
        line = (
            "joints are the body's own, which lie elsewhere than the 14 of Human3.6M that published numbers are over: "
            "--joint-regressor J_regressor_h36m.npy"
        )
        return OpenedSet(dataset=dataset, keys=_keys(dataset), problems=(line,))
    weights = load_joint_regressor(regressor, load_body(body).num_vertices)
    keys = {**_keys(dataset), "sha256 of the joint regressor": checksum([regressor])}
    return OpenedSet(dataset=dataset, regressor=weights, keys=keys)


def _keys(dataset: BodyDataset) -> dict[str, str]:
    return {"sha256 of the data": data_key(dataset.names, dataset.files)}
