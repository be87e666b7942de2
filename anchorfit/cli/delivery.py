"""From people to files: what `fit` and `predict` share of a run, and what they say at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table

from ..atomic import remove_leftovers
from ..body import BodyModel
from ..jobs import (
    INDEX,
    Chunk,
    Engine,
    Engines,
    JobSummary,
    Ledger,
    Sightings,
    Written,
    image_of,
    locked,
    number_of,
    read_index,
    rows_to_show,
    run_job,
    write_table,
)
from ..observations import Person
from ..observations.videos import frame_of, probe_video
from ..pictures import OverlayLook
from ..pipeline import Outcome
from ..results import BodyEstimate, concatenate
from . import outputs
from .console import error_line, long_run, out, warn
from .inputs import NobodyThere, Source
from .outputs import (
    BODY_KINDS,
    FOREIGN_KINDS,
    RIG_KINDS,
    SHARDS,
    attempt,
    make_folder,
    name_files,
    name_frames,
    parse_kinds,
    write_results,
)
from .video import write_overlay_video

CHUNK = 256  # people that are fitted and written at once
SHARD = 1000  # the same, where one file holds them
SHOWN = 40  # people in the table at the end
IN_REPORT = 200


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Files that a run writes, and where.

    Attributes:
        output: the folder; made if missing.
        kinds: of files.
        settings: what decides the results: an unfinished run in the folder goes on only where they are the same.
        restart: begin anew even then.
        look: of overlays.
        frames_per_second: of a video, else None.
        together: all rows are fitted at once, as one person.
        report: whether a page is written, too.
    """

    output: Path
    kinds: tuple[str, ...]
    settings: Mapping[str, Any]
    restart: bool = False
    look: OverlayLook = OverlayLook()
    frames_per_second: float | None = None
    together: bool = False
    report: bool = False

    @staticmethod
    def of(
        source: Source,
        output: Path,
        save: str | None,
        settings: Mapping[str, Any],
        *,
        restart: bool,
        look: OverlayLook,
        report: bool,
        frames_per_second: float | None = None,
        together: bool = False,
    ) -> Delivery:
        """Of people from there; ``save`` as on the command line, ``settings`` beside those of the source.

        Raises:
            typer.BadParameter: there is no such kind of file.
            OSError: the source is a video that cannot be read.
        """
        kinds = parse_kinds(save or source.usual_kinds)
        if source.video:  # an npz holds all frames of a person, and the film is drawn from it
            kinds = tuple(dict.fromkeys(SHARDS if kind == "npz" else kind for kind in kinds))
            kinds += (SHARDS,) if "overlay" in kinds and SHARDS not in kinds else ()
        return Delivery(
            output=output,
            kinds=kinds,
            settings={**source.settings(), **settings, "save": list(kinds)},
            restart=restart,
            look=look,
            frames_per_second=probe_video(source.video).frames_per_second if source.video else frames_per_second,
            together=together,
            report=report,
        )


class Kept:
    """The first people of a run, for the table and the report, and what the report compares them with; ``earlier``
    are of the session that was stopped."""

    def __init__(self) -> None:
        self.earlier: list[BodyEstimate] = []
        self.shown: list[BodyEstimate] = []
        self.against: list[BodyEstimate] = []

    @property
    def wants_more(self) -> bool:
        return sum(map(len, self.shown)) < IN_REPORT

    def compare_with(self, estimate: BodyEstimate | None) -> None:
        if estimate is not None and all(estimate is not other for other in self.against):
            self.against.append(estimate)

    def add(self, estimate: BodyEstimate) -> None:
        room = max(0, IN_REPORT - sum(map(len, self.shown)))
        if room:
            self.shown.append(estimate.rows(range(min(len(estimate), room))))


def deliver(
    source: Source,
    body: BodyModel,
    work: Callable[[list[Person]], Outcome],
    delivery: Delivery,
    kept: Kept,
    engines: Engines = Engines(),
) -> None:
    """Find the people, work through them, write what comes out, and say how it went.

    Raises:
        ValueError: there is no person or no result, nothing could be written, or another run is in the folder.
        OSError: the folder cannot be written to, or the disk is full; what was done stays done.
    """
    new = not delivery.output.exists()
    make_folder(delivery.output)
    try:
        with locked(delivery.output):
            for kind in FOREIGN_KINDS:
                remove_leftovers(delivery.output / kind)
            ledger = Ledger.open(delivery.output, delivery.settings, restart=delivery.restart)
            sightings = None if source.file else Sightings.open(delivery.output, source.settings() | {"video": None})
            try:
                people = source.gather(engines.detect, sightings)
                if ledger.resumed:
                    done = f"{len(ledger.done)} of {len(people)} are done"
                    warn(f"{delivery.output}: going on with an unfinished run, {done}")
                else:
                    _remove_shards(delivery.output)
                summary = _work_through(source, people, body, work, delivery, kept, engines.fit, ledger)
                if source.video and "overlay" in delivery.kinds:
                    write_overlay_video(delivery.output, source.video, body, delivery.look)
            except NobodyThere:
                _forget(sightings)
                raise
            _forget(sightings)
    finally:
        if new:  # and still empty: nobody was there
            with suppress(OSError):
                delivery.output.rmdir()
    _finish(summary, body, delivery, kept, source)


def _forget(sightings: Sightings | None) -> None:
    if sightings is not None:
        sightings.remove()


def _work_through(
    source: Source,
    people: Sequence[Person],
    body: BodyModel,
    work: Callable[[list[Person]], Outcome],
    delivery: Delivery,
    kept: Kept,
    engine: Engine,
    ledger: Ledger,
) -> JobSummary:
    video = source.video is not None
    most_shown = max(1, IN_REPORT // len({person.person_id for person in people})) if video else IN_REPORT
    if delivery.report:
        kept.earlier = _read_back(delivery.output, most_shown, spread=video)
    size = max(1, len(people)) if delivery.together else SHARD if SHARDS in delivery.kinds else CHUNK
    with long_run("fitting", len(people), before=len(ledger.done)) as progress:
        summary = run_job(
            people,
            ledger,
            work,
            _ChunkWriter(people, body, delivery, video=video),
            chunk_size=1 if video else size,
            group=number_of if video else image_of,
            engine=engine,
            show=kept.add,
            most_shown=most_shown,
            spread=video,
            progress=progress,
        )
    if SHARDS in delivery.kinds:
        write_table(delivery.output)
    return summary


def _read_back(folder: Path, most: int, *, spread: bool) -> list[BodyEstimate]:
    """The first of those whom an earlier session fitted, so that a report has them; at most ``most`` of each file."""
    rows: dict[str, list[int]] = {}
    for record in read_index(folder):
        files = [record["file"]] if "file" in record else record.get("files", ())
        for file in files:
            if file.endswith(".npz"):
                rows.setdefault(file, []).append(record.get("row", 0))
    found: list[BodyEstimate] = []
    for file, there in rows.items():
        if sum(map(len, found)) >= IN_REPORT:
            break
        some = rows_to_show(len(there), most, spread=spread)
        try:
            found.append(BodyEstimate.load(folder / file).rows([there[place] for place in some]))
        except (OSError, ValueError) as error:  # somebody took it away
            warn(f"{error_line(error)}; left out of the report")
    return found


def _remove_shards(folder: Path) -> None:
    """Of an earlier run, which the new one may have fewer of: who reads the folder would take both for one."""
    for part in ("people-[0-9][0-9][0-9][0-9][0-9]", "person-[0-9]*"):
        for pattern in (f"{part}.npz", f"spin/{part}.npz", f"coco/{part}.json", f"rerun/{part}.rrd"):
            for path in folder.glob(pattern):
                path.unlink()


class _ChunkWriter:
    """Writes a chunk's files, and tells the index where each person's are."""

    def __init__(self, people: Sequence[Person], body: BodyModel, delivery: Delivery, *, video: bool) -> None:
        self._body, self._delivery, self._video = body, delivery, video
        self._only_shards = delivery.kinds == (SHARDS,)
        named = [] if self._only_shards else people  # a million names are not sent to every worker for nothing
        images = [str(person.image.absolute()) if person.image else "" for person in named]
        names = [person.name for person in named]
        self._names = name_frames(names) if video else name_files(names, images)

    def __call__(self, chunk: Chunk, estimate: BodyEstimate) -> Written:
        folder, kinds = self._delivery.output, self._delivery.kinds
        extra: dict[str, dict[str, Any]] = {name: {} for name in estimate.names}
        part = f"person-{chunk.people[0].person_id}" if self._video else f"people-{chunk.number:05}"
        if SHARDS in kinds:
            file = f"{part}.npz"
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
            look=self._delivery.look,
            frames_per_second=self._delivery.frames_per_second,
            part=part,
            motion=part if self._video else "video",
        )
        there = {path.name for path in written.files}
        endings = [*(f".{kind}" for kind in BODY_KINDS), *RIG_KINDS.values()]
        for name in estimate.names:
            own = [f"{self._names[name].body}{ending}" for ending in endings]
            extra[name]["files"] = [file for file in own if file in there]
        return Written(extra, written.problems, SHARDS in kinds or bool(written.files))


def _finish(summary: JobSummary, body: BodyModel, delivery: Delivery, kept: Kept, source: Source) -> None:
    if delivery.report and (kept.earlier or kept.shown):
        written = outputs.WrittenFiles([], [])
        everyone = concatenate([*kept.earlier, *kept.shown])
        shown = everyone.rows(range(min(len(everyone), IN_REPORT)))
        fitted = sum(record["status"] == "fitted" for record in read_index(delivery.output))
        write_page = partial(_write_page, shown, body, kept.against, fitted - len(shown))
        attempt(written, delivery.output / "report.html", write_page)
        summary.failures.add(written.problems)
    for lines in (summary.notes, summary.failures):
        for line in lines.first:
            warn(line)
        if lines.more:
            warn(f"... and {lines.more} more lines of this kind; {delivery.output / INDEX} has them all")
    if not summary.fitted and not summary.before:
        raise ValueError("not one person could be fitted")
    if source.video:
        print_tracks(delivery.output)
    elif kept.shown:
        first = concatenate(kept.shown)
        print_people(first.rows(range(min(len(first), SHOWN))))
    total = summary.before + summary.fitted + summary.skipped
    if total > SHOWN and not source.video:
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


def print_tracks(folder: Path) -> None:
    """One line a person of a video: frames, mean reprojection error, frames in doubt."""
    tracks: dict[str, list[dict[str, Any]]] = {}
    for record in read_index(folder):
        if record["status"] == "fitted":
            tracks.setdefault(record["name"].rpartition("#")[2], []).append(record)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("person", "frames", "from", "to", "reprojection", "doubtful"):
        table.add_column(heading, justify="right")
    for number, records in tracks.items():
        errors = [record["error_px"] for record in records if record["error_px"] is not None]
        ends = [str(frame_of(records[place]["name"])) for place in (0, -1)]
        doubtful = sum(not record["trusted"] for record in records)
        error = f"{sum(errors) / len(errors):.1f} px" if errors else "-"
        table.add_row(number, str(len(records)), *ends, error, str(doubtful))
    out.print(table)


def print_people(estimate: BodyEstimate, columns: Mapping[str, Sequence[str]] | None = None) -> None:
    """One line a person: joints, reprojection error, steps, score, trust; and further columns of one's own."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("person", overflow="fold", max_width=60, no_wrap=False)
    for heading in ("joints", "reprojection", *(columns or {}), "steps"):
        table.add_column(heading, justify="right")
    table.add_column("score", justify="right")
    table.add_column("trusted")
    diagnostics = estimate.diagnostics
    errors = diagnostics.mean_error_px
    for i, name in enumerate(estimate.names):
        table.add_row(
            escape(name),
            str(int((estimate.confidence[i] > 0).sum())),
            f"{float(errors[i]):.1f} px" if torch.isfinite(errors[i]) else "-",
            *(values[i] for values in (columns or {}).values()),
            str(int(diagnostics.steps[i])),
            f"{float(diagnostics.score[i]):.2f}" if torch.isfinite(diagnostics.score[i]) else "-",
            "yes" if diagnostics.trusted[i] else escape(f"no: {diagnostics.reasons[i]}"),
        )
    out.print(table)
