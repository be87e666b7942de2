"""``anchorfit fit``: people in photographs, from a keypoint file or a detector to bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .launch import launch


def fit(
    images: opt.Images,
    output: opt.Output,
    keypoints: opt.Keypoints = None,
    convention: opt.Convention = None,
    points: opt.Points = None,
    unit: opt.PointUnit = "auto",
    up: opt.PointUp = "auto",
    height: opt.Height = None,
    measure: opt.Measure = None,
    detector: opt.Detector = "auto",
    detector_model: opt.DetectorModel = None,
    thorough: opt.Thorough = False,
    human2d_flip: opt.Human2DFlip = False,
    max_people: opt.MaxPeople = None,
    max_gap: opt.MaxGap = opt.LONGEST_GAP_S,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
    focal: opt.Focal = None,
    pitch: opt.Pitch = None,
    floor: opt.Floor = None,
    frame: opt.Frame = "world",
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
    covariance: opt.Covariance = None,
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
    if points is not None:
        from .points import fit_points_of

        opt.check_frame(frame)
        job = {"convention": points, "unit": unit, "up": up, "sequence": video or same_person, "rate": fps}
        job |= {"floor": opt.point_floor(floor), "frame": frame}
        fit_points_of(images, output, save, opt.named_body(body, gender, age), gender, device, height, measure, job)
        return
    where = opt.checked_engine(engine, workers, cluster, detector_gpus, gender=gender, device=device)
    from ..runs import RunOptions  # which takes a second: what can be seen without it has been looked at

    options = RunOptions(
        keypoints=keypoints,
        convention=convention,
        mask=mask,
        detector=detector,
        detector_model=detector_model,
        thorough=thorough,
        human2d_flip=human2d_flip,
        max_people=max_people,
        max_gap=max_gap,
        body=body,
        gender=gender,
        age=age,
        focal=focal,
        pitch=pitch,
        floor=floor,
        frame=frame,  # type: ignore[arg-type]
        height=height,
        measure=measure,
        weights=weights,
        covariance=covariance,
        init=tuple(init or ()),
        schedule=schedule,
        config=config,
        same_person=same_person,
        video=video,
        fps=fps,
    )
    look = opt.look_of(renderer, opacity, draw_keypoints)
    launch(images, output, options, where, save=save, report=report, restart=restart, look=look, device=device)
