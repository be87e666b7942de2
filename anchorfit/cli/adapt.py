"""``anchorfit adapt``: the networks, refined on a user's own annotated photographs, if that helps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..runs.training_options import AdaptOptions
from . import options as opt
from .console import Terminal
from .declared import command


@command
def adapt(
    folder: Annotated[Path, typer.Argument(help="The folder of your photographs.", show_default=False)],
    annotations: Annotated[
        Path, typer.Option("--annotations", "-a", help="COCO keypoint annotations of them; masks count, too.")
    ],
    output: opt.Output,
    options: AdaptOptions,
    resume: opt.Resume = False,
    threads: opt.Threads = None,
) -> None:
    """Adapt PosePrior, and with --human2d Human2D, to your photographs; needs the extra 'train'.

    Some images are held out. What is refined on the others is compared on these with what it was before: weights are
    written to OUTPUT only where they are surely better, and OUTPUT/adaptation.json says how much, or that they are not.
    """
    options.check()
    import torch

    from ..adapting.running import run_adaptation

    if threads:
        torch.set_num_threads(threads)
    run_adaptation(folder, annotations, output, options, resume=resume, listener=Terminal())
