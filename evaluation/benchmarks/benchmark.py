"""What a benchmark data set is: how it is opened, by which options, and what it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...body import load_body
from ..blocks import Benchmark, DatasetBlocks
from ..datasets.samples import BodyDataset
from ..estimates import Entry
from ..joint_regressor import JointRegressor, load_joint_regressor
from ..records import checksum, data_key
from ..summary import POSE, SURFACE, Column, Row
from ..surface_landmarks import SurfaceLandmarks

SEEN_OPTIONS = ("keypoints", "joints")
"""Options of what methods are given; results that are there already have no use for them."""
OPTIONS = (
    "gender", "joint_regressor", "reduced", "landmarks", "smplx_model", "split", "camera", "every", "count", "seed",
    *SEEN_OPTIONS,
)  # fmt: skip
"""Options that a data set may take besides its root; commands offer and accept those of a set alone."""
Renamed = Callable[[Sequence[Entry]], tuple[list[Entry], list[str]]]


def as_named(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Results by the names that they have, and no line."""
    return list(entries), []


@dataclass(frozen=True, kw_only=True)
class OpenedSet:
    """A data set, opened: its people one by one, or in blocks of its own.

    Attributes:
        dataset: the people one by one, None where there are ``people``.
        people: the same in blocks of the set's own.
        columns: of the table, without time.
        columns_beside: of results that are there already, in a second table.
        regressor, landmarks: what else it is judged by.
        parts: of the people, by name, that the table has a row for each; none: one row for all.
        keys: checksums of all that was read, which must be the same for a run to go on.
        smpl: whether its bodies, if it has such, are of SMPL, whatever the set says of itself.
        problems: a line for everything that is not as it should be.
        renamed: results by what the set calls their images, and lines of what was decided.
    """

    dataset: BodyDataset | None = None
    people: Benchmark | None = None
    columns: tuple[Column, ...] = (SURFACE, *POSE)
    columns_beside: tuple[Column, ...] = ()
    regressor: JointRegressor | None = None
    landmarks: SurfaceLandmarks | None = None
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    smpl: bool = False
    problems: tuple[str, ...] = ()
    renamed: Renamed = as_named

    def __post_init__(self) -> None:
        if (self.dataset is None) == (self.people is None):
            raise ValueError("an opened set has a dataset or people in blocks, one of the two")

    def blocks(self, *, true_cameras: bool, truth_alone: bool = False) -> Benchmark:
        """The people in blocks; the arguments are those of `DatasetBlocks`."""
        if self.dataset is None:
            assert self.people is not None
            return self.people
        return DatasetBlocks(
            dataset=self.dataset,
            true_cameras=true_cameras,
            regressor=self.regressor,
            landmarks=self.landmarks,
            truth_alone=truth_alone,
        )


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
        count, seed: how many people are made, and the seed of everything random.
        keypoints, joints: files of what methods are given, and of annotated keypoints; None: those of the set.
        truth_alone: whether keypoints are not asked for, since results are there already.
    """

    root: Path = Path()
    body: str = "open"
    gender: str = "neutral"
    joint_regressor: Path | None = None
    reduced: Path | None = None
    landmarks: Path | None = None
    smplx_model: Path | None = None
    split: str = ""
    camera: int = 0
    every: int = 1
    count: int = 300
    seed: int = 2018
    keypoints: Path | None = None
    joints: Path | None = None
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
        bodies: whether its truth is of bodies; else of joints or in the image alone.
        own_body: the body that its truth is of, and every method's; "": as the command says.
        rootless: whether it lies in no folder.
        annotated: whether annotated keypoints are other than those that methods are given.
        given: what methods may be given beside keypoints: "masks", "landmarks".
    """

    name: str
    about: str
    open: Callable[[SetOptions], OpenedSet]
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    published: tuple[Row, ...] = ()
    true_cameras: bool = True
    smpl: bool = True
    bodies: bool = True
    own_body: str = ""
    rootless: bool = False
    annotated: bool = False
    given: tuple[str, ...] = ()

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
