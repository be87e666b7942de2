"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


class Listener:
    """Recipient of a run's progress: silent; a subclass tells a terminal, a log or a page."""

    def say(self, line: str) -> None:
        """A line that is worth knowing."""

    def warn(self, line: object) -> None:
        """A line about something that went wrong while the rest went on."""

    def warn_all(self, lines: Iterable[object]) -> None:
        """Several such lines."""
        for line in lines:
            self.warn(line)

    def stand(self, text: str) -> None:
        """How the phase in progress stands, beside the number done: a loss, held-out errors."""

    @contextmanager
    def phase(self, name: str, total: int, *, before: int = 0) -> Iterator[Callable[[int], None]]:
        """A part of the run; yields what is called with the number done since the last call.

        Args:
            name: what is done, to what is counted: "fitting people", "drawing frames".
            total: to do, with what is done.
            before: done in an earlier session, and told again in this one.
        """
        yield lambda done: None
