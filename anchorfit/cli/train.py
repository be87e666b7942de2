"""``anchorfit train``: the priors, from the pose library and a body alone."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options as opt
from . import training as shared
from .train_end2end import end2end
from .train_human2d import human2d
from .training import own_device, run_training, write_weights

train_app = typer.Typer(help="Train the networks.", no_args_is_help=True)
train_app.command()(human2d)
train_app.command()(end2end)


class Which(StrEnum):
    """A prior to train."""

    POSE = "pose"
    SHAPE = "shape"
    UNCERTAINTY = "uncertainty"


@train_app.callback()
def _group() -> None:
    """Train the networks of direct prediction."""


@train_app.command()
def priors(
    output: shared.Output,
    which: Annotated[
        Which,
        typer.Option(
            help="PosePrior from keypoints, ShapePrior from silhouettes, or how sure a PosePrior is of its answer, "
            "which stays as it is."
        ),
    ] = Which.POSE,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Batches to train on. Default: 20,000, or 1,200 for uncertainty.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Over all processes. Default: 256, or 512 for uncertainty.")
    ] = None,
    learning_rate: shared.LearningRate = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Width of the linear layers. Default: 896, or 512 for shape.")
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Go on with a network of the kind of --which, or say how sure a PosePrior is: 'shipped', or a file of "
            "weights; a ShapePrior may be of another body. The rate then falls as a cosine."
        ),
    ] = None,
    paper: Annotated[bool, typer.Option("--paper", help="The paper's optimiser instead: rmsprop at 3e-4.")] = False,
    resume: shared.Resume = False,
    body: Annotated[str, typer.Option(help="'open', or a path to an SMPL .pkl or .npz file.")] = "open",
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
    seed: shared.Seed = 0,
    threads: shared.Threads = None,
    accelerator: shared.Accelerator = "cpu",
    devices: shared.Devices = 1,
    mixed: shared.Mixed = False,
) -> None:
    """Train PosePrior, ShapePrior or PosePrior's uncertainty on synthetic people; needs the extra 'train'.

    A run that was stopped goes on with --resume, to the same weights that it would have reached. OUTPUT/log.csv has
    loss and held-out errors; at the end, the weights are in OUTPUT/pose_prior.safetensors or shape_prior.safetensors.
    """
    import torch

    from ..pipeline import load_body_on
    from ..regressors.pose_prior import PosePriorConfig
    from ..regressors.shape_prior import ShapePriorConfig
    from ..regressors.training import PoseTask, ShapeTask, Training, UncertaintyTask
    from ..regressors.weights import POSE_PRIOR, load_pose_prior_network, load_shape_prior_network, read_weights

    body = opt.named_body(body, gender, age)
    if which is Which.UNCERTAINTY:
        start_from = start_from or "shipped"
    if start_from is not None and width is not None:
        raise ValueError("--start-from: goes on with a network of its own width; leave out --width")
    if threads:
        torch.set_num_threads(threads)
    ours = Training(steps=steps or Training.steps)
    if which is Which.UNCERTAINTY:
        ours = Training(steps=steps or 1_200, batch_size=512, learning_rate=2e-3, falling=0.9, fall="cosine")
    elif start_from is not None:
        ours = replace(ours, falling=0.9, fall="cosine")
    config = shared.settings(
        ours,
        Training.paper(ours.steps) if paper else None,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        precision=shared.precision(mixed),
    )
    model = load_body_on(body, gender, "cpu" if accelerator == "cpu" else own_device())
    task: PoseTask | ShapeTask | UncertaintyTask
    begun = None if start_from == "shipped" else start_from
    if which is Which.SHAPE:
        shape = ShapePriorConfig(width=width or ShapePriorConfig.width)
        task = ShapeTask(model, network=shape if start_from is None else load_shape_prior_network(begun), seed=seed)
    elif which is Which.UNCERTAINTY:
        task = UncertaintyTask(model, load_pose_prior_network(begun), seed=seed)
    else:
        pose = PosePriorConfig(width=width or PosePriorConfig.width)
        task = PoseTask(model, network=pose if start_from is None else load_pose_prior_network(begun), seed=seed)
    result = run_training(task, output, config, resume=resume, accelerator=accelerator, devices=devices)
    made_of: dict[str, Any] = {"body": model.name, "gender": gender}
    if start_from is not None:
        made_of["start_from"] = start_from
    if isinstance(task, UncertaintyTask):
        # How the answer was made goes before.
        made_of["answer"] = read_weights(Path(begun) if begun else POSE_PRIOR, "pose").training
        write_weights({output / POSE_PRIOR.name: task.network}, config, result, made_of)
    else:
        write_weights({output / f"{which}_prior.safetensors": task.model}, config, result, made_of)
