#!/bin/sh
# BVH: one of three readers refuses two of the six orders of a joint's rotation channels.
#
# Versions: bvhsdk 0.2.1, bvhio 1.5.4, pybvh 0.9.0 (Python 3.11, 2026-11-29).
# Input: one joint and an end site, CHANNELS in each of the six orders, one frame of zeros.
# Seen: bvhsdk raises NotImplementedError for YZX and XZY ("Invalid Channels order."); bvhio and pybvh read all six.
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q bvhsdk==0.2.1 bvhio==1.5.4 pybvh==0.9.0
venv/bin/python - <<'PYTHON'
import contextlib
import io
from itertools import permutations

import bvhio
import bvhsdk
import pybvh

TEXT = """HIERARCHY
ROOT hips
{
\tOFFSET 0 0 0
\tCHANNELS 6 Xposition Yposition Zposition ROTATIONS
\tEnd Site
\t{
\t\tOFFSET 0 5 0
\t}
}
MOTION
Frames: 1
Frame Time: 0.04
0 0 0 0 0 0
"""
readers = {"bvhsdk": bvhsdk.ReadFile, "bvhio": bvhio.readAsBvh, "pybvh": pybvh.read_bvh_file}
refused = {name: [] for name in readers}
for order in map("".join, permutations("XYZ")):
    path = f"{order}.bvh"
    with open(path, "w") as file:
        file.write(TEXT.replace("ROTATIONS", " ".join(f"{axis}rotation" for axis in order)))
    for name, read in readers.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                read(path)
        except NotImplementedError:
            refused[name].append(order)
print("refused:", refused)
assert refused == {"bvhsdk": ["XZY", "YZX"], "bvhio": [], "pybvh": []}, "changed"
PYTHON
