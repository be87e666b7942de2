"""From people to files: what `fit` and `predict` share of a run, and what they say at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table

from ..body import BodyModel
from ..jobs import INDEX, Chunk, Engine, JobSummary, Ledger, Written, in_this_process, locked, run_job, write_table
from ..observations import Person
from ..pipeline import Outcome
from ..results import BodyEstimate, concatenate
from . import outputs
from .console import Reporter, out, progress_bar, warn
from .outputs import BODY_KINDS, RIG_KINDS, SHARDS, attempt, make_folder, name_files, write_results

CHUNK = 256  # people that are fitted and written at once
SHARD = 1000  # the same, where one file holds them
SHOWN = 40  # people in the table at the end
IN_REPORT = 200


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a run leaves behind, and where.

    Attributes:
        output: the folder; made if missing.
        kinds: of files.
        settings: what decides the results: an unfinished run in the folder goes on only where they are the same.
        restart: begin anew even then.
        renderer: of overlays.
        frames_per_second: of one person's video, else None.
        together: everybody is fitted at once.
        report: whether a page is written, too.
    """

    output: Path
    kinds: tuple[str, ...]
    settings: Mapping[str, Any]
    restart: bool = False
    renderer: str = "torch"
    frames_per_second: float | None = None
    together: bool = False
    report: bool = False


class Kept:
    """The first people of a run, for the table and the report, and what the report compares them with."""

    def __init__(self) -> None:
        self.shown: list[BodyEstimate] = []
        self.against: list[BodyEstimate] = []

    @property
    def wants_more(self) -> bool:
        return sum(map(len, self.shown)) < IN_REPORT

    def add(self, estimate: BodyEstimate) -> None:
        room = max(0, IN_REPORT - sum(map(len, self.shown)))
        if room:
            self.shown.append(estimate.rows(range(min(len(estimate), room))))


def run(
    people: Sequence[Person],
    body: BodyModel,
    work: Callable[[list[Person]], Outcome],
    delivery: Delivery,
    kept: Kept,
    engine: Engine = in_this_process,
) -> None:
    """Work through the people, write what comes out, and say how it went.

    Raises:
        ValueError: nobody came out, nothing could be written, or another run is in the folder.
        OSError: the folder cannot be written to, or the disk is full; what was done stays done.
    """
    make_folder(delivery.output)
    size = max(1, len(people)) if delivery.together else SHARD if SHARDS in delivery.kinds else CHUNK
    writer = _ChunkWriter(people, body, delivery)
    with locked(delivery.output), progress_bar("fitting", len(people)) as (bar, task):
        ledger = Ledger.open(delivery.output, delivery.settings, restart=delivery.restart)
        if ledger.resumed:
            warn(f"{delivery.output}: going on with an unfinished run, {len(ledger.done)} of {len(people)} are done")
        else:
            _remove_shards(delivery.output)
        reporter = Reporter(len(people), before=len(ledger.done))

        def progress(done: int) -> None:
            bar.advance(task, done)
            reporter(bar.tasks[task].completed)

        summary = run_job(
            people,
            ledger,
            work,
            writer,
            chunk_size=size,
            engine=engine,
            show=kept.add,
            most_shown=IN_REPORT,
            progress=progress,
        )
        if SHARDS in delivery.kinds:
            write_table(delivery.output)
    _finish(summary, body, delivery, kept)


def _remove_shards(folder: Path) -> None:
    """Of an earlier run, which the new one may have fewer of: who reads the folder would take both for one."""
    numbered = "people-[0-9][0-9][0-9][0-9][0-9]"
    for pattern in (f"{numbered}.npz", f"spin/{numbered}.npz", f"coco/{numbered}.json"):
        for path in folder.glob(pattern):
            path.unlink()


class _ChunkWriter:
    """Writes a chunk's files, and tells the index where each person's are."""

    def __init__(self, people: Sequence[Person], body: BodyModel, delivery: Delivery) -> None:
        self._body, self._delivery = body, delivery
        self._only_shards = delivery.kinds == (SHARDS,)
        named = [] if self._only_shards else people  # a million names are not sent to every worker for nothing
        images = [str(person.image.absolute()) if person.image else "" for person in named]
        self._names = name_files([person.name for person in named], images)

    def __call__(self, chunk: Chunk, estimate: BodyEstimate) -> Written:
        folder, kinds = self._delivery.output, self._delivery.kinds
        extra: dict[str, dict[str, Any]] = {name: {} for name in estimate.names}
        if SHARDS in kinds:
            file = f"people-{chunk.number:05}.npz"
            estimate.save(folder / file)
            for row, name in enumerate(estimate.names):
                extra[name] |= {"file": file, "row": row}
        if self._only_shards:
            return Written(extra, [])
        written = write_results(
            estimate,
            self._body,
            folder,
            kinds,
            names=self._names,
            renderer=self._delivery.renderer,
            frames_per_second=self._delivery.frames_per_second,
            part=f"people-{chunk.number:05}",
        )
        there = {path.name for path in written.files}
        endings = [*(f".{kind}" for kind in BODY_KINDS), *RIG_KINDS.values()]
        for name in estimate.names:
            own = [f"{self._names[name].body}{ending}" for ending in endings]
            extra[name]["files"] = [file for file in own if file in there]
        return Written(extra, written.problems, SHARDS in kinds or bool(written.files))


def _finish(summary: JobSummary, body: BodyModel, delivery: Delivery, kept: Kept) -> None:
    if kept.shown and delivery.report:
        written = outputs.Written([], [])
        shown = concatenate(kept.shown)
        write_page = partial(_write_page, shown, body, kept.against, summary.fitted - len(shown))
        attempt(written, delivery.output / "report.html", write_page)
        summary.failures.add(written.problems)
    for lines in (summary.notes, summary.failures):
        for line in lines.first:
            warn(line)
        if lines.more:
            warn(f"... and {lines.more} more lines of this kind; {delivery.output / INDEX} has them all")
    if not summary.fitted and not summary.before:
        raise ValueError("not one person could be fitted")
    if kept.shown:
        first = concatenate(kept.shown)
        print_people(first.rows(range(min(len(first), SHOWN))))
    total = summary.before + summary.fitted + summary.skipped
    if total > SHOWN:
        out.print(
            f"{total} people: {summary.before} done before, {summary.fitted} fitted now ({summary.untrusted} of them "
            f"doubtful), {summary.skipped} skipped; all are in {delivery.output / INDEX}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
    if summary.fitted and not summary.any_file:
        raise ValueError(f"{delivery.output}: nothing could be written")


def _write_page(
    estimate: BodyEstimate, body: BodyModel, against: Sequence[BodyEstimate], unseen: int, path: Path
) -> None:
    from ..reports import write_report

    for line in write_report(path, estimate, body, against=against, unseen=unseen):
        warn(line)


def print_people(estimate: BodyEstimate, columns: Mapping[str, Sequence[str]] | None = None) -> None:
    """One line a person: joints, reprojection error, steps, trust; and further columns of one's own."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("person", overflow="fold", max_width=60, no_wrap=False)
    for heading in ("joints", "reprojection", *(columns or {}), "steps"):
        table.add_column(heading, justify="right")
    table.add_column("trusted")
    diagnostics = estimate.diagnostics
    for i, name in enumerate(estimate.names):
        errors = diagnostics.reprojection_px[i]
        errors = errors[torch.isfinite(errors)]
        table.add_row(
            escape(name),
            str(int((estimate.confidence[i] > 0).sum())),
            f"{float(errors.mean()):.1f} px" if len(errors) else "-",
            *(values[i] for values in (columns or {}).values()),
            str(int(diagnostics.steps[i])),
            "yes" if diagnostics.trusted[i] else escape(f"no: {diagnostics.reasons[i]}"),
        )
    out.print(table)
