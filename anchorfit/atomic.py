"""Files that are either whole or not there."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

_PART = ".part"


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed writers from a folder that no other process writes to."""
    for path in folder.glob(f".{'[0-9a-f]' * 12}{_PART}*"):
        path.unlink(missing_ok=True)


def temporary_beside(path: Path, ending: str = "") -> Path:
    """A name in the same folder for what is to become ``path``; `remove_leftovers` knows it.

    Args:
        path: where the file goes once it is whole.
        ending: for writers that choose a format by the name's ending, ``.mp4``.
    """
    return path.with_name(f".{uuid.uuid4().hex[:12]}{_PART}{ending}")  # short: names have a limit


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write to a temporary file in the same folder, then rename it over ``path``: a reader never sees half a file.

    Raises:
        FileNotFoundError: the folder does not exist.
        OSError: the folder is read-only, the disk is full, ...; one line that names the file. What stood at ``path``
            before is untouched.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: cannot be written: there is no folder {path.parent}; make it first")
    temporary = temporary_beside(path)
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise _named(error, path) from error


def append_durably(path: Path, length: int, data: bytes) -> None:
    """Bring a file to that length, which it has or an attempt that failed made longer, and add data for good.

    Raises:
        OSError: the disk is full, ...; one line that names the file.
    """
    try:
        with path.open("ab") as stream:
            stream.truncate(length)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise _named(error, path) from error


def _named(error: OSError, path: Path) -> OSError:
    """The same kind of error, as one line that begins with the file's name."""
    reason = error.strerror or str(error)
    named = type(error)(f"{path}: cannot be written ({reason}); free space or choose another folder")
    named.errno = error.errno
    return named
