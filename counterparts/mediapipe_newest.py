# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "anchorfit", "mediapipe==1.2.3"]
# ///
"""MediaPipe's newest release, whose wheel holds no networks: what is said, and that the default is not disturbed.

python counterparts/run.py mediapipe_newest
"""

import sys
from pathlib import Path

from verdict import say

import anchorfit
from anchorfit.assets import ASSETS

PHOTO = ASSETS / "demo" / "000000000785.jpg"


def main(_):
    people = len(anchorfit.detect(PHOTO))
    say("mediapipe", "installed beside it: people found by our own detector", f"{people}", "1")
    try:
        people = len(anchorfit.detect(PHOTO, detector="mediapipe"))
        said = f"{people} found"
    except (ImportError, ValueError, OSError) as error:
        said = str(error)
    lines = said.splitlines()
    wanted = "one line that names the fix"
    say("mediapipe", "asked for by name", wanted if len(lines) == 1 and ".task" in said else said, wanted, note=said)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
