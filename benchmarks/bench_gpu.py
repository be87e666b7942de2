"""Every bar that was named for a GPU, in one table: fits, silhouettes, photographs, a training step.

    benchmarks/gpu.sh                                   # the CUDA tests and this, in at most eight minutes
    python benchmarks/bench_gpu.py --device cpu --small  # a dry run

Bars: a fit 0.1 ms a body at batch 4096; 20,000 silhouettes of 64 pixels a second with their gradients; 2 ms a person
from a photograph to a body; the training step has none: its time is noted. Medians over repeats, the device waited for.
Baseline in the same run: the same work on the CPU, one thread, a smaller batch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import make_people
from anchorfit.regressors.training import PoseTask
from anchorfit.rendering import silhouette


def median_s(work: Callable[[], object], device: str, repeats: int) -> float:
    """Seconds of one call: the first is left out."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def fits(device: str, batch: int, repeats: int) -> tuple[float, str]:
    """Milliseconds a body, and how well: prediction and anchored fit of noisy synthetic people with COCO's joints."""
    body = anchorfit.load_body(device=device)
    poses = load_pose_library(split="heldout").poses[::7].numpy()
    people = make_people(anchorfit.load_body(), poses, batch, seed=3)
    observations = people.observations.to(device, torch.float32)
    found: list[anchorfit.BodyEstimate] = []
    seconds = median_s(lambda: found.append(anchorfit.fit(observations, body)), device, repeats)
    goal = anchorfit.load_body().from_params(people.params).joints
    joints = found[-1].bodies(anchorfit.load_body()).joints
    apart = (joints - joints[:, :1] - goal + goal[:, :1]).norm(dim=-1).mean(-1)
    done = float(found[-1].diagnostics.converged.float().mean())
    return 1000 * seconds / batch, f"joints off by {1000 * float(apart.median()):.0f} mm (median), {done:.0%} converged"


def silhouettes(device: str, batch: int, repeats: int) -> tuple[float, str]:
    """Silhouettes a second, 64 x 64, with the gradient to the vertices."""
    body = anchorfit.load_body(device=device)
    poses = load_pose_library(split="heldout").poses[:: max(1, 2000 // batch)][:batch].to(device)
    poses = poses.repeat(-(-batch // len(poses)), 1)[:batch]
    with torch.no_grad():
        vertices = body(body_pose=poses[:, 3:]).vertices * torch.tensor([1.0, -1.0, -1.0], device=device)
        vertices += torch.tensor([0.0, 0.0, 4.0], device=device)
    matrix = torch.tensor([[100.0, 0, 32], [0, 100, 32], [0, 0, 1]], device=device)

    def step() -> None:
        points = vertices.requires_grad_()
        mask, _ = silhouette(points, body.faces, matrix, (64, 64))
        torch.autograd.grad(mask.square().sum(), points)

    return batch / median_s(step, device, repeats), f"batch {batch}"


def photographs(device: str, repeats: int) -> tuple[float, str]:
    """Milliseconds a person from a picture on the disk to a judged body, the demo's six photographs."""
    body = anchorfit.load_body(device=device)
    paths = sorted((ASSETS / "demo").glob("*.jpg"))
    people: list[int] = []

    def all_of_them() -> None:
        found = [person for path in paths for person in anchorfit.detect(path)]
        estimate, _ = anchorfit.fit_people(found, body)
        people.append(len(estimate))

    return 1000 * median_s(all_of_them, device, repeats) / people[
        -1
    ], f"{people[-1]} people of {len(paths)} photographs"


def training_step(device: str, batch: int, repeats: int) -> tuple[float, str]:
    """Milliseconds of one step of PosePrior's training, its people made on the way."""
    task = PoseTask(anchorfit.load_body(device=device))
    task.model.to(device).train()
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=1e-4)
    step = iter(range(1000))

    def one() -> None:
        optimizer.zero_grad()
        task.loss(task.model, next(step), slice(0, batch), batch).backward()
        optimizer.step()

    return 1000 * median_s(one, device, repeats), f"batch {batch}"


def measure(device: str, small: bool) -> list[dict[str, Any]]:
    big = 64 if small else 4096
    rows = []
    for what, unit, bar, work in (
        ("fit", "ms a body", 0.1, lambda: fits(device, big, 3)),
        ("silhouette and gradient", "a second", 20000, lambda: silhouettes(device, big if small else 1024, 5)),
        ("photograph to body", "ms a person", 2.0, lambda: photographs(device, 1 if small else 3)),
        ("training step", "ms", None, lambda: training_step(device, 64 if small else 512, 5)),
    ):
        try:
            value, note = work()
        except (RuntimeError, ValueError) as error:  # one that fails costs no other
            value, note = float("nan"), f"fails: {str(error).splitlines()[0]}"
        rows.append({"what": what, "value": value, "unit": unit, "bar": bar, "note": note, "device": device})
        shown = "none" if bar is None else bar
        print(f"| {what} | {value:.4g} {unit} | {shown} | {device} | {note} |", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--small", action="store_true", help="batches of 64: a dry run")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    card = torch.cuda.get_device_name() if options.device != "cpu" else "CPU, one thread"
    print(f"{card}, torch {torch.__version__}, anchorfit {anchorfit.__version__}\n")
    print("| what | measured | bar | device | |\n|---|---|---|---|---|")
    rows = measure(options.device, options.small)
    if options.device != "cpu":
        rows += measure("cpu", True)
    if options.json:
        options.json.write_text(json.dumps({"card": card, "torch": torch.__version__, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
