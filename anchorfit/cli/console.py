"""Output of the command line: results to standard output, problems and progress to standard error."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from ..options import one_line
from ..plain_text import printable
from ..runs.listening import Listener

WIDE = 160  # columns, where the output is a file or a pipe and says no width of its own
EVERY_S = 30.0  # seconds between two lines about progress, where there is no terminal

out = Console(width=None if sys.stdout and sys.stdout.isatty() else WIDE)
err = Console(stderr=True)


def fail(error: Exception | str) -> NoReturn:
    """Print one clear line and leave with exit code 1."""
    err.print(f"anchorfit: error: {one_line(error)}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)


def warn(message: object) -> None:
    """Print one line about something that went wrong while the rest went on."""
    err.print(f"anchorfit: {printable(str(message))}", style="yellow", markup=False, highlight=False, soft_wrap=True)


class _Rate(TextColumn):
    """How many a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class Terminal(Listener):
    """Tells a run on the terminal."""

    _steps: Steps | None = None

    def say(self, line: str) -> None:
        out.print(line, soft_wrap=True, highlight=False, markup=False)

    def warn(self, line: object) -> None:
        warn(line)

    @contextmanager
    def phase(self, name: str, total: int, *, before: int = 0) -> Iterator[Callable[[int], None]]:
        with long_run(name, total, before=before) as self._steps:
            yield self._steps

    def stand(self, text: str) -> None:
        if self._steps is not None:
            self._steps.stand(text)


class Steps:
    """How far a long run is: call it with each number done, or tell where it is; a bar, or a line now and then."""

    def __init__(self, name: str, total: int, before: int, bar: Progress) -> None:
        self._bar, self._task = bar, bar.add_task(name, total=total)
        self._name, self._before = name, before
        self._start = self._last = time.monotonic()

    def __call__(self, done: int) -> None:
        """So many more are done."""
        self._bar.advance(self._task, done)
        self.tell()

    def stand(self, text: str) -> None:
        """Say this beside the bar."""
        self._bar.update(self._task, description=text)

    def tell(self) -> None:
        """Say how far it is, where there is no terminal and it is time to."""
        now = time.monotonic()
        if err.is_terminal or now - self._last < EVERY_S:
            return
        self._last = now
        task = self._bar.tasks[0]
        rate = (task.completed - self._before) / (now - self._start)
        left = timedelta(seconds=round(((task.total or 0) - task.completed) / rate)) if rate > 0 else "unknown"
        line = f"{self._name}: {task.completed:.0f} of {task.total:.0f}, {rate:.1f} a second, {left} left"
        err.print(f"anchorfit: {line}", highlight=False, soft_wrap=True, markup=False)


@contextmanager
def long_run(name: str, total: int, *, before: int = 0) -> Iterator[Steps]:
    """A progress bar on standard error that leaves nothing behind, or where there is no terminal a line every half
    minute, even where nothing is done.

    Args:
        name: what is done, to what is counted: "fitting people".
        total: to do, with what is done.
        before: done in an earlier session, and told again in this one: no part of the rate.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    over = threading.Event()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        steps = Steps(name, total, before, bar)

        def tell() -> None:
            while not over.wait(EVERY_S):
                steps.tell()

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield steps
        finally:
            over.set()
            teller.join()
