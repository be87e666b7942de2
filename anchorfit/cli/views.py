"""``anchorfit fit --cameras``: people of several calibrated cameras to files of bodies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .console import out, warn

if TYPE_CHECKING:
    from ..observations import PeopleFile
    from ..pictures import OverlayLook


def fit_views_of(
    paths: list[Path],
    output: Path,
    cameras: Path,
    save: str | None,
    body: str,
    gender: str,
    device: str,
    sizes: tuple[float | None, str | None],
    job: dict[str, Any],
    detector: tuple[str, Path | None, bool],
    look: OverlayLook,
    refused: Sequence[str],
) -> None:
    """Run `views.command.fit_view_files`, and say what came of it: exit code 1 where no body was fitted."""
    if refused:
        raise typer.BadParameter(f"not with --cameras: {', '.join(f'--{name}' for name in refused)}")
    mask = job.pop("mask")
    if mask not in (None, "file"):
        raise typer.BadParameter("with --cameras masks are those of the keypoint files: file", param_hint="--mask")
    from ..pipeline import load_body_on
    from ..points.known import read_known_sizes
    from ..views.command import ViewJob, fit_view_files
    from ..views.config import ViewOptions

    options = ViewOptions(
        unit=job.pop("unit"),
        sequence=job.pop("sequence"),
        covariance=job.pop("covariance"),
        masks=mask is not None,
        sizes=read_known_sizes(*sizes),
    )
    kinds = tuple(kind.strip() for kind in save.split(",")) if save else None

    def detect(images: Sequence[Path]) -> PeopleFile:
        from ..detectors import detect as find

        name, model, thorough = detector
        return find(list(images), name, model=model, thorough=thorough)

    whole = ViewJob(cameras=cameras, options=options, kinds=kinds, look=look, **job)
    report = fit_view_files(paths, load_body_on(body, gender, device), output, whole, detect)
    for remark in report.remarks:
        out.print(remark, markup=False, highlight=False)
    for problem in report.problems:
        warn(problem)
    out.print(f"{report.bodies} bodies, {len(report.files)} files in {output}", markup=False, highlight=False)
