"""``anchorfit benchmark``: methods over benchmarks, as tables."""

from __future__ import annotations

import typer

from ..runs.evaluation_options import OpenBodyOptions
from . import options as opt
from .benchmark_sets import BenchmarkGroup
from .console import out, warn
from .declared import command

benchmark_app = typer.Typer(
    cls=BenchmarkGroup, help="Methods over benchmarks: tables, per-person results, cases.", no_args_is_help=True
)


@benchmark_app.callback()
def _group() -> None:
    """Methods over benchmarks."""


@benchmark_app.command()
def methods() -> None:
    """List the methods that --variants takes, and what each is given; those of other packages, too."""
    from rich.table import Table

    from ..evaluation.methods import all_variants

    variants, problems = all_variants()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, variant in variants.items():
        table.add_row(name, variant.about, variant.given)
    out.print(table)
    for problem in problems:
        warn(problem)


@benchmark_app.command("openbody-people")
@command
def openbody_people(output: opt.Output, people: OpenBodyOptions) -> None:
    """Write what openbody gives to methods, for methods of other programs: keypoints.npz, cameras.npz and masks/.

    `anchorfit evaluate --dataset openbody` scores what they make of it.
    """
    from ..body import load_body
    from ..evaluation.benchmarks.openbody import OpenBody
    from ..evaluation.people_files import write_people_seen
    from ..runs.claiming import make_folder

    make_folder(output)
    write_people_seen(output, OpenBody(count=people.count, seed=people.seed), load_body())
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)


@benchmark_app.command()
def table1() -> None:
    """Say how Table 1, the ablation of the losses, is made again: it trains networks, which is a script's work."""
    out.print("Table 1 trains networks: python scripts/reproduce_table1.py (see docs/prediction.md)", highlight=False)
