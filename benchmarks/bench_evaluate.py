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

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.part_labels import draw_labels
from anchorfit.evaluation.synthetic import SyntheticConfig, make_people
from anchorfit.results import BodyEstimate

SIZE = (150, 200)


def make_set(folder: Path, count: int) -> None:
    """Annotations under ``folder/root``, estimates in ``folder/estimates.npz``."""
    torch.set_num_threads(1)
    body = load_body()
    config = SyntheticConfig(image_size=SIZE, height_range=(100.0, 180.0))
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
    parts = body.layout.split(people.params)
    generator = torch.Generator().manual_seed(0)
    disturbed = parts.body_pose + 0.2 * torch.randn(parts.body_pose.shape, generator=generator)
    BodyEstimate.from_smplx(
        parts._replace(body_pose=disturbed)._asdict(),
        intrinsics=people.observations.intrinsics,
        image_size=SIZE,
        names=[f"{name}.jpg#0" for name in names],
        images=[f"{name}.jpg" for name in names],
    ).save(folder / "estimates.npz")


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
