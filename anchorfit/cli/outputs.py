"""Writing what a run found: one file a body for data and meshes, one a photograph for pictures."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer

from ..body import BodyModel
from ..meshes import MESH_FORMATS, export_mesh
from ..observations import write_image
from ..observations.videos import frame_of
from ..pictures import OverlayLook, draw_overlay, draw_side_view
from ..results import BodyEstimate, split_name
from .console import error_line

BODY_KINDS = ("npz", "json", "pkl", *MESH_FORMATS)
RIG_KINDS = {"rigged": "_rigged.glb", "bvh": ".bvh"}
"""Kinds that animation programs read, and how their names end: a file for each body, or one for a whole video."""
PICTURE_KINDS = ("overlay", "side")
FOREIGN_KINDS = ("openpose", "coco", "spin", "rerun")
"""Kinds of other programs, each in a folder of its own: a file for each photograph, or one for all people."""
SHARDS = "shards"
"""A kind of its own: hundreds of people in each file, for large runs."""

LONGEST_PART = 80  # characters of an image's or a person's name that go into a file name


class WrittenFiles(NamedTuple):
    """Files that were written, and one line for each that could not be."""

    files: list[Path]
    problems: list[str]


def parse_kinds(text: str) -> tuple[str, ...]:
    """``"npz,overlay"`` as names.

    Raises:
        typer.BadParameter: a name is unknown, or there is none.
    """
    kinds = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    every = (*BODY_KINDS, *RIG_KINDS, *PICTURE_KINDS, *FOREIGN_KINDS, SHARDS)
    unknown = [kind for kind in kinds if kind not in every]
    if unknown or not kinds:
        known = ", ".join(every)
        raise typer.BadParameter(f"expected some of {known}; got {text!r}", param_hint="--save")
    from ..interchange.rerun_file import NEEDED

    if "rerun" in kinds and find_spec("rerun") is None:
        raise typer.BadParameter(NEEDED, param_hint="--save")
    return kinds


def make_folder(folder: Path) -> None:
    """Make the folder for results, and make sure before any work that it can be written to.

    Raises:
        OSError: one line that names the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (FileExistsError, NotADirectoryError) as error:
        raise OSError(errno.ENOTDIR, "not a folder: give another --output", str(folder)) from error
    except OSError as error:
        raise OSError(error.errno, f"cannot write there: {error.strerror}", str(folder)) from error


def write_results(
    estimate: BodyEstimate,
    body: BodyModel,
    folder: Path,
    kinds: tuple[str, ...],
    *,
    names: Mapping[str, FileNames] | None = None,
    look: OverlayLook = OverlayLook(),
    frames_per_second: float | None = None,
    part: str = "people",
    motion: str = "video",
    progress: Callable[[int], None] = lambda done: None,
) -> WrittenFiles:
    """Write each body's data and meshes, and each photograph's pictures; a file that fails loses no other.

    With ``frames_per_second`` the rows are one person's video, and rigs become one animation.

    Args:
        names: by person, where the estimate is a part of a run.
        look: of overlays.
        part: the name, without its ending, of files that hold all people.
        motion: the same of the animation.
        progress: called with the number of bodies written since the last call.
    Raises:
        OSError: the disk is full: no other file would fare better.
    """
    written = WrittenFiles([], [])
    known = name_files(estimate.names, estimate.images) if names is None else names
    file_names = [known[name] for name in estimate.names]
    pictures: dict[str, list[int]] = {}  # rows of each photograph
    for row, (picture, _) in enumerate(file_names):
        pictures.setdefault(picture, []).append(row)
    for picture, rows in pictures.items():
        for row in rows:
            _write_body(written, estimate[row], body, folder / file_names[row].body, kinds, frames_per_second)
        people = estimate.rows(rows)
        if "overlay" in kinds and people.images[0]:
            draw = partial(_write_picture, partial(draw_overlay, look=look), people, body)
            attempt(written, folder / f"{picture}_overlay.png", draw)
        if "side" in kinds:
            draw = partial(_write_picture, draw_side_view, people, body)
            attempt(written, folder / f"{picture}_side.png", draw)
        if "openpose" in kinds:
            _write_foreign(written, "openpose", people, body, folder / "openpose" / f"{picture}_keypoints.json")
        progress(len(rows))
    for kind, ending in (("coco", ".json"), ("spin", ".npz"), ("rerun", ".rrd")):
        if kind in kinds:
            _write_foreign(written, kind, estimate, body, folder / kind / f"{part}{ending}")
    if frames_per_second is not None:
        _write_rigs(written, estimate, body, folder / motion, kinds, frames_per_second)
    return written


def _write_body(
    written: WrittenFiles, one: BodyEstimate, body: BodyModel, stem: Path, kinds: Sequence[str], rate: float | None
) -> None:
    """One body's files; its rig only where it is not part of a video."""
    for kind in kinds:
        if kind in BODY_KINDS:
            attempt(written, stem.with_name(f"{stem.name}.{kind}"), _body_writer(kind, one, body))
    if rate is None:
        _write_rigs(written, one, body, stem, kinds, 30.0)


def _write_rigs(
    written: WrittenFiles, rows: BodyEstimate, body: BodyModel, stem: Path, kinds: Sequence[str], rate: float
) -> None:
    if not set(kinds) & RIG_KINDS.keys():
        return
    from ..rigging import export_bvh, export_rigged, without_gaps  # here, since scipy.spatial takes its time

    first = partial(export_rigged, first_frame=frame_of(rows.names[0]) or 0)
    rows = without_gaps(rows)
    for kind, export in (("rigged", first), ("bvh", export_bvh)):
        if kind in kinds:
            write = partial(export, estimate=rows, body=body, frames_per_second=rate)
            attempt(written, stem.with_name(stem.name + RIG_KINDS[kind]), write)


def _write_foreign(written: WrittenFiles, kind: str, people: BodyEstimate, body: BodyModel, path: Path) -> None:
    from .. import interchange  # here, since networks come with it

    writers: dict[str, Callable[[Path, BodyEstimate, BodyModel], None]] = {
        "openpose": interchange.write_openpose,
        "coco": interchange.write_coco_results,
        "spin": interchange.write_spin,
        "rerun": interchange.write_rerun,
    }

    def write(path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        writers[kind](path, people, body)

    attempt(written, path, write)


def attempt(written: WrittenFiles, path: Path, write: Callable[[Path], None]) -> None:
    """Write one file, and note that it is there, or in one line why it is not; a full disk is raised."""
    try:
        write(path)
    except (OSError, ValueError, ImportError, RuntimeError) as error:  # RuntimeError: a device out of memory, for one
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        problem = error_line(error)
        written.problems.append(problem if str(path) in problem else f"{path}: {problem}")
    else:
        written.files.append(path)


class FileNames(NamedTuple):
    """Names without endings: of a photograph's pictures, and of one body's files."""

    picture: str
    body: str


def name_files(names: Sequence[str], images: Sequence[str]) -> dict[str, FileNames]:
    """Name the files of all people, so that no two bodies and no two photographs share one, on any file system.

    Args:
        names: of all people of a run, each once: ``IMAGE#PERSON``.
        images: for each the path of its image, or "".
    """
    split = [split_name(name, image) for name, image in zip(names, images, strict=True)]
    labels = dict.fromkeys(label for label, _ in split)
    stems = [_safe(str(Path(label).with_suffix(""))) if label else "image" for label in labels]
    pictures = dict(zip(labels, _distinct(stems), strict=True))
    bodies = _distinct([f"{pictures[label]}_{_safe(person_id)}" for label, person_id in split])
    return {name: FileNames(pictures[label], body) for name, (label, _), body in zip(names, split, bodies, strict=True)}


def name_frames(names: Sequence[str]) -> dict[str, FileNames]:
    """The same for a video's people, whose pictures are each of one person: ``person-NUMBER_FRAME``."""
    stems = [f"person-{name.rpartition('#')[2]}_{frame_of(name) or 0:06}" for name in names]
    return {name: FileNames(stem, stem) for name, stem in zip(names, stems, strict=True)}


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with -2, -3 ... where one, but for capital letters, was there before."""
    taken: set[str] = set()
    latest: dict[str, int] = {}  # number that was tried last for a name: thousands may share one
    result = []
    for name in names:
        candidate, number = name, latest.get(name.lower(), 1)
        if number > 1:
            candidate = f"{name}-{number}"
        while candidate.lower() in taken:
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate.lower())
        latest[name.lower()] = number
        result.append(candidate)
    return result


def _body_writer(kind: str, one: BodyEstimate, body: BodyModel) -> Callable[[Path], None]:
    writers: dict[str, Callable[[Path], None]] = {
        "npz": one.save,
        "json": one.save_json,
        "pkl": one.save_smplify,
    }
    return writers.get(kind) or (lambda path: export_mesh(path, one.bodies(body).vertices[0], body.faces))


def _write_picture(
    draw: Callable[[BodyEstimate, BodyModel], np.ndarray], people: BodyEstimate, body: BodyModel, path: Path
) -> None:
    write_image(path, draw(people, body))


def _safe(text: str) -> str:
    """Text that every file system takes as part of a name: no separators, not too long, not empty."""
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in text).strip("._")
    return plain[:LONGEST_PART].rstrip("._") or "_"
