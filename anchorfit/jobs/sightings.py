"""Detections of a run so far, on disk, so that a resumed run does not detect again.

``.detected.jsonl`` begins with a line of settings; then there is a line a picture, added part by part. A line that was
cut short by a kill is dropped. The file goes when the run is through.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..atomic import append_durably
from ..observations import PeopleFile
from ..observations.formats.own_json import parse_json, person_entry
from .lines import json_line

SIGHTINGS = ".detected.jsonl"


class Sightings:
    """The people found in pictures, by the picture's name in the run; `open` it, `add` part after part, `remove`."""

    def __init__(self, path: Path, header: bytes, known: dict[str, PeopleFile], length: int) -> None:
        self._path, self._header, self._known, self._length = path, header, known, length

    @staticmethod
    def open(folder: Path, settings: Mapping[str, Any]) -> Sightings:
        """Go on with what is there, if it was found with the same settings; else begin anew.

        Args:
            folder: exists, and is held by this process.
            settings: what decides what is found: plain JSON.
        """
        path = folder / SIGHTINGS
        header = json_line(settings)
        known: dict[str, PeopleFile] = {}
        length = 0
        if path.is_file():
            with path.open("rb") as stream:
                if stream.readline() == header:
                    length = len(header)
                    for line in stream:
                        if not line.endswith(b"\n"):
                            break
                        record = json.loads(line)
                        known[record["picture"]] = _people(record)
                        length += len(line)
        return Sightings(path, header, known, length)

    def get(self, picture: str) -> PeopleFile | None:
        """What was found in it, without paths of images; None where no detector has run yet."""
        return self._known.get(picture)

    def add(self, found: Sequence[tuple[str, PeopleFile]]) -> None:
        """Note a part down for good.

        Raises:
            OSError: it cannot be written.
        """
        records = [
            {"picture": picture, "people": [person_entry(p) for p in file], "problems": list(file.problems)}
            for picture, file in found
        ]
        lines = b"".join(map(json_line, records))
        lines = lines if self._length else self._header + lines
        append_durably(self._path, self._length, lines)
        self._length += len(lines)

    def remove(self) -> None:
        """Remove the file, which is no longer needed."""
        self._path.unlink(missing_ok=True)


def _people(record: Mapping[str, Any]) -> PeopleFile:
    read = parse_json({"people": record["people"]}, record["picture"])
    return PeopleFile(read.people, (*record["problems"], *read.problems))
