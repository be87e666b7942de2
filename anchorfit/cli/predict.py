"""``anchorfit predict``: people in photographs, from a keypoint file to bodies in one forward pass."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .fit import DEFAULT_SAVE


def predict(
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.", show_default=False)],
    keypoints: Annotated[Path, typer.Option("--keypoints", "-k", help="2D keypoints, as for `anchorfit fit`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results; made if missing.")],
    mask: Annotated[
        str | None,
        typer.Option(help="Masks to tell the shape from: 'file' for the keypoint file's, a PNG, or a folder of PNGs."),
    ] = None,
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
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
) -> None:
    """Predict a 3D body for every person of the keypoint file that stands in one of the IMAGES, without fitting.

    The results are what `anchorfit fit --init` starts from.
    """
    from ..observations import list_images, match_people, read_people
    from ..pipeline import FitOptions, load_body_on, predict_people
    from .console import progress_bar, warn
    from .masks import with_masks
    from .options import check_gender
    from .outputs import make_folder, parse_kinds, write_results
    from .report import print_people

    kinds = parse_kinds(save)
    check_gender(gender)
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
    make_folder(output)
    with progress_bar("predicting", len(masked.people)) as (bar, task):
        outcome = predict_people(
            masked.people,
            model,
            options=FitOptions(focal=focal, masks=mask is not None),
            progress=lambda done: bar.advance(task, done),
        )
    for problem in outcome.problems:
        warn(problem)
    if outcome.estimate is None:
        raise ValueError(f"{keypoints}: not one person could be predicted")
    written = write_results(outcome.estimate, model, output, kinds)
    for line in written.problems:
        warn(line)
    print_people(outcome.estimate)
    if not written.files:
        raise ValueError(f"{output}: nothing could be written")
