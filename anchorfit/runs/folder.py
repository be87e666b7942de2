"""The folder of a run: the index of its people, its journal, and so which files are its own.

``index.jsonl`` has a line a person. Before a chunk of people is worked on, the journal notes the names of the files
that will be written for it; the chunk counts once they are there, its lines are in the index, and the journal says how
long the index is. What a kill leaves behind beyond that is cut off when the run goes on, and the chunk is done again
over its own files. Nothing is touched before `RunFolder.begin`, and nothing is ever removed but what the journal names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..atomic import append_durably, remove_leftovers
from ..index import INDEX, json_line, read_index
from .journal import Journal, RunConflict, entries_of, inside

JOURNAL = ".anchorfit.jsonl"
_OLD_STATE = ".run.json"  # of an unfinished run, up to version 0.1
_ANOTHER = "give --restart to begin anew, or another --output"


class RunFolder:
    """A run in a folder that this process holds; `open` it, `begin`, `commit` chunk after chunk, `finish`.

    Attributes:
        done: names that are in the index.
        chunks: committed so far.
        resumed: whether an unfinished run goes on.
        owned: files in the folder, by their names there, that the journal says are a run's.
        notes: a line for what is worth knowing of the run that goes on.
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.folder, self.done, self.chunks, self.resumed = folder, set[str](), 0, False
        self.owned: dict[str, None] = {}
        self.notes: list[str] = []
        self._journal, self._length, self._begun = journal, 0, False
        self._cleaned: set[str] = set()

    @staticmethod
    def open(folder: Path, settings: Mapping[str, Any], *, restart: bool = False) -> RunFolder:
        """See what is there: nothing, a run that is through, or an unfinished one to go on with.

        Args:
            folder: exists.
            settings: what decides the results: plain JSON.
            restart: begin anew whatever is there.
        Raises:
            RunConflict: an unfinished run has other settings, or is of an earlier version, or cannot be read.
        """
        found = RunFolder(folder, Journal(folder / JOURNAL, settings))
        try:
            journal = Journal.read(folder / JOURNAL)
        except RunConflict:
            if not restart:
                raise
            journal = None
        if (folder / _OLD_STATE).is_file():
            if not restart:
                raise RunConflict(f"{folder}: holds an unfinished run of an earlier version of anchorfit; {_ANOTHER}")
            found.owned |= dict.fromkeys((_OLD_STATE, ".detected.jsonl"))
        found.owned |= dict.fromkeys(_written(folder, journal))
        commits = [entry for entry in (journal.entries if journal else ()) if "chunk" in entry]
        if journal is None or restart or not commits or any(entries_of(journal, "finished")):
            return found
        other = journal.differing(settings)
        if other:
            raise RunConflict(
                f"{folder}: holds an unfinished run with other settings ({', '.join(other)}); repeat its command to go "
                "on with it, give --restart to begin anew, or another --output"
            )
        found._go_on(journal, commits[-1])
        return found

    def _go_on(self, journal: Journal, last: Mapping[str, Any]) -> None:
        index, length = self.folder / INDEX, last["index"]
        if not index.is_file() or index.stat().st_size < length:
            raise RunConflict(f"{self.folder}: the unfinished run's {INDEX} was changed; {_ANOTHER}")
        self.done = {record["name"] for record in read_index(self.folder, length)}
        self.chunks, self.resumed = last["chunk"] + 1, True
        self._journal, self._length = journal, length

    def check(self, inputs: Iterable[Path], planned: Iterable[str]) -> None:
        """Refuse a run that would remove or overwrite what it reads, or what no run wrote.

        Args:
            inputs: files that the run reads.
            planned: names, in the folder, of the files that it will write.
        Raises:
            ValueError: one line that names the file.
        """
        names = dict.fromkeys(planned)
        for path, name in names_within(self.folder, inputs):
            if name in names or (name in self.owned and not self.resumed):
                told = "would be overwritten" if name in names else "is an earlier run's, and would be removed"
                raise ValueError(f"{path}: what is read lies where results go, and {told}; give another --output")
        if not self.resumed:
            strange = next((n for n in (*names, INDEX) if n not in self.owned and (self.folder / n).exists()), None)
            if strange is not None:
                raise ValueError(
                    f"{self.folder / strange}: is there already, and is not of a run in this folder; move it away, or "
                    "give another --output"
                )

    @property
    def begun(self) -> bool:
        """Whether anything was touched."""
        return self._begun

    def begin(self) -> None:
        """From here on the folder is this run's: a new one removes the files of the one before."""
        self._clean([INDEX, *self.owned])
        self._begun = True
        if self.resumed:
            os.truncate(self.folder / INDEX, self._length)
            self.notes = self._journal.resume()
            return
        # An unfinished run that owns all that was there: what a kill in the middle leaves is removed by the next.
        self._journal.begin({"writes": list(self.owned)})
        for name in self.owned:
            _remove(self.folder, name)
        self.owned = {INDEX: None}
        self._journal.begin({"writes": [INDEX]})

    def intend(self, names: Sequence[str]) -> None:
        """Note files that are about to be written."""
        if not self._begun:
            self.begin()
        new = [name for name in names if name not in self.owned]
        if new:
            self._clean(new)
            self._journal.add({"writes": new})
            self.owned |= dict.fromkeys(new)

    def _clean(self, names: Iterable[str]) -> None:
        """Remove what killed writers left where these files go."""
        for place in {os.path.dirname(name) for name in names} - self._cleaned:
            remove_leftovers(self.folder / place)
            self._cleaned.add(place)

    def commit(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Add a chunk's lines for good; its files must be there already.

        Raises:
            OSError: they cannot be written; the chunk then does not count.
        """
        if not self._begun:
            self.begin()
        lines = b"".join(map(json_line, records))
        append_durably(self.folder / INDEX, self._length, lines)
        self._journal.add({"chunk": self.chunks, "index": self._length + len(lines)})
        self.chunks, self._length = self.chunks + 1, self._length + len(lines)
        self.done.update(record["name"] for record in records)

    def note(self, name: str, value: object) -> None:
        """Note down for good what a run that goes on shall take as it is: plain JSON."""
        self._journal.add({name: value})

    def noted(self, name: str) -> Any:
        """What an earlier session of the run that goes on noted last; None: nothing."""
        return next(reversed(list(entries_of(self._journal, name))), None) if self.resumed else None

    def finish(self) -> None:
        """The run is through; the journal keeps what it wrote."""
        if not self._begun:
            self.begin()
        there = [name for name in self.owned if (self.folder / name).exists()]
        self._journal.begin({"writes": there}, {"finished": True})


def names_within(folder: Path, paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Those of the paths that lie in the folder, or lead there by symbolic links; with their names there."""
    base = os.path.realpath(folder)
    parents: dict[Path, str] = {}
    for path in paths:
        parent = parents.get(path.parent)
        if parent is None:
            parent = parents[path.parent] = os.path.realpath(path.parent)
        for real in (os.path.join(parent, path.name), *([os.path.realpath(path)] if path.is_symlink() else [])):
            if real.startswith(os.path.join(base, "")):
                yield path, os.path.relpath(real, base).replace(os.sep, "/")


def _written(folder: Path, journal: Journal | None) -> Iterator[str]:
    """Files of a run, by its journal; of an earlier version's, which has none, by its index."""
    if journal is not None:
        yield from (name for names in entries_of(journal, "writes") for name in names if inside(folder, name))
    elif (folder / INDEX).is_file():
        try:
            records = list(read_index(folder))
            listed = [name for r in records for name in (r.get("file"), *r.get("files", ())) if name]
        except (ValueError, TypeError, AttributeError):
            return  # not a run's index: nobody's file
        yield from (INDEX, *(name for name in listed if inside(folder, name)))


def _remove(folder: Path, name: str) -> None:
    path = folder / name
    if path.is_dir() and not path.is_symlink():
        return
    path.unlink(missing_ok=True)
    if path.parent != folder:
        with suppress(OSError):  # there is something else in it
            path.parent.rmdir()
