"""``anchorfit report``: saved estimates as one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..index import estimate_paths
from . import options as opt
from .console import Terminal, out
from .declared import command


@command
def report(
    results: opt.Results,
    output: Annotated[
        Path, typer.Option("--output", "-o", parser=opt.named, metavar="PATH", help="The page to write.")
    ] = Path("report.html"),
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Other estimates of the same people, by name, to compare with; may be given several times."),
    ] = None,
    video: Annotated[
        list[Path] | None,
        typer.Option(help="The video that the people were seen in, to show its frames; may be given several times."),
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "anchorfit report",
    most: Annotated[int, typer.Option(min=1, help="People to show; 40 to 80 kB each.")] = 200,
) -> None:
    """Write one HTML page that needs no network: overlays, bodies that can be turned, videos, measurements, errors.

    Where RESULTS hold predictions and fits of the same people, the fits are shown, each beside its prediction.
    """
    estimate_paths([*results, *(against or ())])  # what is not there is said before PyTorch is loaded
    from ..reports.saved import report_saved

    report_saved(
        output, results, against=against or (), videos=video or (), title=title, most=most, listener=Terminal()
    )
    out.print(f"Look at {output}", soft_wrap=True, highlight=False, markup=False)
