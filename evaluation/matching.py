"""Which result belongs to which person of a data set, by what both call the image.

A person has labels such as ``downtown_walking_00/image_00012#1``: folders, the image, and where there are several
people the person. A result's label fits where it ends, folder by folder, like a person's, or a person's like it:
``imageFiles/downtown_walking_00/image_00012.jpg`` and a bare ``image_00012`` are both found, the latter only where one
image alone is called so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .estimates import Entry, EstimateError

_SUFFIX = re.compile(r"\.(?:jpe?g|png|bmp|webp|mp4|mat|npz|pkl)(?=#|$)", re.IGNORECASE)
_SEVERAL = -1


class MatchedResults(NamedTuple):
    """The result of each person, None where there is none, and a line for what could not be matched."""

    entries: tuple[Entry | None, ...]
    problems: tuple[str, ...]


class Matcher:
    """Finds people by labels.

    Args:
        labels: of each person, paths with or without suffix.
    """

    def __init__(self, labels: Sequence[tuple[str, ...]]) -> None:
        self.labels = labels
        self._whole: dict[tuple[str, ...], int] = {}
        self._endings: dict[tuple[str, ...], int] = {}
        for person, alternatives in enumerate(labels):
            for parts in dict.fromkeys(_parts(label) for label in alternatives):
                _note(self._whole, parts, person)
                for start in range(len(parts)):
                    _note(self._endings, parts[start:], person)

    def person(self, label: str, mark: str = "") -> int | None:
        """The person of a result, None where there is none.

        Args:
            label: what the result calls its image.
            mark: what it calls the person in it, tried first.
        Raises:
            EstimateError: several people fit.
        """
        for asked in [f"{_plain(label)}#{mark}", label] if mark else [label]:
            parts = _parts(asked)
            found = self._endings.get(parts)
            for start in range(1, len(parts)):
                found = self._whole.get(parts[start:]) if found is None else found
            if found == _SEVERAL:
                raise EstimateError(f"{label}: several people are called so; name the results by folder and image")
            if found is not None:
                return found
        return None


def match_results(labels: Sequence[tuple[str, ...]], entries: Iterable[Entry], what: str) -> MatchedResults:
    """Which result belongs to which person.

    Args:
        labels: of each person.
        entries: the results.
        what: the data set, as messages call it.
    Raises:
        EstimateError: two results are of one person, one may be of several, or not one is of any.
    """
    matcher = Matcher(labels)
    found: list[Entry | None] = [None] * len(labels)
    extra, asked = [], []
    for entry in entries:
        asked.append(entry.label)
        person = matcher.person(entry.label, entry.mark)
        if person is None:
            extra.append(entry.label)
        elif (other := found[person]) is not None:
            raise EstimateError(
                f"{labels[person][0]}: two results ({other.path.name} row {other.row}, {entry.path.name} row "
                f"{entry.row}); remove one"
            )
        else:
            found[person] = entry
    missing = [names[0] for names, entry in zip(labels, found, strict=True) if entry is None]
    if len(missing) == len(labels):
        raise EstimateError(
            f"not one result is of a person of {what}, whose first is {labels[0][0]}; they are of "
            f"{', '.join(asked[:3])} ..."
        )
    problems = []
    if extra:
        problems.append(f"{len(extra)} results are of nobody who is scored ({', '.join(extra[:3])} ...): left out")
    if missing:
        shown = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        problems.append(f"{len(missing)} people have no result and count as failed: {shown}")
    return MatchedResults(tuple(found), tuple(problems))


def _note(table: dict[tuple[str, ...], int], parts: tuple[str, ...], person: int) -> None:
    table[parts] = person if table.get(parts, person) == person else _SEVERAL


def _plain(label: str) -> str:
    return _SUFFIX.sub("", label.replace("\\", "/"))


def _parts(label: str) -> tuple[str, ...]:
    return tuple(part for part in _plain(label).split("/") if part not in ("", ".", ".."))
