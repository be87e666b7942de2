"""One run: from photographs, a video or a keypoint file to a folder of results, going on where a killed run stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..body import BodyModel
from ..fit_options import FitOptions
from ..fitting import FitConfig
from ..fitting.terms import KnownSize
from ..index import INDEX, read_index
from ..interchange.results import ResultFile
from ..looks import OverlayLook
from ..observations import Person
from ..options import one_line
from ..pipeline import check_predictions, fit_people, load_body_on, predict_people
from ..ready_people import seen_people
from ..refining import FoundStarts, find_starts, fit_from, read_starts
from ..regressors import Networks, load_networks
from ..results import BodyEstimate, concatenate
from .chunks import (
    SHOWN,
    Chunk,
    Progress,
    RunSummary,
    Worked,
    Written,
    chunk_people,
    image_of,
    number_of,
    rows_to_show,
    work_through,
)
from .claiming import held
from .engines import EngineOptions, Engines, opened_engines
from .film_floor import FilmFloors, find_film_floors
from .folder import RunFolder
from .listening import Listener
from .options import RunOptions
from .outputs import SHARDS, FileNames, WrittenFiles, attempt, body_files, write_results
from .planning import CHUNK, REPORT, RunNames, RunPlan, files_at_the_end
from .sightings import Sightings
from .sources import NobodyThere, SourcePeople
from .table import write_table
from .told import MOST_REASONS, Lines
from .video import write_overlay_video

AT_ONCE = 16  # people that are looked at together, before a run touches anything
FLOORS = "floors"  # of a film, in the journal


def run(
    source: str | Path | Sequence[str | Path],
    output: str | Path,
    options: RunOptions = RunOptions(),
    *,
    save: str | None = None,
    report: bool = False,
    restart: bool = False,
    engine: EngineOptions = EngineOptions(),
    look: OverlayLook = OverlayLook(),
    device: str = "cpu",
    listener: Listener = Listener(),
) -> RunSummary:
    """Fit a body to every person of a source, and write the results to a folder; what ``anchorfit fit`` does.

    A run that was stopped goes on where it was when it is called again with the same arguments. A new run takes the
    place of the one before in its folder: the files that the journal names are removed once its people are known.

    Args:
        source: images and folders of them; or one video; or one keypoint file alone, for all its people.
        output: the folder for results, made if missing; ``index.jsonl`` in it has a line a person.
        options: what decides the results.
        save: kinds of file, comma-separated, as ``anchorfit fit --save`` takes them; None: the usual ones.
        report: write ``report.html``, too.
        restart: begin anew where the folder holds an unfinished run.
        engine: where the work is done. Scripts that use several processes need ``if __name__ == "__main__":``.
        look: of overlays: what draws them, their opacity, whether keypoints are drawn.
        device: where fits run.
        listener: who is told how the run goes on.
    Returns:
        Counts, problems and the first people.
    Raises:
        OptionError: an option that cannot be, or does not go with another.
        ValueError: there is no person or no result; the folder holds an unfinished run of other settings, another
            process writes there, or the run would overwrite what it reads or what no run wrote.
        OSError: a file cannot be read, or the folder cannot be written to; what was done stays done.
    """
    plan = RunPlan.of(source, output, options, save, report, engine, look, device)
    with held(plan.output), opened_engines(engine, device, listener.warn) as engines:
        folder = RunFolder.open(plan.output, plan.settings(), restart=restart)
        fitting = _Fitting.of(plan, load_body_on(options.body, options.gender, device, age=options.age))
        with _looked_for(plan, engines, listener) as found:
            people = found.people
            fitting = fitting.started(plan, found, listener)
            if folder.resumed:
                done = f"{len(folder.done)} of {len(people)} are done"
                listener.warn(f"{plan.output}: going on with an unfinished run, {done}")
            _say_what_is_nobodys(plan, fitting.options.full_config, people, listener)
            if not folder.resumed:
                _refuse_nobody(people, fitting, listener)
            names = RunNames.of(people, plan)
            folder.check(plan.inputs(people), names.planned(folder))
            folder.begin()
            for line in folder.notes:
                listener.warn(f"{plan.output}: {line}: results of this session may differ in the last digits")
            fitting = fitting.on_floors(plan, found, folder, engines, listener)
            earlier = _read_back(plan, folder, people, listener) if report else []
            summary = _work_through(plan, folder, people, names, fitting, engines, listener)
            _finish(plan, folder, summary, earlier, fitting.model, listener)
    if summary.fitted and not summary.any_file:
        raise ValueError(f"{plan.output}: nothing could be written")
    return summary


def _say_what_is_nobodys(plan: RunPlan, config: FitConfig | None, people: Sequence[Person], listener: Listener) -> None:
    """A line about measurements of other people, and about photographs that are not there to be drawn on."""
    sizes = config.term("known_size") if config else None
    if isinstance(sizes, KnownSize):
        strangers = sizes.strangers([person.name for person in people])
        if strangers:
            more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
            told = f"{', '.join(strangers[:3])}{more}: measured, but there is no person of this name"
            listener.warn(f"{told}; names are IMAGE#PERSON, as in {plan.output / INDEX}")
    if "overlay" in plan.kinds and not plan.film and not any(person.image for person in people):
        listener.warn("overlay: no person's photograph is there to be drawn on; give the images with --keypoints")


def _refuse_nobody(people: Sequence[Person], fitting: _Fitting, listener: Listener) -> None:
    """Raises NobodyThere, before anything is touched, where not one person can be fitted; each is told why."""
    if fitting.can_do_any(people):
        return
    lost = Lines(MOST_REASONS)
    for some in chunk_people(people, CHUNK):
        lost.add(fitting(some).outcome.problems)
    _tell([lost], None, listener)
    raise NobodyThere("not one person could be fitted")


@contextmanager
def _looked_for(plan: RunPlan, engines: Engines, listener: Listener) -> Iterator[SourcePeople]:
    """The people, found; what a detector saw is kept until the run is through, or nobody is there."""
    sightings = None if plan.source.file else Sightings.open(plan.output, plan.source.settings() | {"video": None})
    try:
        yield plan.source.gather(engines.detect, sightings, listener)
    except NobodyThere:
        if sightings is not None:
            sightings.remove()
        raise
    if sightings is not None:
        sightings.remove()


@dataclass(frozen=True, kw_only=True)
class _Fitting:
    """The work on a chunk of people."""

    model: BodyModel
    options: FitOptions
    networks: Networks | None
    results: tuple[ResultFile, ...]  # of other programs, until they have found their people
    start: BodyEstimate | FoundStarts | None
    predict: bool
    compare: bool  # whether what a fit begins with is wanted, too
    progress: Progress
    floors: FilmFloors = FilmFloors()

    @staticmethod
    def of(plan: RunPlan, model: BodyModel) -> _Fitting:
        options = plan.options
        predict = options.method == "predict"
        given = read_starts(options.init, matched=options.method == "refine") if options.init else ()
        start = given if isinstance(given, BodyEstimate) else None
        if start is not None:
            check_predictions(start, model)
        return _Fitting(
            model=model,
            options=options.fit_options(film=plan.film and not predict, own_files=plan.own_files),
            networks=load_networks(options.weights) if options.weights else None,
            results=() if isinstance(given, BodyEstimate) else given,
            start=start,
            predict=predict,
            compare=plan.report and not predict,
            progress=Progress(),
        )

    def started(self, plan: RunPlan, people: SourcePeople, listener: Listener) -> _Fitting:
        """With the starts of these people, where other programs' results are given."""
        if not self.results:
            return self
        found = find_starts(
            people.people, self.results, self.model, networks=self.networks, options=self.options,
            predict_missing=plan.options.predict_missing, images=plan.source.all_images() or people.images,
        )  # fmt: skip
        for line in found.remarks:
            listener.say(line)
        return replace(self, results=(), start=found, compare=True)

    def on_floors(
        self, plan: RunPlan, found: SourcePeople, folder: RunFolder, engines: Engines, listener: Listener
    ) -> _Fitting:
        """With the floors of a film whose people are several, where they are to be found; noted for who goes on."""
        if not plan.film or self.predict or self.options.floor != "auto":
            return self
        floors = FilmFloors.of_plain(folder.noted(FLOORS))
        if floors is None:
            bare = replace(self.options, floor=None, covariance=False, masks=False)
            floors = find_film_floors(
                found.people,
                found.cuts,
                replace(self, options=bare, compare=False, progress=Progress()).bodies,
                self.model,
                rate=plan.frames_per_second or self.options.frames_per_second,
                engine=engines.fit,
            )
            if floors.of:
                folder.note(FLOORS, floors.plain())
        for line in floors.remarks:
            listener.warn(f"{plan.source.video}: {line}")
        return replace(self, floors=floors)

    def bodies(self, people: list[Person]) -> BodyEstimate | None:
        """Those of some people."""
        return self(people).outcome.estimate

    def can_do_any(self, people: Sequence[Person]) -> bool:
        """Whether one of the people can be fitted, as far as is seen without fitting."""
        if isinstance(self.start, FoundStarts):
            return self.start.estimate is not None
        started = None if self.start is None else set(self.start.names)
        return any(
            started is None or person.name in started
            for some in chunk_people(people, AT_ONCE)  # nearly always one of the first
            for person in seen_people(some, self.options).people
        )

    def __call__(self, people: list[Person]) -> Worked:
        options = self.floors.options(self.options, people)
        given: dict[str, Any] = {"networks": self.networks, "options": options}
        if self.predict:
            return Worked(predict_people(people, self.model, **given, progress=self.progress))
        start = self.start
        if isinstance(start, FoundStarts):
            outcome = fit_from(people, start, self.model, **given, progress=self.progress)
            return Worked(self.floors.stood(outcome, people), start.of(people))
        outcome = fit_people(people, self.model, init=start, **given, progress=self.progress)
        outcome = self.floors.stood(outcome, people)
        if self.compare and start is None and self.options.schedule == "anchored":
            # what the fit predicted by itself; to be shown, not to start from: it does not say how sure it is
            start = predict_people(people, self.model, **given).estimate
        if not self.compare or start is None:
            return Worked(outcome)
        here = {person.name for person in people}
        return Worked(outcome, start.rows([row for row, name in enumerate(start.names) if name in here]))


@dataclass(frozen=True, kw_only=True)
class _Writing:
    """Writes a chunk's files, and tells the index where each person's are."""

    plan: RunPlan
    names: Mapping[str, FileNames]
    body: BodyModel
    progress: Progress

    def __call__(self, chunk: Chunk, estimate: BodyEstimate) -> Written:
        plan, folder = self.plan, self.plan.output
        extra: dict[str, dict[str, Any]] = {name: {} for name in estimate.names}
        others = [kind for kind in plan.kinds if kind != SHARDS]
        if SHARDS in plan.kinds:
            file = f"{plan.part(chunk)}.npz"
            estimate.save(folder / file)
            for row, name in enumerate(estimate.names):
                extra[name] |= {"file": file, "row": row}
        if not others:
            return Written(extra, [])
        written = write_results(
            estimate,
            self.body,
            folder,
            others,
            names=self.names,
            look=plan.look,
            frames_per_second=plan.frames_per_second,
            part=plan.part(chunk),
            motion=plan.motion(chunk) or "video",
            frame=plan.options.frame,
            coco={person.name: person.coco for person in chunk.people if person.coco is not None},
            progress=self.progress,
        )
        there = {path.name for path in written.files}
        for name in estimate.names:
            own = body_files(self.names[name], others, film=plan.frames_per_second is not None)
            extra[name]["files"] = [file for file in own if file in there]
        return Written(extra, written.problems, SHARDS in plan.kinds or bool(written.files))


def _work_through(
    plan: RunPlan,
    folder: RunFolder,
    people: Sequence[Person],
    names: RunNames,
    fitting: _Fitting,
    engines: Engines,
    listener: Listener,
) -> RunSummary:
    with listener.phase("fitting people", len(people), before=len(folder.done)) as tell:
        progress, silent = Progress(tell), Progress()
        only_shards = plan.kinds == (SHARDS,)  # else a person is done when drawn, which takes longer
        return work_through(
            people,
            folder,
            replace(fitting, progress=progress if only_shards else silent),
            _Writing(plan=plan, names=names.names, body=fitting.model, progress=silent if only_shards else progress),
            chunk_size=plan.chunk_size(people),
            group=number_of if plan.film else image_of,
            engine=engines.fit,
            files=names.of_chunk,
            most_shown=_most_shown(plan, people),
            spread=plan.film,
            progress=progress,
        )


def _most_shown(plan: RunPlan, people: Sequence[Person]) -> int:
    """How many of a chunk's estimates are shown: of a video, as many of each person."""
    return max(1, SHOWN // len({person.person_id for person in people})) if plan.film else SHOWN


def _read_back(plan: RunPlan, folder: RunFolder, people: Sequence[Person], listener: Listener) -> list[BodyEstimate]:
    """The first of those whom an earlier session fitted, so that a report has them."""
    rows: dict[str, list[int]] = {}
    for record in read_index(folder.folder) if folder.resumed else ():
        files = [record["file"]] if "file" in record else record.get("files", ())
        for file in files:
            if file.endswith(".npz"):
                rows.setdefault(file, []).append(record.get("row", 0))
    found: list[BodyEstimate] = []
    for file, there in rows.items():
        if sum(map(len, found)) >= SHOWN:
            break
        some = rows_to_show(len(there), _most_shown(plan, people), spread=plan.film)
        try:
            found.append(BodyEstimate.load(folder.folder / file).rows([there[place] for place in some]))
        except (OSError, ValueError) as error:  # somebody took it away
            listener.warn(f"{one_line(error)}; left out of the report")
    return found


def _finish(
    plan: RunPlan,
    folder: RunFolder,
    summary: RunSummary,
    earlier: Sequence[BodyEstimate],
    model: BodyModel,
    listener: Listener,
) -> None:
    """Write what is of all people, tell of the problems, and close the journal."""
    folder.intend(files_at_the_end(plan))
    anybody = bool(summary.fitted) or any(r["status"] == "fitted" for r in read_index(folder.folder))
    if SHARDS in plan.kinds:
        write_table(folder.folder)
    if plan.source.video and "overlay" in plan.kinds and anybody:
        write_overlay_video(folder.folder, plan.source.video, model, plan.look, listener)
    if plan.report and (earlier or summary.shown):
        written = WrittenFiles([], [])
        attempt(written, folder.folder / REPORT, partial(_write_page, plan, summary, earlier, model, listener))
        summary.failures.add(written.problems)
    folder.finish()
    _tell((summary.notes, summary.failures), folder.folder / INDEX, listener)
    if not anybody:
        raise ValueError("not one person could be fitted")


def _tell(said: Sequence[Lines], index: Path | None, listener: Listener) -> None:
    """Tell the lines, and where all stands that they leave out."""
    for lines in said:
        listener.warn_all(lines.told)
    if index is not None and any(lines.shortened for lines in said):
        listener.warn(f"{index} says it of each, under notes")


def _write_page(
    plan: RunPlan,
    summary: RunSummary,
    earlier: Sequence[BodyEstimate],
    model: BodyModel,
    listener: Listener,
    path: Path,
) -> None:
    from ..reports import write_report

    everyone = concatenate([*earlier, *summary.shown])
    shown = everyone.rows(range(min(len(everyone), SHOWN)))
    unseen = sum(record["status"] == "fitted" for record in read_index(plan.output)) - len(shown)
    with listener.phase("drawing people", len(shown)) as progress:
        problems = write_report(
            path,
            shown,
            model,
            against=summary.starts,
            videos=[plan.source.video] if plan.source.video else (),
            frames_per_second=plan.frames_per_second or 30.0,
            unseen=unseen,
            progress=progress,
        )
    for line in problems:
        listener.warn(line)
