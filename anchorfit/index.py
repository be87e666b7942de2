"""The index of a run's folder: a line of JSON a person, which says where the person's estimate is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

INDEX = "index.jsonl"


def json_line(record: Mapping[str, Any]) -> bytes:
    """One line with its end, in UTF-8. A file's name that is no text (on Linux it may be any bytes) stands escaped, and
    ``json.loads`` gives it back."""
    try:
        return (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(record, allow_nan=False) + "\n").encode()


def read_index(folder: Path, length: int | None = None) -> Iterator[dict[str, Any]]:
    """The records of a folder's index, one by one; none where there is no index.

    Args:
        folder: of a run.
        length: bytes that count; None: all but a last line that a kill cut short.
    """
    path = folder / INDEX
    if not path.is_file():
        return
    counted = 0
    with path.open("rb") as stream:
        for line in stream:
            counted += len(line)
            if not line.endswith(b"\n") or (length is not None and counted > length):
                return
            yield json.loads(line)


def index_files(folder: Path, endings: Sequence[str] = (".npz",)) -> list[str] | None:
    """Names of the files that hold the estimates of a run's people, each person once; None: no index.

    Args:
        folder: of the run.
        endings: of files that are wanted, the best first: a person is in one of them.
    Raises:
        ValueError: the index cannot be read; one line that names it.
    """
    if not (folder / INDEX).is_file():
        return None
    files: dict[str, None] = {}
    try:
        for record in read_index(folder):
            own = [record["file"]] if "file" in record else record.get("files", ())
            best = next((name for ending in endings for name in own if name.endswith(ending)), None)
            if best is not None:
                files[best] = None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / INDEX}: not a run's index ({error}); name the files themselves") from error
    return list(files)


def estimate_files(folder: Path, *endings: str) -> list[Path]:
    """The files of estimates in a folder: of a run's, those of its index; else all of these endings, by name.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the index cannot be read.
    """
    listed = index_files(folder, endings)
    if listed is not None:
        files = [folder / name for name in listed]
    else:
        files = sorted(path for path in folder.iterdir() if path.suffix in endings)
    if not files:
        raise FileNotFoundError(f"{folder}: no {' and no '.join(endings)} file in this folder")
    return files


def estimate_paths(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Files of estimates: those that are named, and those of folders that are.

    Raises:
        FileNotFoundError: there is no such file, or no ``.npz`` in a folder.
        ValueError: the index of a folder cannot be read.
    """
    files: list[Path] = []
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file")
        files += estimate_files(path, ".npz") if path.is_dir() else [path]
    return files
