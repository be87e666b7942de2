"""What decides a benchmark or the scoring of given results, as the command line declares it, too."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..options import (
    GENDERS,
    OptionError,
    check_choice,
    check_positive,
    declared,
    given,
    option,
    refuse,
    refuse_others,
    refuse_unread,
)
from .set_files import sets_in_files, sets_that_read

if TYPE_CHECKING:
    from ..evaluation.benchmarks import BenchmarkSet

DEFAULT_VARIANTS = "direct,smplify,anchored,smplify-on-gt"
DEFAULT_BODIES = "direct,smplify,anchored"  # where the data set has one kind of keypoints
DATASETS = tuple(sets_in_files())
"""The package's own data sets, by name."""
GENDERED = tuple(name for name, one in sets_in_files().items() if one.people and "gender" in one.required)
"""Those whose men and women are two models."""

_VARIANTS = "Methods, comma-separated; `anchorfit benchmark methods` lists them."


@dataclass(frozen=True, kw_only=True)
class CasesOptions:
    """Whether the page of best and worst people is drawn."""

    cases: bool = option(True, help="Whether to draw the page of best and worst people.")


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions(CasesOptions):
    """How a benchmark is run.

    Attributes:
        variants: names of methods, comma-separated.
        workers: processes.
        device: where methods run.
        cache: folder for what can be made again; None: the user's.
        trained: folder that keeps what methods have learned; None: one in the cache.
        results: of any program, scored beside the methods, as they are and refined by the set's keypoints.
        refined: whether each method's bodies are refined by the same keypoints, too.
    """

    variants: str = option(DEFAULT_VARIANTS, help=_VARIANTS)
    workers: int = option(1, least=1, help="Processes. Times are those of an idle machine only with 1.")
    device: str = option("cpu", help="cpu, cuda, cuda:1 ...")
    cache: Path | None = option(
        None,
        takes=Path,
        help="Folder for all that can be made again, in which --trained lies. Default: the user's cache.",
    )
    results: Path | None = option(
        None,
        takes=Path,
        help="Results of any program, as `anchorfit evaluate` takes them: scored beside the methods (results), and "
        "after anchored fitting to the set's keypoints (results+2d).",
    )
    refined: bool = option(
        False,
        help="Each method's bodies once more, refined by an anchored fit to the same keypoints (NAME+2d), before and "
        "after in one table.",
    )
    trained: Path | None = option(
        None,
        takes=Path,
        help="Folder that keeps what methods have learned. Default: anchorfit/trained in the user's cache.",
    )


@dataclass(frozen=True, kw_only=True)
class BodiesOptions(BenchmarkOptions):
    """The same, where the data set has one kind of keypoints."""

    variants: str = option(DEFAULT_BODIES, help=_VARIANTS)


@dataclass(frozen=True, kw_only=True)
class OpenBodyOptions:
    """Synthetic people in held-out poses: how many, and the seed of everything random."""

    count: int = option(300, least=1, help="openbody: people.", only=sets_that_read("count"))
    seed: int = option(2018, least=0, help="openbody: everything random comes from it.", only=sets_that_read("seed"))


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """What a data set is opened with beside its folder, as `evaluation.benchmarks.SetOptions` explains; each data set
    reads its own of these, and those of other packages may read any."""

    joint_regressor: Path | None = option(
        None,
        takes=Path,
        help="J_regressor_h36m.npy (17 x the body's vertices), by which published errors take joints from the surface. "
        "Default: the body's own joints.",
        only=sets_that_read("joint_regressor"),
    )
    reduced: Path | None = option(
        None,
        takes=Path,
        help="UP-3D: the list of the reduced set, BodyNet's fitting/testnames/namesUPbmvc.txt.",
        only=sets_that_read("reduced"),
    )
    landmarks: Path | None = option(
        None,
        takes=Path,
        help="UP-3D: models/pose/landmarks.pkl of classner/up, the 79 vertices among the 91 landmarks.",
        only=sets_that_read("landmarks"),
    )
    smplx_model: Path | None = option(
        None,
        takes=Path,
        help="RICH: SMPL-X's .npz of the people's gender (SMPLX_MALE.npz ...).",
        only=sets_that_read("smplx_model"),
    )
    split: str = option(
        "",
        help="EMDB: emdb1 (default) or emdb2; RICH: test (default), val or train; COCO: val2017 (default), train2017.",
        only=sets_that_read("split"),
    )
    camera: int = option(0, least=0, help="RICH: number of the camera.", only=sets_that_read("camera"))
    every: int = option(1, least=1, help="RICH: of the frames so many; 1 means all.", only=sets_that_read("every"))


@dataclass(frozen=True, kw_only=True)
class SeenOptions:
    """What methods are given of a data set; results that are there already have no use for it."""

    keypoints: Path | None = option(
        None,
        takes=Path,
        help="Detected keypoints of all images. Default: LSP: est_joints.npz under the root; else the annotated ones.",
        only=sets_that_read("keypoints"),
    )
    joints: Path | None = option(
        None, takes=Path, help="LSP's joints.mat. Default: the one under the root.", only=sets_that_read("joints")
    )


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(DataOptions, OpenBodyOptions, CasesOptions):
    """How given results are scored.

    Attributes:
        dataset: of `DATASETS`, or one of another package.
        root: its folder, or the file that it is; openbody has none.
        body, gender: of the results; None: what they name.
        people: whose results are scored, where men and women are two models.
        truth_body: what the truth is of; None: the results' body.
        name: of the method, in the table.
        enlarged: how many times images were enlarged for SMPLify's pickles.
        workers: processes.
    """

    dataset: str = option(
        takes=str,
        help=f"What they are scored on: {', '.join(DATASETS)}, or a data set of another package. With it, --help shows "
        "its options alone.",
    )
    root: Path | None = option(None, takes=Path, help="The folder that holds the data set, or the file that it is.")
    body: str | None = option(
        None, takes=str, help="'open', or an SMPL .pkl or .npz file. Default: what the estimates name."
    )
    gender: str = option("neutral", help="neutral, male or female.")
    people: str | None = option(
        None,
        takes=str,
        help="surreal, 3dpw, emdb, and spin with gendered bodies: whose results are scored, female or male.",
        only=tuple(name for name, one in sets_in_files().items() if one.people),
    )
    truth_body: str | None = option(
        None,
        takes=str,
        help="The SMPL file that the truth is of. Default: the estimates' body.",
        only=tuple(name for name, one in sets_in_files().items() if one.bodies),
    )
    name: str = option("estimates", help="What the table calls the method.")
    enlarged: float = option(
        1.0, help="SMPLify's pickles: how many times images were enlarged for the fit (its demo: 2)."
    )
    workers: int = option(os.cpu_count() or 1, least=1, help="Processes.")

    def check(self) -> None:
        """Raises OptionError for options that cannot be, or that nothing reads."""
        other = None if self.dataset in DATASETS else _other_set(self.dataset)
        rootless = sets_in_files()[self.dataset].rootless if other is None else other.rootless
        if self.root is None and not rootless:
            raise OptionError("root", f"--dataset {self.dataset} needs the folder that holds it")
        if rootless:
            refuse([one for one in given(self) if one.field == "root"], f"{self.dataset} has none: its people are made")
        if self.people not in (None, "female", "male"):
            raise OptionError("people", f"expected female or male, got {self.people!r}")
        if other is None:
            refuse_unread(self, self.dataset, by="--dataset")
        else:
            refuse_others([self], options_read(self.dataset), f"{self.dataset} does not read it")
        check_choice("gender", self.gender, GENDERS)
        if self.body is None:
            refuse([one for one in given(self) if one.field == "gender"], "only with --body: estimates name their own")
        if self.people is None and (self.dataset in GENDERED or (other is not None and "gender" in other.required)):
            raise OptionError(
                "people",
                f"{self.dataset}'s men and women are two models; say whose results are scored, and their file by "
                "--truth-body",
            )
        check_positive("enlarged", self.enlarged)


def options_read(dataset: str) -> set[str]:
    """Fields of `EvaluateOptions` that the scoring on a data set reads. Raises OptionError where there is no such."""
    every = declared(EvaluateOptions)
    if dataset in DATASETS:
        read = {one.field for one in every if not one.only or dataset in one.only}
        return read - {"root"} if sets_in_files()[dataset].rootless else read
    own = {"people" if name == "gender" else name for name in _other_set(dataset).options}
    return {"truth_body", *own, *(one.field for one in every if not one.only)}


def data_options(*options: DataOptions | OpenBodyOptions | SeenOptions) -> dict[str, Any]:
    """The values of what data sets are opened with, by name, as far as it stands in these options."""
    kinds = (DataOptions, OpenBodyOptions, SeenOptions)
    return {
        one.field: getattr(group, one.field)
        for group in options
        for kind in kinds
        if isinstance(group, kind)
        for one in declared(kind)
    }


def _other_set(dataset: str) -> BenchmarkSet:
    """The data set of another package. Raises OptionError where there is none."""
    from ..evaluation.benchmarks import all_benchmarks

    found = all_benchmarks().found
    check_choice("dataset", dataset, tuple(dict.fromkeys((*DATASETS, *found))))
    return found[dataset]
