"""``anchorfit train end2end``: all networks together, on people of whom only 2D annotations are known."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from . import photographs as photos
from . import training as shared
from .console import out, warn
from .training import own_device, run_training, write_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..body import BodyModel
    from ..observations import Person
    from ..regressors import Human2D, PosePrior, ShapePrior
    from ..regressors.datasets import PersonCrops
    from ..regressors.training.end2end_task import Pictures

MOST_HELDOUT = 256  # people to evaluate on
BETTER = {"joints_percent": -1, "surface_mm": -1, "silhouette_iou": 1, "pck": 1, "mask_iou": 1}
"""Held-out figures, and which way they should go."""


class Alternation(StrEnum):
    """Who takes turns; see `regressors.training.ALTERNATIONS`."""

    INDIVIDUAL = "individual"
    END2END = "end2end"
    ALTERNATED = "alternated"


def end2end(
    output: shared.Output,
    human2d: Annotated[
        Path | None, typer.Option(help="Human2D's weights (.safetensors) to start from. Default: the package's.")
    ] = None,
    priors: Annotated[
        Path | None, typer.Option(help="Folder with the priors' weights to start from. Default: the package's.")
    ] = None,
    alternation: Annotated[
        Alternation,
        typer.Option(help="Take turns as in the paper, end to end alone, or each network by itself."),
    ] = Alternation.ALTERNATED,
    steps: Annotated[int | None, typer.Option(min=1, help="Batches to train on. Default: 600; --paper: 2000.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures, over all processes. Default: 8; --paper: 4.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help=shared.RATE + "Default: 1e-4; --paper: 8e-5.")] = None,
    paper: Annotated[bool, typer.Option("--paper", help="The paper's optimiser: rmsprop at 8e-5, batch 4.")] = False,
    resume: shared.Resume = False,
    lsp: photos.Lsp = None,
    mpii: photos.Mpii = None,
    mpii_images: photos.MpiiImages = None,
    coco: photos.Coco = None,
    coco_images: photos.CocoImages = None,
    synthetic: Annotated[
        int | None, typer.Option(min=2, help="In place of photographs: so many synthetic pictures of another look.")
    ] = None,
    heldout: Annotated[float, typer.Option(help="Share of the pictures to evaluate on and not to train on.")] = 0.2,
    seed: shared.Seed = 0,
    threads: shared.Threads = None,
    accelerator: shared.Accelerator = "cpu",
    devices: shared.Devices = 1,
    mixed: shared.Mixed = False,
) -> None:
    """Refine Human2D, PosePrior and ShapePrior together on people annotated in 2D; needs the extra 'train'.

    A run that was stopped goes on with --resume. At the end, OUTPUT has weights of all three, for
    `anchorfit predict --weights OUTPUT --detector human2d --detector-model OUTPUT/human2d.safetensors`, and held-out
    errors before and after have been told.
    """
    from dataclasses import asdict, replace

    import torch

    from ..pipeline import load_body_on
    from ..regressors.end2end import EndToEnd
    from ..regressors.prediction import load_networks
    from ..regressors.training import ALTERNATIONS, End2EndTask, Refinement, Training
    from ..regressors.weights import load_human2d_network

    if threads:
        torch.set_num_threads(threads)
    if not 0 < heldout < 1:
        raise typer.BadParameter(f"expected a share between 0 and 1, got {heldout}", param_hint="--heldout")
    if synthetic is not None and (lsp or mpii or coco):
        raise typer.BadParameter("photographs or synthetic pictures, not both", param_hint="--synthetic")
    config = shared.settings(
        Training(steps=600, batch_size=8, learning_rate=1e-4, warmup=20),
        replace(Training.paper(2000), learning_rate=8e-5, batch_size=4) if paper else None,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        precision=shared.precision(mixed),
    )
    people = photos.annotated_people(lsp, (mpii, mpii_images), (coco, coco_images))
    body = load_body_on("open", "neutral", "cpu" if accelerator == "cpu" else own_device())
    trained = load_networks(priors)
    if body.name not in trained.shapes:
        raise typer.BadParameter(f"{priors}: no ShapePrior of the body {body.name!r} there", param_hint="--priors")
    networks = EndToEnd(load_human2d_network(human2d), trained.pose, trained.shapes[body.name], body).to(body.device)
    joints = networks.human2d.config.joints
    if people:
        target = _photographed(people, joints, heldout, seed)
    elif synthetic:
        target = _synthetic(body, joints, synthetic, heldout, seed)
    else:
        raise typer.BadParameter("give annotated photographs (--lsp, --mpii, --coco), or --synthetic NUMBER")
    refinement = Refinement(turns=ALTERNATIONS[alternation])
    task = End2EndTask(
        networks, target.pictures, target.heldout, bodies=target.bodies, refinement=refinement, seed=seed
    )
    networks.eval()
    with torch.no_grad():
        before = task.evaluate()
    result = run_training(task, output, config, resume=resume, accelerator=accelerator, devices=devices)
    made_of = {"body": body.name, "annotated": target.people, "heldout_before": before, **asdict(refinement)}
    weights: dict[Path, Human2D | PosePrior | ShapePrior] = {
        output / "human2d.safetensors": networks.human2d,
        output / "pose_prior.safetensors": networks.pose,
        output / "shape_prior.safetensors": networks.shape,
    }
    if result.is_first:
        out.print(f"Held-out people: {len(target.heldout.picture)}. Their errors before, then after:", highlight=False)
        out.print("  ".join(f"{name} {value:.1f}" for name, value in before.items()), highlight=False)
        worse = worsened(before, result.errors)
        if worse:
            warn(f"held-out {', '.join(worse)} got worse: there the weights that you started from are better")
    write_weights(weights, config, result, made_of)


def worsened(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """Names of the held-out figures that got worse, by a tenth at least: as they are printed."""
    both = [name for name in BETTER if name in before and name in after]
    return [name for name in both if BETTER[name] * (round(after[name], 1) - round(before[name], 1)) < 0]


class _Target(NamedTuple):
    """What to refine on, and how many people that is; what to evaluate on, with true bodies where they are known."""

    pictures: Pictures
    people: int
    heldout: PersonCrops
    bodies: Tensor | None


def _photographed(people: list[Person], joints: tuple[str, ...], share: float, seed: int) -> _Target:
    """Split people by photograph, so that no photograph is on both sides."""
    import torch

    from ..regressors.datasets import AnnotatedPhotographs

    images = sorted({str(person.image) for person in people})
    count = round(share * len(images))
    if not 0 < count < len(images):
        raise typer.BadParameter(
            f"{len(images)} photographs cannot be split: one at least is for training, one held out",
            param_hint="--heldout",
        )
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed)).tolist()
    aside = {images[place] for place in order[:count]}
    own, others = (
        AnnotatedPhotographs(
            [p for p in people if (str(p.image) in aside) == held], joints=joints, seed=seed, tell=warn
        )
        for held in (False, True)
    )
    tested = torch.randperm(len(others.people), generator=torch.Generator().manual_seed(seed))[:MOST_HELDOUT]
    return _Target(own, len(own.people), others.chosen(tested.tolist()), None)


def _synthetic(body: BodyModel, joints: tuple[str, ...], count: int, share: float, seed: int) -> _Target:
    from ..regressors.datasets import KeptPictures
    from ..regressors.synthesis.other_look import unseen_pictures

    tested = max(1, round(share * count))
    annotated = unseen_pictures(body, max(1, count - tested), part="annotated", joints=joints, seed=seed)
    others = unseen_pictures(body, tested, part="heldout", joints=joints, seed=seed)
    pictures = KeptPictures([annotated.crops], joints=joints, seed=seed)
    return _Target(pictures, len(pictures), others.crops, others.bodies)
