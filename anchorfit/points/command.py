"""Files of points to files of bodies: what ``anchorfit fit FILE --points CONVENTION`` does."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..atomic import write_atomically
from ..body import BodyModel
from ..fitting.terms import KnownSize
from ..options import Frame, OptionError
from ..plain_text import printable
from ..world import camera_matrix, in_frame
from .conventions import MEDIAPIPE33, point_convention
from .fitting import PointFit, fit_points
from .frames import check_scale
from .recording import Recording, named_reason, read_points

KINDS = ("npz", "json", "bvh", "rigged")
_WITH_HANDS = (75, 543, 553)  # both hands have 21 points, the face 468 or 478
_FORMATS = (".npy", ".npz", ".json", ".csv", ".trc", ".c3d")


@dataclass(frozen=True, kw_only=True)
class PointJob:
    """What to do with each file.

    Attributes:
        convention: a name, ``names``, or the path of a JSON file with a mapping from labels to body points.
        sequence: the rows are one person's even where the file does not say so.
        unit, up, floor: as for `fit_points`.
        frame: of motions: the world's, y up and its floor at 0, where there is a floor; or the virtual camera's.
        kinds: of `KINDS`; None: npz, and bvh for a person in time.
        rate: frames a second, where the file does not say.
        sizes: known heights and measurements, by the files' names or for all.
        covariance: whether files say how sure joints are.
    """

    convention: str
    sequence: bool = False
    unit: str = "auto"
    up: str = "auto"
    floor: float | Literal["auto"] | None = None
    frame: Frame = "world"
    kinds: tuple[str, ...] | None = None
    rate: float = 30.0
    sizes: KnownSize | None = None
    covariance: bool = True


def floor_height(given: object) -> float | Literal["auto"] | None:
    """The floor of points: "auto", or its height on the axis that points up.

    Raises:
        OptionError: anything besides.
    """
    if given is None or given == "auto":
        return None if given is None else "auto"
    try:
        height = float(str(given))
    except ValueError:
        height = math.nan
    if not math.isfinite(height):
        what = f"of --points: expected auto, or its height on the axis that points up, got {given!r}"
        raise OptionError("floor", what)
    return height


@dataclass(frozen=True, kw_only=True)
class PointReport:
    """What came of the files: bodies fitted, files written, and lines to say."""

    bodies: int
    files: tuple[Path, ...]
    remarks: tuple[str, ...]
    problems: tuple[str, ...]


def fit_point_files(paths: Sequence[Path], body: BodyModel, output: Path, job: PointJob) -> PointReport:
    """Fit bodies to files of points, and write them. A file that cannot be read is a problem; the others go on.

    Writes for each file NAME.npz (`BodyEstimate`), NAME_world.npz (SMPL's parameters in metres and the points' own
    axes), NAME.csv (a line for each row), and what else is asked for.

    Raises:
        ValueError: an unknown kind or convention; nothing is read then.
    """
    unknown = [kind for kind in job.kinds or () if kind not in KINDS]
    if unknown:
        raise ValueError(f"--save: expected some of {', '.join(KINDS)} for points, got {', '.join(unknown)}")
    check_scale(job.unit, job.sizes)
    convention = _convention(job.convention)
    bodies, files, remarks, problems = 0, list[Path](), list[str](), list[str]()
    for path, stem in _stems(paths):
        try:
            recording = body_part(read_points(path), convention)
            sequence = job.sequence or recording.in_time
            found = fit_points(
                recording.points,
                recording.confidence,
                convention=convention,
                labels=recording.labels,
                body=body,
                sequence=sequence,
                unit=job.unit,  # type: ignore[arg-type]
                stated_unit=recording.unit,
                up=job.up,  # type: ignore[arg-type]
                floor=job.floor,
                frames_per_second=recording.rate or job.rate,
                sizes=_sizes_of(job.sizes, path),
                covariance=job.covariance,
                names=[f"{stem}@{recording.first_frame + row:06d}#0" for row in range(len(recording.points))],
            )
            rate = recording.rate or job.rate
            output.mkdir(parents=True, exist_ok=True)
            kinds = job.kinds or ("npz", *(["bvh"] if sequence else []))
            files += _write(found, body, output / stem, kinds, rate, job.frame)
        except (ValueError, OSError, ImportError) as error:
            problems.append(named_reason(path, error))
            continue
        called = printable(path.name)
        bodies += len(found)
        remarks += [f"{called}: {printable(remark)}" for remark in (*recording.remarks, *found.remarks)]
        left_out = [label for label, point in zip(recording.labels, found.points, strict=False) if point is None]
        if left_out:
            remarks.append(f"{called}: no body point for {printable(', '.join(left_out))}")
        error_mm = found.mean_error_mm
        trusted = int(found.estimate.diagnostics.trusted.sum())
        off = f"points {float(error_mm.nanmedian()):.1f} mm off (median)"
        remarks.append(f"{called}: {len(found)} bodies, {trusted} trusted; {off}")
        problems += [f"{called}: row {row}: {printable(text)}" for row, text in _first(found.problems)]
    if job.sizes is not None:
        names = [name for path, _ in _stems(paths) for name in (path.name, path.stem)]
        strangers = job.sizes.strangers(names)
        problems += [f"{printable(name)}: measured, but there is no file of this name" for name in strangers]
    return PointReport(bodies=bodies, files=tuple(files), remarks=tuple(remarks), problems=tuple(problems))


def body_part(recording: Recording, convention: str | Mapping[str, str | None]) -> Recording:
    """The recording without the hands and the face that FreeMoCap's arrays have behind MediaPipe's 33 points."""
    count, own = recording.points.shape[1], len(MEDIAPIPE33)
    known = isinstance(convention, str) and convention != "names" and point_convention(convention) == MEDIAPIPE33
    if not known or recording.labels or count not in _WITH_HANDS:
        return recording
    said = f"{count} points: the first {own} are the body's, hands and face are left out"
    return replace(
        recording,
        points=recording.points[:, :own],
        confidence=recording.confidence[:, :own],
        remarks=(*recording.remarks, said),
    )


def _sizes_of(sizes: KnownSize | None, path: Path) -> KnownSize | None:
    """What is known of the person of one file."""
    if sizes is None:
        return None
    known = sizes.given.get(path.name) or sizes.given.get(path.stem) or sizes.given.get("")
    return replace(sizes, given={"": known}) if known else None


def _convention(text: str) -> str | Mapping[str, str | None]:
    if not text.lower().endswith(".json"):
        return text
    try:
        held = json.loads(Path(text).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ValueError(f"--points: {text}: not a readable JSON file ({error})") from error
    if not isinstance(held, dict) or not all(isinstance(value, str | None) for value in held.values()):
        raise ValueError(f'--points: {text}: expected {{"LABEL": "BODY POINT", ...}}')
    return held


def _stems(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """Files, folders of them, and the names that their results get: each its own."""
    files = []
    for path in paths:
        inside = [one for one in sorted(path.iterdir()) if one.suffix.lower() in _FORMATS] if path.is_dir() else [path]
        files += inside or [path]  # reading says that a folder has none
    stems = [printable(path.stem) for path in files]
    return [
        (path, stem if stems.count(stem) == 1 else f"{stem}_{path.suffix[1:]}_{number}")
        for number, (path, stem) in enumerate(zip(files, stems, strict=True))
    ]


def _first(problems: Sequence[tuple[int, str]], most: int = 20) -> list[tuple[int, str]]:
    return list(problems[:most])


def _write(found: PointFit, body: BodyModel, stem: Path, kinds: Sequence[str], rate: float, frame: Frame) -> list[Path]:
    def beside(ending: str) -> Path:
        return stem.with_name(stem.name + ending)

    files = [beside("_world.npz"), beside(".csv")]
    _write_world(files[0], found, rate)
    write_atomically(files[1], _table(found).encode())
    if "npz" in kinds:
        found.estimate.save(beside(".npz"))
        files.append(beside(".npz"))
    if "json" in kinds:
        found.estimate.save_json(beside(".json"))
        files.append(beside(".json"))
    if {"bvh", "rigged"} & set(kinds):
        from ..rigging import export_bvh, export_rigged

        placed, camera = in_frame(found.estimate, body, frame), camera_matrix(found.estimate, frame)
        if "bvh" in kinds:
            export_bvh(beside(".bvh"), placed, body, frames_per_second=rate)
            files.append(beside(".bvh"))
        if "rigged" in kinds:
            export_rigged(beside("_rigged.glb"), placed, body, frames_per_second=rate, camera=camera)
            files.append(beside("_rigged.glb"))
    return files


def _write_world(path: Path, found: PointFit, rate: float) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        **{name: value.numpy() for name, value in found.world.items()},
        errors_mm=found.errors_mm.numpy(),
        points=np.array([name or "" for name in found.points]),
        unit=np.array(found.frame.unit),
        up=np.array(found.frame.up),
        rate=np.array(rate),
    )
    write_atomically(path, buffer.getvalue())


def _table(found: PointFit) -> str:
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["name", "points", "error_mm", "score", "trusted", "reason"])
    told = found.estimate.diagnostics
    for row, name in enumerate(found.estimate.names):
        count = int(found.errors_mm[row].isfinite().sum())
        error = f"{float(found.mean_error_mm[row]):.2f}" if count else ""
        score = f"{float(told.score[row]):.3f}"
        table.writerow([name, count, error, score, bool(told.trusted[row]), told.reasons[row]])
    return buffer.getvalue()
