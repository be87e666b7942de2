"""Fingerprints of files, for a run's settings."""

from __future__ import annotations

import hashlib
from pathlib import Path


def fingerprint(path: Path | None) -> str | None:
    """SHA-256 of a file's content; of a folder, its path."""
    if path is None or not path.is_file():
        return None if path is None else str(path.absolute())
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
