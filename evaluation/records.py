"""One line a person in an append-only file: what a run has scored so far, safe against being killed.

A line is written with one call and is whole or the last one of the file; a cut last line is dropped when the file is
opened again, and that person is scored anew. The first line says of what run the file is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

NAN = float("nan")
ERRORS = ("surface_mm", "joints_mm", "reconstruction_mm", "landmarks_mm")
"""What a record holds in millimetres."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One person as one method sees it.

    Attributes:
        method: the method's name.
        name: the person's or image's.
        counts: the 60 numbers of `SegmentationCounts.vectors`, or none where masks are not compared.
        surface_mm, joints_mm, reconstruction_mm, landmarks_mm: errors; NaN where not known.
        ms: milliseconds that the method took for this person, an equal share of its batch; NaN where not known.
        problem: what was wrong with the estimate, "" where nothing.
        params: the estimated (D,) parameters, where the protocol keeps them for pictures.
        version: the method's.
    """

    method: str
    name: str
    counts: tuple[int, ...] = ()
    surface_mm: float = NAN
    joints_mm: float = NAN
    reconstruction_mm: float = NAN
    landmarks_mm: float = NAN
    ms: float = NAN
    problem: str = ""
    params: tuple[float, ...] = ()
    version: int = 1

    def to_line(self) -> str:
        """JSON without spaces; NaN as null."""
        values = {key: _plain(value) for key, value in asdict(self).items()}
        return json.dumps(values, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_line(cls, line: str) -> Record:
        """Raises ValueError or TypeError where the line is no record."""
        values = json.loads(line)
        if not isinstance(values, dict) or not {"method", "name"} <= values.keys():
            raise ValueError("no record")
        numbers = {field.name for field in fields(cls) if field.type == "float"}
        for key in numbers & values.keys():
            values[key] = NAN if values[key] is None else float(values[key])
        for key in ("counts", "params"):
            values[key] = tuple(values.get(key, ()))
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


class RecordFile:
    """The records of a run, on disk. A context manager: one run writes to a file at a time.

    Args:
        path: of the file, made if missing.
        run: what must be the same for records to belong together (settings, versions, checksums).
    Raises:
        ValueError: the file is of another run, or in use by another process.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._lock()
            self.records = self._read(json.loads(json.dumps(run)))
        except BaseException:
            os.close(self._handle)
            raise
        self.done = {(record.method, record.name) for record in self.records}

    def append(self, records: Iterable[Record]) -> None:
        """Add records, each as a whole line; those already there are left as they are."""
        for record in records:
            if (record.method, record.name) not in self.done:
                self._write(record.to_line())
                self.done.add((record.method, record.name))
                self.records.append(record)

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f"{self.path}: another run is writing here; wait for it or give another folder") from error

    def _read(self, run: dict[str, Any]) -> list[Record]:
        with open(self.path, encoding="utf-8") as stream:
            text = stream.read()
        whole, _, cut = text.rpartition("\n")
        if cut:  # the line that a kill or a full disk cut short
            os.ftruncate(self._handle, len(text.encode()) - len(cut.encode()))
        lines = whole.split("\n") if whole else []
        if not lines:
            self._write(json.dumps({"run": run}, separators=(",", ":")))
            return []
        self._check_run(lines[0], run)
        records: dict[tuple[str, str], Record] = {}
        for number, line in enumerate(lines[1:], start=2):
            try:
                record = Record.from_line(line)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{self.path}: line {number} is no record; delete the file to start over") from error
            records.setdefault((record.method, record.name), record)
        return list(records.values())

    def _check_run(self, line: str, run: dict[str, Any]) -> None:
        try:
            known = json.loads(line)["run"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path}: not a file of records; give another folder, or delete it") from error
        different = sorted(key for key in known.keys() | run.keys() if known.get(key) != run.get(key))
        if different:
            raise ValueError(
                f"{self.path}: holds another run ({', '.join(different)} differ); give another folder, or delete it"
            )

    def _write(self, line: str) -> None:
        data = (line + "\n").encode()
        written = os.write(self._handle, data)
        if written != len(data):
            raise OSError(f"{self.path}: only {written} of {len(data)} bytes could be written; is the disk full?")


LARGE = 1 << 30
"""Bytes of all files together beyond which sizes and times stand for contents."""


def data_key(names: Sequence[str], paths: Sequence[Path]) -> str:
    """SHA-256 over the people of a data set and the files that hold them, which says whether records belong together:
    over contents; where there is more than `LARGE` of them, over sizes and times of change."""
    digest = hashlib.sha256("\n".join(names).encode())
    statuses = [path.stat() for path in paths]
    if sum(status.st_size for status in statuses) <= LARGE:
        digest.update(checksum(paths).encode())
    else:
        for path, status in zip(paths, statuses, strict=True):
            digest.update(f"\n{path.name} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


def checksum(paths: Sequence[Path]) -> str:
    """SHA-256 over names and contents of files, in the given order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode())
        with path.open("rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()
