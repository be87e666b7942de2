"""Files and folders of many estimates, read as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .index import estimate_paths
from .plain_text import list_few
from .results import BodyEstimate, concatenate

Warn = Callable[[str], None]


def load_estimates(paths: str | Path | Sequence[str | Path], warn: Warn | None = None) -> BodyEstimate:
    """Read estimates of one body, from a file or folder of ``.npz`` files or from several, as one.

    A folder that a run wrote is read by its index: the people of the run, each once.

    Args:
        paths: of files and folders.
        warn: told where several bodies have one name, of which the first counts then; None: all do.
    Raises:
        FileNotFoundError: there is no such file, or no ``.npz`` in a folder.
        ValueError: a file is no estimate, or they differ in body, gender or method.
    """
    first = _FirstOfEach(once=warn is not None)
    found: list[BodyEstimate | None] = []
    before: tuple[Path, BodyEstimate] | None = None
    for path in estimate_paths(paths):
        read = BodyEstimate.load(path)
        before = before or (path, read)
        _check_alike(path, read, *before, method=True)
        found.append(first.of(path, read))
    first.tell(warn)
    return concatenate([estimate for estimate in found if estimate is not None])


def named_files(paths: str | Path | Sequence[str | Path]) -> str:
    """How messages call files and folders of estimates."""
    return list_few(map(str, [paths] if isinstance(paths, str | Path) else paths))


def _check_alike(path: Path, read: BodyEstimate, first_path: Path, first: BodyEstimate, *, method: bool) -> None:
    """Raises ValueError where two files' estimates cannot be one: of other bodies, or of other methods."""
    made, others = ((one.body, one.gender) for one in (read, first))
    if made != others:
        raise ValueError(
            f"{path}: made with body {made[0]} ({made[1]}), {first_path} with {others[0]} ({others[1]}); give those of "
            "one body"
        )
    if method and read.method != first.method:
        raise ValueError(
            f"{path}: made by method {read.method!r}, {first_path} by {first.method!r}; give those of one method"
        )


def load_estimates_by_method(
    paths: str | Path | Sequence[str | Path], warn: Warn | None = None
) -> dict[str, BodyEstimate]:
    """As `load_estimates`, but predictions and fits may lie together: one estimate for each method.

    Raises:
        FileNotFoundError, ValueError: as there, and for estimates of different bodies.
    """
    found: dict[str, list[BodyEstimate]] = {}
    first = _FirstOfEach(once=warn is not None)
    before: tuple[Path, BodyEstimate] | None = None
    for path in estimate_paths(paths):
        read = BodyEstimate.load(path)
        before = before or (path, read)
        _check_alike(path, read, *before, method=False)
        one = first.of(path, read)
        if one is not None:
            found.setdefault(one.method, []).append(one)
    first.tell(warn)
    return {method: concatenate(parts) for method, parts in found.items()}


class _FirstOfEach:
    """Bodies of names that no file before had, method by method; all, where names may be there more than ``once``."""

    def __init__(self, *, once: bool) -> None:
        self._once = once
        self._files: dict[tuple[str, str], Path] = {}
        self._doubled: list[tuple[str, Path, Path]] = []

    def of(self, path: Path, estimate: BodyEstimate) -> BodyEstimate | None:
        """Those of a file; None: not one."""
        keys = [(estimate.method, name) for name in estimate.names]
        twice = [key for key in keys if key in self._files] if self._once else []
        if not twice:
            self._files |= dict.fromkeys(keys, path)
            return estimate
        self._doubled += [(key[1], self._files[key], path) for key in twice]
        rows = [row for row, key in enumerate(keys) if key not in self._files]
        self._files |= {keys[row]: path for row in rows}
        return estimate.rows(rows) if rows else None

    def tell(self, warn: Warn | None) -> None:
        """Say of which names there are several."""
        if warn is not None and self._doubled:
            _, here, there = self._doubled[0]
            names = list_few(name for name, _, _ in self._doubled)
            warn(f"{names}: in {here} and once more in {there}; the first counts: give the one that is meant")
