"""One run at a time in an output folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderInUse(ValueError):
    """Another process writes into the folder; the message is one line."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for oneself. The system lets go of it when the process ends, however it ends: nothing is left over.

    Raises:
        FolderInUse: another process holds it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(
                f"{folder}: another run writes into this folder; wait for it, or give another --output"
            ) from error
        except OSError:  # a file system without locks: as safe as it was without trying
            pass
        yield
    finally:
        os.close(handle)
