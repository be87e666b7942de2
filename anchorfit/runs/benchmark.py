"""A benchmark as a run: methods over the people of a data set, and everything that is written of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..body import BodyModel
from ..evaluation.benchmarks import BenchmarkSet, OpenedSet, SetOptions
from ..evaluation.blocks import Benchmark
from ..evaluation.estimates import index_estimates
from ..evaluation.matching import match_results
from ..evaluation.methods import Variant, variants_of, with_refined
from ..evaluation.methods.given import MISSING, RESULTS, entries_by_name, methods_of_results
from ..evaluation.methods.refined import SUFFIX
from ..evaluation.records import Record, RecordFile, checksum
from ..evaluation.reports.cases import write_cases
from ..evaluation.reports.manifest import checksums, manifest, write_manifest
from ..evaluation.reports.people import write_person_scores
from ..evaluation.reports.tables import write_score_table
from ..evaluation.running import Bodies, run_benchmark
from ..evaluation.showing import case_of
from ..evaluation.storage import Store
from ..evaluation.summary import TIME, Column, Row, differences, summarise, summarise_parts, with_any_of
from ..evaluation.world_scores import COLUMNS, in_world, world_rows
from ..fit_options import InputProblem
from ..options import OptionError
from ..pipeline import load_body_on
from .evaluation_options import BenchmarkOptions
from .listening import Listener
from .scored_files import RECORDS, make_scores_folder
from .told import MOST_REASONS, Lines

REFERENCE = "smplify"
"""The method that others are compared with, where it is among them."""


class Tables(NamedTuple):
    """What a benchmark or an evaluation says: rows, of these columns; differences from a reference, of fewer; and rows
    in the world (`world_scores.COLUMNS`), where the data set knows one."""

    rows: Sequence[Row]
    columns: Sequence[Column]
    reference: str = ""
    apart: Sequence[Row] = ()
    apart_columns: Sequence[Column] = ()
    world: Sequence[Row] = ()


def run_set(
    one: BenchmarkSet,
    wanted: SetOptions,
    output: Path,
    options: BenchmarkOptions = BenchmarkOptions(),
    listener: Listener = Listener(),
) -> Tables:
    """Run methods over a data set and write everything: table.csv, .md and .tex, people, cases.html, manifest.json,
    records.jsonl.

    Args:
        one: the data set.
        wanted: what it is opened with.
        output: folder; a run that was killed goes on in it.
        options: which methods, and how.
        listener: told how far it is, and of problems with the data.
    Returns:
        What to print.
    Raises:
        OptionError: there is no such method, or it must be given what this benchmark has not.
    """
    if options.cache is not None and options.trained is not None:
        raise OptionError("cache", "with --trained nothing is kept there: leave one out")
    methods = _methods(one, options.variants)
    methods = with_refined(methods) if options.refined else methods
    wanted = replace(wanted, body=one.own_body or wanted.body)
    opened = one.open(wanted)
    listener.warn_all(opened.problems)
    people = opened.blocks(true_cameras=one.true_cameras)
    named = (wanted.body, wanted.gender)
    settings = {"benchmark": one.name, "body": list(named), "true_cameras": one.true_cameras, **opened.keys}
    settings |= checksums(named[0])
    more: dict[str, Variant] = {}
    if options.results is not None:
        more, settings["sha256 of the results"] = _of_results(
            options.results, one.name, opened, people, named, listener
        )
        methods |= more
    chosen = list(methods)
    make_scores_folder(output)
    store = Store(options.trained or (options.cache or user_cache()) / "trained", listener.warn)
    torch.set_num_threads(1)  # results do not depend on it, times do
    total = len(chosen) * sum(map(len, people.names))
    body = load_body_on(*named, options.device)
    if options.device != "cpu":  # whose results differ in the last digits
        settings["device"] = options.device
    with RecordFile(output / RECORDS, settings) as file:
        before = sum(method in methods for method, _ in file.done)
        with listener.phase("running people x methods", total, before=min(before, total)) as progress:
            records = run_benchmark(
                people, chosen, file, body=Bodies(body=named, device=options.device), workers=options.workers,
                store=store, more=more, progress=progress,
            )  # fmt: skip
    say_failed(records if more else (), listener)
    settings |= {"variants": chosen, "people": total // len(chosen)}
    rows = rows_of_methods(records, opened.parts)
    rows = [replace(row, given=methods[row.method.partition(",")[0]].given) for row in rows]
    rows += with_any_of(one.published, opened.columns)
    if options.cases:
        title = f"{one.name}: best and worst"
        write_cases(output / "cases.html", records, lambda name: case_of(people, name, body), body, title=title)
    return _written(output, records, rows, opened, settings, REFERENCE if REFERENCE in chosen else chosen[0], body)


def _of_results(
    path: Path, dataset: str, opened: OpenedSet, people: Benchmark, named: tuple[str, str], listener: Listener
) -> tuple[dict[str, Variant], str]:
    """Methods that look up the results of a file or folder, and the results' checksum; ``named``: the scored body."""
    index = index_estimates(path)
    entries, lines = opened.renamed(index.entries)
    matched = match_results(people.labels, entries, dataset)
    listener.warn_all([*index.problems, *lines, *matched.problems])
    if index.body is not None and index.body != named:
        listener.warn(
            f"{path}: made with body {index.body[0]} ({index.body[1]}), scored as if of {named[0]} "
            f"({named[1]}), as all methods here; `anchorfit evaluate` scores it as what it is"
        )
    more = methods_of_results(entries_by_name(people.names, matched.entries))
    return more, checksum(sorted({entry.path for entry in index.entries}))


def _written(
    output: Path,
    records: Sequence[Record],
    rows: Sequence[Row],
    opened: OpenedSet,
    settings: dict[str, Any],
    reference: str,
    body: BodyModel,
) -> Tables:
    """The tables of a run, written: of methods, of what they differ by, and in the world where there is one."""
    columns = (*opened.columns, *opened.columns_beside[:1], TIME)
    write_run(output, records, rows, columns, settings)
    apart = [*differences(records, reference), *_before_and_after(records, reference)]
    compared = [column for column in columns if column.key != "ms"]
    if apart:
        write_score_table(output, apart, compared, "differences")
    world = write_world(output, records, opened, (body, body))
    return Tables(rows, columns, reference, apart, compared, world)


def say_failed(records: Sequence[Record], listener: Listener, method: str = RESULTS) -> None:
    """Say of results of files that are there why they cannot be used, a line a reason."""
    lines = Lines(MOST_REASONS)
    lines.add(
        InputProblem(one.name, f"{one.problem}; counts as failed")
        for one in records
        if one.method == method and one.problem not in ("", MISSING)
    )
    listener.warn_all(lines.told)


def rows_of_methods(records: Sequence[Record], parts: Mapping[str, frozenset[str]]) -> list[Row]:
    """A row for each method, or for each part of the people where there are such."""
    return summarise_parts(records, parts) if parts else summarise(records)


def write_run(
    output: Path, records: Sequence[Record], rows: Sequence[Row], columns: Sequence[Column], settings: dict[str, Any]
) -> None:
    """Write the table, the people's scores and the manifest."""
    write_score_table(output, rows, columns)
    write_person_scores(output, records)
    write_manifest(output, manifest(settings))


def write_world(
    output: Path, records: Sequence[Record], opened: OpenedSet, bodies: tuple[BodyModel, BodyModel]
) -> list[Row]:
    """Write the table in the world, where the data set knows one, and return its rows; bodies of records and truth."""
    if opened.dataset is None or not in_world(opened.dataset):
        return []
    rows = world_rows(records, opened.dataset, *bodies)
    write_score_table(output, rows, COLUMNS, "world")
    return rows


def _before_and_after(records: Sequence[Record], reference: str) -> list[Row]:
    """What being refined does to each method, on the same people; of the reference it stands there already."""
    names = dict.fromkeys(record.method for record in records)
    pairs = [(name, name + SUFFIX) for name in names if name + SUFFIX in names and name != reference]
    return [row for pair in pairs for row in differences([one for one in records if one.method in pair], pair[0])]


def user_cache() -> Path:
    """Where programs of this user keep what can be made again, by the XDG Base Directory Specification."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "anchorfit"


def _methods(one: BenchmarkSet, variants: str) -> dict[str, Variant]:
    """The methods of these names.

    Raises:
        OptionError: there is no such method, or it must be given what this benchmark has not.
    """
    try:
        methods = variants_of([name.strip() for name in variants.split(",") if name.strip()])
    except ValueError as error:
        raise OptionError("variants", str(error)) from error
    masks = [name for name, variant in methods.items() if variant.masks and "masks" not in one.given]
    told = [name for name, variant in methods.items() if variant.landmarks and "landmarks" not in one.given]
    for unfit, reason in (
        (masks, "masks are the answer here, not given"),
        (told, "no 91 landmarks are known here"),
    ):
        if unfit:
            raise OptionError("variants", f"{', '.join(unfit)}: {reason}")
    return methods
