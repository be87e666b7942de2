"""``anchorfit body``: what a body model file holds."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options as opt

body_app = typer.Typer(help="Body models.", no_args_is_help=True)


@body_app.callback()
def _group() -> None:
    """Body models."""


@body_app.command()
def info(
    body: Annotated[str, typer.Argument(help="'open', or a path to an SMPL .pkl or .npz file.")] = "open",
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
) -> None:
    """Print what a body model file holds: sizes, joints, landmarks, licence."""
    from rich.markup import escape
    from rich.table import Table

    from ..body import describe, load_body
    from .console import out

    description = describe(load_body(opt.body_of(body, gender, age), gender=gender))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in description._asdict().items():
        text = (
            ", ".join(value) if isinstance(value, tuple) else f"{value:.4g}" if isinstance(value, float) else str(value)
        )
        table.add_row(name.replace("_", " "), escape(text))
    out.print(table)
