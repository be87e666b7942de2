"""A recording of points in space, as files hold it, and the formats it is read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class PointFileError(ValueError):
    """A file of points that cannot be read; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Points of one person over T frames.

    Attributes:
        points: (T, P, 3) float64 in the file's unit; NaN where missing.
        confidence: (T, P) float64 in [0, 1], 0 where missing.
        labels: P names; empty where the file names none.
        unit: as the file states it ("m", "cm", "mm"), or "".
        rate: frames a second, or None.
        first_frame: number of the first frame, as the file counts: frame n was taken at (n - 1) / rate seconds.
        in_time: the rows are successive frames.
        remarks: what was odd about the file.
    """

    points: np.ndarray
    confidence: np.ndarray
    labels: tuple[str, ...] = ()
    unit: str = ""
    rate: float | None = None
    first_frame: int = 1
    in_time: bool = False
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, points: np.ndarray, confidence: np.ndarray | None = None, **more: object) -> Recording:
        """A recording of points (T, P, 3), (P, 3), or with confidences as a fourth number.

        Raises:
            ValueError: another shape.
        """
        points = np.asarray(points, dtype=np.float64)
        points = points[None] if points.ndim == 2 else points
        if points.ndim != 3 or points.shape[2] not in (3, 4):
            raise ValueError(f"expected (frames, points, 3 or 4) numbers, got {points.shape}")
        if points.shape[2] == 4:
            confidence = points[..., 3] if confidence is None else confidence
            points = points[..., :3]
        sure = np.ones(points.shape[:2]) if confidence is None else np.asarray(confidence, dtype=np.float64)
        sure = sure[None] if sure.ndim == 1 else sure
        if sure.shape != points.shape[:2]:
            raise ValueError(f"expected confidences {points.shape[:2]}, got {sure.shape}")
        sure = np.where(np.isfinite(points).all(-1), np.nan_to_num(sure), 0.0)
        return cls(points=np.where(sure[..., None] > 0, points, np.nan), confidence=sure, **more)  # type: ignore[arg-type]


def unit_name(text: str) -> str:
    """``m``, ``cm`` or ``mm`` of what files write; "" of any other text."""
    plain = text.strip().lower()
    return {"meters": "m", "metres": "m", "meter": "m", "millimeters": "mm", "centimeters": "cm"}.get(
        plain, plain if plain in ("m", "cm", "mm") else ""
    )


def read_points(path: str | Path) -> Recording:
    """Read a file of points: .npy, .npz, .json, .csv, .trc or .c3d.

    Raises:
        FileNotFoundError: no such file.
        PointFileError: another format, or a file that cannot be read; the message names it.
    """
    from .c3d import read_c3d
    from .tables import read_array, read_json, read_point_csv
    from .trc import read_trc

    readers: dict[str, Callable[[Path], Recording]] = {
        ".npy": read_array,
        ".npz": read_array,
        ".json": read_json,
        ".csv": read_point_csv,
        ".trc": read_trc,
        ".c3d": read_c3d,
    }
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix.lower() not in readers:
        raise PointFileError(f"{path}: expected {', '.join(readers)}")
    try:
        found = readers[path.suffix.lower()](path)
    except PointFileError:
        raise
    except (ValueError, KeyError, IndexError, EOFError, OSError, RuntimeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise PointFileError(f"{path}: {lines[0]}") from error
    if not len(found.points) or not found.points.shape[1]:
        raise PointFileError(f"{path}: there are no points in it")
    return found
