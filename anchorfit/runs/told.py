"""What a run says at its end of perhaps very many people: a line for each reason, not for each person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..body.joint_sets import CANONICAL_JOINTS
from ..fit_options import InputProblem
from ..plain_text import FEW, short_name

MOST_REASONS = 40  # lines of a run, of people skipped and of notes each

_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_JOINT = "|".join(sorted(CANONICAL_JOINTS, key=len, reverse=True))
_JOINTS = re.compile(rf"\b(?:{_JOINT})(?:(?:, | and )(?:{_JOINT}|\d+ more joints))*\b")


@dataclass
class _Reason:
    """What was said of someone, of whom, and how often the same was said of others, but for joints and numbers."""

    message: str
    subjects: list[str] = field(default_factory=list)
    count: int = 0
    same: bool = True  # whether all were told the same, word for word

    def add(self, problem: InputProblem) -> None:
        self.count += 1
        self.same &= problem.message == self.message
        if len(self.subjects) < FEW:
            self.subjects.append(short_name(problem.subject))

    @property
    def shortened(self) -> bool:
        return self.count > len(self.subjects) or not self.same

    def __str__(self) -> str:
        more = f" and {self.count - len(self.subjects)} more" if self.count > len(self.subjects) else ""
        if self.same:
            return ": ".join(part for part in (", ".join(self.subjects) + more, self.message) if part)
        return f"{self.subjects[0]}: {self.message} (alike: {', '.join(self.subjects[1:])}{more})"


class Lines:
    """Lines for the end of a run; all that was said of whom stands in the index.

    Args:
        most: reasons that have a line; further ones are counted.
    """

    def __init__(self, most: int) -> None:
        self.more = 0
        self._most = most
        self._reasons: dict[str, _Reason] = {}

    def __repr__(self) -> str:
        return f"Lines({self.first!r})"

    def add(self, problems: Iterable[InputProblem | str]) -> None:
        """Count problems in; a text is one of no person."""
        for problem in problems:
            one = InputProblem("", problem) if isinstance(problem, str) else problem
            kind = problem if isinstance(problem, str) else _kind(problem)
            if kind in self._reasons or len(self._reasons) < self._most:
                self._reasons.setdefault(kind, _Reason(one.message)).add(one)
            else:
                self.more += 1

    @property
    def first(self) -> list[str]:
        """A line for each reason, in the order in which they came."""
        return [str(reason) for reason in self._reasons.values()]

    @property
    def told(self) -> list[str]:
        """The same, and a line about the reasons that have none."""
        return [*self.first, *([f"... and {self.more} more for other reasons"] if self.more else [])]

    @property
    def shortened(self) -> bool:
        """Whether a person is named in no line, or not in its own words."""
        return bool(self.more) or any(reason.shortened for reason in self._reasons.values())


def _kind(problem: InputProblem) -> str:
    """What is the same of problems of one reason: the words without the image's path, joints and numbers."""
    image = problem.subject.rpartition("#")[0]
    message = problem.message
    if image and image in message:  # an expression that is another for every image takes long to compile
        message = re.sub(rf"\S*{re.escape(image)}", "", message)
    return _NUMBERS.sub("#", _JOINTS.sub("@", message))
