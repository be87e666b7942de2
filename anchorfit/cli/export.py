"""``anchorfit export``: saved estimates as meshes, rigs and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from . import options as opt

if TYPE_CHECKING:
    from ..results import BodyEstimate


def export(
    results: Annotated[list[Path], typer.Argument(help="Estimates (.npz), or folders of them.", show_default=False)],
    output: opt.Output,
    save: Annotated[
        str,
        typer.Option(
            help="What to write, comma-separated: json, pkl, obj, ply, glb, rigged, bvh, amass, overlay, side, "
            "openpose, coco, spin, csv, rerun."
        ),
    ] = "rigged",
    sequence: Annotated[
        bool,
        typer.Option(
            "--sequence", help="The estimates are frames, by name: one animation, or one a person of a video."
        ),
    ] = False,
    fps: Annotated[float, typer.Option(help="Frames a second of --sequence.")] = 30.0,
    frame: opt.Frame = "world",
    renderer: opt.Renderer = "torch",
    opacity: opt.Opacity = opt.OPACITY,
    draw_keypoints: opt.DrawKeypoints = False,
) -> None:
    """Write saved estimates in other forms: meshes, rigged GLB, BVH, JSON, pictures, keypoints and SPIN-style npz."""
    from ..body import load_body
    from ..results import load_estimates
    from ..runs.outputs import SHARDS, make_folder, name_frames, parse_kinds, write_results
    from .console import long_run, out, warn

    with opt.usage_errors():
        kinds = parse_kinds(save)
    if SHARDS in kinds:
        raise typer.BadParameter(f"{SHARDS} are for runs; saved estimates are npz already", param_hint="--save")
    opt.check_rate(fps)
    opt.check_frame(frame)
    look = opt.look_of(renderer, opacity, draw_keypoints)
    estimate = load_estimates(results)
    model = load_body(estimate.body, gender=estimate.gender, num_betas=estimate.betas.shape[1])
    make_folder(output)
    files = 0
    with long_run("writing", len(estimate)) as steps:
        for part, motion, rows in _parts(estimate, sequence):
            people = estimate.rows(rows)
            written = write_results(
                people,
                model,
                output,
                kinds,
                names=name_frames(people.names) if motion != "video" else None,
                look=look,
                frames_per_second=fps if sequence else None,
                part=part,
                motion=motion,
                frame=frame,  # type: ignore[arg-type]
                progress=steps,
            )
            files += len(written.files)
            for line in written.problems:
                warn(line)
    if not files:
        raise ValueError(f"{output}: nothing could be written")
    out.print(f"{files} files in {output}", soft_wrap=True, highlight=False, markup=False)


class _Part(NamedTuple):
    """Rows that are written together, and the names of what holds all of them and of their animation."""

    part: str
    motion: str
    rows: list[int]


def _parts(estimate: BodyEstimate, sequence: bool) -> list[_Part]:
    """All rows; or the rows of each person of a video."""
    from ..observations.videos import frame_of

    frames = [frame_of(name) for name in estimate.names]
    if not sequence or None in frames:
        return [_Part("people", "video", list(range(len(estimate))))]
    tracks: dict[str, list[int]] = {}
    for row in sorted(range(len(estimate)), key=lambda row: frames[row] or 0):
        tracks.setdefault(estimate.names[row].rpartition("#")[2], []).append(row)
    return [_Part(f"person-{number}", f"person-{number}", rows) for number, rows in tracks.items()]
