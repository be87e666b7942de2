"""What a format of result files is: how it is told by the names in a file, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...stored_objects import read_objects
from .record import ResultFile


class StoredResult:
    """A file of results, opened once.

    Args:
        path: of the file.
        content: what it holds, where that is known.
    """

    def __init__(self, path: Path, content: Any = None) -> None:
        self.path = path
        self._content = content

    @cached_property
    def content(self) -> Any:
        """Plain dictionaries, lists, texts and arrays; raises as `read_objects`."""
        return read_objects(self.path) if self._content is None else self._content

    def has(self, *keys: str) -> bool:
        """Whether it is a dictionary with all of these keys."""
        return isinstance(self.content, Mapping) and all(key in self.content for key in keys)

    @cached_property
    def records(self) -> Mapping[Any, Mapping[str, Any]]:
        """The dictionaries of a dictionary whose entries are all such, by their keys; else none."""
        held = self.content
        if not isinstance(held, Mapping) or not held or not all(isinstance(one, Mapping) for one in held.values()):
            return {}
        return held

    def each_has(self, *keys: str) -> bool:
        """Whether it is a dictionary of dictionaries that all have these keys."""
        return bool(self.records) and all(all(key in one for key in keys) for one in self.records.values())


@dataclass(frozen=True, kw_only=True)
class ResultFormat:
    """A format of result files.

    Attributes:
        name: what messages call it.
        recognises: whether a file is of it, by its names.
        read: its bodies; raises ResultFileError or ValueError with what is wrong, without the file's name.
        general: whether it is asked last, since others tell more closely what it takes, too.
    """

    name: str
    recognises: Callable[[StoredResult], bool]
    read: Callable[[StoredResult], ResultFile]
    general: bool = False
