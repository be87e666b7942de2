"""What decides a training of the networks, as the command line declares it, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..options import OptionError, option

RATE = "The optimiser's, while it is constant. "
PAPERS_RATE = RATE + "Default: 1e-3; --paper: 3e-4."


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How every network is trained.

    Attributes:
        resume: go on from the folder's checkpoint.
        seed: of data, their order or split, and weights.
        threads: of the CPU; None: as PyTorch chooses.
        accelerator: "cpu" or "cuda".
        devices: of this machine.
        mixed: mixed precision.
    """

    resume: bool = option(False, help="Go on from the folder's checkpoint.")
    seed: int = option(0, help="Seed of data, their order or split, and weights.")
    threads: int | None = option(None, takes=int, least=1, help="CPU threads. Default: as PyTorch chooses.")
    accelerator: str = option("cpu", help="cpu or cuda.")
    devices: int = option(1, least=1, help="Devices of this machine; under torchrun, its processes.")
    mixed: bool = option(False, help="Mixed precision (bfloat16), for GPUs and for CPUs with AMX.")

    @property
    def precision(self) -> Any:
        """As `regressors.training.Training` calls it."""
        return "bf16-mixed" if self.mixed else "32-true"


@dataclass(frozen=True, kw_only=True)
class Photographs:
    """Annotated photographs to learn from.

    Attributes:
        lsp: folders of LSP and LSP-extended.
        mpii, mpii_images: MPII's annotations, and the folder of its images.
        coco, coco_images: the same of COCO.
    """

    lsp: tuple[Path, ...] = option(
        (),
        takes=Path,
        help="LSP or LSP-extended, unpacked: joints.mat, images in it or in images/. Several times.",
    )
    mpii: Path | None = option(None, takes=Path, help="mpii_human_pose_v1_u12_1.mat, with --mpii-images.")
    mpii_images: Path | None = option(None, takes=Path, help="The folder of MPII's images.")
    coco: Path | None = option(None, takes=Path, help="COCO keypoint annotations, with --coco-images.")
    coco_images: Path | None = option(None, takes=Path, help="The folder of COCO's images.")

    @property
    def named(self) -> Sequence[Path]:
        """The annotations that are named."""
        return [*self.lsp, *(file for file in (self.mpii, self.coco) if file is not None)]


class Which(StrEnum):
    """A prior to train."""

    POSE = "pose"
    SHAPE = "shape"
    UNCERTAINTY = "uncertainty"


@dataclass(frozen=True, kw_only=True)
class PriorOptions:
    """A training of PosePrior, ShapePrior or PosePrior's uncertainty; None: as the help says."""

    which: Which = option(
        Which.POSE,
        help="PosePrior from keypoints, ShapePrior from silhouettes, or how sure a PosePrior is of its answer, which "
        "stays as it is.",
    )
    steps: int | None = option(
        None, takes=int, least=1, help="Batches to train on. Default: 20,000, or 1,200 for uncertainty."
    )
    batch_size: int | None = option(
        None, takes=int, least=2, help="Over all processes. Default: 256, or 512 for uncertainty."
    )
    learning_rate: float | None = option(None, takes=float, help=PAPERS_RATE)
    width: int | None = option(
        None, takes=int, least=1, help="Width of the linear layers. Default: 896, or 512 for shape."
    )
    start_from: str | None = option(
        None,
        takes=str,
        help="Go on with a network of the kind of --which, or say how sure a PosePrior is: 'shipped', or a file of "
        "weights; a ShapePrior may be of another body. The rate then falls as a cosine.",
    )
    paper: bool = option(False, help="The paper's optimiser instead: rmsprop at 3e-4.")

    def check(self) -> None:
        """Raises OptionError for options that contradict each other."""
        goes_on = self.start_from is not None or self.which is Which.UNCERTAINTY
        if goes_on and self.width is not None:
            raise OptionError("start-from", "goes on with a network of its own width; leave out --width")

    @property
    def begun(self) -> str | None:
        """What is gone on with: "shipped", a file, or nothing."""
        return self.start_from or ("shipped" if self.which is Which.UNCERTAINTY else None)


@dataclass(frozen=True, kw_only=True)
class Human2DOptions:
    """A training of Human2D; None: as the help says."""

    steps: int = option(100_000, least=1, help="Batches to train on.")
    batch_size: int | None = option(None, takes=int, least=2, help="Over all processes. Default: 16; --paper: 4.")
    learning_rate: float | None = option(None, takes=float, help=PAPERS_RATE)
    features: int | None = option(None, takes=int, help="Width of the network: 96 for CPUs. Default: 256, the paper's.")
    size: int = option(256, help="Pixels of the pictures, a multiple of 64. 128 learns the most per minute, at first.")
    start_from: Path | None = option(
        None, takes=Path, help="Weights to go on with, of another --size perhaps, in place of --features."
    )
    paper: bool = option(False, help="The paper's optimiser: rmsprop at 3e-4, batch 4.")
    share: float | None = option(
        None, takes=float, least=0, most=1, help="Share of the steps that take such photographs. Default: a half."
    )
    backdrops: Path | None = option(
        None, takes=Path, help="A folder of photographs without people, to put behind synthetic ones."
    )
    heldout: int = option(128, least=1, help="Synthetic pictures to evaluate on.")

    def check(self, photographs: Photographs) -> None:
        """Raises OptionError for options that contradict each other."""
        if self.features is not None and self.start_from is not None:
            raise OptionError("features", "the weights of --start-from tell the features; leave it out")
        if self.share is not None and not photographs.named:
            raise OptionError("share", "give annotated photographs, too (--lsp, --mpii, --coco)")


class Alternation(StrEnum):
    """Who takes turns; see `regressors.training.ALTERNATIONS`."""

    INDIVIDUAL = "individual"
    END2END = "end2end"
    ALTERNATED = "alternated"


@dataclass(frozen=True, kw_only=True)
class End2EndOptions:
    """A training of all networks together; None: as the help says."""

    human2d: Path | None = option(
        None, takes=Path, help="Human2D's weights (.safetensors) to start from. Default: the package's."
    )
    priors: Path | None = option(
        None, takes=Path, help="Folder with the priors' weights to start from. Default: the package's."
    )
    alternation: Alternation = option(
        Alternation.ALTERNATED, help="Take turns as in the paper, end to end alone, or each network by itself."
    )
    steps: int | None = option(None, takes=int, least=1, help="Batches to train on. Default: 600; --paper: 2000.")
    batch_size: int | None = option(
        None, takes=int, least=1, help="Pictures, over all processes. Default: 8; --paper: 4."
    )
    learning_rate: float | None = option(None, takes=float, help=RATE + "Default: 1e-4; --paper: 8e-5.")
    paper: bool = option(False, help="The paper's optimiser: rmsprop at 8e-5, batch 4.")
    synthetic: int | None = option(
        None, takes=int, least=2, help="In place of photographs: so many synthetic pictures of another look."
    )
    heldout: float = option(0.2, help="Share of the pictures to evaluate on and not to train on.")

    def check(self, photographs: Photographs) -> None:
        """Raises OptionError for options that contradict each other."""
        check_share(self.heldout)
        if self.synthetic is not None and photographs.named:
            raise OptionError("synthetic", "photographs or synthetic pictures, not both")
        unnamed = photographs == Photographs()
        if self.synthetic is None and unnamed:
            raise OptionError("synthetic", "give annotated photographs (--lsp, --mpii, --coco), or --synthetic NUMBER")


@dataclass(frozen=True, kw_only=True)
class AdaptOptions:
    """Options of `adapting.running.run_adaptation`.

    Attributes:
        human2d: Human2D's weights, to be adapted as well.
        heldout: share of the images to test on.
        steps, batch_size: of PosePrior's training.
        human2d_steps: batches of 8 to refine Human2D on.
        learning_rate: of both.
        mixed: mixed precision.
        seed: of split and training.
    """

    human2d: Path | None = option(None, takes=Path, help="Human2D's weights (.safetensors), to be adapted as well.")
    heldout: float = option(0.3, help="Share of the images to test on; nothing is learned from them.")
    steps: int = option(200, least=1, help="Batches to refine PosePrior on.")
    batch_size: int = option(64, least=2, help="Of PosePrior's batches.")
    human2d_steps: int = option(100, least=1, help="Batches of 8 to refine Human2D on.")
    learning_rate: float = option(1e-4, help=RATE)
    mixed: bool = option(False, help="Mixed precision (bfloat16), for GPUs and for CPUs with AMX.")
    seed: int = option(0, help="Seed of data, their order or split, and weights.")

    def check(self) -> None:
        """Raises OptionError for a value that cannot be, or that nothing reads."""
        check_share(self.heldout)
        if self.human2d is None and self.human2d_steps != AdaptOptions.human2d_steps:
            raise OptionError("human2d-steps", "only with --human2d")


def check_share(heldout: float) -> None:
    """Raises OptionError where it is no share of what is held out."""
    if not 0 < heldout < 1:
        raise OptionError("heldout", f"expected a share between 0 and 1, got {heldout}")
