"""Fingerprints of files, for a run's settings."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path


def fingerprint(path: Path | None) -> str | None:
    """SHA-256 of a file's content; of a folder, its path."""
    if path is None or not path.is_file():
        return None if path is None else str(path.absolute())
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint_inside(path: Path, endings: Collection[str]) -> str | None:
    """`fingerprint` of a file; of a folder, SHA-256 of the names and contents of the files of these endings in it, and
    in the folders in it."""
    if not path.is_dir():
        return fingerprint(path)
    inside = (one for pattern in ("*", "*/*") for one in path.glob(pattern) if one.suffix.lower() in endings)
    known = sorted((str(one.relative_to(path)), fingerprint(one)) for one in inside if one.is_file())
    return hashlib.sha256(repr(known).encode()).hexdigest()
