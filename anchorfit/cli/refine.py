"""``anchorfit refine``: bodies of other programs, fitted to keypoints and held near where those programs are good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..looks import OverlayLook
from ..options import OptionError
from ..runs.engines import EngineOptions
from ..runs.options import RunOptions
from . import options as opt
from .declared import command_of
from .launch import launch


@command_of(method="refine", init=(), image_names=None)
def refine(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders of results: of PHALP, HMR2, ROMP, WHAM, SPIN ... (docs/other_programs.md), or ours.",
            show_default=False,
        ),
    ],
    output: opt.Output,
    options: RunOptions,
    writing: opt.Writing,
    engine: EngineOptions,
    look: OverlayLook,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            "-i",
            help="Images, folders of them, or the video; may be given several times. Default: those that the keypoint "
            "file names. A COCO annotation file among them names the images of which the keypoint file has numbers.",
            show_default=False,
        ),
    ] = None,
    device: opt.Device = "cpu",
) -> None:
    """Refine other programs' bodies: each is fitted to its person's keypoints, and held near where it is usually right.

    People are matched with results by image and place. The terminal and OUTPUT/index.jsonl say for each person how far
    off the keypoints it was before and is now, and how far its joints moved; --report shows both bodies.
    """
    from ..observations.image_names import lists_images

    names = [path for path in images or () if lists_images(path)] if options.keypoints else []
    if len(names) > 1:
        raise OptionError("images", f"{names[1]}: a second annotation file beside {names[0]}: give one with all images")
    images = [path for path in images or () if path not in names]
    options = replace(options, init=tuple(results), image_names=names[0] if names else None)
    if options.keypoints is None and not images:
        raise OptionError("keypoints", "give --keypoints, or --images to detect people in")
    source = images or [options.keypoints or Path()]
    launch(source, output, options if images else replace(options, keypoints=None), writing, engine, look, device)
