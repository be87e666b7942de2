"""The loop of a long run: chunks of people are fitted, written and noted down, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..observations import Person
from ..pipeline import Outcome
from ..results import BodyEstimate
from .ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """People that are fitted and written together.

    Attributes:
        number: 0, 1, ... in the run.
        people: all people of an image are in one chunk.
    """

    number: int
    people: list[Person]


class Lines:
    """The first lines of perhaps very many, and how many more there were; all are in the index."""

    def __init__(self, most: int) -> None:
        self.first: list[str] = []
        self.more = 0
        self._most = most

    def add(self, lines: Iterable[str]) -> None:
        for line in lines:
            if len(self.first) < self._most:
                self.first.append(line)
            else:
                self.more += 1


@dataclass(kw_only=True)
class JobSummary:
    """What came of a run, this session's part of it.

    Attributes:
        before: people that were done before this session.
        fitted, untrusted, skipped: people of this session; the untrusted are among the fitted.
        failures: people who were skipped and files that could not be written, a line each.
        notes: the same for what was mended or is worth knowing.
    """

    before: int = 0
    fitted: int = 0
    untrusted: int = 0
    skipped: int = 0
    failures: Lines = field(default_factory=lambda: Lines(200))
    notes: Lines = field(default_factory=lambda: Lines(40))


Written = tuple[Mapping[str, Mapping[str, Any]], Sequence[str]]
"""What a chunk's writer returns: by person, what to add to the index; and a line for each file that failed."""


def run_job(
    people: Sequence[Person],
    ledger: Ledger,
    fit: Callable[[list[Person]], Outcome],
    write: Callable[[Chunk, BodyEstimate], Written],
    *,
    chunk_size: int,
    progress: Callable[[int], None] = lambda done: None,
) -> JobSummary:
    """Work through everybody that the ledger does not have yet.

    Args:
        people: of unique names, the same and in the same order when a run goes on.
        ledger: of the output folder.
        fit: from a chunk's people to estimates and problems.
        write: writes a chunk's files; the estimates are its people's who could be fitted.
        chunk_size: people fitted and noted down at once; what a kill can cost, and what the memory holds.
        progress: called with the number of people dealt with since the last call.
    Raises:
        OSError: the disk is full, ...: what was committed stays, and the same call goes on from there.
    """
    summary = JobSummary(before=len(ledger.done))
    progress(summary.before)
    ledger.begin()
    left = [person for person in people if person.name not in ledger.done]
    for members in chunk_people(left, chunk_size):
        chunk = Chunk(number=ledger.chunks, people=members)
        outcome = fit(members)
        extra: Mapping[str, Mapping[str, Any]] = {}
        if outcome.estimate is not None:
            extra, failures = write(chunk, outcome.estimate)
            summary.failures.add(failures)
        records = list(_records(chunk, outcome, extra))
        ledger.commit(records)
        _count(summary, records)
        skipped = {record["name"] for record in records if record["status"] == "skipped"}
        summary.failures.add(str(problem) for problem in outcome.problems if problem.subject in skipped)
        summary.notes.add(str(problem) for problem in outcome.problems if problem.subject not in skipped)
        progress(len(members))
    ledger.finish()
    return summary


def chunk_people(people: Sequence[Person], size: int) -> Iterator[list[Person]]:
    """Neighbours together, as many as fit in ``size``; people of one image are never parted."""
    chunk: list[Person] = []
    for group in _by_image(people):
        if chunk and len(chunk) + len(group) > size:
            yield chunk
            chunk = []
        chunk = chunk + group
    if chunk:
        yield chunk


def _by_image(people: Sequence[Person]) -> Iterator[list[Person]]:
    groups: dict[object, list[Person]] = {}
    for number, person in enumerate(people):
        groups.setdefault(number if person.image is None else person.image, []).append(person)
    yield from groups.values()


def _records(chunk: Chunk, outcome: Outcome, extra: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The index's lines of a chunk, in the order of its people."""
    notes: dict[str, list[str]] = {}
    for problem in outcome.problems:
        notes.setdefault(problem.subject, []).append(problem.message)
    estimate = outcome.estimate
    rows = {} if estimate is None else {name: row for row, name in enumerate(estimate.names)}
    for person in chunk.people:
        record: dict[str, Any] = {"name": person.name, "image": str(person.image) if person.image else None}
        if estimate is not None and person.name in rows:
            record |= _fitted(estimate, rows[person.name])
        else:
            record |= {"status": "skipped"}
        record |= {"notes": notes.get(person.name, []), "chunk": chunk.number}
        yield record | dict(extra.get(person.name, {}))


def _fitted(estimate: BodyEstimate, row: int) -> dict[str, Any]:
    found = estimate.diagnostics
    errors = found.reprojection_px[row]
    errors = errors[torch.isfinite(errors)]
    return {
        "status": "fitted",
        "trusted": bool(found.trusted[row]),
        "reason": found.reasons[row],
        "error_px": round(float(errors.mean()), 4) if len(errors) else None,
        "steps": int(found.steps[row]),
        "converged": bool(found.converged[row]),
    }


def _count(summary: JobSummary, records: Sequence[Mapping[str, Any]]) -> None:
    for record in records:
        if record["status"] == "fitted":
            summary.fitted += 1
            summary.untrusted += not record["trusted"]
        else:
            summary.skipped += 1
