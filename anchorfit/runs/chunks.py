"""The loop of a run: chunks of people are fitted and written, here or elsewhere, and noted down in their order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..fit_options import InputProblem, Outcome
from ..observations import Person
from ..results import BodyEstimate
from .changes import changes
from .engines import Engine, in_this_process
from .folder import RunFolder
from .index_lines import fitted_lines
from .told import MOST_REASONS, Lines

SHOWN = 200  # people that a summary keeps, for the table and the report


def image_of(person: Person) -> Path | None:
    """The usual group of a person: all of an image."""
    return person.image


def number_of(person: Person) -> str:
    """The group of a video's person: all its frames."""
    return person.person_id


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """People that are fitted and written together.

    Attributes:
        number: 0, 1, ... in the run.
        people: all of an image are in one chunk; of a video, all frames of a person.
    """

    number: int
    people: list[Person]


class Progress:
    """Progress by people, also within a chunk; where the chunk is worked on in another process, when it comes back.

    Args:
        tell: called with the number of people finished since the last call.
    """

    def __init__(self, tell: Callable[[int], None] = lambda done: None) -> None:
        self._tell, self._told = tell, 0

    def __call__(self, done: int) -> None:
        """So many people of the chunk are finished."""
        self._told += done
        self._tell(done)

    def end_chunk(self, count: int) -> None:
        """The chunk is through, with so many people in all."""
        rest, self._told = count - self._told, 0
        if rest > 0:
            self._tell(rest)

    def __reduce__(self) -> tuple[type[Progress], tuple[()]]:
        return Progress, ()  # in another process nobody is told


@dataclass(kw_only=True)
class RunSummary:
    """Counts of this session's part of a run, and whom to show.

    Attributes:
        folder: where everything is.
        before: people that were done before this session.
        fitted, untrusted, skipped: people of this session; the untrusted are among the fitted.
        failures: why people were skipped and files could not be written, a line for each reason.
        notes: the same for what was mended or is worth knowing.
        any_file: whether anything was written beside the index.
        shown: the first people of this session, by chunk.
        starts: what their fits began with, where a report is asked for.
    """

    folder: Path
    before: int = 0
    fitted: int = 0
    untrusted: int = 0
    skipped: int = 0
    failures: Lines = field(default_factory=lambda: Lines(MOST_REASONS))
    notes: Lines = field(default_factory=lambda: Lines(MOST_REASONS))
    any_file: bool = False
    shown: list[BodyEstimate] = field(default_factory=list)
    starts: list[BodyEstimate] = field(default_factory=list)

    def add(self, done: _Done) -> None:
        """Count a chunk in."""
        for record in done.records:
            if record["status"] == "fitted":
                self.fitted += 1
                self.untrusted += not record["trusted"]
            else:
                self.skipped += 1
        self.failures.add([*done.failures, *done.lost])
        self.notes.add(done.notes)
        self.any_file |= done.any_file
        room = SHOWN - sum(map(len, self.shown))
        if done.shown is not None and room > 0:
            self.shown.append(done.shown.rows(range(min(len(done.shown), room))))
            if done.start is not None:
                self.starts.append(done.start)


class Worked(NamedTuple):
    """What became of a chunk's people, and what their fits began with, where that is to be shown."""

    outcome: Outcome
    start: BodyEstimate | None = None


class Written(NamedTuple):
    """What a chunk's writer returns: by person, what to add to the index; a line for each file that failed; whether
    there is any file."""

    extra: Mapping[str, Mapping[str, Any]]
    failures: Sequence[str]
    any_file: bool = True


class _Done(NamedTuple):
    """A chunk whose files are written: what is left is to note it down and to tell."""

    records: list[dict[str, Any]]
    failures: Sequence[str]  # files that could not be written
    lost: list[InputProblem]
    notes: list[InputProblem]
    any_file: bool
    shown: BodyEstimate | None
    start: BodyEstimate | None


def work_through(
    people: Sequence[Person],
    folder: RunFolder,
    fit: Callable[[list[Person]], Worked],
    write: Callable[[Chunk, BodyEstimate], Written],
    *,
    chunk_size: int,
    group: Callable[[Person], Hashable] = image_of,
    engine: Engine = in_this_process,
    files: Callable[[Chunk], Sequence[str]] = lambda chunk: (),
    most_shown: int = 200,
    spread: bool = False,
    progress: Progress = Progress(),
) -> RunSummary:
    """Work through the people that the folder does not hold yet.

    Args:
        people: of unique names, the same and in the same order when a run goes on.
        folder: of the run.
        fit: from a chunk's people to estimates and problems.
        write: writes a chunk's files; the estimates are its people's who could be fitted. It may be called twice for a
            chunk: the writer may have been killed before it noted them.
        chunk_size: people fitted and noted down at once; what a kill can cost, and what the memory holds.
        group: people of one group are never parted; None is a group of one.
        engine: where chunks are fitted and written; the journal is kept here, in their order.
        files: names of all the files that may be written for a chunk.
        most_shown: at most so many of a chunk's estimates are kept for the summary.
        spread: not the first ones, but some from a chunk's beginning to its end.
        progress: told of people, chunk by chunk; ``fit`` or ``write`` may tell it of some within a chunk.
    Raises:
        OSError: the disk is full, ...: what was committed stays, and the same call goes on from there.
    """
    summary = RunSummary(folder=folder.folder, before=len(folder.done))
    progress.end_chunk(summary.before)
    chunks = list(chunks_left(people, folder, chunk_size, group))
    deal = partial(_deal_with, fit=fit, write=write, most_shown=most_shown, spread=spread)
    for chunk, done in zip(chunks, engine(deal, _noted(chunks, folder, files)), strict=True):
        folder.commit(done.records)
        summary.add(done)
        progress.end_chunk(len(chunk.people))
    return summary


def chunks_left(
    people: Sequence[Person], folder: RunFolder, size: int, group: Callable[[Person], Hashable] = image_of
) -> Iterator[Chunk]:
    """The chunks of the people that the folder does not hold yet, numbered from its last."""
    left = [person for person in people if person.name not in folder.done]
    for number, some in enumerate(chunk_people(left, size, group), folder.chunks):
        yield Chunk(number=number, people=some)


def _noted(chunks: Sequence[Chunk], folder: RunFolder, files: Callable[[Chunk], Sequence[str]]) -> Iterator[Chunk]:
    """The chunks, each noted in the journal when an engine takes it."""
    for chunk in chunks:
        folder.intend(files(chunk))
        yield chunk


def _deal_with(
    chunk: Chunk,
    *,
    fit: Callable[[list[Person]], Worked],
    write: Callable[[Chunk, BodyEstimate], Written],
    most_shown: int,
    spread: bool,
) -> _Done:
    outcome, start = fit(chunk.people)
    estimate = outcome.estimate
    written = Written({}, [], False) if estimate is None else write(chunk, estimate)
    extra = {name: dict(found) for name, found in written.extra.items()}
    if estimate is not None and start is not None:
        for name, change in changes(start, estimate).items():
            extra.setdefault(name, {}).update(change._asdict())
    records = list(_records(chunk, outcome, extra))
    skipped = {record["name"] for record in records if record["status"] == "skipped"}
    lost = [problem for problem in outcome.problems if problem.subject in skipped]
    notes = [problem for problem in outcome.problems if problem.subject not in skipped]
    shown = None if estimate is None else estimate.rows(rows_to_show(len(estimate), most_shown, spread=spread))
    return _Done(records, written.failures, lost, notes, written.any_file, shown, start)


def rows_to_show(count: int, most: int, *, spread: bool) -> range:
    """So many of ``count`` rows at most: the first, or some equally far apart."""
    step = max(1, -(-count // most)) if spread else 1
    return range(0, count, step)[:most]


def chunk_people(
    people: Sequence[Person], size: int, group: Callable[[Person], Hashable] = image_of
) -> Iterator[list[Person]]:
    """Neighbours together, as many as fit in ``size``; people of one group (an image) are never parted."""
    chunk: list[Person] = []
    for members in _grouped(people, group):
        if chunk and len(chunk) + len(members) > size:
            yield chunk
            chunk = []
        chunk = chunk + members
    if chunk:
        yield chunk


def _grouped(people: Sequence[Person], group: Callable[[Person], Hashable]) -> Iterator[list[Person]]:
    groups: dict[Hashable, list[Person]] = {}
    for number, person in enumerate(people):
        label = group(person)
        groups.setdefault(number if label is None else label, []).append(person)
    yield from groups.values()


def _records(chunk: Chunk, outcome: Outcome, extra: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The index's lines of a chunk, in the order of its people."""
    notes: dict[str, list[str]] = {}
    for problem in outcome.problems:
        notes.setdefault(problem.subject, []).append(problem.message)
    estimate = outcome.estimate
    fitted = {} if estimate is None else dict(zip(estimate.names, fitted_lines(estimate.diagnostics), strict=True))
    for person in chunk.people:
        name = person.name
        record: dict[str, Any] = {"name": name, "image": str(person.image) if person.image else None}
        record |= fitted.get(name, {"status": "skipped"})
        record |= {"notes": notes.get(name, []), "chunk": chunk.number}
        yield {**record, **extra.get(name, {})}
