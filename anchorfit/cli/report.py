"""The table that the command line prints of fitted people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from rich.markup import escape
from rich.table import Table

from ..results import BodyEstimate
from .console import out


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
