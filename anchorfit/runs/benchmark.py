"""A benchmark as a run: methods over people, and everything that is written of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from ..evaluation.estimates import index_estimates
from ..evaluation.given_results import methods_of_results
from ..evaluation.methods import Variant, variants_of
from ..evaluation.protocols.runner import case_of, run_benchmark
from ..evaluation.records import RecordFile, checksum
from ..evaluation.reports.cases import write_cases
from ..evaluation.reports.manifest import checksums, manifest, write_manifest
from ..evaluation.reports.people import write_person_scores
from ..evaluation.reports.tables import write_score_table
from ..evaluation.storage import Store
from ..evaluation.summary import Column, Row, differences, summarise, summarise_parts
from ..options import OptionError
from ..pipeline import load_body_on
from .claiming import make_folder
from .evaluation_options import BenchmarkOptions
from .listening import Listener
from .plans import Plan

REFERENCE = "smplify"
"""The method that others are compared with, where it is among them."""


class Tables(NamedTuple):
    """What a benchmark or an evaluation says: rows, of these columns; and differences from a reference, of fewer."""

    rows: Sequence[Row]
    columns: Sequence[Column]
    reference: str = ""
    apart: Sequence[Row] = ()
    apart_columns: Sequence[Column] = ()


def run_plan(
    plan: Plan, output: Path, options: BenchmarkOptions = BenchmarkOptions(), listener: Listener = Listener()
) -> Tables:
    """Run and write everything: table.csv, .md and .tex, people, cases.html, manifest.json, records.jsonl.

    Args:
        plan: what is run.
        output: folder.
        options: how.
        listener: told how far it is, and of problems with the data.
    Returns:
        What to print.
    Raises:
        OptionError: there is no such method, or it must be given what this benchmark has not.
    """
    for line in plan.problems:
        listener.warn(line)
    if options.cache is not None and options.trained is not None:
        raise OptionError("cache", "with --trained nothing is kept there: leave one out")
    methods = _methods(plan, options.variants)
    more: dict[str, Variant] = {}
    settings = {**plan.settings, **checksums(plan.body[0])}
    if options.results is not None:
        index = index_estimates(options.results)
        names = [name for block in plan.people.names for name in block]
        more, problems = methods_of_results(names, plan.labels, index.entries, str(plan.settings["benchmark"]))
        for line in (*index.problems, *problems):
            listener.warn(line)
        methods |= more
        settings["sha256 of the results"] = checksum(sorted({entry.path for entry in index.entries}))
    chosen = list(methods)
    make_folder(output)
    store = Store(options.trained or (options.cache or user_cache()) / "trained", listener.warn)
    torch.set_num_threads(1)  # results do not depend on it, times do
    total = len(chosen) * sum(map(len, plan.people.names))
    body = load_body_on(*plan.body, options.device)
    if options.device != "cpu":  # whose results differ in the last digits
        settings["device"] = options.device
    with RecordFile(output / "records.jsonl", settings) as file:
        before = sum(method in methods for method, _ in file.done)
        with listener.phase("running", total, before=min(before, total)) as progress:
            records = run_benchmark(
                plan.people, chosen, file, body=plan.body, device=options.device, workers=options.workers, store=store,
                more=more, progress=progress,
            )  # fmt: skip
    ours = summarise_parts(records, plan.parts) if plan.parts else summarise(records)
    rows = [*(replace(row, given=methods[row.method.partition(",")[0]].given) for row in ours), *plan.published]
    write_score_table(output, rows, plan.columns)
    write_person_scores(output, records)
    if options.cases:
        title = f"{plan.settings['benchmark']}: best and worst"
        write_cases(output / "cases.html", records, lambda name: case_of(plan.people, name, body), body, title=title)
    write_manifest(output, manifest({**settings, "variants": chosen, "people": total // len(chosen)}))
    reference = REFERENCE if REFERENCE in chosen else chosen[0]
    apart = differences(records, reference)
    columns = [column for column in plan.columns if column.key != "ms"]
    if apart:
        write_score_table(output, apart, columns, "differences")
    return Tables(rows, plan.columns, reference, apart, columns)


def user_cache() -> Path:
    """Where programs of this user keep what can be made again, by the XDG Base Directory Specification."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "anchorfit"


def _methods(plan: Plan, variants: str) -> dict[str, Variant]:
    """The methods of these names.

    Raises:
        OptionError: there is no such method, or it must be given what this benchmark has not.
    """
    try:
        methods = variants_of([name.strip() for name in variants.split(",") if name.strip()])
    except ValueError as error:
        raise OptionError("variants", str(error)) from error
    for unfit, reason in (
        ([name for name, v in methods.items() if v.masks and not plan.masks], "masks are the answer here, not given"),
        ([name for name, v in methods.items() if v.landmarks and not plan.landmarks], "no 91 landmarks are known here"),
    ):
        if unfit:
            raise OptionError("variants", f"{', '.join(unfit)}: {reason}")
    return methods
