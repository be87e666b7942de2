"""How long `anchorfit evaluate` takes for 1,000 images of LSP's size, and how much memory.

    python benchmarks/bench_evaluate.py [--count 1000] [--workers 2]

Makes held-out people in images of 150 x 200 pixels, draws their annotations in LSP's layout, disturbs the poses for
estimates, and times the command in a process of its own, from its start to its end. Memory is the sum of the peaks of
all of its processes, so an upper bound.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.part_labels import draw_labels
from anchorfit.evaluation.synthetic import SyntheticPeople, make_people
from anchorfit.results import BodyEstimate, Diagnostics

SIZE = (150, 200)


def make_set(folder: Path, count: int) -> None:
    """Annotations under ``folder/root``, estimates in ``folder/estimates.npz``."""
    torch.set_num_threads(1)
    body = load_body()
    config = SyntheticPeople(image_size=SIZE, height_range=(100.0, 180.0))
    people = make_people(body, load_pose_library(split="heldout").poses.numpy(), count, seed=1, config=config)
    root = folder / "root" / "data" / "lsp"
    root.mkdir(parents=True)
    names = [f"im{1001 + i}" for i in range(count)]
    for start in range(0, count, 50):
        rows = slice(start, start + 50)
        params, intrinsics = people.params[rows], people.observations.intrinsics[rows]
        for name, labels in zip(names[rows], draw_labels(body, params, intrinsics, [SIZE] * len(params)), strict=True):
            Image.fromarray(((labels > 0) * 255).astype(np.uint8)).save(root / f"{name}_segmentation.png")
            Image.fromarray(labels).save(root / f"{name}_part_segmentation.png")
    params = people.params.clone()
    params[:, 3:72] += 0.2 * torch.randn(count, 69, generator=torch.Generator().manual_seed(0))
    estimate_of(params, people.observations.intrinsics, names).save(folder / "estimates.npz")


def estimate_of(params: torch.Tensor, intrinsics: torch.Tensor, names: list[str]) -> BodyEstimate:
    """Parameters (B, 85) as an estimate that was made elsewhere."""
    count, joints = len(params), len(CANONICAL_JOINTS)
    nothing = Diagnostics(
        reprojection_px=torch.full((count, joints), torch.nan), energy={}, steps=torch.zeros(count, dtype=torch.long),
        converged=torch.ones(count, dtype=torch.bool), score=torch.ones(count),
        trusted=torch.ones(count, dtype=torch.bool), reasons=("",) * count,
    )  # fmt: skip
    return BodyEstimate(
        global_orient=params[:, :3], body_pose=params[:, 3:72], betas=params[:, 72:82], transl=params[:, 82:],
        intrinsics=intrinsics, image_size=torch.tensor(SIZE).expand(count, 2).clone(),
        crop_from_image=torch.eye(3).expand(count, 3, 3).clone(), keypoints=torch.zeros(count, joints, 2),
        confidence=torch.zeros(count, joints), names=tuple(f"{name}.jpg#0" for name in names),
        images=tuple(f"{name}.jpg" for name in names), body="open", gender="neutral", method="direct",
        diagnostics=nothing,
    )  # fmt: skip


def descendants(pid: int) -> set[int]:
    """A process and all that it started (Linux)."""
    found = {pid}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= descendants(int(child))
    return found


def watch(process: subprocess.Popen[bytes], peaks: dict[int, int]) -> None:
    """Note each process's peak resident memory in kB while they run."""
    while process.poll() is None:
        try:
            for pid in descendants(process.pid):
                status = Path(f"/proc/{pid}/status").read_text()
                peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                peaks[pid] = int(peak.split()[1])
        except (OSError, StopIteration):
            pass  # one ended while it was looked at
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_set(folder, args.count)
        code = "from anchorfit.cli.main import run; run()"
        options = ["evaluate", "--estimates", folder / "estimates.npz", "--dataset", "lsp", "--root", folder / "root"]
        options += ["-o", folder / "scores", "--workers", args.workers]
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", code, *map(str, options)])
        peaks: dict[int, int] = {}
        watcher = threading.Thread(target=watch, args=(process, peaks))
        watcher.start()
        process.wait()
        seconds = time.perf_counter() - start
        watcher.join()
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{args.count} images, {args.workers} workers: {seconds:.1f} s (cpu {cpu.ru_utime + cpu.ru_stime:.1f} s), "
        f"peak memory of all processes {sum(peaks.values()) / 1e6:.2f} GB"
    )


if __name__ == "__main__":
    main()
