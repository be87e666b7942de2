"""Fingerprints of files, for a run's settings."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path


def fingerprint(path: Path | None) -> str | None:
    """SHA-256 of a file's content; of a folder, of the names and contents of the files in it and in the folders in it,
    of pictures and films of their sizes; of what is not there, its path."""
    if path is None:
        return None
    return fingerprint_inside(path)


def fingerprint_inside(path: Path, endings: Collection[str] = ()) -> str | None:
    """`fingerprint`, of a folder by the files of these endings alone, where there are such."""
    if path.is_file():
        return _of_file(path)
    if not path.is_dir():
        return str(path.absolute())
    inside = (one for pattern in ("*", "*/*") for one in path.glob(pattern))
    files = (one for one in inside if (not endings or one.suffix.lower() in endings) and one.is_file())
    known = sorted((one.relative_to(path).as_posix(), _of_one_inside(one)) for one in files)
    return hashlib.sha256(repr(known).encode("utf-8", "surrogateescape")).hexdigest()


def _of_one_inside(path: Path) -> str:
    from ..observations.images import IMAGE_SUFFIXES, VIDEO_SUFFIXES  # loads torch, which no command's help waits for

    seen = path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
    return f"{path.stat().st_size} bytes" if seen else _of_file(path)


def _of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
