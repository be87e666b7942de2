"""The journal: one append-only file that says what a run is, how far it is, and so what it goes on with.

The first line has the run's settings, and the versions and the thread count that it began with; every further line is
an entry. Entries are added durably, some at a time; a last line that a kill cut short is dropped, and written over by
the next. A session of other versions or threads than the one before it leaves a line about that.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .._version import __version__
from ..atomic import append_durably, write_atomically
from ..index import json_line

LOCK = ".anchorfit.lock"


class FolderInUse(ValueError):
    """Another process writes there; the message is one line."""


class RunConflict(ValueError):
    """There is a run of other settings, or one that cannot be read; the message is one line."""


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold a folder, or the file of a journal, for oneself. The system lets go of it when the process ends, however it
    ends.

    Raises:
        FolderInUse: another process holds it.
    """
    path = place / LOCK if place.is_dir() else place.with_name(f".{place.name}.lock")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        told = "another run writes into this folder" if place.is_dir() else "another run is writing here"
        raise FolderInUse(f"{place}: {told}; wait for it, or give another --output") from error
    try:
        yield
    finally:
        with suppress(OSError):  # while it is held; on Windows it goes once it is not
            path.unlink()
        lock.release()
        with suppress(OSError):
            path.unlink(missing_ok=True)


class Journal:
    """The journal of a run; whoever adds to it holds its lock.

    Attributes:
        path: of the file.
        settings: what decides the run's results: plain JSON.
        session: versions and threads of the latest session that the file knows of.
        entries: as they were read; those that are added are not kept.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path, self.settings = path, dict(json.loads(json.dumps(settings)))
        self.session: dict[str, Any] = {}
        self.entries: list[dict[str, Any]] = []
        self._length = 0

    @staticmethod
    def read(path: Path) -> Journal | None:
        """What is there, without touching it; None where there is no file, or not one whole line in it.

        Raises:
            RunConflict: it is no journal.
        """
        journal: Journal | None = None
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    break  # cut short by a kill or a full disk
                try:
                    entry = json.loads(line)
                    if journal is None:
                        journal = Journal(path, entry.pop("run"))
                    journal.session.update(entry.pop("session", {}))
                    if entry:
                        journal.entries.append(entry)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    told = f"line {number} is no record" if journal else "not a file of records"
                    raise RunConflict(
                        f"{path}: {told}; give another folder, or delete the file to start over"
                    ) from error
                journal._length += len(line)
        return journal

    @staticmethod
    def open(path: Path, settings: Mapping[str, Any]) -> Journal:
        """Begin a journal, or go on with one of the same settings.

        Raises:
            RunConflict: it is of other settings, or no journal.
            OSError: it cannot be written.
        """
        new = Journal(path, settings)
        journal = Journal.read(path)
        if journal is None:
            new.begin()
            return new
        differing = journal.differing(settings)
        if differing:
            raise RunConflict(
                f"{path}: holds another run ({', '.join(differing)} differ); give another folder, or delete it"
            )
        return journal

    def differing(self, settings: Mapping[str, Any]) -> list[str]:
        """Names of the settings that are others here."""
        given = json.loads(json.dumps(settings))
        return sorted(k for k in self.settings.keys() | given.keys() if self.settings.get(k) != given.get(k))

    def begin(self, *entries: Mapping[str, Any]) -> None:
        """Begin the file anew, in one step, with these entries and no other."""
        self.session = this_session()
        lines = json_line({"run": self.settings, "session": self.session}) + b"".join(map(json_line, entries))
        write_atomically(self.path, lines)
        self.entries, self._length = [dict(entry) for entry in entries], len(lines)

    def add(self, *entries: Mapping[str, Any]) -> None:
        """Add entries for good.

        Raises:
            OSError: they cannot be written, and do not count.
        """
        lines = b"".join(map(json_line, entries))
        append_durably(self.path, self._length, lines)
        self._length += len(lines)

    def resume(self) -> list[str]:
        """Note this session where it differs from the one before.

        Returns:
            What differs, a few words each.
        """
        before, now = self.session, this_session()
        differs = [
            f"{name} {before[name]}, now {now[name]}" for name in now if before.get(name, now[name]) != now[name]
        ]
        if differs or not before:
            self.add({"session": now})
        self.session = now
        return differs


def this_session() -> dict[str, Any]:
    """Versions and the number of threads, on which the last digits of results depend."""
    import torch

    return {
        "anchorfit": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "threads": torch.get_num_threads(),
    }


def inside(folder: Path, name: str) -> bool:
    """Whether a name, of a journal that any program may have written, stays in the folder."""
    path = os.path.normpath(name)
    return not (os.path.isabs(path) or path.startswith(os.pardir) or Path(path).drive) and path != os.curdir


def entries_of(journal: Journal | None, key: str) -> Iterable[Any]:
    """The values of the entries that have the key, in their order."""
    return (entry[key] for entry in (journal.entries if journal else ()) if key in entry)
