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
from pathlib import Path
import anchorfit
from anchorfit.runs import fitting

people, output, moment = sys.argv[1:]
left = [int(moment)]

def deadly(function):
    def call(*given, **named):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return function(*given, **named)
    return call

for name in ("replace", "fsync", "truncate", "unlink"):
    setattr(os, name, deadly(getattr(os, name)))
fitting.CHUNK = 2
anchorfit.run(people, output, save="npz,coco")
"""


def run(people: Path, output: Path, moment: int) -> int:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(people), str(output), str(moment)]
    return subprocess.run(command, env=environment, check=False).returncode


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
    assert run(people, tmp_path / "whole", -1) == 0
    killed = [run(people, tmp_path / "broken", moment) for moment in (0, 1, 2, 3, 4, 5, 7, 8, 9, 11)]
    assert killed == [-signal.SIGKILL] * 10
    assert (tmp_path / "broken" / JOURNAL).is_file()
    assert run(people, tmp_path / "broken", -1) == 0
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")
