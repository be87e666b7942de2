"""What a benchmark data set is: how it is opened, by which options, and what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...body import load_body
from ..datasets.samples import BodyDataset
from ..joint_regressor import JointRegressor, load_joint_regressor
from ..records import checksum, data_key
from ..summary import POSE, SURFACE, Column, Row
from ..surface_landmarks import SurfaceLandmarks

OPTIONS = ("gender", "joint_regressor", "reduced", "landmarks", "smplx_model", "split", "camera", "every")
"""Options that a data set may take besides its root; commands offer and accept those of a set alone."""


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


@dataclass(frozen=True, kw_only=True)
class SetOptions:
    """What a data set is opened with; a set looks at its own options alone.

    Attributes:
        root: the folder that holds it, or the file that it is.
        body: path of the body that its truth is of, or that joints are regressed from.
        gender: whose people: neutral where the set does not ask.
        joint_regressor: J_regressor_h36m.npy.
        reduced, landmarks: UP-3D's list of the reduced set and file of 79 vertices.
        smplx_model: SMPL-X's .npz, where bodies are SMPL-X's.
        split: which part of the data set; "": the usual.
        camera: number of the camera.
        every: of the frames so many; 1: all.
        truth_alone: whether keypoints are not asked for, since results are there already.
    """

    root: Path
    body: str = "open"
    gender: str = "neutral"
    joint_regressor: Path | None = None
    reduced: Path | None = None
    landmarks: Path | None = None
    smplx_model: Path | None = None
    split: str = ""
    camera: int = 0
    every: int = 1
    truth_alone: bool = False


@dataclass(frozen=True, kw_only=True)
class BenchmarkSet:
    """A benchmark data set, of this package or of another: one object a file.

    Attributes:
        name: what commands call it.
        about: one line for the help.
        open: opens it.
        options: those of `OPTIONS` that it takes.
        required: those that must be given.
        published: rows to print below ours.
        true_cameras: whether methods are given the cameras that the data set states; else the focal length is the
            image's diagonal for all.
        smpl: whether its truth is in SMPL's parameters, which need an SMPL file.
    """

    name: str
    about: str
    open: Callable[[SetOptions], OpenedSet]
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    published: tuple[Row, ...] = ()
    true_cameras: bool = True
    smpl: bool = True

    def __post_init__(self) -> None:
        unknown = {*self.options, *self.required} - {*OPTIONS}
        if unknown or not {*self.required} <= {*self.options}:
            raise ValueError(f"{self.name}: options: expected some of {', '.join(OPTIONS)}; got {self.options}")


def data_keys(dataset: BodyDataset) -> dict[str, str]:
    """The checksum of a data set, by which a run is known to be of the same data."""
    return {"sha256 of the data": data_key(dataset.names, dataset.files)}


def by_regressor(dataset: BodyDataset, regressor: Path | None, body: str) -> OpenedSet:
    """The data set, its joints by a regressor for a body; without one a line says whose joints they are."""
    if regressor is None:
        line = (
            "joints are the body's own, which lie elsewhere than the 14 of Human3.6M that published numbers are over: "
            "--joint-regressor J_regressor_h36m.npy"
        )
        return OpenedSet(dataset=dataset, keys=data_keys(dataset), problems=(line,))
    weights = load_joint_regressor(regressor, load_body(body).num_vertices)
    keys = {**data_keys(dataset), "sha256 of the joint regressor": checksum([regressor])}
    return OpenedSet(dataset=dataset, regressor=weights, keys=keys)
