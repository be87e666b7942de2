"""What one floor for all people of a film costs: processor time of `anchorfit fit --floor auto`, and of the first pass.

    python benchmarks/bench_film_floor.py [FRAMES ...]

The film is that of tests/cli/standers.py: somebody who steps on the spot, and somebody who sits; 20 frames a second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch

import anchorfit.runs.fitting as runs
from anchorfit.runs import RunOptions, run

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "cli"))


def main(lengths: list[int]) -> None:
    from standers import write_standers  # type: ignore[import-not-found]  # its folder was put on the path

    torch.set_num_threads(1)
    find, spent = runs.find_film_floors, [0.0]

    def timed(*given: object, **named: object) -> object:
        before = time.process_time()
        try:
            return find(*given, **named)  # type: ignore[arg-type]
        finally:
            spent[0] = time.process_time() - before

    runs.find_film_floors = timed  # type: ignore[assignment]
    for number, frames in enumerate([10, *lengths]):
        with tempfile.TemporaryDirectory() as folder:
            clip, keypoints = write_standers(Path(folder), frames)
            begun = time.process_time()
            run(clip, Path(folder) / "out", RunOptions(keypoints=keypoints, floor="auto"), save="shards,bvh")
            whole = time.process_time() - begun
        if number:  # the first loads everything
            print(f"{frames} frames of two people: {whole:.1f} s, {spent[0]:.1f} s of them for the floor")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [40, 150, 300, 600])
