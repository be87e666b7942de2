"""Writing what a run found: one file a body for data and meshes, one a photograph for pictures."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer

from ..body import BodyModel
from ..meshes import MESH_FORMATS, export_mesh
from ..observations import write_image
from ..pictures import draw_overlay, draw_side_view
from ..results import BodyEstimate
from .console import describe, progress_bar

BODY_KINDS = ("npz", "json", "pkl", *MESH_FORMATS)
PICTURE_KINDS = ("overlay", "side")


class Written(NamedTuple):
    """Files that were written, and one line for each that could not be."""

    files: list[Path]
    problems: list[str]


def parse_kinds(text: str) -> tuple[str, ...]:
    """``"npz,overlay"`` as names.

    Raises:
        typer.BadParameter: a name is unknown, or there is none.
    """
    kinds = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [kind for kind in kinds if kind not in BODY_KINDS + PICTURE_KINDS]
    if unknown or not kinds:
        known = ", ".join(BODY_KINDS + PICTURE_KINDS)
        raise typer.BadParameter(f"expected some of {known}; got {text!r}", param_hint="--save")
    return kinds


def make_folder(folder: Path) -> None:
    """Make the folder for results, and make sure before any work that it can be written to.

    Raises:
        OSError: one line that names the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".anchorfit-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except (FileExistsError, NotADirectoryError) as error:
        raise OSError(errno.ENOTDIR, "not a folder: give another --output", str(folder)) from error
    except OSError as error:
        raise OSError(error.errno, f"cannot write there: {error.strerror}", str(folder)) from error


def write_results(estimate: BodyEstimate, body: BodyModel, folder: Path, kinds: tuple[str, ...]) -> Written:
    """Write each body's data and meshes, and each photograph's pictures; a file that fails loses no other."""
    written = Written([], [])

    def attempt(path: Path, write: Callable[[Path], None]) -> None:
        try:
            write(path)
        except (OSError, ValueError) as error:
            written.problems.append(describe(error))
        else:
            written.files.append(path)

    groups = _rows_by_image(estimate)
    stems = _unique_stems(list(groups))
    with progress_bar("writing", len(groups)) as (bar, task):
        for image, rows in groups.items():
            for row in rows:
                one = estimate[row]
                name = f"{stems[image]}_{_safe(one.names[0].rpartition('#')[2])}"
                for kind in kinds:
                    if kind in BODY_KINDS:
                        attempt(folder / f"{name}.{kind}", _body_writer(kind, one, body))
            people = estimate.rows(rows)
            if "overlay" in kinds and image:
                attempt(folder / f"{stems[image]}_overlay.png", partial(_write_picture, draw_overlay, people, body))
            if "side" in kinds:
                attempt(folder / f"{stems[image]}_side.png", partial(_write_picture, draw_side_view, people, body))
            bar.advance(task)
    return written


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


def _rows_by_image(estimate: BodyEstimate) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for row, image in enumerate(estimate.images):
        groups.setdefault(image, []).append(row)
    return groups


def _unique_stems(images: list[str]) -> dict[str, str]:
    """A name for each image's files: its own without the ending, or with its folders where that is not unique."""
    plain = {image: _safe(Path(image).stem) or "image" for image in images}
    often = Counter(plain.values())
    full = {image: _safe("_".join(Path(image).parts)) for image in images}
    return {image: name if often[name] == 1 else full[image] for image, name in plain.items()}


def _safe(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in text).strip("._")
