#!/bin/sh
# C3D: of 300 markers both common Python readers name 255 under LABELS.
#
# Versions: ezc3d 1.7.2, c3d 0.6.0 (Python 3.11, 2026-11-29).
# Input: a file of 300 markers, written by ezc3d.
# Seen: 300 columns of points. ezc3d has 255 names in LABELS and 45 in LABELS2 and does not join them; c3d's
# `point_labels` are 255 and it never shows the rest. Who zips names and points loses 45 markers without a word.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q ezc3d==1.7.2 c3d==0.6.0
venv/bin/python -W ignore - <<'PYTHON'
import c3d
import ezc3d
import numpy as np

MARKERS = 300
file = ezc3d.c3d()
points = np.ones((4, MARKERS, 2))
points[0] = np.arange(MARKERS)[:, None]
file["parameters"]["POINT"]["RATE"]["value"] = [100.0]
file["parameters"]["POINT"]["LABELS"]["value"] = [f"marker{index}" for index in range(MARKERS)]
file["data"]["points"] = points
file.write("many.c3d")
read = ezc3d.c3d("many.c3d")
names = {key: len(read["parameters"]["POINT"][key]["value"]) for key in ("LABELS", "LABELS2")}
with open("many.c3d", "rb") as handle:
    reader = c3d.Reader(handle)
    other = len(reader.point_labels), reader.point_used
print("ezc3d:", names, "names,", read["data"]["points"].shape[1], "points")
print("c3d:  ", other[0], "names,", other[1], "points")
assert names == {"LABELS": 255, "LABELS2": 45} and read["data"]["points"].shape[1] == MARKERS, "changed"
assert other == (255, MARKERS), "changed"
PYTHON
