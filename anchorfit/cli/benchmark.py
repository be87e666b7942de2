"""``anchorfit benchmark``: methods over benchmarks, as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options as opt
from .benchmark_sets import BenchmarkGroup, Cache, Cases, Results, Root, Variants, Workers

if TYPE_CHECKING:
    from ..runs.plans import Plan

benchmark_app = typer.Typer(
    cls=BenchmarkGroup, help="Methods over benchmarks: tables, per-person results, cases.", no_args_is_help=True
)

DEFAULT_VARIANTS = "direct,smplify,anchored,smplify-on-gt"
Trained = Annotated[
    Path | None,
    typer.Option(help="Folder that keeps what methods have learned. Default: anchorfit/trained in the user's cache."),
]


@benchmark_app.callback()
def _group() -> None:
    """Methods over benchmarks."""


@benchmark_app.command()
def methods() -> None:
    """List the methods that --variants takes, and what each is given; those of other packages, too."""
    from rich.table import Table

    from ..evaluation.methods import all_variants
    from .console import out, warn

    variants, problems = all_variants()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, variant in variants.items():
        table.add_row(name, variant.about, variant.given)
    out.print(table)
    for problem in problems:
        warn(problem)


@benchmark_app.command()
def openbody(
    output: opt.Output,
    count: Annotated[int, typer.Option(min=1, help="People.")] = 300,
    variants: Variants = DEFAULT_VARIANTS,
    seed: Annotated[int, typer.Option(min=0, help="Everything random comes from it.")] = 2018,
    workers: Workers = 1,
    cases: Cases = True,
    device: opt.Device = "cpu",
    cache: Cache = None,
    trained: Trained = None,
    results: Results = None,
) -> None:
    """Synthetic people in held-out poses: no licensed file is needed.

    A killed run goes on where it stopped when the same command is given again; a larger --count adds people to it.
    """
    from ..runs import plans

    run_plan_and_print(
        plans.openbody_plan(count, seed),
        output,
        variants,
        workers,
        cases,
        device=device,
        cache=cache,
        trained=trained,
        results=results,
    )


@benchmark_app.command("openbody-people")
def openbody_people(
    output: opt.Output,
    count: Annotated[int, typer.Option(min=1, help="People.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Everything random comes from it.")] = 2018,
) -> None:
    """Write what openbody gives to methods, for methods of other programs: keypoints.npz, cameras.npz and masks/.

    `anchorfit evaluate --dataset openbody` scores what they make of it.
    """
    from ..body import load_body
    from ..evaluation.people_files import write_people_seen
    from ..evaluation.protocols.openbody import OpenBody
    from ..runs.outputs import make_folder
    from .console import out

    make_folder(output)
    write_people_seen(output, OpenBody(count=count, seed=seed), load_body())
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)


@benchmark_app.command()
def lsp(
    root: Root,
    output: opt.Output,
    keypoints: Annotated[
        Path | None, typer.Option(help="Detected keypoints of all images. Default: est_joints.npz under the root.")
    ] = None,
    joints: Annotated[Path | None, typer.Option(help="LSP's joints.mat. Default: the one under the root.")] = None,
    variants: Variants = DEFAULT_VARIANTS,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    workers: Workers = 1,
    cases: Cases = True,
    device: opt.Device = "cpu",
    cache: Cache = None,
) -> None:
    """Segmentation on LSP's test images (Table 5 of Pavlakos et al. 2018).

    A killed run goes on where it stopped when the same command is given again.
    """
    from ..runs import plans

    opt.check_gender(gender)
    plan = plans.lsp_plan(root, keypoints, joints, (body, gender))
    run_plan_and_print(plan, output, variants, workers, cases, device=device, cache=cache)


benchmark_app.command("table5", help="The same as `lsp`.")(lsp)


@benchmark_app.command()
def table1() -> None:
    """Say how Table 1, the ablation of the losses, is made again: it trains networks, which is a script's work."""
    from .console import out

    out.print("Table 1 trains networks: python scripts/reproduce_table1.py (see docs/prediction.md)", highlight=False)


def run_plan_and_print(
    plan: Plan,
    output: Path,
    variants: str,
    workers: int,
    cases: bool,
    *,
    device: str,
    cache: Path | None,
    trained: Path | None = None,
    results: Path | None = None,
) -> None:
    """Run a benchmark and print its tables."""
    from ..runs.benchmark import run_plan
    from .console import Terminal, out, warn
    from .tables import print_table

    for line in plan.problems:
        warn(line)
    with opt.usage_errors():
        told = run_plan(
            plan,
            output,
            variants,
            workers,
            cases,
            device=device,
            cache=cache,
            trained=trained,
            results=results,
            listener=Terminal(),
        )
    print_table(told.rows, told.columns)
    if told.apart:
        out.print(f"\nThe same people, compared with {told.reference} (paired 95 % intervals):", highlight=False)
        print_table(told.apart, told.apart_columns)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)
