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
    save: opt.Save = None,
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
    restart: opt.Restart = False,
    engine: opt.EngineName = "local",
    workers: opt.Workers = None,
    cluster: opt.Cluster = None,
    renderer: opt.Renderer = "torch",
    device: opt.Device = "cpu",
) -> None:
    """Fit a 3D body to every person in the IMAGES: those of the keypoint file or, without one, those a detector finds.

    A video in place of images is one person's: smoothed, with an animation and an overlay video.

    A run that was stopped goes on where it was when its command is given again. OUTPUT/index.jsonl has a line a person.

    The exit code is 0 when somebody was fitted and something written (problems are said at the end), 1 when not, and 2
    for a wrong command.
    """
    from ..observations import Person
    from ..observations.videos import is_video_path
    from ..pipeline import SCHEDULES, FitOptions, Outcome, fit_people, load_body_on, predict_people
    from ..regressors import load_priors
    from ..results import BodyEstimate, load_estimates
    from .delivery import Delivery, Kept, run
    from .inputs import Detection, fingerprint, gather_people, keypoint_file, source_settings
    from .outputs import parse_kinds
    from .video import gather_video, write_overlay_video

    clip = images[0] if len(images) == 1 and is_video_path(images[0]) else None
    alone = keypoints is None and keypoint_file(images, keypoints) is not None
    usual = opt.DEFAULT_SAVE_OF_VIDEO if clip else opt.DEFAULT_SAVE_OF_FILE if alone else opt.DEFAULT_SAVE
    detection = Detection(detector, detector_model, thorough)
    kinds = parse_kinds(save or usual)
    opt.check_gender(gender)
    opt.check_renderer(renderer)
    opt.check_focal(focal)
    opt.check_rate(fps)
    opt.check_engine_fits(engine, report=report, same_person=same_person, video=video or clip is not None)
    if schedule not in SCHEDULES:
        raise typer.BadParameter(f"expected one of {', '.join(SCHEDULES)}, got {schedule!r}", param_hint="--schedule")
    priors = load_priors(weights) if weights else None
    film = None
    if clip is not None:
        if keypoints is None:
            raise typer.BadParameter("a video needs them", param_hint="--keypoints")
        film, frames = gather_video(clip, keypoints, convention)
        same_person, video, fps = True, True, film.frames_per_second
    model = load_body_on(body, gender, device)
    start = load_estimates(init) if init else None
    options = FitOptions(focal=focal, schedule=schedule, masks=mask is not None, same_person=same_person, video=video)
    kept = Kept()
    fitted: list[BodyEstimate] = []
    if start is not None:
        kept.against.append(start)

    def work(chunk: list[Person]) -> Outcome:
        own = start
        if report and start is None and schedule == "anchored" and kept.wants_more:
            # What the fit would predict by itself, to be shown too.
            own = predict_people(chunk, model, priors=priors, options=options).estimate
            kept.against.extend([] if own is None else [own])
        outcome = fit_people(chunk, model, init=own, priors=priors, options=options)
        if film is not None and outcome.estimate is not None:
            fitted.append(outcome.estimate)
        return outcome

    given = {
        **source_settings(images, keypoints, detection),
        "init": [str(path.absolute()) for path in init or ()],
        "weights": fingerprint(weights),
    }
    chosen = {"body": [body, gender], "focal": focal, "schedule": schedule, "mask": mask, "save": list(kinds)}
    chosen |= {"convention": convention, "same_person": same_person, "video": video, "fps": fps}
    delivery = Delivery(
        output=output,
        kinds=kinds,
        settings={"command": "fit", **given, **chosen},
        restart=restart,
        renderer=renderer,
        frames_per_second=fps if video else None,
        together=same_person or video,
        report=report,
    )
    with opt.opened_engine(engine, workers, cluster, device) as mapped:
        people = frames if film else gather_people(images, keypoints, convention, mask, detection, mapped)
        run(people, model, work, delivery, kept, mapped)
    if film is not None and fitted and "overlay" in kinds:
        write_overlay_video(output / "overlay.mp4", film, fitted[0], model)
