"""Bodies drawn on what cameras saw: images and films without the lens, and views from the side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from ..body import BodyModel
from ..cameras import CalibratedCamera
from ..films import draw_film
from ..looks import OverlayLook
from ..observations import read_image, write_image
from ..observations.apart import reason_of
from ..pictures import draw_on, draw_side_view
from ..results import BodyEstimate
from .fitting import ViewFit
from .observing import undistorted_image

PICTURES = {"overlay": "_overlay.jpg", "side": "_side.jpg"}
FILM = "_overlay"


class Named(Protocol):
    """Names of files: see `command.ViewNames`."""

    @property
    def cameras(self) -> Mapping[str, str]: ...
    @property
    def pictures(self) -> Mapping[tuple[str, str], str]: ...
    @property
    def films(self) -> Mapping[str, Path]: ...


def draw_views(
    found: ViewFit, body: BodyModel, output: Path, kinds: Sequence[str], names: Named, look: OverlayLook
) -> tuple[list[Path], list[str]]:
    """Overlays on the images and films of every camera, without its lens, and side views; problems are said."""
    files, problems = list[Path](), list[str]()
    if not PICTURES.keys() & {*kinds}:
        return files, problems
    for place, camera in enumerate(found.cameras):
        there = found.in_view(camera.name, body)
        for image in dict.fromkeys(filter(None, found.seen.images[place])):
            rows = [row for row, path in enumerate(found.seen.images[place]) if path == image]
            stem = names.pictures[camera.name, image]
            try:
                files += _draw(output / stem, Path(image), camera, _before(there, rows), body, kinds, look)
            except (ValueError, OSError) as error:
                problems.append(reason_of(error))
        if "overlay" in kinds and camera.name in names.films:
            try:
                files.append(
                    _film(output / names.cameras[camera.name], names.films[camera.name], camera, there, body, look)
                )
            except (ValueError, OSError) as error:
                problems.append(reason_of(error))
    return files, problems


def _before(there: BodyEstimate, rows: Sequence[int]) -> BodyEstimate:
    """Those of the rows that are before the camera."""
    return there.rows([row for row in rows if float(there.transl[row, 2]) > 0])


def _draw(
    stem: Path,
    image: Path,
    camera: CalibratedCamera,
    some: BodyEstimate,
    body: BodyModel,
    kinds: Sequence[str],
    look: OverlayLook,
) -> list[Path]:
    files = []
    if "overlay" in kinds:
        picture = read_image(image)
        files.append(stem.with_name(stem.name + PICTURES["overlay"]))
        write_image(files[-1], draw_on(_without_lens(picture, camera), some, body, look))
    if "side" in kinds and len(some):
        files.append(stem.with_name(stem.name + PICTURES["side"]))
        write_image(files[-1], draw_side_view(some, body))
    return files


def _film(
    stem: Path, film: Path, camera: CalibratedCamera, there: BodyEstimate, body: BodyModel, look: OverlayLook
) -> Path:
    """The film with the bodies on it; rows are called by the numbers of their frames."""
    some = _before(there, range(len(there)))
    named = [name.rpartition("#") for name in some.names]
    names = tuple(f"{film.name}/{int(frame):06d}#{int(person) + 1}" for frame, _, person in named)
    path = stem.with_name(stem.name + FILM)
    return draw_film(
        path, replace(some, names=names), film, body, look, prepare=lambda frame: _without_lens(frame, camera)
    )


def _without_lens(image: np.ndarray, camera: CalibratedCamera) -> np.ndarray:
    return undistorted_image(image, camera.of_size((image.shape[1], image.shape[0])))
