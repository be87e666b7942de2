"""Output of the command line: results to standard output, problems and progress to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from ..plain_text import printable

WIDE = 160  # columns, where the output is a file or a pipe and says no width of its own

out = Console(width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True)


def fail(error: Exception | str) -> NoReturn:
    """Print one clear line and leave with exit code 1."""
    err.print(f"anchorfit: error: {error_line(error)}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)


def warn(message: object) -> None:
    """Print one line about something that went wrong while the rest went on."""
    err.print(f"anchorfit: {printable(str(message))}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def error_line(error: Exception | str) -> str:
    """An error as one line: for a system's error, the file and what the system said."""
    if isinstance(error, OSError) and error.filename is not None:
        return printable(f"{error.filename}: {error.strerror}")
    return printable(" ".join(str(error).split()))


class _Rate(TextColumn):
    """How many a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


@contextmanager
def progress_bar(description: str, total: int) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on standard error that leaves nothing behind; silent where that is not a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress, progress.add_task(description, total=total)


@contextmanager
def long_run(description: str, total: int, *, before: int = 0) -> Iterator[Callable[[int], None]]:
    """A progress bar, or where there is no terminal a line now and then; yields what is called with each number done.

    Args:
        description: a word.
        total: to do, with what is done.
        before: done in an earlier session, and told again in this one.
    """
    reporter = Reporter(total, before=before)
    with progress_bar(description, total) as (bar, task):

        def advance(done: int) -> None:
            bar.advance(task, done)
            reporter(bar.tasks[task].completed)

        yield advance


class Reporter:
    """Progress of a long run where there is no terminal: a line now and then, with rate and time left.

    Args:
        total: to do, with what is done.
        before: done in an earlier session: no part of the rate.
    """

    def __init__(self, total: int, *, before: int = 0, every_s: float = 30.0) -> None:
        self._total, self._before, self._every = total, before, every_s
        self._start = self._last = time.monotonic()

    def __call__(self, done: float) -> None:
        """Say how far it is, where it is time to: ``done`` of the total."""
        now = time.monotonic()
        if err.is_terminal or now - self._last < self._every:
            return
        self._last = now
        rate = (done - self._before) / (now - self._start)
        left = timedelta(seconds=round((self._total - done) / rate)) if rate > 0 else "unknown"
        err.print(
            f"anchorfit: {done:.0f} of {self._total}, {rate:.1f} a second, {left} left", highlight=False, soft_wrap=True
        )
