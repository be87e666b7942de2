"""What tells one version of a file from another, for a run's settings."""

from __future__ import annotations

import hashlib
from pathlib import Path


def fingerprint(path: Path | None) -> str | None:
    """What tells a file from another version of it: the SHA-256 of its content; of a folder or nothing, its name."""
    if path is None or not path.is_file():
        return None if path is None else str(path.absolute())
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
