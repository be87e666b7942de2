"""Progress of a run, on disk: an index that only grows, and a note of how much of it counts.

``index.jsonl`` has a line a person. A chunk of people counts once its files and its lines are written and then
``.run.json`` says how long the index is. A run that is killed in between leaves lines beyond that length; they are cut
off when the run goes on, and the chunk is done again over its own files. ``.run.json`` goes when the run is through.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..atomic import append_durably, remove_leftovers, write_atomically
from .lines import json_line

INDEX = "index.jsonl"
STATE = ".run.json"
_VERSION = 1


class RunConflict(ValueError):
    """The folder holds an unfinished run with other settings; the message is one line."""


class Ledger:
    """The index of one run in a folder; `open` it, `commit` chunk after chunk, `finish`.

    Attributes:
        done: names that are in the index.
        chunks: committed so far.
        resumed: whether an unfinished run goes on.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], chunks: int, length: int, done: set[str]) -> None:
        self.done, self.chunks = done, chunks
        self.resumed = chunks > 0
        self._folder, self._settings, self._length = folder, dict(settings), length

    @staticmethod
    def open(folder: Path, settings: Mapping[str, Any], *, restart: bool = False) -> Ledger:
        """Begin a run, or go on with an unfinished one of the same settings.

        Args:
            folder: exists, and is held by this process.
            settings: what decides the results: plain JSON.
            restart: begin anew whatever is there.
        Raises:
            RunConflict: an unfinished run has other settings, or its notes cannot be read.
            OSError: the folder cannot be written to.
        """
        remove_leftovers(folder)
        state = None if restart else _read_state(folder)
        if state is None or not state["chunks"]:
            (folder / INDEX).unlink(missing_ok=True)
            return Ledger(folder, settings, 0, 0, set())
        other = sorted(
            key for key in {*state["settings"], *settings} if state["settings"].get(key) != settings.get(key)
        )
        if other:
            raise RunConflict(
                f"{folder}: holds an unfinished run with other settings ({', '.join(other)}); repeat its command to go "
                "on with it, give --restart to begin anew, or another --output"
            )
        length = state["length"]
        index = folder / INDEX
        if not index.is_file() or index.stat().st_size < length:
            raise RunConflict(f"{folder}: the unfinished run's {INDEX} was changed; give --restart or another --output")
        os.truncate(index, length)
        done = {record["name"] for record in read_index(folder)}
        return Ledger(folder, settings, state["chunks"], length, done)

    def commit(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Add a chunk's lines for good; its files must be there already.

        Raises:
            OSError: they cannot be written; the chunk then does not count.
        """
        lines = b"".join(map(json_line, records))
        append_durably(self._folder / INDEX, self._length, lines)
        self._write_state(self.chunks + 1, self._length + len(lines))
        self.chunks, self._length = self.chunks + 1, self._length + len(lines)
        self.done.update(record["name"] for record in records)

    def begin(self) -> None:
        """Leave the note that a run is under way here."""
        self._write_state(self.chunks, self._length)

    def finish(self) -> None:
        """The run is through: the index alone remains."""
        (self._folder / STATE).unlink(missing_ok=True)

    def _write_state(self, chunks: int, length: int) -> None:
        state = {"version": _VERSION, "settings": self._settings, "chunks": chunks, "length": length}
        write_atomically(self._folder / STATE, json.dumps(state).encode())


def read_index(folder: Path) -> Iterator[dict[str, Any]]:
    """The records of a folder's index, one by one; none where there is no index."""
    path = folder / INDEX
    if path.is_file():
        with path.open("rb") as stream:
            for line in stream:
                yield json.loads(line)


def _read_state(folder: Path) -> dict[str, Any] | None:
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state = json.loads(path.read_bytes())
        if state["version"] != _VERSION:
            raise ValueError(f"version {state['version']}")
        return {"settings": dict(state["settings"]), "chunks": int(state["chunks"]), "length": int(state["length"])}
    except (ValueError, KeyError, TypeError) as error:
        raise RunConflict(f"{path}: cannot be read ({error}); give --restart to begin anew") from error
