#!/bin/sh
# TRC: where a frame's first marker is missing, trc-data-reader 0.4.1 gives its neighbour's coordinates to it.
#
# Version: trc-data-reader 0.4.1 (Python 3.11, 2026-11-29).
# Input: a TRC file of two markers; in frame 2 the first one is a gap (three empty fields, as the format has it).
# Seen: frame 2 has the first marker at the second's place and the second one missing; no warning. A gap of the last
# marker is read right.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q trc-data-reader==0.4.1
venv/bin/python - <<'PYTHON'
from math import isnan

from trc import TRCData

lines = [
    ["PathFileType", "4", "(X/Y/Z)", "gap.trc"],
    ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"],
    ["100", "100", "3", "2", "mm", "100", "1", "3"],
    ["Frame#", "Time", "left_knee", "", "", "right_knee", "", ""],
    ["", "", "X1", "Y1", "Z1", "X2", "Y2", "Z2"],
    [],
    ["1", "0.00", "1", "2", "3", "4", "5", "6"],
    ["2", "0.01", "", "", "", "7", "8", "9"],
    ["3", "0.02", "10", "11", "12", "", "", ""],
]
with open("gap.trc", "w") as file:
    file.write("".join("\t".join(line) + "\n" for line in lines))
data = TRCData()
data.load("gap.trc")
left, right = data["left_knee"], data["right_knee"]
print("left_knee ", left)
print("right_knee", right)
assert left[1] == [7.0, 8.0, 9.0] and all(map(isnan, right[1])), "frame 2 changed: the gap was the left knee's"
assert left[2] == [10.0, 11.0, 12.0] and all(map(isnan, right[2])), "frame 3 changed"
PYTHON
