"""People of several cameras to files of bodies: what ``anchorfit fit --cameras FILE`` does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..atomic import write_atomically
from ..body import BodyModel
from ..cameras import CameraRig, read_cameras
from ..cameras.own_json import cameras_json
from ..films import PLAYED_BY
from ..fit_options import InputProblem
from ..looks import OverlayLook
from ..observations import Person
from ..plain_text import printable
from ..points.frames import check_scale
from ..runs.claiming import claimed, files_of
from ..runs.index_lines import index_lines
from ..runs.naming import distinct_names
from ..runs.told import Lines
from ..tables import write_arrays, write_csv_rows
from .config import ViewOptions
from .drawing import FILM, PICTURES, draw_views
from .fitting import ViewFit, fit_views
from .sources import Detect, DetectFilm, check_pictures, film_rate, gather_views

KINDS = ("npz", "json", "bvh", "rigged", "overlay", "side")
_PEOPLE = {"npz": "people.npz", "json": "people.json", "bvh": "people.bvh", "rigged": "people_rigged.glb"}
_WORLD, _CAMERAS, _TABLES = "world.npz", "cameras.json", ("people.csv", "views.csv")
_RESERVED = ("people", "world", "cameras", "views")
_MOST_LINES = 40  # of problems


@dataclass(frozen=True, kw_only=True)
class ViewJob:
    """What to do with the views.

    Attributes:
        cameras: the camera file or folder.
        keypoints, convention: see `sources.gather_views`.
        options: of the fit.
        kinds: of `KINDS`; None: npz, overlay where there are images, and bvh for a person in time.
        rate: frames a second of a person in time.
        look: of overlays.
        reads: further files that the command reads.
    """

    cameras: Path
    keypoints: Path | None = None
    convention: str | None = None
    options: ViewOptions = ViewOptions()
    kinds: tuple[str, ...] | None = None
    rate: float = 30.0
    look: OverlayLook = OverlayLook()
    reads: tuple[Path, ...] = ()

    def of_films(self, rate: float) -> ViewJob:
        """The same for films of so many frames a second: their people are followed in time."""
        return replace(self, options=replace(self.options, sequence=True, smooth=True), rate=rate)


@dataclass(frozen=True, kw_only=True)
class ViewReport:
    """What came of the views: bodies fitted, files written, and lines to say."""

    bodies: int
    files: tuple[Path, ...]
    remarks: tuple[str, ...]
    problems: tuple[str, ...]


def fit_view_files(
    paths: Sequence[Path],
    body: BodyModel,
    output: Path,
    job: ViewJob,
    detect: Detect | None = None,
    detect_film: DetectFilm | None = None,
) -> ViewReport:
    """Fit bodies to what several cameras saw, and write them.

    Writes people.npz (each body in its main camera's frame), CAMERA.npz (all of them in each camera's), world.npz
    (SMPL's parameters in metres and the cameras' world), cameras.json (in metres), people.csv (a line a body),
    views.csv (a line a body and view), index.jsonl (by which the folder is read), and what is asked for.

    The files are a run's: they take the place of those of the run before in the folder, and of no others.

    Raises:
        ValueError, OSError: the cameras or all of the people cannot be used; an unknown kind; a file that is read, or
            is no run's, would be overwritten. Nothing is written then.
    """
    unknown = [kind for kind in job.kinds or () if kind not in KINDS]
    if unknown:
        raise ValueError(f"--save: expected some of {', '.join(KINDS)} for views, got {', '.join(unknown)}")
    check_scale(job.options.unit, job.options.sizes)
    rig = read_cameras(job.cameras)
    gathered = gather_views(
        paths,
        rig.names,
        keypoints=job.keypoints,
        convention=job.convention,
        detect=detect,
        detect_film=detect_film,
        but=job.cameras,
        left_out=rig.left_out,
    )
    problems = [*rig.problems, *gathered.problems]
    if not gathered.people:
        raise ValueError(printable(problems[0]) if problems else f"{paths[0]}: no person of any camera")
    check_pictures(gathered.people, gathered.films, job.kinds, job.look)
    if gathered.films:
        job = job.of_films(film_rate(list(gathered.films.values())))
    names = ViewNames.of(rig.names, gathered.people, gathered.films)
    kinds = _kinds(names, job)
    read = files_of([job.cameras, *job.reads, *gathered.paths, *(Path(image) for _, image in names.pictures)])
    with claimed(output, {"evidence": "cameras"}, read, names.planned(kinds)) as folder:
        found = fit_views(gathered.people, rig, body, options=job.options)
        folder.intend(names.planned(kinds))
        files = _write(found, body, output, kinds, names, job.rate)
        drawn, wrong = draw_views(found, body, output, kinds, names, job.look)
        folder.commit(index_lines(found.estimate, _PEOPLE["npz"] if "npz" in kinds else None))
    return ViewReport(
        bodies=len(found),
        files=(*files, *drawn),
        remarks=tuple(map(printable, (*rig.remarks, *_said(rig, found), *found.remarks))),
        problems=tuple(map(printable, _few(problems, found, wrong))),
    )


def _few(before: Sequence[str], found: ViewFit, behind: Sequence[str]) -> list[str]:
    """Lines of a run: of bodies one for each reason and camera."""
    of_camera: dict[str, Lines] = {}
    for row, text in found.problems:
        camera, mark, said = text.partition(": ") if text.startswith("camera ") else ("", "", text)
        lines = of_camera.setdefault(camera + mark, Lines(_MOST_LINES))
        lines.add([InputProblem(found.estimate.names[row], said)])
    rows = [camera + line for camera, lines in of_camera.items() for line in lines.told]
    shown = [*before, *rows, *behind]
    more = len(shown) - _MOST_LINES
    return [*shown[:_MOST_LINES], *([f"... and {more} more lines"] if more > 0 else [])]


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

    def planned(self, kinds: Sequence[str]) -> list[str]:
        """All the files that may be written."""
        own = [f"{name}.npz" for name in self.cameras.values()] if "npz" in kinds else []
        people = [file for kind, file in _PEOPLE.items() if kind in kinds]
        drawn = [stem + end for kind, end in PICTURES.items() if kind in kinds for stem in self.pictures.values()]
        if "overlay" in kinds:
            drawn += [f"{self.cameras[camera]}{FILM}{ending}" for camera in self.films for ending in PLAYED_BY]
        return [*_TABLES, _CAMERAS, _WORLD, *people, *own, *drawn]


def _said(rig: CameraRig, found: ViewFit) -> list[str]:
    trusted = int(found.estimate.diagnostics.trusted.sum())
    views = (found.weights > 0).sum(1).double()
    off = float(found.errors_px.nanmedian())
    return [
        f"{len(rig)} cameras ({', '.join(rig.names[:8])}); {len(found)} bodies, {trusted} trusted; "
        f"{float(views.mean()):.1f} views a body; keypoints {off:.1f} px off (median)"
    ]


def _kinds(names: ViewNames, job: ViewJob) -> tuple[str, ...]:
    if job.kinds is not None:
        return job.kinds
    in_time = job.options.sequence and job.options.smooth
    return ("npz", *(["overlay"] if names.pictures or names.films else []), *(["bvh"] if in_time else []))


def _write(
    found: ViewFit, body: BodyModel, output: Path, kinds: Sequence[str], names: ViewNames, rate: float
) -> list[Path]:
    for name, rows in zip(_TABLES, (_people(found), _views(found)), strict=True):
        write_csv_rows(output / name, rows)
    write_atomically(output / _CAMERAS, cameras_json(found.cameras).encode())
    write_arrays(output / _WORLD, _world(found, rate))
    files = [*(output / name for name in _TABLES), output / _CAMERAS, output / _WORLD]
    if "npz" in kinds:
        found.estimate.save(output / _PEOPLE["npz"])
        for camera in found.cameras:
            files.append(output / f"{names.cameras[camera.name]}.npz")
            found.in_view(camera.name, body).save(files[-1])
    if "json" in kinds:
        found.estimate.save_json(output / _PEOPLE["json"])
    if {"bvh", "rigged"} & set(kinds):
        from ..rigging import export_bvh, export_rigged

        for kind, write in (("bvh", export_bvh), ("rigged", export_rigged)):
            if kind in kinds:
                write(output / _PEOPLE[kind], found.motion(body), body, frames_per_second=rate)
    return [*files, *(output / file for kind, file in _PEOPLE.items() if kind in kinds)]


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
