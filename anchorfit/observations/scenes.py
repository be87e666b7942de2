"""Scenes of a video: when each frame is, and where the camera cuts."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .videos import FrameReader

_SMALL = (48, 32)  # pixels, width and height, of the frames that are compared
_SHADES = 6  # of each colour in a histogram
_LEAST = 0.1  # change that may be a cut: those of films and of made-up cuts are 0.1 to 0.7, of motion below 0.06
_AGAINST_NEIGHBOURS = 4.0  # times the changes around it: a whip pan goes on, a cut does not
_AROUND = 3  # frames before and after


class Scenes(NamedTuple):
    """Times of a video's frames (T,), float64 seconds since the first, and the frames that begin a new scene."""

    times_s: np.ndarray
    cuts: tuple[int, ...]


def scan_video(path: Path) -> Scenes:
    """Times of all frames, and cuts; the video is decoded once, and one frame is held at a time.

    A cut is a frame whose colours are others than those before and in which the middle of the frame before is nowhere
    to be found again, while the frames around it change little. So neither a pan nor a flash is one. Dissolves are not
    found.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    times, cuts = [], []
    before: _Look | None = None
    changes = deque([0.0] * (2 * _AROUND + 1), maxlen=2 * _AROUND + 1)  # the last ones; the one judged is the middle's
    with FrameReader(path) as reader:
        for frame in reader:
            look = _look_at(frame.image)
            times.append(frame.time_s)
            changes.append(0.0 if before is None else _change(before, look))
            if _stands_out(changes):
                cuts.append(frame.number - _AROUND)
            before = look
    for behind in range(_AROUND):
        changes.append(0.0)
        if _stands_out(changes):
            cuts.append(len(times) + behind - _AROUND)
    return Scenes(np.array(times), tuple(cuts))


class _Look(NamedTuple):
    """Small grey picture (32, 48) float32, and the shares of colours."""

    grey: np.ndarray
    colors: np.ndarray


def _look_at(image: np.ndarray) -> _Look:
    import cv2

    small = cv2.resize(image, _SMALL, interpolation=cv2.INTER_AREA)
    colors = cv2.calcHist([small], [0, 1, 2], None, [_SHADES] * 3, [0, 256] * 3)
    return _Look(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), colors / colors.sum())


def _change(before: _Look, now: _Look) -> float:
    """0..1: the share of other colours, times how badly the middle of the frame before is found anywhere in this one
    (1 - normalised cross-correlation at its best place)."""
    import cv2

    width, height = _SMALL
    middle = before.grey[height // 4 : -height // 4, width // 4 : -width // 4]
    found = float(cv2.matchTemplate(now.grey, middle, cv2.TM_CCOEFF_NORMED).max())
    other_colors = 1 - float(np.minimum(before.colors, now.colors).sum())
    return other_colors * min(1.0, 1 - found)


def _stands_out(changes: Sequence[float]) -> bool:
    """Whether the change in the middle is a cut, by those around it."""
    around = [change for place, change in enumerate(changes) if place != _AROUND]
    return changes[_AROUND] > max(_LEAST, _AGAINST_NEIGHBOURS * max(around))
