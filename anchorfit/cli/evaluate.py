"""``anchorfit evaluate``: any method's results against a data set's annotations."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..runs.evaluation_options import EvaluateOptions, options_read
from . import options as opt
from .console import Terminal, out
from .declared import command, usage_errors


class ByDataset(TyperCommand):
    """A command whose help shows the options of the data set that --dataset names, and no other set's."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = "\n".join(args).replace("--dataset=", "--dataset\n").split("\n")
        ctx.meta["dataset"] = dict(pairwise(named)).get("--dataset")
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        shown = ctx.meta.get("shown")
        return [one for one in super().get_params(ctx) if shown is None or one.name in shown]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        if ctx.meta["dataset"] is not None:
            with usage_errors():
                ctx.meta["shown"] = {*options_read(ctx.meta["dataset"]), "estimates", "output", "help"}
        super().format_help(ctx, formatter)


@command
def evaluate(
    estimates: Annotated[
        Path,
        typer.Option(
            help="A file or folder of results: anchorfit's, or another program's whose bodies are SMPL's "
            "(docs/other_programs.md)."
        ),
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
    from .tables import print_table, print_world

    for table in score_results(estimates, output, options, Terminal()):
        print_table(table.rows, table.columns)
        print_world(table.world)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)
