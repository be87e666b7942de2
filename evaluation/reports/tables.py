"""A table as text cells, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from ...atomic import write_atomically
from ...plain_text import to_cell
from ..summary import Column, Row

_LATEX = {"%": r"\%", "&": r"\&", "_": r"\_", "#": r"\#"}


def cells(rows: Sequence[Row], columns: Sequence[Column]) -> list[list[str]]:
    """Headings, then a line a row: "81.20 ± 0.45", the value and half its 95 % interval; "-" where there is none. What
    methods were given comes last, where it is known of one."""
    told = any(row.given for row in rows)
    lines = [["method", *(column.heading for column in columns), "people", "failed", *(["given"] if told else [])]]
    for row in rows:
        people = [str(row.people), str(row.failed)] if row.people else ["-", "-"]
        name = f"{row.method} [{row.source}]" if row.source else row.method
        given = [row.given or "-"] if told else []
        lines.append([name, *(_cell(row, column) for column in columns), *people, *given])
    return lines


def to_csv(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """Values and both ends of their intervals, in the unit of the heading, unrounded; empty where there is none."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    parts = ("", " low", " high")
    headings = [column.heading + part for column in columns for part in parts]
    writer.writerow(["method", *headings, "people", "failed", "source", "given"])
    for row in rows:
        values = [_number(row, column, part) for column in columns for part in range(3)]
        writer.writerow(
            [to_cell(row.method), *values, row.people or "", row.failed if row.people else "", row.source, row.given]
        )
    return stream.getvalue()


def to_markdown(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A Markdown table; the best of our own values in bold."""
    lines = cells(rows, columns)
    marked = _emphasised(rows, columns, lines, "**{}**")
    rule = "|".join(["---", *["---:"] * (len(lines[0]) - 1)])
    body = ["| " + " | ".join(line) + " |" for line in marked]
    return "\n".join([body[0], f"|{rule}|", *body[1:]]) + "\n"


def to_latex(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A LaTeX tabular (packages: booktabs); the best of our own values in bold."""
    lines = [[_latex(cell) for cell in line] for line in cells(rows, columns)]
    marked = _emphasised(rows, columns, lines, r"\textbf{{{}}}")
    body = [" & ".join(line) + r" \\" for line in marked]
    width = len(lines[0]) - 1
    head = [rf"\begin{{tabular}}{{l{'r' * width}}}", r"\toprule", body[0], r"\midrule"]
    return "\n".join([*head, *body[1:], r"\bottomrule", r"\end{tabular}", ""])


def _emphasised(rows: Sequence[Row], columns: Sequence[Column], lines: list[list[str]], mark: str) -> list[list[str]]:
    marked = [list(line) for line in lines]
    for place, column in enumerate(columns, start=1):
        ours = [i for i, row in enumerate(rows) if row.people and column.key in row.scores]
        own = [(rows[i].scores[column.key].value, i) for i in ours]
        if len(own) > 1:
            _, best = (max if column.higher_is_better else min)(own)
            marked[best + 1][place] = mark.format(marked[best + 1][place])
    return marked


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text).replace("±", r"$\pm$")


def _cell(row: Row, column: Column) -> str:
    if column.key not in row.scores:
        return "-"
    interval = row.scores[column.key]
    if row.source:  # no more digits than were published
        return f"{round(interval.value * column.scale, column.decimals):g}"
    text = f"{interval.value * column.scale:.{column.decimals}f}"
    if math.isfinite(interval.half_width):
        text += f" ± {interval.half_width * column.scale:.{column.decimals}f}"
    return text


def _number(row: Row, column: Column, part: int) -> str:
    if column.key not in row.scores or not math.isfinite(value := row.scores[column.key][part]):
        return ""
    return repr(value * column.scale)


def write_score_table(folder: Path, rows: Sequence[Row], columns: Sequence[Column], name: str = "table") -> None:
    """Write ``table.csv``, ``table.md`` and ``table.tex``, or under another name.

    Raises:
        OSError: one cannot be written.
    """
    for suffix, text in (("csv", to_csv), ("md", to_markdown), ("tex", to_latex)):
        write_atomically(folder / f"{name}.{suffix}", text(rows, columns).encode())
