"""A recording of points in space, as files hold it, and the formats it is read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..array_files import LIMIT_VARIABLE, largest_bytes
from ..observations.apart import reason_of
from ..plain_text import printable, told_by


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
        points = real_numbers(points)
        points = points[None] if points.ndim == 2 else points
        if points.ndim != 3 or points.shape[2] not in (3, 4):
            raise ValueError(f"expected (frames, points, 3 or 4) numbers, got {points.shape}")
        if points.shape[2] == 4:
            confidence = points[..., 3] if confidence is None else confidence
            points = points[..., :3]
        sure = np.ones(points.shape[:2]) if confidence is None else real_numbers(confidence)
        sure = sure[None] if sure.ndim == 1 else sure
        if sure.shape != points.shape[:2]:
            raise ValueError(f"expected confidences {points.shape[:2]}, got {sure.shape}")
        sure = np.where(np.isfinite(points).all(-1), np.nan_to_num(sure), 0.0)
        return cls(points=np.where(sure[..., None] > 0, points, np.nan), confidence=sure, **more)  # type: ignore[arg-type]


def real_numbers(values: object) -> np.ndarray:
    """An array of float64.

    Raises:
        ValueError: of complex numbers, or of what is no number.
    """
    given = np.asarray(values)
    if np.iscomplexobj(given):
        raise ValueError(f"expected real numbers, got {given.dtype}")
    return given.astype(np.float64)


def check_room(frames: int, points: int) -> None:
    """Refuse a table before there is room made for it.

    Raises:
        ValueError: so many frames of so many points are more than files may hold (`array_files.LARGEST_ARRAY`).
    """
    needed, largest = frames * points * 24, largest_bytes()
    if needed > largest:
        raise ValueError(
            f"{frames} frames of {points} points are {needed / (1 << 30):.1f} GB, more than the "
            f"{largest / (1 << 30):g} GB that are read; set {LIMIT_VARIABLE} if that is meant"
        )


def named_reason(path: Path, error: Exception) -> str:
    """What is wrong with a file, as one line that begins with its name and can be printed."""
    name = printable(str(path))
    said = str(error).removeprefix(f"{path}: ").removeprefix(f"{name}: ")
    return f"{name}: {reason_of(error if said == str(error) else ValueError(said))}"


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
    try:
        if path.is_dir():
            raise PointFileError(f"no file of points in this folder ({', '.join(readers)})")
        if path.suffix.lower() not in readers:
            raise PointFileError(f"expected {', '.join(readers)}")
        found = readers[path.suffix.lower()](path)
        if not len(found.points) or not found.points.shape[1]:
            raise PointFileError("there are no points in it")
    except FileNotFoundError:
        raise FileNotFoundError(f"{printable(str(path))}: no such file") from None
    except ImportError:  # of the package that a format needs: no fault of the file
        raise
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        said = f"damaged, or of another form than such files have ({told_by(error)})"
        raise PointFileError(f"{printable(str(path))}: {said}") from error
    except Exception as error:  # whatever a broken file makes of a reader
        raise PointFileError(named_reason(path, error)) from error
    return found
