"""How the command line speaks: results to standard output, problems and progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

WIDE = 160  # columns, where the output is a file or a pipe and says no width of its own

out = Console(width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True)


def fail(error: Exception | str) -> NoReturn:
    """Print one clear line and leave with exit code 1."""
    err.print(f"anchorfit: error: {describe(error)}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)


def warn(message: object) -> None:
    """Print one line about something that went wrong while the rest went on."""
    err.print(f"anchorfit: {message}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def describe(error: Exception | str) -> str:
    """An error as one line: for a system's error, the file and what the system said."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


@contextmanager
def progress_bar(description: str, total: int) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on standard error that leaves nothing behind; silent where that is not a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress, progress.add_task(description, total=total)
