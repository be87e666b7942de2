"""``anchorfit fit``: people in photographs, from a keypoint file to bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_SAVE = "npz,glb,overlay"


def fit(
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)],
    keypoints: Annotated[
        Path,
        typer.Option(
            "--keypoints",
            "-k",
            help="2D keypoints: COCO or OpenPose JSON, LSP joints.mat, est_joints.npz, or a CSV/JSON/NPZ of our own.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results; made if missing.")],
    convention: Annotated[
        str | None, typer.Option(help="Joint convention, where the file does not say: lsp14, coco17, body25 ...")
    ] = None,
    body: Annotated[str, typer.Option(help="'open', or a path to an SMPL .pkl or .npz file.")] = "open",
    gender: Annotated[str, typer.Option(help="neutral, male or female.")] = "neutral",
    focal: Annotated[
        float | None, typer.Option(help="Focal length in pixels. Default: from EXIF, else the image's diagonal.")
    ] = None,
    save: Annotated[
        str, typer.Option(help="What to write, comma-separated: npz, json, pkl, obj, ply, glb, overlay, side.")
    ] = DEFAULT_SAVE,
    mask: Annotated[
        str | None,
        typer.Option(help="Masks to fit the outlines to: 'file' for the keypoint file's, a PNG, or a folder of PNGs."),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="smplify, or anchored (from --init, else from a prediction). Default: anchored with --init."),
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
    renderer: Annotated[
        str, typer.Option(help="What draws overlays: torch, or pytorch3d where it is installed.")
    ] = "torch",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
) -> None:
    """Fit a 3D body to every person of the keypoint file that stands in one of the IMAGES."""
    from ..observations import list_images, match_people, read_people
    from ..pipeline import SCHEDULES, FitOptions, fit_people, load_body_on
    from ..results import load_estimates
    from .console import progress_bar, warn
    from .masks import with_masks
    from .options import check_gender, check_renderer
    from .outputs import make_folder, parse_kinds, write_results
    from .report import print_people

    kinds = parse_kinds(save)
    check_gender(gender)
    check_renderer(renderer)
    if schedule is not None and schedule not in SCHEDULES:
        raise typer.BadParameter(f"expected one of {', '.join(SCHEDULES)}, got {schedule!r}", param_hint="--schedule")
    if focal is not None and not 0 < focal < float("inf"):
        raise typer.BadParameter(f"expected a positive number of pixels, got {focal}", param_hint="--focal")
    paths = list_images(images)
    found = read_people(keypoints, convention=convention)
    matched = match_people(found.people, paths, keypoints)
    masked = with_masks(matched.people, mask)
    for line in [*found.problems, *matched.problems, *masked.problems]:
        warn(line)
    if not masked.people:
        raise ValueError(f"{keypoints}: no person for any of the {len(paths)} images")
    model = load_body_on(body, gender, device)
    start = load_estimates(init) if init else None
    make_folder(output)
    options = FitOptions(focal=focal, schedule=schedule, masks=mask is not None, same_person=same_person, video=video)
    with progress_bar("fitting", len(masked.people)) as (bar, task):
        outcome = fit_people(
            masked.people,
            model,
            init=start,
            options=options,
            progress=lambda done: bar.advance(task, done),
        )
    for problem in outcome.problems:
        warn(problem)
    if outcome.estimate is None:
        raise ValueError(f"{keypoints}: not one person could be fitted")
    written = write_results(outcome.estimate, model, output, kinds, renderer=renderer)
    for line in written.problems:
        warn(line)
    print_people(outcome.estimate)
    if not written.files:
        raise ValueError(f"{output}: nothing could be written")
