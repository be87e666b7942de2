"""Photographs on the command line: the options that name annotated ones, the people in them, and backdrops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import warn

if TYPE_CHECKING:
    import numpy as np

    from ..observations import PeopleFile, Person

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


def annotated_people(lsp: list[Path] | None, mpii: Files, coco: Files) -> list[Person]:
    """Read the usable people of the photographs that the options name; none without such options.

    Lines warn of whom they lack.

    Raises:
        typer.BadParameter: a file without its images, or images without their file.
        FileNotFoundError, ValueError: as the readers of `regressors.datasets`; or a source without a usable person.
    """
    from ..regressors.datasets import usable_people
    from ..regressors.datasets.usable import shortened

    people: list[Person] = []
    for source, read in _sources(lsp, mpii, coco):
        found = read()
        usable = usable_people(found)
        problems = [*shortened(found.problems), *usable.problems]
        if not usable:
            reason = problems[0] if problems else "no person with annotated joints"
            raise ValueError(f"{source}: nobody to learn from ({reason})")
        for problem in problems:
            warn(problem)
        people += usable
    return people


def _sources(lsp: list[Path] | None, mpii: Files, coco: Files) -> Iterator[tuple[Path, Callable[[], PeopleFile]]]:
    """What the options name, and how each is read."""
    from functools import partial

    from ..regressors.datasets import coco_people, lsp_people, mpii_people

    for folder in lsp or []:
        yield folder, partial(lsp_people, folder)
    for name, (file, images), reader in (("--mpii", mpii, mpii_people), ("--coco", coco, coco_people)):
        if (file is None) != (images is None):
            raise typer.BadParameter(f"{name} and {name}-images go together", param_hint=name)
        if file is not None and images is not None:
            yield file, partial(reader, file, images)


def backdrop_pictures(folder: Path | None) -> list[np.ndarray]:
    """The photographs of a folder; a line warns of each that cannot be read. None of them without a folder.

    Raises:
        FileNotFoundError: there is no image in it.
        ValueError: not one can be read.
    """
    from ..observations import list_images
    from ..regressors.datasets.usable import image_folder
    from ..regressors.synthesis.backdrops import read_backdrops

    return read_backdrops(list_images([image_folder(folder)]), tell=warn) if folder is not None else []
