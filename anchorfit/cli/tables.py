"""A table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from ..evaluation.reports.tables import cells
from ..evaluation.summary import Column, Row
from ..evaluation.world_scores import COLUMNS
from .console import out

_ANY = 10_000  # columns: more than a table has


def print_table(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print it; into a file or a pipe one line a row, however wide."""
    headings, *lines = cells(rows, columns)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(escape(heading), justify="right" if place else "left")
    for line in lines:
        table.add_row(*(escape(cell) for cell in line))
    if out.is_terminal:
        out.print(table)
    else:
        wide = Measurement.get(out, out.options.update(max_width=_ANY), table).maximum
        Console(file=out.file, width=wide).print(table)


def print_world(rows: Sequence[Row]) -> None:
    """Print the table in the world, where there is one."""
    if rows:
        out.print("\nIn the world, by the data set's cameras (intervals over sequences):", highlight=False)
        print_table(rows, COLUMNS)
