"""Common parts of the training commands: options, a run with its progress bar, and the weights at its end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import long_run, out

if TYPE_CHECKING:
    from ..regressors import Human2D, PosePrior, ShapePrior
    from ..regressors.training import Trained, Training
    from ..regressors.training.loop import Task

RATE = "The optimiser's, while it is constant. "

Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for checkpoint, log and weights; made if missing.")
]
LearningRate = Annotated[float | None, typer.Option(help=RATE + "Default: 1e-3; --paper: 3e-4.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")]
Seed = Annotated[int, typer.Option(help="Seed of data, their order or split, and weights.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads. Default: as PyTorch chooses.")]
Accelerator = Annotated[str, typer.Option(help="cpu or cuda.")]
Devices = Annotated[int, typer.Option(min=1, help="Devices of this machine; under torchrun, its processes.")]
Mixed = Annotated[bool, typer.Option("--mixed", help="Mixed precision (bfloat16), for GPUs and for CPUs with AMX.")]


def settings(ours: Training, papers: Training | None, **given: Any) -> Training:
    """Our settings, or the paper's where they are asked for, with what was given in place of theirs.

    Args:
        ours, papers: None for the paper's that were not asked for.
        given: by the names of `Training`; None is not given.
    """
    from dataclasses import replace

    return replace(papers or ours, **{name: value for name, value in given.items() if value is not None})


def precision(mixed: bool) -> Any:
    """As `Training` calls it."""
    return "bf16-mixed" if mixed else "32-true"


def own_device() -> str:
    """The GPU of this process: under torchrun each has its own."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def run_training(
    task: Task, output: Path, config: Training, *, resume: bool, accelerator: str, devices: int
) -> Trained:
    """`regressors.training.train` under a progress bar."""
    from ..regressors.training import train

    with long_run("training", config.steps) as steps:
        return train(
            task,
            output,
            config,
            resume=resume,
            accelerator=accelerator,
            devices=devices,
            progress=lambda done, text: steps.at(done, text=text),
        )


def write_weights(
    weights: Mapping[Path, PosePrior | ShapePrior | Human2D],
    config: Training,
    result: Trained,
    made_of: dict[str, Any],
) -> None:
    """Weights with how they were made, and the last held-out errors on the terminal; by the first process alone."""
    from dataclasses import asdict

    from ..regressors.weights import save_network

    if not result.is_first:
        return
    for path, model in weights.items():
        save_network(model, path, training={**asdict(config), **made_of, "heldout": result.errors})
    out.print("  ".join(f"{name} {value:.1f}" for name, value in result.errors.items()), highlight=False)
    out.print(f"Weights: {', '.join(map(str, weights))}", soft_wrap=True, highlight=False)
