"""Saved estimates in other forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..body import BodyModel, load_body
from ..index import estimate_paths
from ..looks import OverlayLook
from ..many_estimates import load_estimates, named_files
from ..observations.image_names import ids_by_image
from ..observations.people import CocoIds
from ..observations.videos import frame_of
from ..options import FRAMES, Frame, OptionError, check_choice, check_positive
from ..plain_text import list_few
from ..results import BodyEstimate, possible_only
from .claiming import make_folder, refuse_inputs
from .listening import Listener
from .outputs import SHARDS, FileNames, name_files, name_frames, parse_kinds, planned_files, write_results


def export_results(
    results: Sequence[Path],
    output: Path,
    save: str = "rigged",
    *,
    frames_per_second: float | None = None,
    frame: Frame = "world",
    look: OverlayLook = OverlayLook(),
    image_names: Path | None = None,
    listener: Listener = Listener(),
) -> int:
    """Write saved estimates in other forms: meshes, rigs, pictures, files of other programs.

    Args:
        results: files of estimates, or folders of them.
        output: folder, made if missing.
        save: kinds of file, comma-separated.
        frames_per_second: of the animation, where the estimates are frames; None: they are not.
        frame: of meshes and animations: the world's, where there is a floor, or always the camera's.
        look: of overlays.
        image_names: COCO's annotation file whose ids COCO's results get.
        listener: told how it goes.
    Returns:
        The number of files.
    Raises:
        OptionError: there is no such kind, renderer, rate or frame, or a floor is to be drawn that none has.
        OSError, ValueError: the estimates cannot be read, would be overwritten, or nothing can be written.
    """
    kinds = parse_kinds(save)
    if SHARDS in kinds:
        raise OptionError("save", f"{SHARDS} are for runs; saved estimates are npz already")
    check_positive("fps", frames_per_second)
    check_choice("frame", frame, FRAMES)
    look.check(drawn="overlay" in kinds)
    estimate, lost = possible_only(load_estimates(results, listener.warn), named_files(results))
    for line in lost:
        listener.warn(line)
    if "overlay" in kinds and not any(estimate.images):
        listener.warn("overlay: no estimate names a photograph to be drawn on; side draws bodies without one")
    if image_names is not None and "coco" not in kinds:
        raise OptionError("images", "only with --save coco, whose image ids it says")
    coco = {} if image_names is None else _ids_of(estimate, image_names, listener)
    if look.floor_grid and not bool(estimate.floors.known.any()):
        raise OptionError("draw-floor", "no estimate knows a floor: fit with --floor, or leave it out")
    model = load_body(estimate.body, gender=estimate.gender, num_betas=estimate.betas.shape[1])
    parts = _parts(estimate, frames_per_second is not None)
    refuse_inputs(
        [*estimate_paths(results), *map(Path, filter(None, estimate.images))],
        output,
        [name for part in parts for name in _files_of(estimate, part, kinds, film=frames_per_second is not None)],
    )
    make_folder(output)
    files = _write_parts(
        estimate, model, parts, output, kinds, frames_per_second=frames_per_second, frame=frame, look=look, coco=coco,
        listener=listener,
    )  # fmt: skip
    if not files:
        raise ValueError(f"{output}: nothing could be written")
    return files


def _write_parts(
    estimate: BodyEstimate,
    model: BodyModel,
    parts: Sequence[_Part],
    output: Path,
    kinds: Sequence[str],
    *,
    frames_per_second: float | None,
    frame: Frame,
    look: OverlayLook,
    coco: Mapping[str, CocoIds],
    listener: Listener,
) -> int:
    """Write the parts of an estimate, and warn of what could not be written; the number of files."""
    files = 0
    with listener.phase("writing people", len(estimate)) as advance:
        for part, motion, rows in parts:
            people = estimate.rows(rows)
            written = write_results(
                people,
                model,
                output,
                kinds,
                names=_names_of(people, motion),
                look=look,
                frames_per_second=frames_per_second,
                part=part,
                motion=motion,
                frame=frame,
                coco=coco,
                progress=advance,
            )
            files += len(written.files)
            for line in written.problems:
                listener.warn(line)
    return files


def _ids_of(estimate: BodyEstimate, names: Path, listener: Listener) -> dict[str, CocoIds]:
    """COCO's ids of each person, by its image."""
    labels = [Path(image or label) for image, label in zip(estimate.images, estimate.image_labels, strict=True)]
    found, said = ids_by_image(names, list(dict.fromkeys(labels)))
    for line in said:
        listener.say(line)
    lost = dict.fromkeys(label.name for label in labels if label not in found)
    if lost:
        listener.warn(f"{names}: lists no image {list_few(lost)}; its results are by name")
    return {name: found[label] for name, label in zip(estimate.names, labels, strict=True) if label in found}


def _names_of(people: BodyEstimate, motion: str) -> Mapping[str, FileNames]:
    return name_frames(people.names) if motion != "video" else name_files(people.names, people.images)


def _files_of(estimate: BodyEstimate, part: _Part, kinds: Sequence[str], *, film: bool) -> list[str]:
    """Names of the files that are written for a part."""
    people = estimate.rows(part.rows)
    names = _names_of(people, part.motion)
    return planned_files(people.names, kinds, names, part=part.part, motion=part.motion if film else None)


class _Part(NamedTuple):
    """Rows that are written together, and the names of what holds all of them and of their animation."""

    part: str
    motion: str
    rows: list[int]


def _parts(estimate: BodyEstimate, sequence: bool) -> list[_Part]:
    """All rows; or the rows of each person of a video."""
    frames = [frame_of(name) for name in estimate.names]
    if not sequence or None in frames:
        return [_Part("people", "video", list(range(len(estimate))))]
    tracks: dict[str, list[int]] = {}
    for row in sorted(range(len(estimate)), key=lambda row: frames[row] or 0):
        tracks.setdefault(estimate.names[row].rpartition("#")[2], []).append(row)
    return [_Part(f"person-{number}", f"person-{number}", rows) for number, rows in tracks.items()]
