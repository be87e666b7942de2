"""Human3.6M for Table 4: subjects 9 and 11, the frontal camera, 10 frames a second, errors over 14 joints.

Read are a SPIN-style npz (``h36m_valid_protocol2.npz``, as SPIN's preprocessing writes it from the original download)
or any SPIN-style file of both subjects; rows of other cameras are left out, and of 50 frames a second every fifth kept.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...observations.arrays import load_arrays
from .roots import DatasetError, Origin, existing_root, lacking
from .spin import SpinFile

ORIGIN = Origin(
    "Human3.6M", "http://vision.imar.ro/human3.6m", "academic use only, after registration; the page has the terms"
)
FILES = ("h36m_valid_protocol2.npz", "h36m_valid_protocol1.npz")
FRONTAL = "60457274"  # the camera called cam3
SUBJECTS = ("S9", "S11")
IMAGE_SIZE = (1000, 1000)  # pixels, of all frames but a few of 1000 x 1002
_FRAME = re.compile(r"(S\d+)[/_].*?(\d{8})\D+(\d+)\.\w+$")


def open_human36m(root: str | Path, *, every: int | None = None) -> SpinFile:
    """The frames of protocol 2.

    Args:
        root: the folder that holds one of `FILES`, and the images where there are any.
        every: keep frames whose number is a multiple of it; None: 5 where the file has 50 frames a second, else 1.
    Raises:
        DatasetError: no such folder or file, or not one frame of the protocol in it.
    """
    root = existing_root(root, ORIGIN)
    path = next((root / name for name in FILES if (root / name).is_file()), None)
    if path is None:
        raise lacking(root, FILES, ORIGIN)
    frames = [_FRAME.search(str(name)) for name in load_arrays(path).get("imgname", [])]
    chosen = [
        (row, int(frame[3]))
        for row, frame in enumerate(frames)
        if frame and frame[1] in SUBJECTS and frame[2] == FRONTAL
    ]
    if not chosen:
        raise DatasetError(f"{path}: no frame of {' or '.join(SUBJECTS)} by camera {FRONTAL} among {len(frames)} rows")
    numbers = {number for _, number in chosen}
    step = every or (5 if any(number + 1 in numbers for number in numbers) else 1)
    rows = tuple(row for row, number in chosen if step == 1 or number % step == min(numbers) % step)
    return SpinFile(path, images=root, rows=rows, size=IMAGE_SIZE)
