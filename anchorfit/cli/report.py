"""``anchorfit report``: saved estimates as one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    results: Annotated[list[Path], typer.Argument(help="Estimates (.npz), or folders of them.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("report.html"),
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
    from ..body import load_body
    from ..reports import write_report
    from ..results import load_estimates_by_method
    from .console import long_run, out, warn

    by_method = load_estimates_by_method(results)
    usual = ("anchored", "smplify", "direct")
    order = [
        *(method for method in usual if method in by_method),
        *(method for method in by_method if method not in usual),
    ]
    shown = by_method[order[0]]
    others = [by_method[method] for method in reversed(order[1:])]
    if against:
        compared = load_estimates_by_method(against).values()
        if set(shown.names).isdisjoint(name for estimate in compared for name in estimate.names):
            warn(f"--against: nobody there has the name of one of the {len(shown)} people shown; nothing is compared")
        others = [*compared, *others]
    num_betas = max(estimate.betas.shape[1] for estimate in (shown, *others))
    model = load_body(shown.body, gender=shown.gender, num_betas=num_betas)
    with long_run("drawing", min(len(shown), most)) as steps:
        problems = write_report(
            output, shown, model, against=others, videos=video or (), title=title, most=most, progress=steps
        )
    for line in problems:
        warn(line)
    out.print(f"Look at {output}", soft_wrap=True, highlight=False, markup=False)
