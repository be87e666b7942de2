"""Work on many people at once that one of them cannot spoil."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from ..plain_text import told_by

Item = TypeVar("Item")
Result = TypeVar("Result")


class Apart(NamedTuple):
    """Places of the items that were worked on, and of the others the reasons: one line each."""

    kept: list[int]
    reasons: dict[int, str]


def work_apart(work: Callable[[Sequence[Item]], Result], items: Sequence[Item]) -> tuple[Result, Apart]:
    """Work on all items at once; where that fails, on those which do not fail alone.

    Raises:
        Exception: what the work on all raised, where each item alone passes.
    """
    try:
        return work(items), Apart([*range(len(items))], {})
    except Exception as error:
        whole = error
    reasons: dict[int, str] = {}
    for place, item in enumerate(items):
        try:
            work([item])
        except Exception as error:
            reasons[place] = reason_of(error)
    if not reasons:
        raise whole
    kept = [place for place in range(len(items)) if place not in reasons]
    return work([items[place] for place in kept]), Apart(kept, reasons)


def reason_of(error: Exception) -> str:
    """An error as one line; of one whose message was not written for people, its kind goes before it."""
    said = told_by(error)
    return said if isinstance(error, (ValueError, OSError, ImportError)) else f"{type(error).__name__}: {said}"
