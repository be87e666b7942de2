"""``anchorfit train end2end``: all networks together, on people of whom only 2D annotations are known."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import photographs as photos
from . import training as shared
from .console import out, warn
from .options import usage_errors
from .training import own_device, run_training, write_weights

if TYPE_CHECKING:
    from ..regressors import Human2D, PosePrior, ShapePrior


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
    from ..regressors.training.end2end_people import photographed_target, synthetic_target, worsened
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
    people = photos.named_people(lsp, (mpii, mpii_images), (coco, coco_images))
    body = load_body_on("open", "neutral", "cpu" if accelerator == "cpu" else own_device())
    trained = load_networks(priors)
    if body.name not in trained.shapes:
        raise typer.BadParameter(f"{priors}: no ShapePrior of the body {body.name!r} there", param_hint="--priors")
    networks = EndToEnd(load_human2d_network(human2d), trained.pose, trained.shapes[body.name], body).to(body.device)
    joints = networks.human2d.config.joints
    if people:
        with usage_errors():
            target = photographed_target(people, joints, heldout, seed, warn)
    elif synthetic:
        target = synthetic_target(body, joints, synthetic, heldout, seed)
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
