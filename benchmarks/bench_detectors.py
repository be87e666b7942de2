"""From pictures to anchored bodies: the default detector and MediaPipe, of this tree and of another commit, in turns.

    python benchmarks/bench_detectors.py --against fc033a5 [--pairs 5] [--repeats 5] [--json FILE]

One person (the demo's skier) and the folder of six photographs, whose people are fitted in one batch; masks are found
where ``--masks`` is given. Every measurement is a process of its own, models loaded and warm, one thread, and the
processes take turns. Milliseconds of processor time and of the clock; ratios are medians over the turns, to MediaPipe
in the other commit. Needs MediaPipe 0.10.21 (extra ``detect``).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from bench_people import HERE, environment, worktree

DEMO = HERE / "anchorfit" / "assets" / "demo"


def measure(name: str, repeats: int, masks: bool) -> dict[str, list[float]]:
    """In a process of its own: of each task, processor and wall milliseconds."""
    import anchorfit

    try:
        from anchorfit.detectors import Search, load_detector
    except ImportError:  # as it was in November 2026
        from anchorfit.observations.detectors import Search, load_detector  # type: ignore[import-not-found, no-redef]

    torch.set_num_threads(1)
    detector, body = load_detector(name, search=Search(masks=masks)), anchorfit.load_body()
    photos = sorted(DEMO.glob("*.jpg"))
    figures = {}
    for task, images in (("one person", photos[:1]), ("six photographs", photos)):
        times = []
        for _ in range(repeats + 1):
            cpu, wall = time.process_time(), time.perf_counter()
            people = list(anchorfit.detect(images, detector))
            middle = time.process_time()
            anchorfit.fit_people(people, body)
            end = time.process_time()
            times.append([end - cpu, time.perf_counter() - wall, middle - cpu])
        figures[task] = [1000 * statistics.median(values) for values in zip(*times[1:], strict=True)]
        figures[task].append(float(len(people)))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", help="a commit; left out: this tree alone")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--masks", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.repeats, options.masks)))
        return
    with worktree(options.against) if options.against else nullcontext() as other:
        kinds: dict[str, tuple[Path, str]] = {"anchorfit": (HERE, "anchorfit"), "mediapipe": (HERE, "mediapipe")}
        if other is not None:
            kinds["mediapipe before"] = (other, "mediapipe")
        runs: list[dict[str, Any]] = [
            {kind: run(*where, options.repeats, options.masks) for kind, where in kinds.items()}
            for _ in range(options.pairs)
        ]
    base = list(kinds)[-1]
    for task in ("one person", "six photographs"):
        for kind in kinds:
            cpu, wall, looking, people = (statistics.median(turn[kind][task][i] for turn in runs) for i in range(4))
            ratios = sorted(turn[kind][task][0] / turn[base][task][0] for turn in runs)
            print(
                f"{task:16s} {kind:17s} {people:3.0f} people, CPU {cpu:6.1f} ms (finding {looking:6.1f}), "
                f"wall {wall:6.1f}; ratio to {base} {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
            )
    if options.json:
        stated = {"torch": torch.__version__, "python": platform.python_version(), "against": options.against}
        options.json.write_text(json.dumps({**stated, "runs": runs}, indent=1) + "\n")


def run(tree: Path, name: str, repeats: int, masks: bool) -> dict[str, list[float]]:
    command = [sys.executable, __file__, "--measure", name, "--repeats", str(repeats), *(["--masks"] if masks else [])]
    done = subprocess.run(command, env=environment(tree), check=True, capture_output=True, text=True)
    figures: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
