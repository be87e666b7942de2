"""The scoring of given results as a run: a benchmark of one method, which looks its answers up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..body import BodyModel
from ..body.loading import FewerBetas
from ..evaluation.benchmarks import BenchmarkSet, OpenedSet, SetOptions, benchmark_of
from ..evaluation.blocks import Benchmark
from ..evaluation.estimates import Entry, EstimateIndex, index_estimates
from ..evaluation.matching import match_results
from ..evaluation.methods.given import MISSING, entries_by_name, looked_up
from ..evaluation.records import Record, RecordFile, checksum
from ..evaluation.reports.cases import write_cases
from ..evaluation.reports.manifest import checksums
from ..evaluation.running import Bodies, run_benchmark
from ..evaluation.showing import Case, case_of, case_of_entry
from ..evaluation.summary import SURFACE, with_any_of
from ..options import OptionError
from .benchmark import Tables, rows_of_methods, say_failed, write_run, write_world
from .evaluation_options import EvaluateOptions, data_options
from .listening import Listener
from .scored_files import RECORDS, make_scores_folder


def score_results(
    estimates: Path, output: Path, options: EvaluateOptions, listener: Listener = Listener()
) -> list[Tables]:
    """Score given results, and write everything: tables, people, cases.html, manifest.json, records.jsonl.

    Args:
        estimates: a file of results, or a folder of them.
        output: folder; a run that was killed goes on in it.
        options: on what, and how.
        listener: told how far it is.
    Returns:
        What to print.
    Raises:
        OptionError: options contradict each other.
        OSError, ValueError: results or data set cannot be used.
    """
    options.check()
    index = index_estimates(estimates)
    if options.enlarged != 1 and all(entry.path.suffix != ".pkl" for entry in index.entries):
        raise OptionError("enlarged", "only with SMPLify's pickles: these results say what their pixels are")
    one = benchmark_of(options.dataset)
    body = body_of(index.body, options.body, options.gender, estimates, listener.warn)
    opened, bodies = _opened(one, options, Bodies(body=body, num_betas=index.num_betas))
    listener.warn_all(opened.problems)
    models = bodies.load()
    people = opened.blocks(true_cameras=one.true_cameras, truth_alone=True)
    entries, lines = opened.renamed(index.entries)
    matched = match_results(people.labels, entries, options.dataset)
    listener.warn_all([*index.problems, *lines, *matched.problems])
    by_name = entries_by_name(people.names, matched.entries)
    make_scores_folder(output)
    settings = _settings(options, one, index, bodies) | dict(opened.keys)
    with (
        RecordFile(output / RECORDS, settings) as file,
        listener.phase("scoring people", len(matched.entries), before=len(file.done)) as progress,
    ):
        records = run_benchmark(
            people, [options.name], file, body=bodies, workers=options.workers,
            more={options.name: looked_up(by_name, options.enlarged)}, progress=progress,
        )  # fmt: skip
    say_failed(records, listener, options.name)
    published = with_any_of(one.published, opened.columns)
    ours, beside = rows_of_methods(records, opened.parts), opened.columns_beside
    rows, columns = [*ours, *published], [*opened.columns, *beside]
    write_run(output, records, rows, columns, settings={**settings, "people": len(records)})
    _check_some(records, index)
    world = write_world(output, records, opened, models)
    if options.cases:
        cases = _Cases(people, by_name, models, of_one_body=bodies.true_body == body, enlarged=options.enlarged)
        title = f"{options.name} on {options.dataset}: best and worst"
        usable = [record for record in records if record.params and not record.problem]
        write_cases(output / "cases.html", usable, cases.case, models[0], title=title)
    shown = [Tables(rows, opened.columns, world=world)]
    return [*shown, Tables(ours, beside)] if beside else shown


def _opened(one: BenchmarkSet, options: EvaluateOptions, bodies: Bodies) -> tuple[OpenedSet, Bodies]:
    """The data set, and the bodies with the truth's, where it is of bodies.

    Raises:
        OSError, ValueError: the data set or a body cannot be used, or its truth is not of such a body.
    """
    try:
        bodies.load()  # here first: a process that cannot says less
    except FewerBetas as error:  # then results of more are said, each for itself
        bodies = replace(bodies, num_betas=error.there)
        bodies.load()
    name, gender = options.truth_body or bodies.body[0], options.people or "neutral"
    truth = (one.own_body or name, gender)
    root = options.root or Path()
    opened = one.open(SetOptions(root=root, body=truth[0], gender=gender, truth_alone=True, **data_options(options)))
    if SURFACE not in opened.columns:
        return opened, bodies
    _check_truth(one, name, one.smpl or opened.smpl)
    return opened, replace(bodies, true_body=truth)


@dataclass(frozen=True)
class _Cases:
    """What is drawn of people: each before the camera of its result; models are of the results and of the truth."""

    people: Benchmark
    entries: Mapping[str, Entry]
    models: tuple[BodyModel, BodyModel]
    of_one_body: bool
    enlarged: float

    def case(self, name: str) -> Case:
        """Of a person; a truth that is of another body is not drawn."""
        found = case_of(self.people, name, self.models[1])
        found = case_of_entry(found, self.entries[name], self.enlarged)
        return found if self.of_one_body else found._replace(truth=None)


def _settings(options: EvaluateOptions, one: BenchmarkSet, index: EstimateIndex, bodies: Bodies) -> dict[str, object]:
    """What must be the same for a run to go on, without what is known of the data set."""
    true_body = bodies.true_body or bodies.body
    (truth_sum,) = checksums(true_body[0], ()).values()
    return {
        "dataset": options.dataset,
        "method": options.name,
        "body": list(bodies.body),
        "enlarged": options.enlarged,
        "sha256 of the estimates": checksum(sorted({entry.path for entry in index.entries})),
        **checksums(bodies.body[0], ("poses",) if one.rootless else ()),
        "true body": list(true_body),
        "sha256 of the true body": truth_sum,
    }


def body_of(
    stated: tuple[str, str] | None, given: str | None, gender: str, estimates: Path, warn: Callable[[str], None]
) -> tuple[str, str]:
    """Name and gender of the body that the estimates are of: as given, else as they state.

    Raises:
        ValueError: neither says it.
    """
    if given is not None:
        if stated is not None and stated != (given, gender):
            warn(f"{estimates}: made with body {stated[0]} ({stated[1]}), scored with {given} ({gender}) as you say")
        return given, gender
    if stated is None:
        raise ValueError(
            f"{estimates}: these files do not say of which body they are; give --body SMPL_NEUTRAL.pkl, or --body open"
        )
    return stated


def _check_truth(one: BenchmarkSet, body: str, smpl: bool) -> None:
    """Raises ValueError for a body that a data set's truth is not of; what another package's is of, it knows itself."""
    if (one.own_body and body != one.own_body) or (smpl and body == "open"):
        kind = "the open body" if one.own_body else "SMPL"
        raise ValueError(f"{one.name}'s truth is of {kind}, not of {body}; name its body by --truth-body")


def _check_some(records: Sequence[Record], index: EstimateIndex) -> None:
    """Raises ValueError where not one result could be used."""
    if all(record.problem for record in records):
        told = next((record.problem for record in records if record.problem != MISSING), MISSING)
        raise ValueError(f"not one of {len(index.entries)} results could be used; the first: {told}")
