"""Files of bodies that several cameras saw: their names, and what is written of all bodies together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..atomic import write_atomically
from ..body import BodyModel
from ..cameras.own_json import cameras_json
from ..films import PLAYED_BY
from ..observations import Person
from ..runs.naming import distinct_names
from ..tables import write_arrays, write_csv_rows
from .drawing import FILM, PICTURES
from .fitting import ViewFit

PEOPLE = {"npz": "people.npz", "json": "people.json", "bvh": "people.bvh", "rigged": "people_rigged.glb"}
_WORLD, _CAMERAS, _TABLES = "world.npz", "cameras.json", ("people.csv", "views.csv")
_RESERVED = ("people", "world", "cameras", "views")


@dataclass(frozen=True, kw_only=True)
class ViewNames:
    """Names of files without endings, each its own.

    Attributes:
        cameras: by the cameras' names.
        pictures: by camera and path of the image.
        films: camera's name -> the film that is drawn on.
    """

    cameras: Mapping[str, str]
    pictures: Mapping[tuple[str, str], str]
    films: Mapping[str, Path] = field(default_factory=dict)

    @staticmethod
    def of(
        cameras: Sequence[str], people: Mapping[str, Sequence[Person]], films: Mapping[str, Path] | None = None
    ) -> ViewNames:
        """Of these cameras, their films, and those images of their people that are there."""
        own = distinct_names([*_RESERVED, *map(file_name, cameras)])[len(_RESERVED) :]
        named = dict(zip(cameras, own, strict=True))
        images = dict.fromkeys(
            (camera, str(person.image.absolute()))
            for camera, some in people.items()
            for person in some
            if person.image is not None and person.image.is_file()
        )
        stems = distinct_names([f"{named[camera]}_{file_name(Path(image).stem)}" for camera, image in images])
        return ViewNames(cameras=named, pictures=dict(zip(images, stems, strict=True)), films=films or {})

    def drawn(self, kinds: Sequence[str], images: Collection[str] | None = None) -> list[str]:
        """Pictures that may be written, of these images; None: of all."""
        stems = [stem for (_, image), stem in self.pictures.items() if images is None or image in images]
        return [stem + end for kind, end in PICTURES.items() if kind in kinds for stem in stems]

    def planned(self, kinds: Sequence[str]) -> list[str]:
        """All the files that may be written."""
        own = [f"{name}.npz" for name in self.cameras.values()] if "npz" in kinds else []
        people = [file for kind, file in PEOPLE.items() if kind in kinds]
        drawn = self.drawn(kinds)
        if "overlay" in kinds:
            drawn += [f"{self.cameras[camera]}{FILM}{ending}" for camera in self.films for ending in PLAYED_BY]
        return [*_TABLES, _CAMERAS, _WORLD, *people, *own, *drawn]


def write_together(
    found: ViewFit, body: BodyModel, output: Path, kinds: Sequence[str], names: ViewNames, rate: float
) -> None:
    """Write tables, cameras, SMPL's parameters in the world, and what else is asked for of all bodies.

    Args:
        output: the folder. kinds: of files. names: theirs. rate: frames a second.
    """
    for name, rows in zip(_TABLES, (_people(found), _views(found)), strict=True):
        write_csv_rows(output / name, rows)
    write_atomically(output / _CAMERAS, cameras_json(found.cameras).encode())
    write_arrays(output / _WORLD, _world(found, rate))
    if "npz" in kinds:
        found.estimate.save(output / PEOPLE["npz"])
        for camera in found.cameras:
            found.in_view(camera.name, body).save(output / f"{names.cameras[camera.name]}.npz")
    if "json" in kinds:
        found.estimate.save_json(output / PEOPLE["json"])
    if {"bvh", "rigged"} & set(kinds):
        from ..rigging import export_bvh, export_rigged

        for kind, write in (("bvh", export_bvh), ("rigged", export_rigged)):
            if kind in kinds:
                write(output / PEOPLE[kind], found.motion(body), body, frames_per_second=rate)


def file_name(text: str) -> str:
    """A name that is safe in a file's name."""
    return re.sub(r"[^\w.-]+", "_", text).strip(".") or "camera"


def _world(found: ViewFit, rate: float) -> dict[str, np.ndarray]:
    return {
        **{name: value.numpy() for name, value in found.world.items()},
        "names": np.array(found.estimate.names),
        "cameras": np.array([camera.name for camera in found.cameras]),
        "errors_px": found.errors_px.numpy(),
        "weights": found.weights.numpy(),
        "trusted": found.estimate.diagnostics.trusted.numpy(),
        "rate": np.array(rate),
    }


def _people(found: ViewFit) -> Iterator[Sequence[object]]:
    yield ["name", "main_camera", "views", "error_px", "score", "trusted", "reason"]
    told = found.estimate.diagnostics
    for row, name in enumerate(found.estimate.names):
        views = int((found.weights[row] > 0).sum())
        error = found.errors_px[row].nanmean()
        judged = [f"{float(told.score[row]):.3f}", bool(told.trusted[row]), told.reasons[row]]
        yield [name, found.main[row], views, f"{float(error):.2f}", *judged]


def _views(found: ViewFit) -> Iterator[Sequence[object]]:
    yield ["name", "camera", "joints", "error_px", "weight"]
    for row, name in enumerate(found.estimate.names):
        for place, camera in enumerate(found.cameras):
            joints = int((found.seen.observations[place].confidence[row] > 0).sum())
            error = float(found.errors_px[row, place])
            shown = f"{error:.2f}" if np.isfinite(error) else ""
            yield [name, camera.name, joints, shown, f"{float(found.weights[row, place]):.2f}"]
