"""What fits are to start from: our own estimates by name, or other programs' files by image and place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..array_files import ArrayFile, ArrayFileError
from ..index import INDEX
from ..interchange.results import ResultFile, read_all_results
from ..many_estimates import load_estimates
from ..results import BodyEstimate


def read_starts(paths: Sequence[Path], *, matched: bool = False) -> BodyEstimate | tuple[ResultFile, ...]:
    """Files and folders to start from.

    Args:
        paths: of ours or of other programs.
        matched: our own are matched by place, too, as other programs' are, not by name.
    Raises:
        FileNotFoundError, ValueError: a file is not there or cannot be used; one line.
    """
    if not matched and all(_is_own(Path(path)) for path in paths):
        return load_estimates(paths)
    return tuple(read_all_results(paths))


def _is_own(path: Path) -> bool:
    if path.is_dir():
        if (path / INDEX).exists():
            return True
        files = sorted(path.glob("*.npz"))
        return bool(files) and all(map(_is_own, files))
    if not path.exists():
        return True  # whose reader says so
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":
            return False
    try:
        names = ArrayFile(path)
    except (ArrayFileError, OSError):
        return path.suffix == ".npz"
    return "format_version" in names
