"""Detections of a run so far, in a journal of their own, so that a resumed run does not detect again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..observations import PeopleFile
from ..observations.formats.own_json import parse_json, person_entry
from .journal import Journal, RunConflict

SIGHTINGS = ".detected.jsonl"


class Sightings:
    """The people found in pictures, by the picture's name in the run; `open` it, `add` part after part, `remove`."""

    def __init__(self, journal: Journal, *, new: bool) -> None:
        self._journal, self._new = journal, new
        self._known = {entry["picture"]: _people(entry) for entry in journal.entries}

    @staticmethod
    def open(folder: Path, settings: Mapping[str, Any]) -> Sightings:
        """Go on with what is there, if it was found with the same settings; else begin anew.

        Args:
            folder: exists, and is held by this process.
            settings: what decides what is found: plain JSON.
        """
        path = folder / SIGHTINGS
        try:
            journal = Journal.read(path)
        except RunConflict:  # of an earlier version
            journal = None
        if journal is None or journal.differing(settings):
            return Sightings(Journal(path, settings), new=True)
        return Sightings(journal, new=False)

    def get(self, picture: str) -> PeopleFile | None:
        """What was found in it, without paths of images; None where no detector has run yet."""
        return self._known.get(picture)

    def add(self, found: Sequence[tuple[str, PeopleFile]]) -> None:
        """Note a part down for good.

        Raises:
            OSError: it cannot be written.
        """
        if self._new:
            self._journal.begin()
            self._new = False
        self._journal.add(
            *(
                {"picture": picture, "people": [person_entry(p) for p in file], "problems": list(file.problems)}
                for picture, file in found
            )
        )

    def remove(self) -> None:
        """Remove the file, which is no longer needed."""
        self._journal.path.unlink(missing_ok=True)


def _people(record: Mapping[str, Any]) -> PeopleFile:
    read = parse_json({"people": record["people"]}, record["picture"])
    return PeopleFile(read.people, (*record["problems"], *read.problems))
