"""Photographs on the command line: the options that name annotated ones, the people in them, and backdrops."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import warn
from .options import usage_errors

if TYPE_CHECKING:
    import numpy as np

    from ..observations import Person

Files = tuple[Path | None, Path | None]
"""Annotations, and the folder of their images."""

Lsp = Annotated[
    list[Path] | None,
    typer.Option(help="LSP or LSP-extended, unpacked: joints.mat, images in it or in images/. Several times."),
]
Mpii = Annotated[Path | None, typer.Option(help="mpii_human_pose_v1_u12_1.mat, with --mpii-images.")]
MpiiImages = Annotated[Path | None, typer.Option(help="The folder of MPII's images.")]
Coco = Annotated[Path | None, typer.Option(help="COCO keypoint annotations, with --coco-images.")]
CocoImages = Annotated[Path | None, typer.Option(help="The folder of COCO's images.")]


def named_people(lsp: list[Path] | None, mpii: Files, coco: Files) -> list[Person]:
    """`regressors.datasets.annotated_people` of what the options name; lines warn of whom they lack."""
    from ..regressors.datasets.named import annotated_people

    with usage_errors():
        return annotated_people(lsp or (), mpii, coco, warn)


def named_backdrops(folder: Path | None) -> list[np.ndarray]:
    """`regressors.datasets.backdrop_pictures`; a line warns of each that cannot be read."""
    from ..regressors.datasets.named import backdrop_pictures

    return backdrop_pictures(folder, warn)
