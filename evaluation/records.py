"""One line a person in a journal: what a run has scored so far, safe against being killed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from ..runs.journal import Journal, locked

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
        hits: annotated joints in the image, and how many were hit within each threshold of `marks`; or none.
        surface_mm, joints_mm, reconstruction_mm, landmarks_mm: errors; NaN where not known.
        ms: milliseconds that the method took for this person, an equal share of its batch; NaN where not known.
        problem: what was wrong with the estimate, "" where nothing.
        params: the estimated (D,) parameters, where the protocol keeps them for pictures.
        world: ``global_orient`` and ``transl`` (6) of the same body in the method's own world, where it has one.
        version: the method's.
    """

    method: str
    name: str
    counts: tuple[int, ...] = ()
    hits: tuple[int, ...] = ()
    surface_mm: float = NAN
    joints_mm: float = NAN
    reconstruction_mm: float = NAN
    landmarks_mm: float = NAN
    ms: float = NAN
    problem: str = ""
    params: tuple[float, ...] = ()
    world: tuple[float, ...] = ()
    version: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; NaN as None."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    def to_line(self) -> str:
        """The same as text, without spaces."""
        return json.dumps(self.to_json(), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_line(cls, line: str) -> Record:
        """Raises ValueError or TypeError where the line is no record."""
        return cls.from_json(json.loads(line))

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Record:
        """Raises ValueError or TypeError where the entry is no record."""
        values = dict(entry)
        if not {"method", "name"} <= values.keys():
            raise ValueError("no record")
        numbers = {field.name for field in fields(cls) if field.type == "float"}
        for key in numbers & values.keys():
            values[key] = NAN if values[key] is None else float(values[key])
        for key in ("counts", "hits", "params", "world"):
            values[key] = tuple(NAN if one is None else one for one in values.get(key, ()))
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


class RecordFile:
    """The records of a run, in a journal on disk. A context manager: one run writes to a file at a time.

    Args:
        path: of the file, made if missing.
        run: what must be the same for records to belong together (settings, versions, checksums).
    Raises:
        ValueError: the file is of another run, or in use by another process.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path = path
        with ExitStack() as stack:
            stack.enter_context(locked(path))
            self._journal = Journal.open(path, run)
            self.records = self._read()
            self._held = stack.pop_all()
        self.done = {(record.method, record.name) for record in self.records}

    def append(self, records: Iterable[Record]) -> None:
        """Add records, each as a whole line; those already there are left as they are. They are kept as the file has
        them, to four decimals, so that a run that goes on says the same as one that was not stopped."""
        new = {(r.method, r.name): r.to_json() for r in records if (r.method, r.name) not in self.done}
        self._journal.add(*new.values())
        self.done |= new.keys()
        self.records += map(Record.from_json, new.values())

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def _read(self) -> list[Record]:
        records: dict[tuple[str, str], Record] = {}
        for number, entry in enumerate(self._journal.entries, start=2):
            try:
                record = Record.from_json(entry)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{self.path}: line {number} is no record; delete the file to start over") from error
            records.setdefault((record.method, record.name), record)
        return list(records.values())


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
