"""``anchorfit benchmark``: methods over benchmarks, as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import OptionError
from ..runs.evaluation_options import (
    BenchmarkOptions,
    BodiesOptions,
    EvaluateOptions,
    LearningOptions,
    OpenBodyOptions,
)
from . import options as opt
from .console import Terminal, out, warn
from .declared import command, typer_option

if TYPE_CHECKING:
    from ..runs.plans import Plan

benchmark_app = typer.Typer(help="Methods over benchmarks: tables, per-person results, cases.", no_args_is_help=True)

Root = Annotated[Path, typer.Option(help="The folder that holds the data set.")]
SmplBody = Annotated[str, typer.Option("--body", help="The SMPL file whose parameters the data set's truth is in.")]
Regressor = Annotated[Path | None, typer_option(EvaluateOptions, "joint_regressor")]
Reduced = Annotated[Path | None, typer_option(EvaluateOptions, "reduced")]
Landmarks = Annotated[Path | None, typer_option(EvaluateOptions, "landmarks")]


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


@benchmark_app.command()
@command
def openbody(output: opt.Output, people: OpenBodyOptions, options: LearningOptions) -> None:
    """Synthetic people in held-out poses: no licensed file is needed.

    A killed run goes on where it stopped when the same command is given again; a larger --count adds people to it.
    """
    from ..runs import plans

    _run(plans.openbody_plan(people.count, people.seed), output, options)


@benchmark_app.command("openbody-people")
@command
def openbody_people(output: opt.Output, people: OpenBodyOptions) -> None:
    """Write what openbody gives to methods, for methods of other programs: keypoints.npz, cameras.npz and masks/.

    `anchorfit evaluate --dataset openbody` scores what they make of it.
    """
    from ..body import load_body
    from ..evaluation.people_files import write_people_seen
    from ..evaluation.protocols.openbody import OpenBody
    from ..runs.outputs import make_folder

    make_folder(output)
    write_people_seen(output, OpenBody(count=people.count, seed=people.seed), load_body())
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)


@benchmark_app.command()
@command
def lsp(
    root: Root,
    output: opt.Output,
    keypoints: Annotated[
        Path | None, typer.Option(help="Detected keypoints of all images. Default: est_joints.npz under the root.")
    ] = None,
    joints: Annotated[Path | None, typer.Option(help="LSP's joints.mat. Default: the one under the root.")] = None,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    *,
    options: BenchmarkOptions,
) -> None:
    """Segmentation on LSP's test images (Table 5 of Pavlakos et al. 2018).

    A killed run goes on where it stopped when the same command is given again.
    """
    opt.check_gender(gender)
    from ..runs import plans

    _run(plans.lsp_plan(root, keypoints, joints, (body, gender)), output, options)


benchmark_app.command("table5", help="The same as `lsp`.")(lsp)


@benchmark_app.command()
def table1() -> None:
    """Say how Table 1, the ablation of the losses, is made again: it trains networks, which is a script's work."""
    out.print("Table 1 trains networks: python scripts/reproduce_table1.py (see docs/prediction.md)", highlight=False)


@benchmark_app.command()
@command
def table2(
    root: Root,
    output: opt.Output,
    body: SmplBody,
    options: BodiesOptions,
    reduced: Reduced = None,
    landmarks: Landmarks = None,
) -> None:
    """Per-vertex error on UP-3D's test set and its parts, and the reduced set's landmarks (Table 2)."""
    _check_smpl(body)
    from ..runs import plans

    _run(plans.up3d_plan(root, reduced, landmarks, body), output, options)


@benchmark_app.command()
@command
def table3(root: Root, output: opt.Output, body: SmplBody, gender: opt.Gender, options: BodiesOptions) -> None:
    """Per-vertex error on SURREAL's test videos (Table 3), the people of one --gender with its --body."""
    _check_smpl(body)
    opt.check_gender(gender)
    from ..runs import plans

    _run(plans.surreal_plan(root, (body, gender)), output, options)


@benchmark_app.command()
@command
def table4(
    root: Root,
    output: opt.Output,
    options: BodiesOptions,
    body: opt.Body = "open",
    joint_regressor: Regressor = None,
) -> None:
    """Reconstruction error on Human3.6M, frontal camera (Table 4)."""
    from ..runs import plans

    _run(plans.human36m_plan(root, joint_regressor, body), output, options)


@benchmark_app.command("3dpw")
@command
def threedpw(
    root: Root,
    output: opt.Output,
    body: SmplBody,
    gender: opt.Gender,
    options: BodiesOptions,
    joint_regressor: Regressor = None,
) -> None:
    """Per-vertex and joint errors on 3DPW's test set, the people of one --gender with its --body."""
    _check_smpl(body)
    opt.check_gender(gender)
    from ..runs import plans

    _run(plans.threedpw_plan(root, joint_regressor, (body, gender)), output, options)


def _check_smpl(body: str) -> None:
    if body == "open":
        raise OptionError(
            "body",
            "this data set's truth is in SMPL's parameters, which mean nothing on the open body; give an SMPL file",
        )


def _run(plan: Plan, output: Path, options: BenchmarkOptions) -> None:
    """Run a benchmark and print its tables."""
    from ..runs.benchmark import run_plan
    from .tables import print_table

    told = run_plan(plan, output, options, Terminal())
    print_table(told.rows, told.columns)
    if told.apart:
        out.print(f"\nThe same people, compared with {told.reference} (paired 95 % intervals):", highlight=False)
        print_table(told.apart, told.apart_columns)
    out.print(f"Written to {output}", soft_wrap=True, highlight=False, markup=False)
