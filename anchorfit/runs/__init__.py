"""Runs: people found, fitted and written into a folder, by one process or many, going on where a killed run stopped."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..index import INDEX, read_index
    from .chunks import RunSummary
    from .engines import EngineOptions
    from .fitting import run
    from .folder import JOURNAL, RunFolder
    from .journal import FolderInUse, Journal, RunConflict, locked
    from .listening import Listener
    from .options import RunOptions

_HOMES = {
    "EngineOptions": "anchorfit.runs.engines",
    "FolderInUse": "anchorfit.runs.journal",
    "INDEX": "anchorfit.index",
    "JOURNAL": "anchorfit.runs.folder",
    "Journal": "anchorfit.runs.journal",
    "Listener": "anchorfit.runs.listening",
    "RunConflict": "anchorfit.runs.journal",
    "RunFolder": "anchorfit.runs.folder",
    "RunOptions": "anchorfit.runs.options",
    "RunSummary": "anchorfit.runs.chunks",
    "locked": "anchorfit.runs.journal",
    "read_index": "anchorfit.index",
    "run": "anchorfit.runs.fitting",
}

__all__ = [
    "INDEX",
    "JOURNAL",
    "EngineOptions",
    "FolderInUse",
    "Journal",
    "Listener",
    "RunConflict",
    "RunFolder",
    "RunOptions",
    "RunSummary",
    "locked",
    "read_index",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: engines and journals are used below the pipeline, too."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
