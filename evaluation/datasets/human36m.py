"""Human3.6M for Table 4: subjects 9 and 11, the frontal camera, 10 frames a second, errors over 14 joints.

Read are a SPIN-style npz (``h36m_valid_protocol2.npz``, as SPIN's preprocessing writes it from the original download)
or any SPIN-style file of both subjects; rows of other cameras are left out, and of 50 frames a second every fifth kept.
SPIN's own file has no keypoints: it says how far results are from the truth, and methods have nothing to start from.
For them, and where there is no such file, the original download itself is read (`human36m_raw`).
"""

from __future__ import annotations

import re
from pathlib import Path

from ...array_files import ArrayFile
from .human36m_raw import FRONTAL, IMAGE_SIZE, ORIGIN, SUBJECTS, Human36mRaw, find_raw, open_raw
from .roots import DatasetError, existing_root, lacking
from .spin import SpinFile

FILES = ("h36m_valid_protocol2.npz", "h36m_valid_protocol1.npz")
RAW = f"S9/MyPoseFeatures/D3_Positions_mono/*.{FRONTAL}.cdf"
_FRAME = re.compile(r"(S\d+)[/_].*?(\d{8})\D+(\d+)\.\w+$")


def open_human36m(root: str | Path, *, every: int | None = None, truth_alone: bool = False) -> SpinFile | Human36mRaw:
    """The frames of protocol 2.

    Args:
        root: the folder that holds one of `FILES`, and the images where there are any; or the original download with
            the subjects' folders.
        truth_alone: whether keypoints are not asked for: for results that are there already.
        every: keep frames whose number is a multiple of it; None: 5 where the file has 50 frames a second, else 1.
    Raises:
        DatasetError: no such folder or file, not one frame of the protocol in it, or no keypoints.
        ImportError: the original files are there, and cdflib is not installed.
    """
    root = existing_root(root, ORIGIN)
    path = next((root / name for name in FILES if (root / name).is_file()), None)
    if path is not None and (truth_alone or {"part", "openpose"} & ArrayFile(path).keys()):
        return _spin_file(root, path, every, truth_alone)
    pairs = find_raw(root)
    if pairs:
        return open_raw(root, pairs, every=every)
    if path is not None:
        raise DatasetError(
            f"{path}: has no keypoints (part) for methods to start from, as SPIN's preprocessing leaves them out; put "
            f"Human3.6M's own files beside it, {RAW} and the same of D2_Positions; {ORIGIN}"
        )
    raise lacking(root, (*FILES, RAW), ORIGIN)


def _spin_file(root: Path, path: Path, every: int | None, truth_alone: bool) -> SpinFile:
    frames = [_FRAME.search(str(name)) for name in ArrayFile(path).get("imgname", [])]
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
    return SpinFile(path, images=root, rows=rows, size=IMAGE_SIZE, truth_alone=truth_alone)
