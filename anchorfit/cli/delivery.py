"""What a command says and leaves behind at its end: warnings, files, and a table of the people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from rich.markup import escape
from rich.table import Table

from ..body import BodyModel
from ..pipeline import Outcome
from ..results import BodyEstimate
from .console import out, progress_bar, warn
from .outputs import attempt, write_results


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


def deliver(
    outcome: Outcome,
    body: BodyModel,
    output: Path,
    kinds: tuple[str, ...],
    *,
    renderer: str = "torch",
    frames_per_second: float | None = None,
    report: bool = False,
    against: BodyEstimate | None = None,
) -> None:
    """Say what went wrong, write what came out, with ``report`` a page about it too, and print it.

    ``against`` is what the page compares with: the prediction that a fit started from.

    Raises:
        ValueError: nobody came out, or nothing could be written.
    """
    for problem in outcome.problems:
        warn(problem)
    if outcome.estimate is None:
        raise ValueError("not one person could be fitted")
    written = write_results(
        outcome.estimate, body, output, kinds, renderer=renderer, frames_per_second=frames_per_second
    )
    if report:
        page = output / "report.html"
        attempt(written, page, partial(_write_page, outcome.estimate, body, against))
    for line in written.problems:
        warn(line)
    print_people(outcome.estimate)
    if not written.files:
        raise ValueError(f"{output}: nothing could be written")


def _write_page(estimate: BodyEstimate, body: BodyModel, against: BodyEstimate | None, path: Path) -> None:
    from ..reports import write_report

    others = [] if against is None else [against]
    with progress_bar("drawing", len(estimate)) as (bar, task):
        for line in write_report(path, estimate, body, against=others, progress=lambda done: bar.advance(task, done)):
            warn(line)
