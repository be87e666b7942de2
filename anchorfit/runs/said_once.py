"""What is said of a run's people: the same of many is one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..body.joint_sets import CANONICAL_JOINTS
from ..fit_options import InputProblem
from ..observations.matching import FEW

_JOINT = "|".join(sorted(CANONICAL_JOINTS, key=len, reverse=True))
_JOINTS = re.compile(rf"\b(?:{_JOINT})(?:(?:, | and )(?:{_JOINT}|\d+ more joints))*\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass
class _Kind:
    """Lines that say the same: the first, whether the others say it in the same words, of whom, how often."""

    first: InputProblem | str
    same: bool = True
    subjects: list[str] = field(default_factory=list)
    count: int = 0

    def __str__(self) -> str:
        if isinstance(self.first, str) or self.count == 1:
            return str(self.first)
        few = self.subjects if self.same else self.subjects[1:]
        more = self.count - len(self.subjects)
        others = ", ".join(few) + (f" and {more} more" if more else "")
        return f"{others}: {self.first.message}" if self.same else f"{self.first} (alike: {others})"


class SaidOnce:
    """Lines of perhaps very many people; those that say the same, but for names, joints and numbers, become one.

    Args:
        most: kinds that are told apart; lines beyond them are counted.
    """

    def __init__(self, most: int) -> None:
        self.more = 0
        self._kinds: dict[str, _Kind] = {}
        self._most = most

    def add(self, problems: Iterable[InputProblem | str]) -> None:
        """Add what is said of people, each a problem, or of something else, each a line."""
        for problem in problems:
            key = _kind(problem)
            if key not in self._kinds and len(self._kinds) == self._most:
                self.more += 1
                continue
            kind = self._kinds.setdefault(key, _Kind(problem))
            kind.count += 1
            if isinstance(problem, str) or isinstance(kind.first, str):
                continue
            kind.same &= problem.message == kind.first.message
            if len(kind.subjects) < FEW:
                kind.subjects.append(problem.subject)

    @property
    def lines(self) -> list[str]:
        """A line for each kind, in the order of their first ones."""
        return [str(kind) for kind in self._kinds.values()]


def _kind(problem: InputProblem | str) -> str:
    """A text that is the same for all problems of a kind: without the image's path, joints and numbers."""
    if isinstance(problem, str):
        return problem
    image = problem.subject.rpartition("#")[0]
    message = re.sub(rf"\S*{re.escape(image)}", "", problem.message) if image else problem.message
    return _NUMBER.sub("#", _JOINTS.sub("@", message))
