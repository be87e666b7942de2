"""``anchorfit train``: the networks, on synthetic people and on annotated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..runs.training_options import End2EndOptions, Human2DOptions, Photographs, PriorOptions, TrainingOptions
from . import options as opt
from .console import Terminal
from .declared import command
from .groups import ListedGroup

train_app = typer.Typer(cls=ListedGroup, help="Train the networks.", no_args_is_help=True)

Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for checkpoint, log and weights; made if missing.")
]


@train_app.callback()
def _group() -> None:
    """Train the networks of direct prediction."""


@train_app.command()
@command
def human2d(output: Output, options: Human2DOptions, photographs: Photographs, run: TrainingOptions) -> None:
    """Train Human2D on synthetic pictures, and on annotated photographs that you have; needs the extra 'train'.

    A run that was stopped goes on with --resume. OUTPUT/log.csv has loss and held-out figures; at the end, the weights
    are in OUTPUT/human2d.safetensors.
    """
    from ..runs.training import train_human2d

    train_human2d(output, options, photographs, run, listener=Terminal())


@train_app.command()
@command
def end2end(output: Output, options: End2EndOptions, photographs: Photographs, run: TrainingOptions) -> None:
    """Refine Human2D, PosePrior and ShapePrior together on people annotated in 2D; needs the extra 'train'.

    A run that was stopped goes on with --resume. At the end, OUTPUT has weights of all three, for
    `anchorfit predict --weights OUTPUT --detector human2d --detector-model OUTPUT/human2d.safetensors`, and held-out
    errors before and after have been told.
    """
    from ..runs.training import train_end2end

    train_end2end(output, options, photographs, run, listener=Terminal())


@train_app.command()
@command
def priors(
    output: Output,
    options: PriorOptions,
    run: TrainingOptions,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
) -> None:
    """Train PosePrior, ShapePrior or PosePrior's uncertainty on synthetic people; needs the extra 'train'.

    A run that was stopped goes on with --resume, to the same weights that it would have reached. OUTPUT/log.csv has
    loss and held-out errors; at the end, the weights are in OUTPUT/pose_prior.safetensors or shape_prior.safetensors.
    """
    chosen = opt.named_body(body, gender, age)
    from ..runs.training import train_prior

    train_prior(output, options, run, body=chosen, gender=gender, listener=Terminal())
