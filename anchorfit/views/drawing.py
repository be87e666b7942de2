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


def draw_pictures(
    found: ViewFit, body: BodyModel, output: Path, kinds: Sequence[str], names: Named, look: OverlayLook
) -> list[str]:
    """Overlays on the images of every camera, without its lens, and side views; a line for each that cannot be."""
    problems = list[str]()
    if not PICTURES.keys() & {*kinds}:
        return problems
    for place, camera in enumerate(found.cameras):
        there = found.in_view(camera.name, body)
        for image in dict.fromkeys(filter(None, found.seen.images[place])):
            rows = [row for row, path in enumerate(found.seen.images[place]) if path == image]
            stem = output / names.pictures[camera.name, image]
            try:
                _draw(stem, Path(image), camera, _before(there, rows), body, kinds, look)
            except (ValueError, OSError) as error:
                problems.append(reason_of(error))
    return problems


def draw_films(
    found: ViewFit, body: BodyModel, output: Path, kinds: Sequence[str], names: Named, look: OverlayLook
) -> list[str]:
    """Overlays on the films of every camera, without its lens; a line for each that cannot be."""
    problems = list[str]()
    for camera in found.cameras if "overlay" in kinds else ():
        if camera.name in names.films:
            there, stem = found.in_view(camera.name, body), output / names.cameras[camera.name]
            try:
                _film(stem, names.films[camera.name], camera, there, body, look)
            except (ValueError, OSError) as error:
                problems.append(reason_of(error))
    return problems


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
) -> None:
    if "overlay" in kinds:
        picture = without_lens(read_image(image), camera)
        write_image(stem.with_name(stem.name + PICTURES["overlay"]), draw_on(picture, some, body, look))
    if "side" in kinds and len(some):
        write_image(stem.with_name(stem.name + PICTURES["side"]), draw_side_view(some, body))


def _film(
    stem: Path, film: Path, camera: CalibratedCamera, there: BodyEstimate, body: BodyModel, look: OverlayLook
) -> None:
    """The film with the bodies on it."""
    some = named_by_frames(_before(there, range(len(there))), film)
    path = stem.with_name(stem.name + FILM)
    draw_film(path, some, film, body, look, prepare=lambda frame: without_lens(frame, camera))


def named_by_frames(some: BodyEstimate, film: Path) -> BodyEstimate:
    """Rows of a film's instants, called by the numbers of their frames as people of films are."""
    named = [name.rpartition("#") for name in some.names]
    names = tuple(f"{film.name}/{int(frame):06d}#{int(person) + 1}" for frame, _, person in named)
    return replace(some, names=names)


def without_lens(image: np.ndarray, camera: CalibratedCamera) -> np.ndarray:
    """The image as the ideal pinhole of its camera has it."""
    return undistorted_image(image, camera.of_size((image.shape[1], image.shape[0])))
