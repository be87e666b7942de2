"""What the terminal says of a run's people at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .console import out, warn

if TYPE_CHECKING:
    from ..points.command import PointReport
    from ..results import BodyEstimate
    from ..runs import RunSummary
    from ..views.command import ViewReport

SHOWN = 40  # people in the table


def print_summary(summary: RunSummary, *, film: bool) -> None:
    """The first people of a run, or the tracks of a video; and how many there are."""
    from ..results import concatenate
    from ..runs import INDEX

    if film:
        print_tracks(summary.folder)
        return
    if summary.shown:
        first = concatenate(summary.shown)
        shown = first.rows(range(min(len(first), SHOWN)))
        print_people(shown, _compared(shown, concatenate(summary.starts)) if summary.starts else None)
    total = summary.before + summary.fitted + summary.skipped
    if total > SHOWN:
        out.print(
            f"{total} people: {summary.before} done before, {summary.fitted} fitted now ({summary.untrusted} of them "
            f"doubtful), {summary.skipped} skipped; all are in {summary.folder / INDEX}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )


def _compared(shown: BodyEstimate, start: BodyEstimate) -> dict[str, list[str]]:
    """Columns of what the fits made of their starts."""
    from ..runs.changes import Change, changes

    found = changes(start, shown)
    rows = [found.get(name, Change(None, None)) for name in shown.names]
    return {
        "before": ["-" if row.before_px is None else f"{row.before_px:.1f} px" for row in rows],
        "moved": ["-" if row.moved_mm is None else f"{row.moved_mm:.0f} mm" for row in rows],
    }


def tell_files(report: PointReport | ViewReport, output: Path) -> None:
    """What came of points in space or several cameras: exit code 1 where no body was fitted."""
    for remark in report.remarks:
        out.print(remark, markup=False, highlight=False)
    for problem in report.problems:
        warn(problem)
    out.print(f"{report.bodies} bodies, {len(report.files)} files in {output}", markup=False, highlight=False)
    if not report.bodies:
        raise typer.Exit(1)


def print_tracks(folder: Path) -> None:
    """One line a person of a video: frames, mean reprojection error, frames in doubt."""
    from rich.table import Table

    from ..observations.videos import frame_of
    from ..runs import read_index

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


def _trust(trusted: bool, reason: str, unseen: str) -> str:
    """Whether a body is trusted, why it is not, and of what parts that says nothing."""
    from rich.markup import escape

    if not trusted:
        return escape(f"no: {reason}")
    return f"yes ({unseen.partition(':')[0]})" if unseen else "yes"


def print_people(estimate: BodyEstimate, columns: Mapping[str, Sequence[str]] | None = None) -> None:
    """One line a person: joints, reprojection error, steps, score, trust; and further columns of one's own."""
    import torch
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("person", overflow="fold", max_width=60, no_wrap=False)
    for heading in ("joints", "reprojection", *(columns or {}), "steps"):
        table.add_column(heading, justify="right")
    table.add_column("score", justify="right")
    table.add_column("trusted")
    diagnostics = estimate.diagnostics
    errors, unseen = diagnostics.mean_error_px, diagnostics.unseen
    for i, name in enumerate(estimate.names):
        table.add_row(
            escape(name),
            str(int((estimate.confidence[i] > 0).sum())),
            f"{float(errors[i]):.1f} px" if torch.isfinite(errors[i]) else "-",
            *(values[i] for values in (columns or {}).values()),
            str(int(diagnostics.steps[i])),
            f"{float(diagnostics.score[i]):.2f}" if torch.isfinite(diagnostics.score[i]) else "-",
            _trust(bool(diagnostics.trusted[i]), diagnostics.reasons[i], unseen[i]),
        )
    out.print(table)
