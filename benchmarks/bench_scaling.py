"""What docs/scaling.md reckons with: processor time a person and an image, and bytes, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/bench_scaling.py --people 2000

``cpu`` is the process's own time, ``wall`` the clock's: where they differ, the machine had other work.
"""

from __future__ import annotations

import argparse
import json
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from bench_folder import write_people

from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.detectors import detect, load_detector
from anchorfit.observations import list_images, read_people
from anchorfit.pipeline import fit_people, predict_people


def timed(work: Callable[[], object], count: int) -> dict[str, float]:
    """Milliseconds for each of ``count``."""
    cpu, wall = time.process_time(), time.monotonic()
    work()
    return {
        "cpu_ms": 1000 * (time.process_time() - cpu) / count,
        "wall_ms": 1000 * (time.monotonic() - wall) / count,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--json", help="write the figures here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, figures = load_body(), {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "people.json"
        write_people(file, args.people)
        figures["read"] = timed(lambda: read_people(file), args.people)
        people = list(read_people(file).people)
        fit_people(people[:8], body), predict_people(people[:8], body)  # what is loaded once
        figures["fit"] = timed(lambda: fit_people(people, body), args.people)
        figures["predict"] = timed(lambda: predict_people(people, body), args.people)
        estimate = fit_people(people[:1000], body).estimate
        assert estimate is not None
        shard = Path(folder) / "people-00000.npz"
        figures["shard"] = timed(lambda: estimate.save(shard), len(estimate))
        figures["bytes"] = {
            "keypoint_file": file.stat().st_size / args.people,
            "to_a_worker": len(pickle.dumps(people)) / args.people,
            "shard": shard.stat().st_size / len(estimate),
        }
    photos = [path for path in list_images([ASSETS / "demo"]) if path.suffix == ".jpg"]
    detector = load_detector("mediapipe")
    detect(photos[:1], detector)
    figures["detect, an image"] = timed(lambda: detect(photos, detector), len(photos))
    print(json.dumps(figures, indent=1))
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
