"""One training loop for every network: Lightning Fabric, checkpoints, exact resume, a CSV log.

A batch is a function of the seed and the step, so a run that was killed goes on from its last checkpoint to the same
weights, bit for bit on the same machine. Under ``torchrun`` each process takes its share of the batch.
"""

from __future__ import annotations

import csv
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from ...options import install_command, without_package
from ...plain_text import told_by
from .config import Training

if TYPE_CHECKING:
    from lightning.fabric import Fabric

CHECKPOINT = "checkpoint.ckpt"
LOG = "log.csv"


class Task(Protocol):
    """A training task. Where some steps reach only some of the weights, the task has ``leaves_weights_out = True``."""

    @property
    def model(self) -> nn.Module: ...

    def loss(self, model: nn.Module, step: int, rows: slice, batch_size: int) -> Tensor:
        """Of the rows of batch number ``step``."""

    def evaluate(self) -> dict[str, float]:
        """Errors on held-out data; the model is in evaluation mode."""


class Trained(NamedTuple):
    """Result of a run: steps done, the last held-out errors, and whether this is the first of its processes."""

    steps: int
    errors: dict[str, float]
    is_first: bool


def train(
    task: Task,
    folder: Path,
    config: Training,
    *,
    resume: bool = False,
    accelerator: str = "cpu",
    devices: int = 1,
    progress: Callable[[int, str], None] = lambda step, text: None,
) -> Trained:
    """Train, writing checkpoints and a log into the folder.

    Args:
        task: model, loss and held-out evaluation.
        folder: made if missing.
        config: of the run. ``steps`` may differ from the run that is resumed.
        resume: go on from the folder's checkpoint.
        accelerator, devices: as Lightning Fabric takes them; under ``torchrun``, devices of this machine.
        progress: called after each step with the steps done and a text with loss and held-out errors.
    Raises:
        ImportError: the extra ``train`` is not installed.
        FileNotFoundError: nothing to resume.
        FileExistsError: a checkpoint is there and ``resume`` was not asked for.
        ValueError: the checkpoint is damaged, of another network or of another optimiser.
    """
    try:
        from lightning.fabric import Fabric
    except ImportError as error:
        needed = f"training needs Lightning: {install_command('train', 'lightning')}"
        raise ImportError(without_package("lightning", needed, error)) from error
    partial = devices > 1 and getattr(task, "leaves_weights_out", False)
    strategy = "ddp_find_unused_parameters_true" if partial else "auto"
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=config.precision, strategy=strategy)
    fabric.launch()
    checkpoint = folder / CHECKPOINT
    if resume and not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint}: no checkpoint to resume from")
    if not resume and checkpoint.is_file():
        raise FileExistsError(f"{checkpoint}: a run is there already; resume it, or give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    if config.batch_size % fabric.world_size:
        raise ValueError(f"batch_size: {config.batch_size} cannot be split over {fabric.world_size} processes")
    fabric.seed_everything(config.seed + fabric.global_rank, verbose=False)
    model, optimizer = fabric.setup(task.model, _optimizer(task.model, config))
    state: dict[str, Any] = {"model": model, "optimizer": optimizer, "step": 0, "random": torch.get_rng_state()}
    if resume:
        _load(fabric, checkpoint, state, config)
        torch.set_rng_state(state["random"])
        _cut_log(folder / LOG, state["step"])
    return _steps(task, fabric, state, folder, config, progress)


def _steps(
    task: Task,
    fabric: Fabric,
    state: dict[str, Any],
    folder: Path,
    config: Training,
    progress: Callable[[int, str], None],
) -> Trained:
    """The steps that are left, each of this process's share of a batch, with log and checkpoints."""
    model, started, first = state["model"], time.monotonic(), state["step"]
    share = config.batch_size // fabric.world_size
    rows = slice(fabric.global_rank * share, (fabric.global_rank + 1) * share)
    nothing_left = first >= config.steps
    errors = _evaluated(task, model) if nothing_left and fabric.is_global_zero else {}
    running: float | None = None
    for step in range(first, config.steps):
        value = _step(task, fabric, state, config, step, rows)
        running = value if running is None else 0.98 * running + 0.02 * value
        done = step + 1
        last = done == config.steps
        if (last or done % config.evaluate_every == 0) and fabric.is_global_zero:
            errors = _evaluated(task, model)
            seconds = time.monotonic() - started
            _log(folder / LOG, {"step": done, "loss": running, "rate": config.rate(step), "seconds": seconds, **errors})
        if last or done % config.checkpoint_every == 0:
            state.update(step=done, random=torch.get_rng_state(), config=asdict(config))
            _save(fabric, folder / CHECKPOINT, state)
        progress(done, f"loss {running:.4f}  " + "  ".join(f"{name} {error:.1f}" for name, error in errors.items()))
    return Trained(max(first, config.steps), errors, fabric.is_global_zero)


def _step(task: Task, fabric: Fabric, state: dict[str, Any], config: Training, step: int, rows: slice) -> float:
    """One step of the optimiser; its loss."""
    model, optimizer = state["model"], state["optimizer"]
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = config.rate(step)
    loss = task.loss(model, step, rows, config.batch_size)
    fabric.backward(loss)
    if config.clip_norm < float("inf"):
        fabric.clip_gradients(model, optimizer, max_norm=config.clip_norm, error_if_nonfinite=False)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def _save(fabric: Fabric, checkpoint: Path, state: dict[str, Any]) -> None:
    """The checkpoint, whole or not at all."""
    fabric.save(checkpoint.with_suffix(".part"), state)
    if fabric.is_global_zero:
        os.replace(checkpoint.with_suffix(".part"), checkpoint)
    fabric.barrier()


def _load(fabric: Fabric, checkpoint: Path, state: dict[str, Any], config: Training) -> None:
    """Fill the state of a run from its checkpoint.

    Raises:
        ValueError: the file is damaged, or of a run with other options.
    """
    if not zipfile.is_zipfile(checkpoint):
        raise ValueError(f"{checkpoint}: the checkpoint is cut short; start again in another folder")
    try:
        rest = fabric.load(checkpoint, state, weights_only=True)
        optimizer = dict(rest["config"])["optimizer"]
    except Exception as error:  # many kinds, by what does not fit: shapes, names, parts that are missing
        reason = str(error).strip().splitlines() or [told_by(error)]
        raise ValueError(
            f"{checkpoint}: does not belong to this run ({reason[-1].strip()}); give the options that it was started "
            "with, or another folder"
        ) from error
    if optimizer != config.optimizer:
        raise ValueError(
            f"{checkpoint}: the run was started with {optimizer}, not {config.optimizer}; give the options that it was "
            "started with, or another folder"
        )


def _evaluated(task: Task, model: nn.Module) -> dict[str, float]:
    model.eval()
    with torch.inference_mode():
        return task.evaluate()


def _optimizer(model: nn.Module, config: Training) -> torch.optim.Optimizer:
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), lr=config.learning_rate)
    return torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


def _log(path: Path, row: dict[str, float]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()})


def _cut_log(path: Path, step: int) -> None:
    """Drops lines of steps that the resumed run does again."""
    if not path.is_file():
        return
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines[1:] if int(line.split(",", 1)[0]) <= step]
    path.write_text("".join([*lines[:1], *kept]))
