"""Folders and origins of data sets; a missing file is reported in one line, with source and licence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class DatasetError(ValueError):
    """A data set that is not there, not whole, or not in the layout it is published in; one line."""


class Origin(NamedTuple):
    """Source and terms of a data set; none is part of this package."""

    name: str
    url: str
    licence: str

    def __str__(self) -> str:
        return f"{self.name} comes from {self.url} ({self.licence})"


def existing_root(root: str | Path, origin: Origin) -> Path:
    """The folder of a data set.

    Raises:
        DatasetError: there is no such folder.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder; --root names the folder that {origin.name} lies in; {origin}")
    return root


def dataset_file(path: str | Path, origin: Origin) -> Path:
    """The one file that a data set is.

    Raises:
        DatasetError: there is no such file.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; --root names {origin.name} itself; {origin}")
    return path


def lacking(root: Path, what: Sequence[str] | str, origin: Origin) -> DatasetError:
    """The error that says which files a root lacks."""
    names = [what] if isinstance(what, str) else list(what)
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return DatasetError(f"{root}: expected {origin.name}, found no {shown}; {origin}")
