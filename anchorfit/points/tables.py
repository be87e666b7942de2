"""Points in arrays, JSON and CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..array_files import ArrayFile, read_npy
from .recording import PointFileError, Recording, check_room, real_numbers, unit_name

_POINTS = ("points", "joints", "positions", "keypoints3d", "keypoints_3d", "joints3d", "arr_0")
_LABELS = ("labels", "names", "points_names", "markers")
_COLUMNS = {  # what dumps of a Kinect call theirs
    "timestamp": "frame",
    "jointid": "point",
    "jointtype": "point",
    **{f"position.{axis}": axis for axis in "xyz"},
    "state": "state",
}
_STATES = {"0": 0.0, "nottracked": 0.0, "1": 0.3, "inferred": 0.3}
_RATES = ("rate", "fps", "frame_rate", "mocap_framerate", "mocap_frame_rate")
_ZIP = b"PK"
_LARGEST_NUMBER = 20_000  # of a point; the largest body's vertices, SMPL-X's, are 10,475


def read_array(path: Path) -> Recording:
    """Read ``.npy`` (frames, points, 3) or with confidences as a fourth number, or ``.npz`` with an array ``points``,
    and ``confidence``, ``labels``, ``unit``, ``rate`` where there are."""
    with path.open("rb") as file:
        several = file.read(len(_ZIP)) == _ZIP
    try:
        return _recording(ArrayFile(path)) if several else Recording.of(read_npy(path))
    except ValueError as error:
        hint = "it holds pickled objects, which are not loaded" if "Python objects" in str(error) else str(error)
        raise PointFileError(hint) from error


def read_json(path: Path) -> Recording:
    """Read a list (frames, points, 3 or 4), null where missing, or an object with one as ``points``."""
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise PointFileError(f"{path}: this is not JSON ({error})") from error
    if isinstance(held, dict) and "frames" in held and "joint_names" in held:
        try:
            return _azure(held)
        except (TypeError, KeyError, AttributeError) as error:
            form = 'frames as a list of {"bodies": [{"body_id": 1, "joint_positions": [[x, y, z], ...]}, ...]}'
            raise ValueError(f"expected {form}, as Azure Kinect's offline_processor writes") from error
    return _recording(held if isinstance(held, dict) else {"points": held})


def _recording(held: Mapping[str, Any]) -> Recording:
    name = next((name for name in _POINTS if name in held), None)
    if name is None:
        raise ValueError(f"expected an array called points, got {', '.join(held) or 'nothing'}")
    rate = _rate(held)
    points = _numbers(held[name])
    unit = unit_name(str(np.asarray(held.get("unit", "")).item()))
    sure = held.get("confidence")
    return Recording.of(
        points,
        None if sure is None else _numbers(sure),
        labels=_labels(held),
        unit=unit,
        rate=rate,
        in_time=any(held.get(key) is not None for key in _RATES),
    )


def _rate(held: Mapping[str, Any]) -> float | None:
    """Frames a second; None where the file says nothing, or null, or 0."""
    key = next((key for key in _RATES if key in held and held[key] is not None), None)
    if key is None:
        return None
    stated = np.asarray(held[key])
    try:
        rate = float(stated.item())
    except (TypeError, ValueError):
        raise ValueError(f"expected {key} as one number, got {stated.tolist()!r:.40}") from None
    if not math.isfinite(rate) or rate < 0:
        raise ValueError(f"expected {key} above 0, got {rate:g}")
    return rate or None


def _labels(held: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the points: a list of them, or one text with commas between them."""
    key = next((key for key in _LABELS if key in held and held[key] is not None), None)
    if key is None:
        return ()
    names = np.asarray(held[key])
    if names.ndim == 0 and names.dtype.kind == "U":
        return tuple(name.strip() for name in str(names).split(","))
    if names.ndim != 1:
        raise ValueError(f"expected {key} as a list of names, got {names.tolist()!r:.40}")
    return tuple(str(name) for name in names.tolist())


def _azure(held: dict[str, Any]) -> Recording:
    """What Azure Kinect's offline_processor writes: the body that is in most frames; millimetres, y down."""
    frames = [{body["body_id"]: body["joint_positions"] for body in frame["bodies"]} for frame in held["frames"]]
    seen = [number for frame in frames for number in frame]
    if not seen:
        raise ValueError("there is no body in any frame")
    chosen = max(dict.fromkeys(seen), key=seen.count)
    labels = [str(name) for name in held["joint_names"]]
    nowhere = [[np.nan] * 3] * len(labels)
    stamps = [frame.get("timestamp_usec") for frame in held["frames"]]
    times = [float(stamp) for stamp in stamps if stamp is not None]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    others = sorted(set(seen) - {chosen}, key=str)
    said = f"several bodies: number {chosen} is taken, {', '.join(map(str, others))} are left out"
    return Recording.of(
        _numbers([frame.get(chosen, nowhere) for frame in frames]),
        labels=tuple(labels),
        unit="mm",
        rate=round(1e6 / step, 3) if step > 0 else None,
        in_time=True,
        remarks=(said,) if others else (),
    )


def _numbers(values: Any) -> np.ndarray:
    """An array of numbers; None, alone or in place of a whole point, is NaN."""
    if isinstance(values, list):
        values = [
            [[None] * 3 if point is None else point for point in row] if isinstance(row, list) else row
            for row in values
        ]
    if isinstance(values, np.ndarray):
        return real_numbers(values)
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("expected numbers (frames, points, 3 or 4), every frame with the same points") from error


def read_point_csv(path: Path) -> Recording:
    """Read ``frame,point,x,y,z[,confidence]``, a line for each point, or columns ``NAME_x,NAME_y,NAME_z``, a line for
    each frame."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = list(csv.reader(file))
    except csv.Error as error:
        raise PointFileError(f"{path}: this is no table of numbers ({error})") from error
    if len(table) < 2:
        raise PointFileError(f"{path}: expected a line of names and lines of numbers")
    header = [_COLUMNS.get(name.strip().lstrip("# ").lower(), name.strip()) for name in table[0]]
    lines = [line for line in table[1:] if any(field.strip() for field in line)]
    if {"frame", "point", "x", "y", "z"} <= set(header):
        return _from_long(path, header, lines)
    columns: dict[str, dict[str, int]] = {}
    for place, name in enumerate(header):
        for ending in "xyz":
            for mark in ("_", ".", " "):
                if not name.lower().endswith(mark + ending):
                    continue
                if columns.setdefault(name[:-2], {}).setdefault(ending, place) != place:
                    raise PointFileError(f"{path}: column {name} is there twice: take one out")
    whole = {name: [places[axis] for axis in "xyz"] for name, places in columns.items() if len(places) == 3}
    if not whole:
        raise PointFileError(
            f"{path}: expected columns frame,point,x,y,z, or NAME_x,NAME_y,NAME_z; got {', '.join(header[:6])}"
        )
    points = np.array([[[_number(path, line, at) for at in places] for places in whole.values()] for line in lines])
    return Recording.of(points, labels=tuple(whole), in_time=True)


def _from_long(path: Path, header: list[str], lines: list[list[str]]) -> Recording:
    at = {name: header.index(name) for name in header}
    short = next((line for line in lines if len(line) <= max(at["frame"], at["point"])), None)
    if short is not None:
        raise PointFileError(f"{path}: a line without frame and point: {','.join(short)[:40]}")
    frames = {frame: row for row, frame in enumerate(_in_time(dict.fromkeys(line[at["frame"]] for line in lines)))}
    said = [line[at["point"]].strip() for line in lines]
    if all(label.isascii() and label.isdigit() for label in said):  # numbers of a list, whatever order they come in
        said = [str(int(label)) for label in said]
        largest = max(map(int, said), default=0)
        if largest > _LARGEST_NUMBER:
            raise PointFileError(f"{path}: a point of number {largest}: expected at most {_LARGEST_NUMBER}")
        labels = {str(number): number for number in range(largest + 1)}
    else:
        labels = {label: row for row, label in enumerate(dict.fromkeys(said))}
    twice = len({(line[at["frame"]], label) for line, label in zip(lines, said, strict=True)}) < len(lines)
    if twice:
        raise PointFileError(f"{path}: a point stands twice in a frame: split people into files of their own")
    check_room(len(frames), len(labels))
    points = np.full((len(frames), len(labels), 3), np.nan)
    sure = np.zeros(points.shape[:2])
    for line, label in zip(lines, said, strict=True):
        place = frames[line[at["frame"]]], labels[label]
        points[place] = [_number(path, line, at[axis]) for axis in "xyz"]
        sure[place] = _number(path, line, at["confidence"]) if "confidence" in at else 1.0
        if "state" in at:
            sure[place] *= _STATES.get(line[at["state"]].strip().lower(), 1.0)
    return Recording.of(points, sure, labels=tuple(labels), in_time=True)


def _in_time(frames: Iterable[str]) -> list[str]:
    """Frames by their numbers, where all have one, for programs also sort them as text; else as they come."""
    found = list(frames)
    try:
        return sorted(found, key=float)
    except ValueError:
        return found


def _number(path: Path, line: list[str], place: int) -> float:
    text = line[place].strip() if place < len(line) else ""
    try:
        return float(text) if text else float("nan")
    except ValueError:
        raise PointFileError(f"{path}: expected a number, got {text!r} in {','.join(line[:4])} ...") from None
