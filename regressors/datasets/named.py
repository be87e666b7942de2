"""Annotated photographs by the files that name them: LSP, MPII and COCO."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ...observations import PeopleFile, Person, list_images
from ...options import OptionError
from ..synthesis.backdrops import read_backdrops
from . import coco_people, lsp_people, mpii_people, usable_people
from .usable import image_folder, shortened

Files = tuple[Path | None, Path | None]
"""Annotations, and the folder of their images."""


def annotated_people(lsp: Sequence[Path], mpii: Files, coco: Files, tell: Callable[[str], None]) -> list[Person]:
    """Read the usable people of LSP's folders, MPII's and COCO's annotations; none where none are named.

    ``tell`` is called with a line about whom they lack.

    Raises:
        OptionError: a file without its images, or images without their file.
        FileNotFoundError, ValueError: as the readers of `regressors.datasets`; or a source without a usable person.
    """
    people: list[Person] = []
    for source, read in _sources(lsp, mpii, coco):
        found = read()
        usable = usable_people(found)
        problems = [*shortened(found.problems), *usable.problems]
        if not usable:
            reason = problems[0] if problems else "no person with annotated joints"
            raise ValueError(f"{source}: nobody to learn from ({reason})")
        for problem in problems:
            tell(problem)
        people += usable
    return people


def _sources(lsp: Sequence[Path], mpii: Files, coco: Files) -> Iterator[tuple[Path, Callable[[], PeopleFile]]]:
    """What the options name, and how each is read."""
    for folder in lsp:
        yield folder, partial(lsp_people, folder)
    for name, (file, images), reader in (("--mpii", mpii, mpii_people), ("--coco", coco, coco_people)):
        if (file is None) != (images is None):
            raise OptionError(name[2:], f"{name} and {name}-images go together")
        if file is not None and images is not None:
            yield file, partial(reader, file, images)


def backdrop_pictures(folder: Path | None, tell: Callable[[str], None]) -> list[np.ndarray]:
    """The photographs of a folder; a line warns of each that cannot be read. None of them without a folder.

    Raises:
        FileNotFoundError: there is no image in it.
        ValueError: not one can be read.
    """
    return read_backdrops(list_images([image_folder(folder)]), tell=tell) if folder is not None else []
