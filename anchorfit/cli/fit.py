"""``anchorfit fit``: people in photographs, from a keypoint file to bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt


def fit(
    images: opt.Images,
    keypoints: opt.Keypoints,
    output: opt.Output,
    convention: opt.Convention = None,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    focal: opt.Focal = None,
    save: opt.Save = opt.DEFAULT_SAVE,
    report: opt.Report = False,
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
    fps: Annotated[float, typer.Option(help="Frames a second of --video, for its animation.")] = 30.0,
    weights: opt.Weights = None,
    renderer: opt.Renderer = "torch",
    device: opt.Device = "cpu",
) -> None:
    """Fit a 3D body to every person of the keypoint file that stands in one of the IMAGES.

    The exit code is 0 when somebody was fitted and something written (problems are said on the way), 1 when not, and 2
    for a wrong command.
    """
    from ..pipeline import SCHEDULES, FitOptions, fit_people, load_body_on, predict_people
    from ..regressors import load_priors
    from ..results import load_estimates
    from .console import progress_bar
    from .delivery import deliver
    from .inputs import gather_people
    from .outputs import make_folder, parse_kinds

    kinds = parse_kinds(save)
    opt.check_gender(gender)
    opt.check_renderer(renderer)
    opt.check_focal(focal)
    opt.check_rate(fps)
    if schedule not in SCHEDULES:
        raise typer.BadParameter(f"expected one of {', '.join(SCHEDULES)}, got {schedule!r}", param_hint="--schedule")
    priors = load_priors(weights) if weights else None
    people = gather_people(images, keypoints, convention, mask)
    model = load_body_on(body, gender, device)
    start = load_estimates(init) if init else None
    make_folder(output)
    options = FitOptions(focal=focal, schedule=schedule, masks=mask is not None, same_person=same_person, video=video)
    if report and start is None and schedule == "anchored":  # what the fit would predict by itself, to be shown too
        start = predict_people(people, model, priors=priors, options=options).estimate
    with progress_bar("fitting", len(people)) as (bar, task):
        outcome = fit_people(
            people, model, init=start, priors=priors, options=options, progress=lambda done: bar.advance(task, done)
        )
    deliver(
        outcome,
        model,
        output,
        kinds,
        renderer=renderer,
        frames_per_second=fps if video else None,
        report=report,
        against=start,
    )
