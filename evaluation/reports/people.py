"""Every person's scores in one file: Parquet where pyarrow is installed, else CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import write_atomically
from ...options import warn_of_broken
from ...plain_text import to_cell
from ..metrics.segmentation import SegmentationCounts, SegmentationScores
from ..records import ERRORS, Record
from ..summary import PCK_KEYS

HEADINGS = (
    "method", "name", *SegmentationScores._fields, *PCK_KEYS, *ERRORS, "ms", "problem",
)  # fmt: skip


def write_person_scores(folder: Path, records: Sequence[Record]) -> Path:
    """Write ``people.parquet`` or ``people.csv``; returns which. Scores in [0, 1]; what is not known is empty."""
    lines = [_line(record) for record in records]
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        warn_of_broken("pyarrow", error, "people.csv is written in place of people.parquet")
        path = folder / "people.csv"
        write_atomically(path, _csv(lines))
        return path
    path = folder / "people.parquet"
    table = pyarrow.table({name: [line[name] for line in lines] for name in HEADINGS}, schema=_schema(pyarrow))
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    write_atomically(path, buffer.getvalue())
    return path


def _schema(pyarrow: Any) -> Any:
    texts = ("method", "name", "problem")
    return pyarrow.schema([(name, pyarrow.string() if name in texts else pyarrow.float64()) for name in HEADINGS])


def _line(record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(record, name, math.nan) for name in HEADINGS}
    if record.counts:
        scores = SegmentationCounts.from_vectors(np.array(record.counts)).result()
        values |= {name: float(score) for name, score in scores._asdict().items()}
    if record.hits:
        seen, *near = record.hits
        values |= {key: hit / seen if seen else math.nan for key, hit in zip(PCK_KEYS, near, strict=True)}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}


def _csv(lines: Sequence[dict[str, Any]]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, HEADINGS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: to_cell(v) if isinstance(v, str) else v for k, v in line.items()} for line in lines)
    return stream.getvalue().encode()
