"""Annotated photographs on the command line: the options that name them, and the people in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..observations import Person

Lsp = Annotated[
    list[Path] | None, typer.Option(help="LSP or LSP-extended, unpacked: joints.mat and images/. Several times.")
]
Mpii = Annotated[Path | None, typer.Option(help="mpii_human_pose_v1_u12_1.mat, with --mpii-images.")]
MpiiImages = Annotated[Path | None, typer.Option(help="The folder of MPII's images.")]
Coco = Annotated[Path | None, typer.Option(help="COCO keypoint annotations, with --coco-images.")]
CocoImages = Annotated[Path | None, typer.Option(help="The folder of COCO's images.")]


def annotated_people(
    lsp: list[Path] | None, mpii: tuple[Path | None, Path | None], coco: tuple[Path | None, Path | None]
) -> list[Person]:
    """Everybody in the photographs that the options name; nobody where they name none.

    Raises:
        typer.BadParameter: a file without its images, or images without their file.
        FileNotFoundError, ValueError: as the readers of `regressors.datasets`.
    """
    from ..regressors.datasets import coco_people, lsp_people, mpii_people

    people = [person for folder in lsp or [] for person in lsp_people(folder)]
    for name, (file, images), read in (("--mpii", mpii, mpii_people), ("--coco", coco, coco_people)):
        if (file is None) != (images is None):
            raise typer.BadParameter(f"{name} and {name}-images go together", param_hint=name)
        if file is not None and images is not None:
            people += read(file, images)
    return people
