"""Files that benchmarks and scored results write to their folder: they take the place of no other program's."""

from __future__ import annotations

import json
from pathlib import Path

from .claiming import make_folder

RECORDS, MANIFEST = "records.jsonl", "manifest.json"

_TABLES = tuple(f"{name}.{ending}" for name in ("table", "differences", "world") for ending in ("csv", "md", "tex"))
_NAMES = (MANIFEST, *_TABLES, "people.csv", "people.parquet", "cases.html")


def make_scores_folder(folder: Path) -> None:
    """Make the folder for records and tables, where none of their names is taken by what no such run wrote.

    A folder of an earlier run is known by its records or, where these were deleted to start over, by its manifest.

    Raises:
        ValueError: a file would be overwritten that no such run wrote; one line that names it.
        OSError: the folder cannot be written to.
    """
    make_folder(folder)
    if (folder / RECORDS).is_file() or _is_ours(folder / MANIFEST):
        return
    taken = next((folder / name for name in _NAMES if (folder / name).exists()), None)
    if taken is not None:
        raise ValueError(f"{taken}: no benchmark wrote it, and it would be overwritten; give another --output")


def _is_ours(manifest: Path) -> bool:
    try:
        content = json.loads(manifest.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "anchorfit" in content
