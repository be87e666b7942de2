"""``anchorfit refine``: bodies of other programs, fitted to keypoints and held near where those programs are good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt
from .launch import launch


def refine_results(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders of results: of PHALP, HMR2, ROMP, WHAM, SPIN ... (docs/other_programs.md), or ours.",
            show_default=False,
        ),
    ],
    output: opt.Output,
    keypoints: opt.Keypoints = None,
    convention: opt.Convention = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            "-i",
            help="Images, folders of them, or the video; may be given several times. Default: those that the keypoint "
            "file names.",
            show_default=False,
        ),
    ] = None,
    predict_missing: opt.PredictMissing = False,
    body: opt.Body = "open",
    gender: opt.Gender = "neutral",
    age: opt.Age = "adult",
    focal: opt.Focal = None,
    save: opt.Save = None,
    report: opt.Report = False,
    mask: opt.Mask = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file that changes constants of the fit (docs/fitting.md).")
    ] = None,
    same_person: Annotated[
        bool, typer.Option("--same-person", help="All images show one and the same person: one shape for all.")
    ] = False,
    weights: opt.Weights = None,
    restart: opt.Restart = False,
    workers: opt.Workers = None,
    device: opt.Device = "cpu",
) -> None:
    """Refine other programs' bodies: each is fitted to its person's keypoints, and held near where it is usually right.

    People are matched with results by image and place. The terminal and OUTPUT/index.jsonl say for each person how far
    off the keypoints it was before and is now, and how far its joints moved; --report shows both bodies.
    """
    where = opt.checked_engine("local", workers, None, 0.0, gender=gender, device=device)
    from ..runs import RunOptions

    if keypoints is None and not images:
        raise typer.BadParameter("give --keypoints, or --images to detect people in", param_hint="--keypoints")
    source = images or [keypoints or Path()]
    options = RunOptions(
        keypoints=keypoints if images else None,
        convention=convention,
        init=tuple(results),
        refine=True,
        predict_missing=predict_missing,
        body=body,
        gender=gender,
        age=age,
        focal=focal,
        mask=mask,
        config=config,
        same_person=same_person,
        weights=weights,
    )
    look = opt.look_of("torch", opt.OPACITY, False)
    launch(source, output, options, where, save=save, report=report, restart=restart, look=look, device=device)
