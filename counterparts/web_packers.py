# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""gltfpack, which packs GLB for the web: our skinned motions packed, and shown by three.js; needs npm and chromium.

It rounds places and turns unless told not to (-noq), samples motions anew at 30 a second unless told the rate (-af),
and drops the second set of weights.

    python counterparts/run.py web_packers
"""

import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from threejs import in_browser
from verdict import say

GLTFPACK = "1.3.0"
WAYS = {
    "packed_exact.glb": ("motion_rigged.glb", ["-noq"]),
    "packed_rounded.glb": ("motion_rigged.glb", []),
    "packed_eight.glb": ("eight_rigged.glb", ["-noq"]),
}
"""Files made: of which of ours, with which options."""


def packed(files):
    with tempfile.TemporaryDirectory() as work:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"gltfpack@{GLTFPACK}"]
        subprocess.run(install, cwd=work, check=True)
        for made, (name, options) in WAYS.items():
            command = ["node", f"{work}/node_modules/gltfpack/cli.js", "-i", files / name, "-o", files / made]
            subprocess.run([*command, "-af", "25", *options], check=True, capture_output=True)


def weight_sets(path):
    """How many sets of four weights a vertex has."""
    content = path.read_bytes()
    (length,) = struct.unpack("<I", content[12:16])
    document = json.loads(content[20 : 20 + length])
    return sum(name.startswith("WEIGHTS_") for name in document["meshes"][0]["primitives"][0]["attributes"])


def tell(compared, difference, bar=None, unit="mm", note=""):
    say("gltfpack", compared, difference, bar, unit, version=GLTFPACK, note=note)


def main(files):
    packed(files)
    found = in_browser(files, WAYS, every=37)
    note = "weights rounded to 8 bits whatever is asked; every 37th vertex, the nearest of ours: it reorders them"
    tell("skinned GLB, motion of ten frames, -noq -af 25", found["packed_exact.glb"], 1.0, note=note)
    tell("the same, rounded as it does by itself", found["packed_rounded.glb"], 2.0, note="14 bits a place, 12 a turn")
    tell("the same, duration", found["packed_exact.glb seconds"], 0.36001, "s")
    sets = f"{weight_sets(files / 'eight_rigged.glb')} before, {weight_sets(files / 'packed_eight.glb')} after"
    tell("joints_per_vertex=8, sets of four weights", sets, "2 before, 1 after", note="four are the default")
    tell("joints_per_vertex=8, -noq -af 25", found["packed_eight.glb"], note="the smallest weights are gone")
    for made in WAYS:
        (files / made).unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
