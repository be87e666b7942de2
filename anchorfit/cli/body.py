"""``anchorfit body``: what a body model file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..index import estimate_paths
from . import options as opt
from .console import out, warn
from .declared import command
from .groups import ListedGroup

body_app = typer.Typer(cls=ListedGroup, help="Body models.", no_args_is_help=True)


@body_app.callback()
def _group() -> None:
    """Body models."""


@body_app.command()
@command
def info(
    body: Annotated[str, typer.Argument(help="'open', or a path to an SMPL .pkl or .npz file.")] = "open",
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
) -> None:
    """Print what a body model file holds: sizes, joints, landmarks, licence."""
    from rich.markup import escape
    from rich.table import Table

    from ..body import describe, load_body

    description = describe(load_body(opt.named_body(body, gender, age), gender=gender))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in description._asdict().items():
        text = (
            ", ".join(value) if isinstance(value, tuple) else f"{value:.4g}" if isinstance(value, float) else str(value)
        )
        table.add_row(name.replace("_", " "), escape(text))
    out.print(table)


@body_app.command("export")
@command
def export_body(
    output: Annotated[Path, typer.Argument(help="A .pkl, as smplx and aitviewer read it, or an .npz.")],
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
    joints_per_vertex: Annotated[
        int | None,
        typer.Option(
            min=1, help="The most joints that move a vertex, correctives made anew: 4 for programs that read no more."
        ),
    ] = None,
) -> None:
    """Write a body model as an SMPL file, for other programs."""
    from ..body import load_body, write_body
    from ..rigging.weights import with_few_weights
    from ..runs.claiming import refuse_inputs

    refuse_inputs([Path(body)], output.parent, [output.name])
    loaded = load_body(opt.named_body(body, gender, age), gender=gender)
    write_body(output, loaded if joints_per_vertex is None else with_few_weights(loaded, joints_per_vertex))
    out.print(f"{output}: smplx.SMPL({str(output)!r}) loads it", soft_wrap=True, markup=False)


@body_app.command("measure")
@command
def measure_people(
    results: opt.Results,
) -> None:
    """Print the measurements of fitted bodies, in centimetres and litres; export --save csv writes them all."""
    estimate_paths(results)  # what is not there is said before PyTorch is loaded
    from rich.markup import escape
    from rich.table import Table

    from ..body import load_body, measure
    from ..many_estimates import load_estimates, named_files
    from ..results import possible_only, size_remark

    estimate, lost = possible_only(load_estimates(results, warn), named_files(results))
    for line in lost:
        warn(line)
    model = load_body(estimate.body, gender=estimate.gender, num_betas=estimate.betas.shape[1])
    found = measure(model, estimate.betas)
    shown = ("height", "chest_girth", "waist_girth", "hip_girth", "inseam", "arm_length", "volume_l")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("person", overflow="fold", max_width=60)
    for name in shown:
        table.add_column(name.removesuffix("_l").replace("_", " "), justify="right")
    columns = [getattr(found, name) * (1 if name.endswith("_l") else 100) for name in shown]
    for row, name in enumerate(estimate.names):
        table.add_row(escape(name), *(f"{float(column[row]):.1f}" for column in columns))
    out.print(table)
    if remark := size_remark(estimate, model):
        warn(remark)
