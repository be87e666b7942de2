"""Options that several commands share, and their checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_SAVE = "npz,glb,overlay"
DEFAULT_SAVE_OF_FILE = "shards"  # of a keypoint file that was given without images
DEFAULT_SAVE_OF_VIDEO = "shards,rigged,overlay"

Images = Annotated[
    list[Path],
    typer.Argument(
        help="Images, or folders of images (not their subfolders); or a keypoint file alone, for all its people.",
        show_default=False,
    ),
]
Keypoints = Annotated[
    Path | None,
    typer.Option(
        "--keypoints",
        "-k",
        help="2D keypoints: COCO or OpenPose JSON, LSP joints.mat, est_joints.npz, or a CSV/JSON/NPZ of our own. "
        "Without them a detector looks for people.",
    ),
]
Detector = Annotated[
    str,
    typer.Option(help="What looks for people without --keypoints: mediapipe, human2d, or auto: what is there."),
]
DetectorModel = Annotated[
    Path | None,
    typer.Option(help="The detector's networks: MediaPipe's pose landmarker (.task), or Human2D's (.safetensors)."),
]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Look for small people, too, in many parts of each image: 20 times as slow.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the results; made if missing.")]
Convention = Annotated[
    str | None, typer.Option(help="Joint convention, where the file does not say: lsp14, coco17, body25 ...")
]
Body = Annotated[str, typer.Option(help="'open', or a path to an SMPL .pkl or .npz file.")]
Gender = Annotated[str, typer.Option(help="neutral, male or female.")]
Focal = Annotated[
    float | None, typer.Option(help="Focal length in pixels. Default: from EXIF, else the image's diagonal.")
]
Save = Annotated[
    str | None,
    typer.Option(
        help="What to write, comma-separated: npz, json, pkl, obj, ply, glb, rigged (GLB with a skeleton), bvh, "
        "overlay, side, openpose, coco, spin (formats of other programs), shards (a thousand people a file). "
        "Default: npz,glb,overlay; without images, shards.",
        show_default=False,
    ),
]
Report = Annotated[
    bool, typer.Option("--report", help="Write report.html too: one page of pictures, turning bodies and figures.")
]
Mask = Annotated[
    str | None,
    typer.Option(help="Masks to use, too: 'file' (the keypoint file's), 'detected', a PNG, or a folder of them."),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        help="Folder with networks of your own, as `anchorfit train priors` writes them. Default: the package's."
    ),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin anew where OUTPUT holds an unfinished run; else it goes on.")
]
Renderer = Annotated[str, typer.Option(help="What draws overlays: torch, or pytorch3d where it is installed.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")]


def check_focal(focal: float | None) -> None:
    """Raises typer.BadParameter where it is no positive number."""
    if focal is not None and not 0 < focal < float("inf"):
        raise typer.BadParameter(f"expected a positive number of pixels, got {focal}", param_hint="--focal")


def check_rate(frames_per_second: float) -> None:
    """Raises typer.BadParameter where it is no positive number."""
    if not 0 < frames_per_second < float("inf"):
        raise typer.BadParameter(f"expected a positive number, got {frames_per_second}", param_hint="--fps")


def check_gender(gender: str) -> None:
    """Raises typer.BadParameter where there is no such gender."""
    from ..body import GENDERS

    if gender not in GENDERS:
        raise typer.BadParameter(f"expected one of {', '.join(GENDERS)}, got {gender!r}", param_hint="--gender")


def check_renderer(renderer: str) -> None:
    """Raises typer.BadParameter where there is no such renderer, or its package is not installed."""
    from ..rendering import load_renderer

    try:
        load_renderer(renderer)
    except (ImportError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--renderer") from error
