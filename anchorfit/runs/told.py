"""What a run says at its end of perhaps very many people: a line for each reason, not for each person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..fit_options import InputProblem
from ..observations.matching import FEW
from ..plain_text import short_name

MOST_REASONS = 40  # lines of a run, of people skipped and of notes each
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


@dataclass
class _Reason:
    """What was said of someone, of whom, and how often the same was said of others, but for numbers and names."""

    message: str
    subjects: list[str] = field(default_factory=list)
    count: int = 0
    alike: bool = True  # whether all were told the same, word for word

    def add(self, problem: InputProblem) -> None:
        self.count += 1
        self.alike &= problem.message == self.message
        if len(self.subjects) < FEW:
            self.subjects.append(short_name(problem.subject))

    @property
    def shortened(self) -> bool:
        return self.count > (len(self.subjects) if self.alike else 1)

    def __str__(self) -> str:
        subjects, further = (self.subjects, self.count - len(self.subjects)) if self.alike else (self.subjects[:1], 0)
        more = f" and {further} more" if further else ""
        told = ": ".join(part for part in (", ".join(subjects) + more, self.message) if part)
        return told if self.alike else f"{told} (and {self.count - 1} more of this kind)"


class Lines:
    """Lines for the end of a run; all that was said of whom stands in the index.

    Args:
        most: reasons that have a line; further ones are counted.
    """

    def __init__(self, most: int) -> None:
        self.more = 0
        self._most = most
        self._reasons: dict[str, _Reason] = {}

    def add(self, problems: Iterable[InputProblem | str]) -> None:
        """Count problems in; a text is one of no person."""
        for problem in problems:
            one = InputProblem("", problem) if isinstance(problem, str) else problem
            kind = _kind(one)
            if kind in self._reasons or len(self._reasons) < self._most:
                self._reasons.setdefault(kind, _Reason(one.message)).add(one)
            else:
                self.more += 1

    @property
    def first(self) -> list[str]:
        """A line for each reason, in the order in which they came."""
        return [str(reason) for reason in self._reasons.values()]

    @property
    def shortened(self) -> bool:
        """Whether a person is named in no line."""
        return bool(self.more) or any(reason.shortened for reason in self._reasons.values())


def _kind(problem: InputProblem) -> str:
    """What is the same of problems of one reason: the words without the image's name and without numbers."""
    image = problem.subject.rpartition("#")[0]
    return _NUMBERS.sub("0", problem.message.replace(image, "") if image else problem.message)
