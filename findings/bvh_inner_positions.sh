#!/bin/sh
# BVH: position channels of inner joints have three meanings in five readers.
#
# Versions: bvhio 1.5.4, bvhsdk 0.2.1, bvhtoolbox 0.1.3, bvh-converter 1.0.2, pybvh 0.9.0 (Python 3.11, 2026-11-29).
# Input: joints with OFFSET 0 10 0 and CHANNELS 6, whose frames hold the position 0 12 0, as exporters write that
# record translations of every bone.
# Seen: bvhio and bvhsdk take the position instead of the offset (ankle at 24), bvhtoolbox and bvh-converter ignore it
# (ankle at 20), pybvh refuses the file with a ValueError. (bvh2csv of bvhtoolbox ends with 1 also where all went well.)
# Exits with 0 while that is so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q bvhio==1.5.4 bvhsdk==0.2.1 bvhtoolbox==0.1.3 bvh-converter==1.0.2 pybvh==0.9.0
cat > six.bvh <<'BVH'
HIERARCHY
ROOT hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT knee
  {
    OFFSET 0 10 0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    JOINT ankle
    {
      OFFSET 0 10 0
      CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 5 0
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
0 0 0 0 0 0 0 12 0 0 0 0 0 12 0 0 0 0
0 0 0 0 0 0 0 12 0 0 0 0 0 12 0 0 0 0
BVH
venv/bin/bvh2csv six.bvh > /dev/null || true
venv/bin/bvh-converter six.bvh > /dev/null
venv/bin/python - <<'PYTHON'
import csv

import bvhio
import bvhsdk
import pybvh


def column(path, name):
    rows = list(csv.reader(open(path)))
    return float(rows[1][rows[0].index(name)])


found = {}
hierarchy = bvhio.readAsHierarchy("six.bvh")
hierarchy.loadPose(0)
found["bvhio"] = {joint.Name: joint.PositionWorld[1] for joint, _, _ in hierarchy.layout()}["ankle"]
root = bvhsdk.ReadFile("six.bvh").root
found["bvhsdk"] = float(root.children[0].children[0].getPosition(0)[1])
found["bvhtoolbox"] = column("six_pos.csv", "ankle.y")
found["bvh-converter"] = column("six_worldpos.csv", "ankle.Y")
try:
    pybvh.read_bvh_file("six.bvh")
    found["pybvh"] = "read"
except ValueError as error:
    found["pybvh"] = "ValueError" if "position channels" in str(error) else str(error)
print("ankle's height:", found)
seen = {"bvhio": 24, "bvhsdk": 24, "bvhtoolbox": 20, "bvh-converter": 20, "pybvh": "ValueError"}
assert found == seen, f"changed; was {seen}"
PYTHON
