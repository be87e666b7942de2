"""``anchorfit fit --points``: files of points in space to files of bodies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..runs.evidence_options import EvidenceOptions
from ..runs.naming import known_kinds
from ..runs.options import RunOptions
from . import options as opt
from .people import tell_files


def fit_points_of(
    paths: Sequence[Path],
    output: Path,
    asked: EvidenceOptions,
    options: RunOptions,
    writing: opt.Writing,
    device: str,
) -> None:
    """Run `points.command.fit_point_files`, and say what came of it: exit code 1 where no body was fitted."""
    options.check_values()
    body = opt.named_body(options.body, options.gender, options.age)
    from ..pipeline import load_body_on
    from ..points.command import KINDS, PointJob, fit_point_files, floor_height
    from ..points.known import read_known_sizes

    kinds = None if writing.save is None else known_kinds(writing.save, KINDS, " for points")
    job = PointJob(
        convention=asked.points or "",
        sequence=options.video,
        same_person=options.same_person,
        unit=asked.unit,
        floor=floor_height(options.floor),
        frame=options.frame,
        up=asked.up,
        noise_mm=asked.noise_mm,
        kinds=kinds,
        rate=options.fps,
        sizes=read_known_sizes(options.height, options.measure),
        covariance=options.says_how_sure(own_files=kinds is None or bool({"npz", "json"} & {*kinds})),
        reads=options.files(),
    )
    tell_files(fit_point_files(paths, load_body_on(body, options.gender, device), output, job), output)
