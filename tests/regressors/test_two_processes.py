"""Training under torchrun: two processes on one machine, over gloo."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.regressors import (
    Human2D,
    Human2DConfig,
    PosePrior,
    PosePriorConfig,
    ShapePrior,
    ShapePriorConfig,
    load_pose_prior_network,
    save_network,
)
from anchorfit.regressors.training import PoseTask

BATCH = 8
TOGETHER = """
import json, os, sys, torch
from lightning.fabric import Fabric
from anchorfit.cli.main import run
from test_two_processes import BATCH, small_task

def gradients(path):
    fabric = Fabric(accelerator="cpu", devices=2)
    fabric.launch()
    task = small_task()
    model = fabric.setup(task.model).eval()
    share = BATCH // fabric.world_size
    rows = slice(fabric.global_rank * share, (fabric.global_rank + 1) * share)
    fabric.backward(task.loss(model, 0, rows, BATCH))
    if fabric.is_global_zero:
        torch.save([p.grad for p in task.model.parameters()], path)

folder, commands = sys.argv[1], json.loads(sys.argv[2])
for name, arguments in commands.items():
    with open(f"{folder}/{name}.{os.environ['RANK']}.txt", "w") as file:
        os.dup2(file.fileno(), 1)
    sys.argv = ["anchorfit", *arguments]
    try:
        run()
    except SystemExit as end:
        assert not end.code, (name, end.code)
    sys.stdout.flush()
gradients(f"{folder}/gradients.pt")
torch.distributed.barrier()  # a process that ends while the other still writes may take it along
os._exit(0)  # the interpreter's end now and then aborts in the threads of the process group, everything long written
"""
COMMAND = "from anchorfit.cli.main import run; run()"


def small_task() -> PoseTask:
    return PoseTask(load_body(), network=PosePriorConfig(width=32, units=1))


def gradients(task: PoseTask, rows: slice) -> list[torch.Tensor]:
    task.model.zero_grad()
    task.loss(task.model, 0, rows, BATCH).backward()
    return [p.grad.clone() for p in task.model.parameters() if p.grad is not None]


def torchrun(folder: Path, code: str, *arguments: object) -> None:
    script = folder / "script.py"
    script.write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    paths = [str(Path(__file__).parent), *sys.path]
    result = subprocess.run(
        [*command, "--local-addr", "127.0.0.1", str(script), *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths), "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]


def commands(folder: Path) -> dict[str, list[object]]:
    """By name, the training commands that two processes are given, and what the last begins from."""
    body = load_body()
    pose = PosePrior(PosePriorConfig(width=16, units=1, corrections=1))
    pose.skeleton.measure(body)
    shape = ShapePrior(ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16))
    start = folder / "start"
    save_network(Human2D(Human2DConfig(features=8, depth=1)), start / "human2d.safetensors")
    save_network(pose, start / "pose_prior.safetensors")
    save_network(shape, start / "shape_prior.safetensors", training={"body": body.name})
    small: list[object] = ["--features", 8, "--size", 64, "--heldout", 1, "--batch-size", 4, "--steps", 2]
    begun = ["--human2d", start / "human2d.safetensors", "--priors", start, "--synthetic", 4]
    given: dict[str, list[object]] = {
        "human2d": small,
        "priors": ["--batch-size", BATCH, "--width", 16, "--steps", 2],
        "end2end": [*begun, "--batch-size", 2, "--steps", 4],
    }
    always: list[object] = ["--threads", 1, "--devices", 2]
    return {name: ["train", name, "-o", folder / name, *rest, *always] for name, rest in given.items()}


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> Path:
    """A folder in which two processes trained by every command, one after the other, and left a batch's gradients.

    They are started once: that takes as long as all the trainings.
    """
    pytest.importorskip("lightning")
    folder = tmp_path_factory.mktemp("together")
    (folder / "start").mkdir()
    torchrun(folder, TOGETHER, folder, json.dumps(commands(folder), default=str))
    return folder


def said(folder: Path, name: str) -> str:
    """What both processes printed."""
    return "".join((folder / f"{name}.{rank}.txt").read_text() for rank in range(2))


def test_half_batches_have_the_whole_ones_gradient_but_for_batch_norm():
    task = small_task()
    halves = slice(0, BATCH // 2), slice(BATCH // 2, BATCH)
    task.model.eval()  # batch norm by its running statistics, no dropout
    whole, first, second = (gradients(task, rows) for rows in (slice(0, BATCH), *halves))
    for expected, one, other in zip(whole, first, second, strict=True):
        torch.testing.assert_close((one + other) / 2, expected, rtol=1e-4, atol=1e-6)
    task.model.train()
    for part in task.model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.eval()
    whole, first, second = (gradients(task, rows) for rows in (slice(0, BATCH), *halves))
    apart = [((a + b) / 2 - c).norm() / c.norm().clamp_min(1e-6) for a, b, c in zip(first, second, whole, strict=True)]
    assert max(apart) > 0.01  # each half is normalised by its own mean and variance


@pytest.mark.slow
def test_two_processes_have_one_processs_gradient(together):
    task = small_task()
    task.model.eval()
    for expected, found in zip(gradients(task, slice(0, BATCH)), torch.load(together / "gradients.pt"), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_human2d_trains_in_two_processes(together):
    assert said(together, "human2d").count("Weights: ") == 1
    assert torch.load(together / "human2d" / "checkpoint.ckpt", weights_only=True)["step"] == 2


@pytest.mark.slow
def test_the_command_trains_in_two_processes_and_goes_on_in_one(together):
    assert said(together, "priors").count("Weights: ") == 1  # one of the two speaks
    run = together / "priors"
    assert load_pose_prior_network(run / "pose_prior.safetensors").config.width == 16
    state = torch.load(run / "checkpoint.ckpt", weights_only=True)
    assert state["step"] == 2
    options = ["train", "priors", "-o", run, "--batch-size", BATCH, "--width", 16, "--threads", 1]
    alone = [sys.executable, "-c", COMMAND, *map(str, options), "--steps", "3", "--resume"]
    subprocess.run(alone, check=True, capture_output=True)
    assert torch.load(run / "checkpoint.ckpt", weights_only=True)["step"] == 3


@pytest.mark.slow
def test_end_to_end_refinement_takes_turns_in_two_processes(together):
    """Each turn leaves some of the networks alone: processes have to agree on which."""
    printed = said(together, "end2end")
    assert printed.count("Weights: ") == printed.count("Held-out people: ") == 1
    assert torch.load(together / "end2end" / "checkpoint.ckpt", weights_only=True)["step"] == 4
