# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "anchorfit", "ray[data]==2.60.0"]
# ///
"""Ray's newest release: a run by its engine leaves the same estimates as one without.

python counterparts/run.py ray_newest
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from verdict import say

from anchorfit.assets import ASSETS


def main(files):
    demo = ASSETS / "demo"
    found = {}
    for engine in ("local", "ray"):
        out = files / f"run_{engine}"
        extra = ["--engine", "ray", "--workers", "2"] if engine == "ray" else []
        program = Path(sys.executable).with_name("anchorfit")
        command = [program, "fit", demo, "-k", demo / "person_keypoints.json", "-o", out, "--save", "npz", *extra]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr.strip().splitlines()[-1])
        found[engine] = {path.name: dict(np.load(path, allow_pickle=False)) for path in sorted(out.glob("*.npz"))}
    same = found["local"].keys() == found["ray"].keys() and all(
        np.array_equal(found["local"][name][key], found["ray"][name][key])
        for name in found["local"]
        for key in ("global_orient", "body_pose", "betas", "transl")
    )
    people = f"{len(found['local'])} people"
    say("ray", f"--engine ray, {people}, estimates", "the same to the bit" if same else "others", "the same to the bit")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
