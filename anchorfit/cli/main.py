"""The command ``anchorfit``: gathers the commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from .._version import __version__
from ..options import one_line
from ..runs.engines import collect_seldom
from .adapt import adapt
from .benchmark import benchmark_app
from .body import body_app
from .console import fail
from .demo import demo
from .evaluate import ByDataset, evaluate
from .export import export
from .fit import fit
from .groups import OPTIONS_MARKUP, ListedGroup
from .predict import predict
from .refine import refine
from .report import report
from .train import train_app

TRACEBACK = "ANCHORFIT_TRACEBACK"

app = typer.Typer(
    name="anchorfit",
    cls=ListedGroup,
    help="From photographs and 2D keypoints to 3D human bodies: SMPL pose and shape, a camera, a mesh.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=OPTIONS_MARKUP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(fit)
app.command()(predict)
app.command()(refine)
app.command()(export)
app.command()(report)
app.command()(demo)
app.command(cls=ByDataset)(evaluate)
app.command()(adapt)
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(body_app, name="body")
app.add_typer(train_app, name="train")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"anchorfit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def run() -> None:
    """Run the command line: exit code 0 when something was done, 1 when nothing could be, 2 for a wrong command.

    Whatever is raised becomes one line; with ANCHORFIT_TRACEBACK set, Python's traceback comes in its place.
    """
    collect_seldom()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        fail(error if isinstance(error, OSError | ValueError | ImportError) else _unforeseen(error))


def _unforeseen(error: Exception) -> str:
    """What to say of an error that no line was written for."""
    told = one_line(error)
    named = f"{type(error).__name__}: {told}" if told else type(error).__name__
    if isinstance(error, MemoryError) or "out of memory" in told:
        return f"{named}; there is not enough memory: give fewer people or smaller pictures at once"
    return f"{named} (unforeseen; {TRACEBACK}=1 shows where, for a report of the fault)"
