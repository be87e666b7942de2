"""Status of a row after a solver."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Status of a row; the larger, the worse, so that the worst of several stages is their maximum."""

    CONVERGED = 0  # the last step gained less than the tolerance, or the slope is so small that none can gain more
    OUT_OF_STEPS = 1  # the cost was still falling at the step limit
    STUCK = 2  # no step was accepted any more although the slope says that the cost could fall
    FAILED = 3  # the start itself could not be evaluated

    @property
    def says(self) -> str:
        """The status in words."""
        return self.name.lower().replace("_", " ")
