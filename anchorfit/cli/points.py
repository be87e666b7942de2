"""``anchorfit fit --points``: files of points in space to files of bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ..options import given, option, refuse
from ..runs.options import RunOptions
from . import options as opt
from .console import out, warn

READ = {"save", "body", "gender", "age", "height", "measure", "same_person", "video", "fps"}
"""Options of runs that files of points have, too."""


@dataclass(frozen=True, kw_only=True)
class PointsOptions:
    """Options of points in space."""

    points: str | None = option(
        None,
        takes=str,
        help="IMAGES are files of points in space (.npy, .npz, .csv, .json, .trc, .c3d): which points, smpl24, h36m17, "
        "coco17, body25, mediapipe33, kinect25, azure32, smplh22 ...; names, where the file's labels say it; or a JSON "
        "file from labels to body points (docs/points.md).",
    )
    unit: str = option(
        "auto", help="Unit of --points: m, cm, mm; auto (told by the body's size); free (none: mean size)."
    )
    up: str = option("auto", help="Axis of --points that points up: x, y, z, -x, -y, -z; auto.")

    def check(self, *others: Any) -> None:
        """Raises OptionError for options that points do not read, or without points for those that only they read.

        Args:
            others: dataclasses of further options.
        """
        if self.points is None:
            refuse(given(self), "only with --points")
            return
        foreign = [one for group in others for one in given(group) if one.field not in READ]
        refuse(foreign, "files of points are fitted without it: leave it or --points out")


def fit_points_of(
    paths: Sequence[Path], output: Path, asked: PointsOptions, options: RunOptions, save: str | None, device: str
) -> None:
    """Run `points.command.fit_point_files`, and say what came of it: exit code 1 where no body was fitted."""
    body = opt.named_body(options.body, options.gender, options.age)
    from ..pipeline import load_body_on
    from ..points.command import PointJob, fit_point_files
    from ..points.known import read_known_sizes

    job = PointJob(
        convention=asked.points or "",
        sequence=options.video or options.same_person,
        unit=asked.unit,
        up=asked.up,
        kinds=tuple(kind.strip() for kind in save.split(",")) if save else None,
        rate=options.fps,
        sizes=read_known_sizes(options.height, options.measure),
    )
    report = fit_point_files(paths, load_body_on(body, options.gender, device), output, job)
    for remark in report.remarks:
        out.print(remark, markup=False, highlight=False)
    for problem in report.problems:
        warn(problem)
    out.print(f"{report.bodies} bodies, {len(report.files)} files in {output}", markup=False, highlight=False)
    if not report.bodies:
        raise typer.Exit(1)
