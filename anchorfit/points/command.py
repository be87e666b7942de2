"""Files of points to files of bodies: what ``anchorfit fit FILE --points CONVENTION`` does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..body import BodyModel
from ..fit_options import InputProblem
from ..fitting.point_fit import PointConfig
from ..fitting.terms import KnownSize
from ..options import Frame, OptionError
from ..plain_text import printable
from ..runs.claiming import claimed, files_of
from ..runs.folder import RunFolder
from ..runs.index_lines import index_lines
from ..runs.naming import distinct_names
from ..runs.told import Lines
from ..tables import write_arrays, write_csv_rows
from ..world import camera_matrix, in_frame
from .conventions import MEDIAPIPE33, point_convention
from .fitting import PointFit, fit_points
from .frames import check_scale
from .recording import Recording, named_reason, read_points

KINDS = ("npz", "json", "bvh", "rigged")
_WITH_HANDS = (75, 543, 553)  # both hands have 21 points, the face 468 or 478
_FILES = {"npz": ".npz", "json": ".json", "bvh": ".bvh", "rigged": "_rigged.glb"}
_WORLD, _TABLE = "_world.npz", ".csv"
_MOST_REASONS = 20  # that are said of rows, of each file
_FORMATS = (".npy", ".npz", ".json", ".csv", ".trc", ".c3d")


@dataclass(frozen=True, kw_only=True)
class PointJob:
    """What to do with each file.

    Attributes:
        convention: a name, ``names``, or the path of a JSON file with a mapping from labels to body points.
        sequence: the rows are one person's frames even where the file does not say so: one shape, smooth motion.
        same_person: the rows are one person, in any order: one shape.
        unit, up, floor: as for `fit_points`.
        noise_mm: millimetres, standard deviation of a coordinate; None: found for each row.
        frame: of motions: the world's, y up and its floor at 0, where there is a floor; or the virtual camera's.
        kinds: of `KINDS`; None: npz, and bvh for a person in time.
        rate: frames a second, where the file does not say.
        sizes: known heights and measurements, by the files' names or for all.
        covariance: whether files say how sure joints are.
        reads: further files that the command reads.
    """

    convention: str
    sequence: bool = False
    same_person: bool = False
    unit: str = "auto"
    up: str = "auto"
    floor: float | Literal["auto"] | None = None
    noise_mm: float | None = None
    frame: Frame = "world"
    kinds: tuple[str, ...] | None = None
    rate: float = 30.0
    sizes: KnownSize | None = None
    covariance: bool = True
    reads: tuple[Path, ...] = ()


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

    The files are a run's: they take the place of those of the run before in the folder, and of no others.

    Raises:
        ValueError: an unknown kind or convention, or a file that is read, or is no run's, would be overwritten; nothing
            is read or written then.
        OSError: the folder cannot be written to.
    """
    unknown = [kind for kind in job.kinds or () if kind not in KINDS]
    if unknown:
        raise ValueError(f"--save: expected some of {', '.join(KINDS)} for points, got {', '.join(unknown)}")
    check_scale(job.unit, job.sizes)
    convention = _convention(job.convention)
    named = _stems(paths)
    read = [*(path for path, _ in named), *files_of([*job.reads, Path(job.convention)])]
    planned = [stem + ending for _, stem in named for ending in _endings(job.kinds or ("npz", "bvh"))]
    told = _Told()
    with claimed(output, {"evidence": "points"}, read, planned) as folder:
        for path, stem in named:
            try:
                found, recording = _fitted(path, stem, body, job, convention)
                told.files += _write(
                    found, body, folder, stem, _kinds_of(recording, job), job, recording.rate or job.rate
                )
            except (ValueError, OSError, ImportError) as error:
                told.problems.append(named_reason(path, error))
                continue
            told.add(path, recording, found)
            own = "npz" in _kinds_of(recording, job)
            told.lines += index_lines(found.estimate, stem + _FILES["npz"] if own else None)
        if told.lines:
            folder.commit(told.lines)
    if job.sizes is not None:
        called = [name for path, _ in named for name in (path.name, path.stem)]
        told.problems += [
            f"{printable(name)}: measured, but there is no file of this name" for name in job.sizes.strangers(called)
        ]
    return PointReport(
        bodies=told.bodies, files=tuple(told.files), remarks=tuple(told.remarks), problems=tuple(told.problems)
    )


@dataclass
class _Told:
    """What came of the files so far; ``lines``: of the folder's index."""

    bodies: int = 0
    files: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add(self, path: Path, recording: Recording, found: PointFit) -> None:
        self.bodies += len(found)
        called = printable(path.name)
        lines = [*recording.remarks, *found.remarks]
        left_out = [label for label, point in zip(recording.labels, found.points, strict=False) if point is None]
        if left_out:
            lines.append(f"no body point for {', '.join(left_out)}")
        trusted = int(found.estimate.diagnostics.trusted.sum())
        off = f"points {float(found.mean_error_mm.nanmedian()):.1f} mm off (median)"
        lines.append(f"{len(found)} bodies, {trusted} trusted; {off}")
        self.remarks += [f"{called}: {printable(line)}" for line in lines]
        rows = Lines(_MOST_REASONS)
        rows.add(InputProblem(f"row {row}", text) for row, text in found.problems)
        self.problems += [f"{called}: {printable(line)}" for line in rows.told]


def _fitted(
    path: Path, stem: str, body: BodyModel, job: PointJob, convention: str | Mapping[str, str | None]
) -> tuple[PointFit, Recording]:
    recording = body_part(read_points(path), convention)
    in_time = job.sequence or recording.in_time
    found = fit_points(
        recording.points,
        recording.confidence,
        convention=convention,
        labels=recording.labels,
        body=body,
        sequence=in_time or job.same_person,
        smooth=in_time,
        unit=job.unit,  # type: ignore[arg-type]
        stated_unit=recording.unit,
        up=job.up,  # type: ignore[arg-type]
        floor=job.floor,
        frames_per_second=recording.rate or job.rate,
        sizes=_sizes_of(job.sizes, path),
        covariance=job.covariance,
        config=PointConfig(noise=None if job.noise_mm is None else 0.001 * job.noise_mm),
        names=[f"{stem}@{recording.first_frame + row:06d}#0" for row in range(len(recording.points))],
    )
    return found, recording


def _kinds_of(recording: Recording, job: PointJob) -> tuple[str, ...]:
    return job.kinds or ("npz", *(["bvh"] if job.sequence or recording.in_time else []))


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
    told_apart = [
        stem if stems.count(stem) == 1 else f"{stem}_{path.suffix[1:]}_{number}"
        for number, (path, stem) in enumerate(zip(files, stems, strict=True))
    ]
    return list(zip(files, distinct_names(told_apart, _endings(KINDS)), strict=True))


def _endings(kinds: Sequence[str]) -> list[str]:
    """Of all the files that one of points gets."""
    return [_WORLD, _TABLE, *(_FILES[kind] for kind in kinds)]


def _write(
    found: PointFit,
    body: BodyModel,
    folder: RunFolder,
    stem: str,
    kinds: Sequence[str],
    job: PointJob,
    rate: float,
) -> list[Path]:
    folder.intend([stem + ending for ending in _endings(kinds)])

    def beside(ending: str) -> Path:
        return folder.folder / f"{stem}{ending}"

    write_arrays(beside(_WORLD), _world(found, rate))
    write_csv_rows(beside(_TABLE), _table(found))
    if "npz" in kinds:
        found.estimate.save(beside(_FILES["npz"]))
    if "json" in kinds:
        found.estimate.save_json(beside(_FILES["json"]))
    if {"bvh", "rigged"} & set(kinds):
        from ..rigging import export_bvh, export_rigged

        placed, camera = in_frame(found.estimate, body, job.frame), camera_matrix(found.estimate, job.frame)
        if "bvh" in kinds:
            export_bvh(beside(_FILES["bvh"]), placed, body, frames_per_second=rate)
        if "rigged" in kinds:
            export_rigged(beside(_FILES["rigged"]), placed, body, frames_per_second=rate, camera=camera)
    return [beside(ending) for ending in _endings(kinds)]


def _world(found: PointFit, rate: float) -> dict[str, np.ndarray]:
    return {
        **{name: value.numpy() for name, value in found.world.items()},
        "errors_mm": found.errors_mm.numpy(),
        "points": np.array([name or "" for name in found.points]),
        "unit": np.array(found.frame.unit),
        "up": np.array(found.frame.up),
        "rate": np.array(rate),
    }


def _table(found: PointFit) -> Iterator[Sequence[object]]:
    yield ["name", "points", "error_mm", "score", "trusted", "reason"]
    told = found.estimate.diagnostics
    for row, name in enumerate(found.estimate.names):
        count = int(found.errors_mm[row].isfinite().sum())
        error = f"{float(found.mean_error_mm[row]):.2f}" if count else ""
        score = f"{float(told.score[row]):.3f}"
        yield [name, count, error, score, bool(told.trusted[row]), told.reasons[row]]
