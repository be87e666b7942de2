"""Files and folders of many estimates, read as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .index import estimate_paths
from .results import BodyEstimate, concatenate


def load_estimates(paths: str | Path | Sequence[str | Path]) -> BodyEstimate:
    """Read estimates of one body, from a file or folder of ``.npz`` files or from several, as one.

    A folder that a run wrote is read by its index: the people of the run, each once.

    Raises:
        FileNotFoundError: there is no such file, or no ``.npz`` in a folder.
        ValueError: a file is no estimate, or they differ in body, gender or method.
    """
    return concatenate([BodyEstimate.load(path) for path in estimate_paths(paths)])


def load_estimates_by_method(paths: str | Path | Sequence[str | Path]) -> dict[str, BodyEstimate]:
    """As `load_estimates`, but predictions and fits may lie together: one estimate for each method.

    Raises:
        FileNotFoundError, ValueError: as there, and for estimates of different bodies.
    """
    found: dict[str, list[BodyEstimate]] = {}
    for path in estimate_paths(paths):
        one = BodyEstimate.load(path)
        first = next(iter(found.values()))[0] if found else one
        if (one.body, one.gender) != (first.body, first.gender):
            raise ValueError(
                f"{path}: made with body {one.body} ({one.gender}), others with {first.body} ({first.gender}); "
                "give those of one body"
            )
        found.setdefault(one.method, []).append(one)
    return {method: concatenate(parts) for method, parts in found.items()}
