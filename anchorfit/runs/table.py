"""The index as a Parquet table, for those who query it."""

from __future__ import annotations

import io
from pathlib import Path

from ..atomic import write_atomically
from ..index import read_index
from ..options import warn_of_broken
from ..plain_text import printable

TABLE = "index.parquet"
_BATCH = 10_000  # records in memory at once


def write_table(folder: Path) -> Path | None:
    """Write ``index.parquet`` beside a folder's index; None where pyarrow is not installed or, with a
    warning, cannot be imported.

    Raises:
        OSError: it cannot be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        warn_of_broken("pyarrow", error, "index.parquet is not written")
        return None
    kinds = {"chunk": pyarrow.int64(), "row": pyarrow.int64(), "steps": pyarrow.int64(), "error_px": pyarrow.float64()}
    kinds |= {"score": pyarrow.float64(), "trusted": pyarrow.bool_(), "converged": pyarrow.bool_()}
    kinds |= dict.fromkeys(("notes", "files"), pyarrow.list_(pyarrow.string()))
    judged = ("score", "trusted", "reason", "unseen")
    names = ("name", "image", "status", *judged, "error_px", "steps", "converged", "notes", "chunk")
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in (*names, "file", "row", "files")])
    buffer = io.BytesIO()
    with parquet.ParquetWriter(buffer, schema) as writer:
        records = []
        for record in read_index(folder):
            records.append({k: printable(v) if isinstance(v, str) else v for k, v in record.items()})
            if len(records) == _BATCH:
                writer.write_table(pyarrow.Table.from_pylist(records, schema=schema))
                records = []
        writer.write_table(pyarrow.Table.from_pylist(records, schema=schema))
    path = folder / TABLE
    write_atomically(path, buffer.getvalue())
    return path
