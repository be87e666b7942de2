"""``anchorfit evaluate``: any method's results against a data set's annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..runs.evaluation_options import EvaluateOptions
from . import options as opt
from .console import Terminal, out
from .declared import command


@command
def evaluate(
    estimates: Annotated[
        Path,
        typer.Option(help="Results: anchorfit's .npz, SMPLify's .pkl, a SPIN-style .npz, or a folder of them."),
    ],
    output: opt.Output,
    options: EvaluateOptions,
) -> None:
    """Score 3D bodies as published numbers are counted: by segmentation on LSP, by surface and joints elsewhere.

    A killed run goes on where it stopped when the same command is given again. An image without an estimate counts as
    an empty prediction.
    """
    options.check()
    from ..runs.scored import score_results
    from .tables import print_table

    for table in score_results(estimates, output, options, Terminal()):
        print_table(table.rows, table.columns)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)
