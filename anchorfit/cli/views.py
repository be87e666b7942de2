"""``anchorfit fit --cameras``: people of several calibrated cameras to files of bodies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..looks import OverlayLook
from ..options import OptionError
from ..runs.engines import EngineOptions
from ..runs.evidence_options import EvidenceOptions
from ..runs.naming import known_kinds
from ..runs.options import RunOptions
from . import options as opt
from .console import Terminal
from .people import tell_files

if TYPE_CHECKING:
    from ..views.command import ViewJob


def fit_views_of(
    paths: Sequence[Path],
    output: Path,
    asked: EvidenceOptions,
    options: RunOptions,
    writing: opt.Writing,
    engine: EngineOptions,
    look: OverlayLook,
    device: str,
) -> None:
    """Run `views.command.fit_view_files`, and say what came of it: exit code 1 where no body was fitted."""
    options.check_values()
    if options.mask not in (None, "file"):
        raise OptionError("mask", "with --cameras masks are those of the keypoint files: file")
    engine.check(device)
    engine.warm_up()
    look.check()
    body = opt.named_body(options.body, options.gender, options.age)
    job = _job(asked, options, writing, look)
    from ..pipeline import load_body_on
    from ..views.command import fit_view_files

    on = load_body_on(body, options.gender, device)
    done = fit_view_files(
        paths, on, output, job, engine=engine, report=writing.report, restart=writing.restart, listener=Terminal()
    )
    tell_files(done, output)


def _job(asked: EvidenceOptions, options: RunOptions, writing: opt.Writing, look: OverlayLook) -> ViewJob:
    """What to do, as the options say it; raises OptionError for kinds, looks and detectors that cannot be."""
    from ..points.known import read_known_sizes
    from ..runs.detecting import Detection
    from ..views.command import KINDS, ViewJob
    from ..views.config import ViewOptions

    detection = Detection(options.detector, options.detector_model, options.thorough)
    if options.detector != "auto" or options.detector_model is not None:
        detection.check()
    kinds = None if writing.save is None else known_kinds(writing.save, KINDS, " for views")
    look.check(drawn=kinds is None or "overlay" in kinds)
    return ViewJob(
        cameras=asked.cameras or Path(),
        keypoints=options.keypoints,
        convention=options.convention,
        options=ViewOptions(
            unit=asked.unit,
            sequence=options.video or options.same_person,
            smooth=options.video,
            covariance=options.says_how_sure(own_files=kinds is None or bool({"npz", "json"} & {*kinds})),
            masks=options.mask is not None,
            sizes=read_known_sizes(options.height, options.measure),
        ),
        kinds=kinds,
        rate=options.fps,
        look=look,
        reads=options.files(),
        detection=detection,
    )
