"""A COCO-style file of ten thousand synthetic people through `anchorfit fit`: time, memory, and two kills on the way.

    python benchmarks/bench_folder.py --people 10000 --threads 2 --json folder.json

The command runs once undisturbed and once killed (SIGKILL) at a third and at two thirds; both must end with the same
index and the same shards, bit for bit. ``cpu`` is the process's own time: on a busy machine the wall clock measures the
neighbours. Memory is what the kernel says is resident, read every half second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import make_people
from anchorfit.observations import CONVENTIONS
from anchorfit.runs import INDEX

SEED = 8
COMMAND = [sys.executable, "-c", "from anchorfit.cli.main import run; run()", "fit"]


class Run(NamedTuple):
    """One process: seconds, resident megabytes over time, exit code."""

    wall: float
    cpu: float
    memory_mb: list[float]
    code: int


def write_people(path: Path, count: int) -> None:
    """A COCO keypoint file of ``count`` people, three an image, of images that do not exist."""
    library = load_pose_library(split="heldout")
    people = make_people(load_body(), library.poses.numpy(), count, seed=SEED).observations
    joints = [CANONICAL_JOINTS.index(name) for name in CONVENTIONS["coco17"] if name is not None]
    triples = np.concatenate([people.keypoints.numpy() - 0.5, people.confidence.numpy()[..., None]], axis=-1)[:, joints]
    triples[triples[..., 2] == 0] = 0
    images = [{"id": i, "file_name": f"{i:08}.jpg", "width": 640, "height": 480} for i in range(-(-count // 3))]
    annotations = [
        {"id": i, "image_id": i // 3, "category_id": 1, "iscrowd": 0, "keypoints": np.round(t, 2).ravel().tolist()}
        for i, t in enumerate(triples)
    ]
    categories = [{"id": 1, "name": "person"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def run(people: Path, output: Path, threads: int, *, kill_after: int | None = None) -> Run:
    """Run the command; with ``kill_after``, until so many people are in the index."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    process = subprocess.Popen([*COMMAND, str(people), "-o", str(output)], env=environment, stdout=subprocess.DEVNULL)
    memory = []
    while process.poll() is None:
        memory.append(resident_mb(process.pid))
        if kill_after is not None and lines(output / INDEX) >= kill_after:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.5)
    code = process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(time.monotonic() - start, cpu, memory, code)


def resident_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(found[0].split()[1]) / 1024 if found else 0.0


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def same_shards(first: Path, second: Path) -> bool:
    names = sorted(path.name for path in first.glob("*.npz"))
    if names != sorted(path.name for path in second.glob("*.npz")):
        return False
    for name in names:
        with np.load(first / name) as one, np.load(second / name) as other:
            if one.files != other.files or any(one[key].tobytes() != other[key].tobytes() for key in one.files):
                return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="write the figures here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        people, whole, broken = (Path(folder) / name for name in ("people.json", "whole", "broken"))
        write_people(people, args.people)
        undisturbed = run(people, whole, args.threads)
        parts = [run(people, broken, args.threads, kill_after=args.people * k // 3) for k in (1, 2)]
        parts.append(run(people, broken, args.threads))
        memory = undisturbed.memory_mb
        first, last = memory[len(memory) // 4 : len(memory) // 2], memory[-len(memory) // 4 :]
        figures = {
            "people": args.people,
            "threads": args.threads,
            "wall_s": undisturbed.wall,
            "cpu_s": undisturbed.cpu,
            "peak_mb": max(memory),
            "growth_mb": float(np.median(last) - np.median(first)),  # second quarter against the last
            "fitted": sum(json.loads(line)["status"] == "fitted" for line in (whole / INDEX).open()),
            "killed": [part.code for part in parts],
            "same_index": (whole / INDEX).read_bytes() == (broken / INDEX).read_bytes(),
            "same_shards": same_shards(whole, broken),
            "cpu_s_killed": sum(part.cpu for part in parts),
            "machine": platform.processor() or platform.machine(),
        }
    print(json.dumps(figures, indent=1))
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
