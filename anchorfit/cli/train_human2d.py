"""``anchorfit train human2d``: pictures to keypoints and silhouettes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import photographs as photos
from . import training as shared
from .console import warn
from .training import own_device, run_training, write_weights


def human2d(
    output: shared.Output,
    steps: Annotated[int, typer.Option(min=1, help="Batches to train on.")] = 100_000,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Over all processes. Default: 16; --paper: 4.")] = None,
    learning_rate: shared.LearningRate = None,
    features: Annotated[
        int | None, typer.Option(help="Width of the network: 96 for CPUs. Default: 256, the paper's.")
    ] = None,
    size: Annotated[
        int, typer.Option(help="Pixels of the pictures, a multiple of 64. 128 learns the most per minute, at first.")
    ] = 256,
    start_from: Annotated[
        Path | None, typer.Option(help="Weights to go on with, of another --size perhaps, in place of --features.")
    ] = None,
    paper: Annotated[bool, typer.Option("--paper", help="The paper's optimiser: rmsprop at 3e-4, batch 4.")] = False,
    resume: shared.Resume = False,
    lsp: photos.Lsp = None,
    mpii: photos.Mpii = None,
    mpii_images: photos.MpiiImages = None,
    coco: photos.Coco = None,
    coco_images: photos.CocoImages = None,
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the steps that take such photographs. Default: a half.")
    ] = None,
    backdrops: Annotated[
        Path | None, typer.Option(help="A folder of photographs without people, to put behind synthetic ones.")
    ] = None,
    heldout: Annotated[int, typer.Option(min=1, help="Synthetic pictures to evaluate on.")] = 128,
    seed: shared.Seed = 0,
    threads: shared.Threads = None,
    accelerator: shared.Accelerator = "cpu",
    devices: shared.Devices = 1,
    mixed: shared.Mixed = False,
) -> None:
    """Train Human2D on synthetic pictures, and on annotated photographs that you have; needs the extra 'train'.

    A run that was stopped goes on with --resume. OUTPUT/log.csv has loss and held-out figures; at the end, the weights
    are in OUTPUT/human2d.safetensors.
    """
    from dataclasses import replace

    import torch

    from ..pipeline import load_body_on
    from ..regressors.datasets import AnnotatedPhotographs
    from ..regressors.human2d import Human2DConfig
    from ..regressors.synthesis.images import ImageSynthesis
    from ..regressors.training import Human2DTask, Training
    from ..regressors.weights import load_human2d_network

    if features is not None and start_from is not None:
        raise typer.BadParameter("the weights of --start-from tell the features; leave it out", param_hint="--features")
    if share is not None and not (lsp or mpii or coco):
        raise typer.BadParameter("give annotated photographs, too (--lsp, --mpii, --coco)", param_hint="--share")
    if threads:
        torch.set_num_threads(threads)
    config = shared.settings(
        Training(steps=steps, batch_size=16),
        replace(Training.paper(steps), batch_size=4) if paper else None,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        precision=shared.precision(mixed),
    )
    people = photos.named_people(lsp, (mpii, mpii_images), (coco, coco_images))
    start = load_human2d_network(start_from) if start_from is not None else None
    shape = start.config if start is not None else Human2DConfig(features=features or Human2DConfig.features)
    photographs = AnnotatedPhotographs(people, joints=shape.joints, size=size, seed=seed, tell=warn) if people else None
    task = Human2DTask(
        load_body_on("open", "neutral", "cpu" if accelerator == "cpu" else own_device()),
        network=start or shape,
        synthesis=ImageSynthesis(size=size),
        photographs=photographs,
        share=0.5 if share is None else share,
        backdrops=photos.named_backdrops(backdrops),
        heldout=heldout,
        seed=seed,
    )
    result = run_training(task, output, config, resume=resume, accelerator=accelerator, devices=devices)
    weights = {output / "human2d.safetensors": task.model}
    write_weights(weights, config, result, {"photographed_people": len(people), "size": size})
