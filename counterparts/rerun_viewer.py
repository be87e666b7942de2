# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "anchorfit", "rerun-sdk==0.41.0"]
# ///
"""Rerun's newest SDK: it writes our recording, and its viewer's program verifies and reads it.

python counterparts/run.py rerun_viewer
"""

import subprocess
import sys
from pathlib import Path

from verdict import say

from anchorfit import BodyEstimate, load_body
from anchorfit.interchange import write_rerun

ENTITIES = ("/world/people/1/body", "/world/people/1/joints", "/world/camera", "/world/camera/keypoints/1")


def main(files):
    path = files / "people.rrd"
    program = str(Path(sys.executable).with_name("rerun"))
    write_rerun(path, BodyEstimate.load(files / "estimate.npz"), load_body())
    verified = subprocess.run([program, "rrd", "verify", str(path)], capture_output=True, text=True)
    say("rerun-sdk", "recording, verified", "yes" if verified.returncode == 0 else verified.stderr[-200:], "yes")
    printed = subprocess.run([program, "rrd", "print", "-vv", str(path)], capture_output=True, text=True)
    missing = [name for name in ENTITIES if name not in printed.stdout + printed.stderr]
    say("rerun-sdk", "recording, what is not in it", ", ".join(missing) or "nothing", "nothing")
    say("rerun-sdk", "warnings of dropped data", str((verified.stderr + printed.stderr).count("Dropping data")), "0")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
