"""Tables and arrays of results, each written whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .atomic import write_atomically


def write_csv_rows(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """A CSV file of these rows, the first of which is the heading.

    Raises:
        OSError: it cannot be written.
    """
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    write_atomically(path, buffer.getvalue().encode())


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """An .npz file of these arrays.

    Raises:
        OSError: it cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict(arrays))
    write_atomically(path, buffer.getvalue())
