"""People of several cameras to files of bodies: what ``anchorfit fit --cameras FILE`` does."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..atomic import write_atomically
from ..body import BodyModel
from ..cameras import CameraRig, read_cameras
from ..cameras.own_json import cameras_json
from ..observations import read_image, write_image
from ..pictures import OverlayLook, draw_on, draw_side_view
from .config import ViewOptions
from .fitting import ViewFit, fit_views
from .observing import undistorted_image
from .sources import Detect, check_pictures, gather_views

KINDS = ("npz", "json", "bvh", "rigged", "overlay", "side")
_PROBLEMS = 40


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
    """

    cameras: Path
    keypoints: Path | None = None
    convention: str | None = None
    options: ViewOptions = ViewOptions()
    kinds: tuple[str, ...] | None = None
    rate: float = 30.0
    look: OverlayLook = OverlayLook()


@dataclass(frozen=True, kw_only=True)
class ViewReport:
    """What came of the views: bodies fitted, files written, and lines to say."""

    bodies: int
    files: tuple[Path, ...]
    remarks: tuple[str, ...]
    problems: tuple[str, ...]


def fit_view_files(
    paths: Sequence[Path], body: BodyModel, output: Path, job: ViewJob, detect: Detect | None = None
) -> ViewReport:
    """Fit bodies to what several cameras saw, and write them.

    Writes people.npz (each body in its main camera's frame), CAMERA.npz (all of them in each camera's), world.npz
    (SMPL's parameters in metres and the cameras' world), cameras.json (in metres), people.csv (a line a body),
    views.csv (a line a body and view), and what is asked for.

    Raises:
        ValueError, OSError: the cameras or all of the people cannot be used; an unknown kind.
    """
    unknown = [kind for kind in job.kinds or () if kind not in KINDS]
    if unknown:
        raise ValueError(f"--save: expected some of {', '.join(KINDS)} for views, got {', '.join(unknown)}")
    rig = read_cameras(job.cameras)
    gathered = gather_views(
        paths,
        rig.names,
        keypoints=job.keypoints,
        convention=job.convention,
        detect=detect,
        but=job.cameras,
        left_out=rig.left_out,
    )
    problems = [*rig.problems, *gathered.problems]
    if not gathered.people:
        raise ValueError(problems[0] if problems else f"{paths[0]}: no person of any camera")
    check_pictures(gathered.people, job.kinds, job.look)
    found = fit_views(gathered.people, rig, body, options=job.options)
    names = found.estimate.names
    problems += [f"{names[row]}: {text}" for row, text in found.problems]
    files = _write(found, body, output, job)
    if "overlay" in _kinds(found, job) or "side" in _kinds(found, job):
        drawn, wrong = draw_views(found, body, output, _kinds(found, job), job.look)
        files += drawn
        problems += wrong
    more = len(problems) - _PROBLEMS
    shown = [*problems[:_PROBLEMS], *([f"... and {more} more lines"] if more > 0 else [])]
    return ViewReport(
        bodies=len(found),
        files=tuple(files),
        remarks=(*rig.remarks, *_said(rig, found), *found.remarks),
        problems=tuple(shown),
    )


def _said(rig: CameraRig, found: ViewFit) -> list[str]:
    trusted = int(found.estimate.diagnostics.trusted.sum())
    views = (found.weights > 0).sum(1).double()
    off = float(found.errors_px.nanmedian())
    return [
        f"{len(rig)} cameras ({', '.join(rig.names[:8])}); {len(found)} bodies, {trusted} trusted; "
        f"{float(views.mean()):.1f} views a body; keypoints {off:.1f} px off (median)"
    ]


def _kinds(found: ViewFit, job: ViewJob) -> tuple[str, ...]:
    if job.kinds is not None:
        return job.kinds
    pictures = any(image for images in found.seen.images for image in images)
    return ("npz", *(["overlay"] if pictures else []), *(["bvh"] if job.options.sequence else []))


def _write(found: ViewFit, body: BodyModel, output: Path, job: ViewJob) -> list[Path]:
    output.mkdir(parents=True, exist_ok=True)
    texts = {"people.csv": _people(found), "views.csv": _views(found), "cameras.json": cameras_json(found.cameras)}
    files = []
    for name, text in texts.items():
        write_atomically(output / name, text.encode())
        files.append(output / name)
    _write_world(output / "world.npz", found, job.rate)
    files.append(output / "world.npz")
    kinds = _kinds(found, job)
    if "npz" in kinds:
        found.estimate.save(output / "people.npz")
        files.append(output / "people.npz")
        for camera in found.cameras:
            path = output / f"{file_name(camera.name)}.npz"
            found.in_view(camera.name, body).save(path)
            files.append(path)
    if "json" in kinds:
        found.estimate.save_json(output / "people.json")
        files.append(output / "people.json")
    if {"bvh", "rigged"} & set(kinds):
        from ..rigging import export_bvh, export_rigged

        for kind, name, write in (("bvh", "people.bvh", export_bvh), ("rigged", "people_rigged.glb", export_rigged)):
            if kind in kinds:
                write(output / name, found.estimate, body, frames_per_second=job.rate)
                files.append(output / name)
    return files


def file_name(text: str) -> str:
    """A name that is safe in a file's name."""
    return re.sub(r"[^\w.-]+", "_", text).strip(".") or "camera"


def _write_world(path: Path, found: ViewFit, rate: float) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        **{name: value.numpy() for name, value in found.world.items()},
        names=np.array(found.estimate.names),
        cameras=np.array([camera.name for camera in found.cameras]),
        errors_px=found.errors_px.numpy(),
        weights=found.weights.numpy(),
        trusted=found.estimate.diagnostics.trusted.numpy(),
        rate=np.array(rate),
    )
    write_atomically(path, buffer.getvalue())


def _people(found: ViewFit) -> str:
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["name", "main_camera", "views", "error_px", "score", "trusted", "reason"])
    told = found.estimate.diagnostics
    for row, name in enumerate(found.estimate.names):
        views = int((found.weights[row] > 0).sum())
        error = found.errors_px[row].nanmean()
        judged = [f"{float(told.score[row]):.3f}", bool(told.trusted[row]), told.reasons[row]]
        table.writerow([name, found.main[row], views, f"{float(error):.2f}", *judged])
    return buffer.getvalue()


def _views(found: ViewFit) -> str:
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["name", "camera", "joints", "error_px", "weight"])
    for row, name in enumerate(found.estimate.names):
        for place, camera in enumerate(found.cameras):
            joints = int((found.seen.observations[place].confidence[row] > 0).sum())
            error = float(found.errors_px[row, place])
            shown = f"{error:.2f}" if np.isfinite(error) else ""
            table.writerow([name, camera.name, joints, shown, f"{float(found.weights[row, place]):.2f}"])
    return buffer.getvalue()


def draw_views(
    found: ViewFit, body: BodyModel, output: Path, kinds: Sequence[str], look: OverlayLook
) -> tuple[list[Path], list[str]]:
    """Overlays on the images of every camera, without its lens, and side views; problems are said."""
    files, problems = [], []
    for place, camera in enumerate(found.cameras):
        there = found.in_view(camera.name, body)
        for image in dict.fromkeys(filter(None, found.seen.images[place])):
            rows = [row for row, path in enumerate(found.seen.images[place]) if path == image]
            some = there.rows([row for row in rows if float(there.transl[row, 2]) > 0])
            stem = f"{file_name(camera.name)}_{file_name(Path(image).stem)}"
            try:
                if "overlay" in kinds:
                    picture = read_image(image)
                    own = camera.of_size((picture.shape[1], picture.shape[0]))
                    drawn = draw_on(undistorted_image(picture, own), some, body, look)
                    write_image(output / f"{stem}_overlay.jpg", drawn)
                    files.append(output / f"{stem}_overlay.jpg")
                if "side" in kinds and len(some):
                    write_image(output / f"{stem}_side.jpg", draw_side_view(some, body))
                    files.append(output / f"{stem}_side.jpg")
            except (ValueError, OSError) as error:
                problems.append((str(error).splitlines() or [type(error).__name__])[0])
    return files, problems
