"""The page of a run of several cameras: each body in each of the views, beside a body that can be turned."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..body import BodyModel
from ..cameras import CalibratedCamera
from ..observations import read_image, write_image
from ..observations.apart import reason_of
from ..reports import write_report
from ..results import BodyEstimate, concatenate
from ..runs.listening import Listener
from .drawing import named_by_frames, without_lens
from .files import ViewNames
from .fitting import ViewFit

REPORT = "report.html"
SHOWN = 200  # cards, a body in a view


def write_page(
    path: Path, found: ViewFit, body: BodyModel, names: ViewNames, rate: float, listener: Listener
) -> list[str]:
    """Write the page; images and films of cameras with a lens are shown without it, films of such cameras not at all.

    Args:
        path: of the page. found: bodies, of which at most so many are shown that there are `SHOWN` cards.
        names: of files; rate: frames a second of films.
        listener: told how it goes.
    Returns:
        A line for each picture that could not be shown.
    Raises:
        OSError: the page cannot be written.
    """
    problems, views, order = list[str](), list[BodyEstimate](), list[int]()
    most = max(1, SHOWN // len(found.cameras))
    rows = range(len(found)) if names.films else range(min(len(found), most))
    with tempfile.TemporaryDirectory() as folder:
        for place, camera in enumerate(found.cameras):
            there = [row for row in rows if bool((found.seen.observations[place].confidence[row] > 0).any())]
            if there:
                images = [found.seen.images[place][row] for row in there]
                if camera.distortion:
                    images = _without_lens(images, camera, Path(folder) / str(place), problems)
                some = replace(found.in_view(camera.name, body).rows(there), images=tuple(images))
                views.append(_named(some, camera, names))
                order += there
        everyone = concatenate(views).rows(sorted(range(len(order)), key=lambda row: order[row]))
        films = [names.films[one.name] for one in found.cameras if one.name in names.films and not one.distortion]
        with listener.phase("drawing people", len(everyone)) as progress:
            problems += write_report(
                path, everyone, body, videos=films, frames_per_second=rate, most=SHOWN, unseen=len(found) - len(rows),
                progress=progress,
            )  # fmt: skip
    return problems


def _named(some: BodyEstimate, camera: CalibratedCamera, names: ViewNames) -> BodyEstimate:
    """Rows of a view called by its film's frames, or with the camera before their own names."""
    if camera.name in names.films:
        return named_by_frames(some, names.films[camera.name])
    return replace(some, names=tuple(f"{camera.name} {name}" for name in some.names))


def _without_lens(images: Sequence[str], camera: CalibratedCamera, folder: Path, problems: list[str]) -> list[str]:
    """Paths of the images as the ideal pinhole has them, written to the folder; "" where one cannot be read."""
    folder.mkdir()
    known: dict[str, str] = {"": ""}
    for number, image in enumerate(images):
        if image in known:
            continue
        known[image] = str(folder / f"{number}.jpg")
        try:
            write_image(Path(known[image]), without_lens(read_image(Path(image)), camera))
        except (ValueError, OSError) as error:
            problems.append(f"{reason_of(error)}; shown without it")
            known[image] = ""
    return [known[image] for image in images]
