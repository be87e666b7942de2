"""Time of points, Jacobians and meshes by batch size, in microseconds a body.

    python benchmarks/bench_body.py [--body open] [--threads 1] [--device cpu] [--json FILE]

CPU time of the calling thread with one thread (so that a busy machine disturbs little), wall time otherwise.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from anchorfit.body import CANONICAL_JOINTS, compile_points, load_body

FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
SETS = {
    "coco17": (*FACE, *(f"{side}_{joint}" for joint in LIMBS for side in ("left", "right"))),
    "canonical": CANONICAL_JOINTS,
}


def timed(call: Callable[[], object], clock: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Median and fastest of the repeats, seconds; two calls warm up."""
    times = []
    for repeat in range(repeats + 2):
        start = clock()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if repeat > 1:
            times.append(clock() - start)
    return statistics.median(times), min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--body", default="open")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64, 256, 1024])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.thread_time if options.threads == 1 and options.device == "cpu" else time.perf_counter
    body = load_body(options.body, device=options.device)
    generator = torch.Generator().manual_seed(0)
    rows = []
    with torch.inference_mode():
        for batch in options.batches:
            params = (0.3 * torch.randn(batch, body.layout.size, generator=generator)).to(options.device)
            calls: dict[str, Callable[[], object]] = {}
            for name, names in SETS.items():
                points = compile_points(body, names)
                calls[f"{name} points"] = lambda points=points, params=params: points.points(params)
                calls[f"{name} jacobian"] = lambda points=points, params=params: points.points_and_jacobian(params)
            if batch <= 256:
                calls["mesh"] = lambda params=params: body.from_params(params)
            for name, call in calls.items():
                median, fastest = (1e6 * value / batch for value in timed(call, clock, options.repeats))
                rows.append({"what": name, "batch": batch, "median_us": median, "fastest_us": fastest})
                print(f"{name:20s} batch {batch:5d}: median {median:9.1f} us a body, fastest {fastest:9.1f}")
    if options.json:
        versions = {"torch": torch.__version__, "device": options.device, "threads": options.threads, "seed": 0}
        options.json.write_text(json.dumps({"body": body.name, **versions, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
