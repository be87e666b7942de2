"""A cache of what was read from a file, valid while the file is unchanged."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

Content = TypeVar("Content")


def cached_by_file(maxsize: int) -> Callable[[Callable[[Path], Content]], Callable[[Path], Content]]:
    """Decorates a function of a path: its last few results are kept, each until its file changes in time or size."""

    def decorate(read: Callable[[Path], Content]) -> Callable[[Path], Content]:
        @lru_cache(maxsize=maxsize)
        def remembered(path: Path, stamp: tuple[int, int]) -> Content:
            return read(path)

        @wraps(read)
        def asked(path: Path) -> Content:
            try:
                status = path.stat()
            except OSError:
                return read(path)  # which says in its own words what is wrong
            return remembered(path, (status.st_mtime_ns, status.st_size))

        return asked

    return decorate
