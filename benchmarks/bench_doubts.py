"""What keypoints that are doubted cost: prediction and fit with the second look against believing all keypoints.

    python benchmarks/bench_doubts.py [--repeats 4] [--sizes 256 64 1]

The people of `evaluation/heldout_people.py` by exact, noisy and a detector's keypoints; of one at a time the
first 64. Processor time of one thread, the least of the runs, which take turns; to believe all is to replace what finds
the doubts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import torch

import anchorfit
from anchorfit import pipeline
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.heldout_people import KEYPOINTS, balanced_poses, people_with_keypoints
from anchorfit.evaluation.synthetic import SyntheticSet
from anchorfit.observations.people import Observations
from anchorfit.regressors import prediction

ALONE = 64


def people_seen(body: anchorfit.BodyModel, count: int) -> Iterator[tuple[str, SyntheticSet]]:
    """Held-out people by each kind of keypoints."""
    poses = balanced_poses(load_pose_library(split="heldout"))
    for name in KEYPOINTS:
        yield "exact" if name == "clean" else name, people_with_keypoints(body, poses, count, name)


@contextmanager
def believing() -> Iterator[None]:
    """Nothing is doubted."""

    def none(*given: object) -> torch.Tensor:
        seen = given[-1]
        seen = seen.confidence if isinstance(seen, Observations) else seen
        assert isinstance(seen, torch.Tensor)
        return torch.zeros_like(seen, dtype=torch.bool)

    with mock.patch.object(prediction, "far_off", none), mock.patch.object(pipeline, "doubted_keypoints", none):
        yield


def least_ms(
    method: Callable[..., object], batches: list[Observations], body: anchorfit.BodyModel, repeats: int
) -> tuple[float, float]:
    """Processor milliseconds of all batches, and where all is believed."""
    own, other = [], []

    def run() -> None:
        for some in batches:
            method(some, body)

    for _ in range(repeats + 1):  # the first warms up
        start = time.process_time()
        run()
        own.append(time.process_time() - start)
        with believing():
            start = time.process_time()
            run()
            other.append(time.process_time() - start)
    return 1000 * min(own[1:]), 1000 * min(other[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 64, 1])
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = anchorfit.load_body()
    for name, people in people_seen(body, max(*args.sizes, ALONE)):
        for size in args.sizes:
            count = ALONE if size == 1 else size
            batches = [people.observations.rows(rows) for rows in torch.arange(count).split(size)]
            for method in (anchorfit.predict, anchorfit.fit):
                own, other = least_ms(method, batches, body, args.repeats)
                print(
                    f"{name:8s} {size:4d} at a time  {method.__name__:7s} {own / count:7.2f} ms a person, "
                    f"all believed {other / count:7.2f}, ratio {own / other:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
