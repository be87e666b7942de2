"""``anchorfit fit``: people in photographs, from a keypoint file or a detector to bodies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options as opt

if TYPE_CHECKING:
    from ..body import BodyModel
    from ..observations import Person
    from ..pipeline import FitOptions, Outcome
    from ..regressors import Networks
    from ..results import BodyEstimate
    from .delivery import Kept


def fit(
    images: opt.Images,
    output: opt.Output,
    keypoints: opt.Keypoints = None,
    convention: opt.Convention = None,
    detector: opt.Detector = "auto",
    detector_model: opt.DetectorModel = None,
    thorough: opt.Thorough = False,
    human2d_flip: opt.Human2DFlip = False,
    max_people: opt.MaxPeople = None,
    max_gap: opt.MaxGap = opt.LONGEST_GAP_S,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    focal: opt.Focal = None,
    save: opt.Save = None,
    report: opt.Report = False,
    mask: opt.Mask = None,
    schedule: Annotated[
        str, typer.Option(help="anchored (held near --init, else near a prediction), or smplify (four stages).")
    ] = "anchored",
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file that changes constants of --schedule: weights, stages, limits (docs/fitting.md)."),
    ] = None,
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
    detector_gpus: opt.DetectorGpus = 0.0,
    renderer: opt.Renderer = "torch",
    opacity: opt.Opacity = opt.OPACITY,
    draw_keypoints: opt.DrawKeypoints = False,
    device: opt.Device = "cpu",
) -> None:
    """Fit a 3D body to every person in the IMAGES: those of the keypoint file or, without one, those a detector finds.

    A video in place of images: its people are told apart, each gets one shape, smooth motion and an animation, and all
    are drawn in an overlay video.

    A run that was stopped goes on where it was when its command is given again. OUTPUT/index.jsonl has a line a person.

    The exit code is 0 when a person was fitted and a file written (problems are said at the end), 1 when not, and 2
    for a wrong command.
    """
    from ..fitting import SCHEDULES, read_config
    from ..pictures import OverlayLook
    from ..pipeline import FitOptions, load_body_on
    from ..regressors import load_networks
    from ..results import load_estimates
    from .delivery import Delivery, Kept, deliver
    from .detection import Detection
    from .fingerprint import fingerprint
    from .inputs import Source

    source = Source(
        images=images,
        keypoints=keypoints,
        convention=convention,
        mask=mask,
        detection=Detection(
            detector=detector,
            model=detector_model,
            thorough=thorough,
            flip=human2d_flip,
            device=opt.detector_device(engine, detector_gpus, device),
        ),
        longest_gap_s=max_gap,
        most_people=max_people,
    )
    source.check()
    opt.check_values(gender=gender, renderer=renderer, focal=focal, fps=fps)
    opt.check_engine_fits(engine, report=report, same_person=same_person, video=video)
    if schedule not in SCHEDULES:
        raise typer.BadParameter(f"expected one of {', '.join(SCHEDULES)}, got {schedule!r}", param_hint="--schedule")
    film = source.video is not None
    options = FitOptions(
        focal=focal,
        schedule=schedule,
        config=read_config(config, SCHEDULES[schedule]()) if config else None,
        masks=mask is not None,
        same_person=same_person or film,
        video=video or film,
    )
    model, kept = load_body_on(body, gender, device), Kept()
    work = _Fitting(
        model=model,
        options=options,
        start=load_estimates(init) if init else None,
        networks=load_networks(weights) if weights else None,
        kept=kept,
        report=report,
    )
    settings: dict[str, Any] = {
        "command": "fit",
        "init": [str(path.absolute()) for path in init or ()],
        "body": [body, gender],
    }
    settings |= {"weights": fingerprint(weights), "focal": focal, "schedule": schedule, "fps": fps}
    settings |= {"config": fingerprint(config), "same_person": same_person, "video": video}
    delivery = Delivery.of(
        source,
        output,
        save,
        settings,
        restart=restart,
        look=OverlayLook(opacity=opacity, keypoints=draw_keypoints, renderer=renderer),
        report=report,
        frames_per_second=fps if video else None,
        together=same_person or video,
    )
    with opt.opened_engines(opt.EngineOptions(engine, workers, cluster, detector_gpus, device)) as engines:
        deliver(source, model, work, delivery, kept, engines)


@dataclass(frozen=True, kw_only=True)
class _Fitting:
    """The work on a chunk of people; notes down for the report what their fits started from."""

    model: BodyModel
    options: FitOptions
    start: BodyEstimate | None
    networks: Networks | None
    kept: Kept
    report: bool

    def __call__(self, people: list[Person]) -> Outcome:
        from ..pipeline import fit_people, predict_people

        start = self.start
        if self.report and self.kept.wants_more:
            if start is None and self.options.schedule == "anchored":
                # What the fit would predict by itself, to be shown too.
                start = predict_people(people, self.model, networks=self.networks, options=self.options).estimate
            self.kept.compare_with(start)
        return fit_people(people, self.model, init=start, networks=self.networks, options=self.options)
