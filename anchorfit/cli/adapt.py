"""``anchorfit adapt``: the networks, refined on a user's own annotated photographs, if that helps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from . import training as shared


def adapt(
    folder: Annotated[Path, typer.Argument(help="The folder of your photographs.", show_default=False)],
    annotations: Annotated[
        Path, typer.Option("--annotations", "-a", help="COCO keypoint annotations of them; masks count, too.")
    ],
    output: opt.Output,
    human2d: Annotated[
        Path | None, typer.Option(help="Human2D's weights (.safetensors), to be adapted as well.")
    ] = None,
    heldout: Annotated[float, typer.Option(help="Share of the images to test on; nothing is learned from them.")] = 0.3,
    steps: Annotated[int, typer.Option(min=1, help="Batches to refine PosePrior on.")] = 200,
    batch_size: Annotated[int, typer.Option(min=2, help="Of PosePrior's batches.")] = 64,
    human2d_steps: Annotated[int, typer.Option(min=1, help="Batches of 8 to refine Human2D on.")] = 100,
    learning_rate: Annotated[float, typer.Option(help=shared.RATE)] = 1e-4,
    mixed: shared.Mixed = False,
    resume: shared.Resume = False,
    seed: shared.Seed = 0,
    threads: shared.Threads = None,
) -> None:
    """Adapt PosePrior, and with --human2d Human2D, to your photographs; needs the extra 'train'.

    Some images are held out. What is refined on the others is compared on these with what it was before: weights are
    written to OUTPUT only where they are surely better, and OUTPUT/adaptation.json says how much, or that they are not.
    """
    import torch

    from ..adapting.running import AdaptOptions, run_adaptation
    from .console import Terminal

    if threads:
        torch.set_num_threads(threads)
    options = AdaptOptions(
        human2d=human2d,
        heldout=heldout,
        seed=seed,
        steps=steps,
        batch_size=batch_size,
        human2d_steps=human2d_steps,
        learning_rate=learning_rate,
        mixed=mixed,
    )
    with opt.usage_errors():
        run_adaptation(folder, annotations, output, options, resume=resume, listener=Terminal())
