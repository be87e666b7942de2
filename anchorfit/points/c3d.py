"""C3D, the binary files of motion capture, read by ezc3d (an extra).

Of the readers tried it alone reads floats, integers and DEC's floats right. What it leaves to its caller is done here:
names beyond the 255th, a first frame that counts from 0, and points that carry a negative residual but numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..options import install_command, without_package
from ..plain_text import told_by
from .recording import PointFileError, Recording, unit_name

NEEDED = f"reading .c3d files needs ezc3d; install it with: {install_command('c3d', 'ezc3d>=1.5')}"
_MOST_FRAMES = 65535  # that the header can count


def read_c3d(path: Path) -> Recording:
    """Read points.

    Raises:
        ImportError: ezc3d is not installed.
        PointFileError: ezc3d cannot read the file.
    """
    try:
        import ezc3d
    except ImportError as error:
        raise ImportError(without_package("ezc3d", NEEDED, error)) from error
    if path.stat().st_size < 512:
        raise PointFileError(f"{path}: too short for a C3D file")
    try:
        held = ezc3d.c3d(str(path))
    except Exception as error:  # ezc3d raises whatever its C++ does
        raise PointFileError(f"{path}: ezc3d cannot read it ({told_by(error, whole=False)})") from error
    points = np.moveaxis(np.asarray(held["data"]["points"][:3], dtype=np.float64), 0, -1)  # (P, T, 3)
    points = points.transpose(1, 0, 2).copy()
    residuals = np.asarray(held["data"]["meta_points"]["residuals"], dtype=np.float64)[0].T  # (T, P)
    missing = (residuals < 0) | ~np.isfinite(points).all(-1)
    points[missing] = np.nan
    header, stated = held["header"]["points"], held["parameters"].get("POINT", {})
    remarks = []
    if len(points) >= _MOST_FRAMES:
        remarks.append(f"the file counts {_MOST_FRAMES} frames at most: later ones are not read")
    rate = float(np.ravel(header["frame_rate"])[0]) if np.size(header["frame_rate"]) else 0.0
    units = _texts(stated, "UNITS")
    return Recording.of(
        points,
        labels=_labels(stated, points.shape[1]),
        unit=unit_name(units[0]) if units else "",
        rate=rate if rate > 0 else None,
        first_frame=int(header["first_frame"]) + 1,  # ezc3d counts from 0, the file from 1
        in_time=True,
        remarks=tuple(remarks),
    )


def _texts(parameters: dict[str, Any], name: str) -> list[str]:
    return [str(text).strip() for text in parameters.get(name, {}).get("value", [])]


def _labels(parameters: dict[str, Any], count: int) -> tuple[str, ...]:
    """Names of the points: 255 in LABELS, the next in LABELS2, and so on."""
    names = _texts(parameters, "LABELS")
    further = 2
    while f"LABELS{further}" in parameters:
        names += _texts(parameters, f"LABELS{further}")
        further += 1
    names += [f"point{number}" for number in range(len(names) + 1, count + 1)]
    return tuple(names[:count])
