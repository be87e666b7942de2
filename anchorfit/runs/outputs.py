"""Files of results, kind by kind: one a body for data and meshes, one an image for pictures, one for many people."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from ..body import BodyModel
from ..looks import OverlayLook
from ..meshes import MESH_FORMATS, export_mesh
from ..observations import write_image
from ..observations.people import CocoIds
from ..observations.videos import USUAL_RATE, frame_of
from ..options import Frame, OptionError, one_line
from ..pictures import draw_overlay, draw_side_view
from ..results import BodyEstimate, split_name
from ..world import camera_matrix, in_frame
from .naming import distinct_names, known_kinds, split_kinds

LONGEST_PART = 80  # characters of an image's or a person's name that go into a file name
SHARDS = "shards"
"""The kind for large runs: hundreds of people in each file."""

Each = Literal["body", "image", "all", "motion"]


class Style(NamedTuple):
    """How files are made: what draws overlays, frames a second of animations, the frame of meshes and animations, and
    the ids of COCO's results by the person's name."""

    look: OverlayLook = OverlayLook()
    frames_per_second: float | None = None
    frame: Frame = "world"
    coco: Mapping[str, CocoIds] = MappingProxyType({})


class FileKind(NamedTuple):
    """A kind of file.

    Attributes:
        each: what a file is of: a body, an image's people, all people of a part of the run; or "motion": a body, but of
            a video all frames of a person.
        name: of the file in the folder, with {} for the name of what it is of.
        write: to that path.
    """

    each: Each
    name: str
    write: Callable[[Path, BodyEstimate, BodyModel, Style], None]


def _mesh(path: Path, one: BodyEstimate, body: BodyModel, style: Style) -> None:
    export_mesh(path, in_frame(one, body, style.frame).bodies(body).vertices[0], body.faces)


def _overlay(path: Path, people: BodyEstimate, body: BodyModel, style: Style) -> None:
    write_image(path, draw_overlay(people, body, look=style.look))


def _side(path: Path, people: BodyEstimate, body: BodyModel, style: Style) -> None:
    write_image(path, draw_side_view(people, body))


def _rigged(path: Path, rows: BodyEstimate, body: BodyModel, style: Style) -> None:
    from ..rigging import export_rigged, motion_of  # here, since scipy.spatial takes its time

    camera, rate = camera_matrix(rows, style.frame), _rate(style)
    moving, first = motion_of(rows, rate)
    moving = in_frame(moving, body, style.frame)
    export_rigged(path, moving, body, frames_per_second=rate, first_frame=first, camera=camera)


def _bvh(path: Path, rows: BodyEstimate, body: BodyModel, style: Style) -> None:
    from ..rigging import export_bvh, motion_of

    moving = in_frame(motion_of(rows, _rate(style)).rows, body, style.frame)
    export_bvh(path, moving, body, frames_per_second=_rate(style))


def _amass(path: Path, rows: BodyEstimate, body: BodyModel, style: Style) -> None:
    from ..interchange import write_amass
    from ..rigging import motion_of

    path.parent.mkdir(exist_ok=True)
    moving = in_frame(motion_of(rows, _rate(style)).rows, body, style.frame)
    write_amass(path, moving, body, frames_per_second=_rate(style))


def _rate(style: Style) -> float:
    return style.frames_per_second or USUAL_RATE


def _foreign(writer: str) -> Callable[[Path, BodyEstimate, BodyModel, Style], None]:
    """A writer of `anchorfit.interchange`, into a folder of its own."""

    def write(path: Path, people: BodyEstimate, body: BodyModel, style: Style) -> None:
        from .. import interchange  # here, since networks come with it

        path.parent.mkdir(exist_ok=True)
        getattr(interchange, writer)(path, people, body)

    return write


def _coco(path: Path, people: BodyEstimate, body: BodyModel, style: Style) -> None:
    from ..interchange import write_coco_results

    path.parent.mkdir(exist_ok=True)
    write_coco_results(path, people, body, style.coco)


KINDS: dict[str, FileKind] = {
    "npz": FileKind("body", "{}.npz", lambda path, one, body, style: one.save(path)),
    "json": FileKind("body", "{}.json", lambda path, one, body, style: one.save_json(path)),
    "pkl": FileKind("body", "{}.pkl", lambda path, one, body, style: one.save_smplify(path)),
    **{ending: FileKind("body", f"{{}}.{ending}", _mesh) for ending in MESH_FORMATS},
    "rigged": FileKind("motion", "{}_rigged.glb", _rigged),
    "bvh": FileKind("motion", "{}.bvh", _bvh),
    "amass": FileKind("motion", "amass/{}.npz", _amass),
    "overlay": FileKind("image", "{}_overlay.png", _overlay),
    "side": FileKind("image", "{}_side.png", _side),
    "openpose": FileKind("image", "openpose/{}_keypoints.json", _foreign("write_openpose")),
    "coco": FileKind("all", "coco/{}.json", _coco),
    "spin": FileKind("all", "spin/{}.npz", _foreign("write_spin")),
    "smplx": FileKind("all", "smplx/{}.npz", _foreign("write_smplx")),
    "csv": FileKind("all", "csv/{}.csv", _foreign("write_spreadsheet")),
    "rerun": FileKind("all", "rerun/{}.rrd", _foreign("write_rerun")),
    SHARDS: FileKind("all", "{}.npz", lambda path, people, body, style: people.save(path)),
}


class WrittenFiles(NamedTuple):
    """Files that were written, and one line for each that could not be."""

    files: list[Path]
    problems: list[str]


def parse_kinds(text: str) -> tuple[str, ...]:
    """``"npz,overlay"`` as names.

    Raises:
        OptionError: a name is unknown, there is none, or the kind's package is not installed.
    """
    kinds = split_kinds(text)
    if "mhr" in kinds:
        from ..interchange.smplx_body import MHR_NEEDED

        raise OptionError("save", MHR_NEEDED)
    kinds = known_kinds(text, tuple(KINDS))
    if "rerun" in kinds and find_spec("rerun") is None:
        from ..interchange.rerun_file import NEEDED

        raise OptionError("save", NEEDED)
    return kinds


def write_results(
    estimate: BodyEstimate,
    body: BodyModel,
    folder: Path,
    kinds: Sequence[str],
    *,
    names: Mapping[str, FileNames] | None = None,
    look: OverlayLook = OverlayLook(),
    frames_per_second: float | None = None,
    part: str = "people",
    motion: str = "video",
    frame: Frame = "world",
    coco: Mapping[str, CocoIds] = MappingProxyType({}),
    progress: Callable[[int], None] = lambda done: None,
) -> WrittenFiles:
    """Write each body's data and meshes, and each photograph's pictures; a file that fails loses no other.

    With ``frames_per_second`` the rows are one person's video, and rigs become one animation.

    Args:
        names: by person, where the estimate is a part of a run.
        look: of overlays.
        part: the name, without its ending, of files that hold all people.
        motion: the same of the animation.
        frame: of meshes and animations: the world's, where there is a floor, or always the camera's.
        coco: ids of COCO's results, by person.
        progress: called with the number of bodies written since the last call.
    Raises:
        OSError: the disk is full: no other file would fare better.
    """
    written = WrittenFiles([], [])
    known = name_files(estimate.names, estimate.images) if names is None else names
    style = Style(look, frames_per_second, frame, coco)
    film = frames_per_second is not None
    there = bool(estimate.images) and any(estimate.images)

    def write(each: Each, stem: str, rows: Callable[[], BodyEstimate]) -> None:
        for kind in _of_each(kinds, each, film=film):
            if kind != "overlay" or there:
                found, some = KINDS[kind], rows()
                attempt(written, folder / found.name.replace("{}", stem), partial(_written, found, some, body, style))

    pictures: dict[str, list[int]] = {}  # rows of each photograph
    for row, name in enumerate(estimate.names):
        pictures.setdefault(known[name].picture, []).append(row)
    for picture, rows in pictures.items():
        there = bool(estimate.images[rows[0]])
        for row in rows:
            write("body", known[estimate.names[row]].body, partial(estimate.__getitem__, row))
        write("image", picture, partial(estimate.rows, rows))
        progress(len(rows))
    write("all", part, lambda: estimate)
    write("motion", motion, lambda: estimate)
    return written


def _written(kind: FileKind, rows: BodyEstimate, body: BodyModel, style: Style, path: Path) -> None:
    kind.write(path, rows, body, style)


def planned_files(
    people: Sequence[str], kinds: Sequence[str], names: Mapping[str, FileNames], *, part: str, motion: str | None
) -> list[str]:
    """Names of all the files that `write_results` may write for these people, and of the shard.

    Args:
        people: their names.
        kinds: of files.
        names: by person, as there.
        part, motion: as there; None: there is no animation.
    """
    film = motion is not None
    stems: dict[Each, Sequence[str]] = {"all": [part], "motion": [motion or ""]}
    if any(KINDS[kind].each != "all" for kind in kinds):
        stems["body"] = [names[name].body for name in people]
        stems["image"] = list(dict.fromkeys(names[name].picture for name in people))
    return [
        KINDS[kind].name.replace("{}", stem)
        for each, ones in stems.items()
        for kind in _of_each(kinds, each, film=film)
        for stem in ones
    ]


def body_files(name: FileNames, kinds: Sequence[str], *, film: bool) -> list[str]:
    """Names of one body's own files."""
    return [KINDS[kind].name.replace("{}", name.body) for kind in _of_each(kinds, "body", film=film)]


def _of_each(kinds: Sequence[str], each: Each, *, film: bool) -> Iterator[str]:
    """The kinds that have a file for each; of a photograph, an animation is of one body."""
    for kind in kinds:
        own = KINDS[kind].each
        if each == ("body" if own == "motion" and not film else own):
            yield kind


def attempt(written: WrittenFiles, path: Path, write: Callable[[Path], None]) -> None:
    """Write one file, and note that it is there, or in one line why it is not; a full disk is raised."""
    try:
        write(path)
    except (OSError, ValueError, ImportError, RuntimeError) as error:  # RuntimeError: a device out of memory, for one
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        problem = one_line(error)
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
    pictures = dict(zip(labels, distinct_names(stems), strict=True))
    bodies = distinct_names([f"{pictures[label]}_{_safe(person_id)}" for label, person_id in split])
    return {name: FileNames(pictures[label], body) for name, (label, _), body in zip(names, split, bodies, strict=True)}


def name_frames(names: Sequence[str]) -> dict[str, FileNames]:
    """The same for a video's people, whose pictures are each of one person: ``person-NUMBER_FRAME``."""
    stems = [f"person-{name.rpartition('#')[2]}_{frame_of(name) or 0:06}" for name in names]
    return {name: FileNames(stem, stem) for name, stem in zip(names, stems, strict=True)}


def _safe(text: str) -> str:
    """Text that every file system takes as part of a name: no separators, not too long, not empty."""
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in text).strip("._")
    return plain[:LONGEST_PART].rstrip("._") or "_"
