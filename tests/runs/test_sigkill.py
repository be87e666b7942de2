"""A run that is killed ten times, each time before another change of the disk, ends as one that was left alone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anchorfit.assets import ASSETS
from anchorfit.runs import JOURNAL

SCRIPT = """
import os, signal, sys
import anchorfit
from anchorfit.runs import fitting, planning

people, *wanted = sys.argv[1:]
planning.CHUNK = 2

def deadly(function, left):
    def call(*given, **named):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return function(*given, **named)
    return call

# Each run is a process of its own, a fork of this one, which has only imported the package.
for output, moment in zip(wanted[::2], wanted[1::2], strict=True):
    child = os.fork()
    if child == 0:
        left = [int(moment)]
        for name in ("replace", "fsync", "truncate", "unlink"):
            setattr(os, name, deadly(getattr(os, name), left))
        anchorfit.run(people, output, save="npz,coco")
        sys.exit()
    print("ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def run(people: Path, *wanted: tuple[Path, int]) -> list[int]:
    """How a run for each folder and moment ended, one after the other; -1: it is not killed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(people), *(str(part) for pair in wanted for part in pair)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [int(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith("ended with")]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_ten_kills_change_nothing(tmp_path):
    annotations = json.loads((ASSETS / "demo" / "person_keypoints.json").read_text())["annotations"]
    skier = next(a for a in annotations if a["image_id"] == 785)
    people = tmp_path / "people.json"
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 425} for i in range(12)]
    same = [{**skier, "id": i, "image_id": i} for i in range(12)]
    people.write_text(json.dumps({"images": images, "annotations": same, "categories": []}))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    moments = (0, 1, 2, 3, 4, 5, 7, 8, 9, 11)
    assert run(people, (whole, -1), *((broken, moment) for moment in moments)) == [0, *[-signal.SIGKILL] * 10]
    assert (broken / JOURNAL).is_file()
    assert run(people, (broken, -1)) == [0]
    assert contents(broken) == contents(whole)
