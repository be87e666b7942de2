"""What decides a benchmark or the scoring of given results, as the command line declares it, too."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..options import GENDERS, OptionError, check_choice, check_positive, given, option, refuse, refuse_unread

DEFAULT_VARIANTS = "direct,smplify,anchored,smplify-on-gt"
DEFAULT_BODIES = "direct,smplify,anchored"  # where the data set has one kind of keypoints
LSP, OPENBODY = "lsp", "openbody"
KNOWN_BODIES = ("up3d", "surreal", "h36m", "3dpw", "spin")
DATASETS = (LSP, *KNOWN_BODIES, OPENBODY)
GENDERED = ("surreal", "3dpw")  # whose men and women are two models

_VARIANTS = "Methods, comma-separated; `anchorfit benchmark methods` lists them."


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """How a benchmark is run.

    Attributes:
        variants: names of methods, comma-separated.
        workers: processes.
        cases: whether to draw the page.
        device: where methods run.
        cache: folder for what can be made again; None: the user's.
        trained: folder that keeps what methods have learned; None: one in the cache.
    """

    variants: str = option(DEFAULT_VARIANTS, help=_VARIANTS)
    workers: int = option(1, least=1, help="Processes. Times are those of an idle machine only with 1.")
    cases: bool = option(True, help="Whether to draw the page of best and worst people.")
    device: str = option("cpu", help="cpu, cuda, cuda:1 ...")
    cache: Path | None = option(
        None,
        takes=Path,
        help="Folder for all that can be made again, in which --trained lies. Default: the user's cache.",
    )
    trained: Path | None = None


@dataclass(frozen=True, kw_only=True)
class LearningOptions(BenchmarkOptions):
    """The same, where methods may learn before they are compared."""

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

    count: int = option(300, least=1, help="People.")
    seed: int = option(2018, least=0, help="Everything random comes from it.")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """How given results are scored.

    Attributes:
        dataset: of `DATASETS`.
        root: its folder; with spin its file; openbody has none.
        body, gender: of the results; None: what they name.
        people: whose results are scored, where men and women are two models.
        truth_body: what the truth is of; None: the results' body.
        joint_regressor, reduced, landmarks: files of the data sets.
        count, seed: of openbody.
        name: of the method, in the table.
        enlarged: how many times images were enlarged for SMPLify's pickles.
        workers: processes.
        cases: whether to draw the page.
    """

    dataset: str = option(takes=str, help=f"What they are scored on: {', '.join(DATASETS)}.")
    root: Path | None = option(
        None, takes=Path, help="The folder that holds the data set; with --dataset spin its file; openbody has none."
    )
    body: str | None = option(
        None, takes=str, help="'open', or an SMPL .pkl or .npz file. Default: what the estimates name."
    )
    gender: str = option("neutral", help="neutral, male or female.")
    people: str | None = option(
        None,
        takes=str,
        help="surreal, 3dpw, and spin with gendered bodies: whose results are scored, female or male.",
        only=(*GENDERED, "spin"),
    )
    truth_body: str | None = option(
        None,
        takes=str,
        help="The SMPL file that the truth is of. Default: the estimates' body.",
        only=("up3d", "surreal", "3dpw", "spin", OPENBODY),
    )
    joint_regressor: Path | None = option(
        None,
        takes=Path,
        help="Human3.6M, 3DPW: J_regressor_h36m.npy (17 x the body's vertices), by which published errors take joints "
        "from the surface. Default: the body's own joints.",
        only=("h36m", "3dpw", "spin"),
    )
    reduced: Path | None = option(
        None,
        takes=Path,
        help="UP-3D: the list of the reduced set, BodyNet's fitting/testnames/namesUPbmvc.txt.",
        only=("up3d",),
    )
    landmarks: Path | None = option(
        None,
        takes=Path,
        help="UP-3D: models/pose/landmarks.pkl of classner/up, the 79 vertices among the 91 landmarks.",
        only=("up3d",),
    )
    count: int = option(300, least=1, help="openbody: people.", only=(OPENBODY,))
    seed: int = option(2018, least=0, help="openbody: everything random comes from it.", only=(OPENBODY,))
    name: str = option("estimates", help="What the table calls the method.")
    enlarged: float = option(
        1.0, help="SMPLify's pickles: how many times images were enlarged for the fit (its demo: 2)."
    )
    workers: int = option(os.cpu_count() or 1, least=1, help="Processes.")
    cases: bool = option(True, help="Whether to draw the page of best and worst images.")

    def check(self) -> None:
        """Raises OptionError for options that cannot be, or that nothing reads."""
        check_choice("dataset", self.dataset, DATASETS)
        if self.root is None and self.dataset != OPENBODY:
            raise OptionError("root", f"--dataset {self.dataset} needs the folder that holds it")
        if self.dataset == OPENBODY:
            refuse([one for one in given(self) if one.field == "root"], "openbody has none: its people are made")
        if self.people not in (None, "female", "male"):
            raise OptionError("people", f"expected female or male, got {self.people!r}")
        refuse_unread(self, self.dataset, by="--dataset")
        check_choice("gender", self.gender, GENDERS)
        if self.body is None:
            refuse([one for one in given(self) if one.field == "gender"], "only with --body: estimates name their own")
        if self.people is None and self.dataset in GENDERED:
            raise OptionError(
                "people",
                f"{self.dataset}'s men and women are two models; say whose results are scored, and their file by "
                "--truth-body",
            )
        check_positive("enlarged", self.enlarged)
