#!/bin/sh
# TRC: caliscope 0.11.8 writes numbers in another order than names, and the time into the first point or before it.
#
# Version: caliscope 0.11.8 with pandas 3.0 or later (Python 3.11, 2026-11-29); its export/trc_export.py alone is run.
# Input: points at (n, n + .2, n + .3) for the n-th name, moving along x; three frames.
# Seen: (1) left_eye's numbers stand under left_eye_inner's name, and the other way round: names are sorted, columns by
# name and axis ("left_eye_inner_x" before "left_eye_x"); (2) x of the first point is the time; (3) with a point whose
# name begins with "face", as its own whole-body trackers have, the time is one number too many, so that all others
# stand one field too late under their names; (4) NumFrames is one short. No warning.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q pandas
venv/bin/pip download -q --no-deps caliscope==0.11.8
venv/bin/python - <<'PYTHON'
import sys
import types
import zipfile
from glob import glob
from pathlib import Path

import pandas as pd

zipfile.ZipFile(glob("caliscope-*.whl")[0]).extract("caliscope/export/trc_export.py")
for name in ("caliscope", "caliscope.tracker"):  # its own pull in a window system
    sys.modules[name] = types.ModuleType(name)
sys.modules["caliscope.tracker"].Tracker = object
space = {"__name__": "trc_export"}
exec(Path("caliscope/export/trc_export.py").read_text(), space)


def written(names):
    class Named:
        def get_point_name(self, number):
            return names[number]

    rows = [(f, n, f / 10, n + f / 10, n + 0.2, n + 0.3) for f in range(3) for n in range(len(names))]
    columns = ["sync_index", "keypoint_id", "frame_time", "x_coord", "y_coord", "z_coord"]
    space["xyz_to_trc"](pd.DataFrame(rows, columns=columns), Named(), Path("w.trc"))
    print(Path("w.trc").read_text())
    lines = [line.split("\t") for line in Path("w.trc").read_text().splitlines()]
    return lines[2], [name for name in lines[3][2:] if name], [[float(v) for v in line[2:]] for line in lines[6:]]


head, names, rows = written(["nose", "left_eye", "left_eye_inner"])
assert names == ["left_eye", "left_eye_inner", "nose"]
assert [row[1] for row in rows] == [2.2] * 3, "y of left_eye is no longer left_eye_inner's"
assert [row[4] for row in rows] == [1.2] * 3, "y of left_eye_inner is no longer left_eye's"
assert [row[0] for row in rows] == [0.0, 0.1, 0.2], "x of the first point is no longer the time"
assert head[2] == "2", "NumFrames is no longer one short"
_, names, rows = written(["nose", "left_eye", "face_0"])
assert names == ["left_eye", "nose"] and [len(row) for row in rows] == [7] * 3, "no longer one number too many"
PYTHON
