"""``anchorfit fit --points``: files of points in space to files of bodies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..runs.evidence_options import EvidenceOptions
from ..runs.options import RunOptions
from . import options as opt
from .people import tell_files


def fit_points_of(
    paths: Sequence[Path], output: Path, asked: EvidenceOptions, options: RunOptions, save: str | None, device: str
) -> None:
    """Run `points.command.fit_point_files`, and say what came of it: exit code 1 where no body was fitted."""
    body = opt.named_body(options.body, options.gender, options.age)
    from ..pipeline import load_body_on
    from ..points.command import PointJob, fit_point_files, floor_height
    from ..points.known import read_known_sizes

    job = PointJob(
        convention=asked.points or "",
        sequence=options.video or options.same_person,
        unit=asked.unit,
        floor=floor_height(options.floor),
        frame=options.frame,
        up=asked.up,
        kinds=tuple(kind.strip() for kind in save.split(",")) if save else None,
        rate=options.fps,
        sizes=read_known_sizes(options.height, options.measure),
        covariance=options.covariance is not False,
    )
    tell_files(fit_point_files(paths, load_body_on(body, options.gender, device), output, job), output)
