"""``anchorfit fit --points``: files of points in space to files of bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from .console import out, warn


def fit_points_of(
    paths: list[Path],
    output: Path,
    save: str | None,
    body: str,
    gender: str,
    device: str,
    height: float | None,
    measure: str | None,
    job: dict[str, Any],
) -> None:
    """Run `points.command.fit_point_files`, and say what came of it: exit code 1 where no body was fitted."""
    from ..pipeline import load_body_on
    from ..points.command import PointJob, fit_point_files
    from ..points.known import read_known_sizes

    kinds = tuple(kind.strip() for kind in save.split(",")) if save else None
    model = load_body_on(body, gender, device)
    report = fit_point_files(
        paths, model, output, PointJob(kinds=kinds, sizes=read_known_sizes(height, measure), **job)
    )
    for remark in report.remarks:
        out.print(remark, markup=False, highlight=False)
    for problem in report.problems:
        warn(problem)
    out.print(f"{report.bodies} bodies, {len(report.files)} files in {output}", markup=False, highlight=False)
    if not report.bodies:
        raise typer.Exit(1)
