"""``anchorfit fit``: people in photographs, from a keypoint file or a detector to bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt


def fit(
    images: opt.Images,
    output: opt.Output,
    keypoints: opt.Keypoints = None,
    convention: opt.Convention = None,
    detector: opt.Detector = "auto",
    detector_model: opt.DetectorModel = None,
    thorough: opt.Thorough = False,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    focal: opt.Focal = None,
    save: opt.Save = opt.DEFAULT_SAVE,
    mask: opt.Mask = None,
    schedule: Annotated[
        str, typer.Option(help="anchored (held near --init, else near a prediction), or smplify (four stages).")
    ] = "anchored",
    init: Annotated[
        list[Path] | None,
        typer.Option(help="Estimates (.npz, or a folder of them) to start from, by name; may be given several times."),
    ] = None,
    same_person: Annotated[
        bool, typer.Option("--same-person", help="All images show one and the same person: one shape for all.")
    ] = False,
    video: Annotated[
        bool, typer.Option("--video", help="The images are one person's frames, in order: smooth over time.")
    ] = False,
    weights: opt.Weights = None,
    renderer: opt.Renderer = "torch",
    device: opt.Device = "cpu",
) -> None:
    """Fit a 3D body to every person in the IMAGES: those of the keypoint file or, without one, those a detector finds.

    The exit code is 0 when somebody was fitted and something written (problems are said on the way), 1 when not, and 2
    for a wrong command.
    """
    from ..pipeline import SCHEDULES, FitOptions, fit_people, load_body_on
    from ..regressors import load_priors
    from ..results import load_estimates
    from .console import progress_bar
    from .inputs import Detection, gather_people
    from .outputs import make_folder, parse_kinds
    from .report import deliver

    kinds = parse_kinds(save)
    opt.check_gender(gender)
    opt.check_renderer(renderer)
    opt.check_focal(focal)
    if schedule not in SCHEDULES:
        raise typer.BadParameter(f"expected one of {', '.join(SCHEDULES)}, got {schedule!r}", param_hint="--schedule")
    priors = load_priors(weights) if weights else None
    people = gather_people(images, keypoints, convention, mask, Detection(detector, detector_model, thorough))
    model = load_body_on(body, gender, device)
    start = load_estimates(init) if init else None
    make_folder(output)
    options = FitOptions(focal=focal, schedule=schedule, masks=mask is not None, same_person=same_person, video=video)
    with progress_bar("fitting", len(people)) as (bar, task):
        outcome = fit_people(
            people, model, init=start, priors=priors, options=options, progress=lambda done: bar.advance(task, done)
        )
    deliver(outcome, model, output, kinds, renderer=renderer)
