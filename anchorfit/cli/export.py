"""``anchorfit export``: saved estimates as meshes, rigs and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..looks import OverlayLook
from ..options import Frame, OptionError
from ..runs.options import RunOptions
from . import options as opt
from .console import Terminal, out
from .declared import command, typer_option

RATE = 30.0  # frames a second


@command
def export(
    results: opt.Results,
    output: opt.Output,
    save: Annotated[
        str,
        typer.Option(
            help="What to write, comma-separated: json, pkl, obj, ply, glb, rigged, bvh, amass, overlay, side, "
            "openpose, coco, spin, smplx, csv, rerun."
        ),
    ] = "rigged",
    sequence: Annotated[
        bool,
        typer.Option(
            "--sequence", help="The estimates are frames, by name: one animation, or one a person of a video."
        ),
    ] = False,
    fps: Annotated[float, typer.Option(help="Frames a second of --sequence.")] = RATE,
    frame: Annotated[Frame, typer_option(RunOptions, "frame")] = "world",
    images: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="COCO annotation file whose image ids --save coco is to have."),
    ] = None,
    *,
    look: OverlayLook,
) -> None:
    """Write saved estimates in other forms: meshes, rigged GLB, BVH, JSON, pictures, keypoints and SPIN-style npz."""
    if fps != RATE and not sequence:
        raise OptionError("fps", "only with --sequence")
    from ..runs.exporting import export_results

    rate = fps if sequence else None
    files = export_results(
        results, output, save, frames_per_second=rate, frame=frame, look=look, image_names=images, listener=Terminal()
    )
    out.print(f"{files} files in {output}", soft_wrap=True, highlight=False, markup=False)
