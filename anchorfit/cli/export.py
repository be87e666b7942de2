"""``anchorfit export``: saved estimates as meshes, rigs and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as opt


def export(
    results: Annotated[list[Path], typer.Argument(help="Estimates (.npz), or folders of them.", show_default=False)],
    output: opt.Output,
    save: Annotated[
        str,
        typer.Option(
            help="What to write, comma-separated: json, pkl, obj, ply, glb, rigged, bvh, overlay, side, openpose, "
            "coco, spin."
        ),
    ] = "rigged",
    sequence: Annotated[
        bool, typer.Option("--sequence", help="The estimates are one person's frames, by name: one animation.")
    ] = False,
    fps: Annotated[float, typer.Option(help="Frames a second of --sequence.")] = 30.0,
    renderer: opt.Renderer = "torch",
) -> None:
    """Write saved estimates in other forms: meshes, rigged GLB, BVH, JSON, pictures, keypoints and SPIN-style npz."""
    from ..body import load_body
    from ..results import load_estimates
    from .console import out, progress_bar, warn
    from .outputs import SHARDS, make_folder, parse_kinds, write_results

    kinds = parse_kinds(save)
    if SHARDS in kinds:
        raise typer.BadParameter(f"{SHARDS} are for runs; saved estimates are npz already", param_hint="--save")
    opt.check_renderer(renderer)
    opt.check_rate(fps)
    estimate = load_estimates(results)
    model = load_body(estimate.body, gender=estimate.gender)
    make_folder(output)
    with progress_bar("writing", len(estimate)) as (bar, task):
        written = write_results(
            estimate,
            model,
            output,
            kinds,
            renderer=renderer,
            frames_per_second=fps if sequence else None,
            progress=lambda done: bar.advance(task, done),
        )
    for line in written.problems:
        warn(line)
    if not written.files:
        raise ValueError(f"{output}: nothing could be written")
    out.print(f"{len(written.files)} files in {output}", soft_wrap=True, highlight=False, markup=False)
