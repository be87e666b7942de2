"""TRC, the marker files of OpenSim, Pose2Sim and others: tab-separated text.

Programs differ in all but the order of the lines: names in the fourth, numbers from the sixth or seventh on, with or
without a blank line between and tabs at the end; gaps are empty, ``nan`` or 0 0 0; the stated unit and number of frames
are often wrong. So the numbers are counted, and the unit is only remembered.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .recording import PointFileError, Recording, check_room, unit_name


def read_trc(path: Path) -> Recording:
    """Read markers.

    Raises:
        PointFileError: no TRC file, or a line with numbers that are none.
    """
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if len(lines) < 6 or not lines[0].lower().startswith("pathfiletype"):
        raise PointFileError(f"{path}: expected a TRC file, whose first line begins with PathFileType")
    stated = dict(zip(lines[1].split(), lines[2].split(), strict=False))
    labels = tuple(name.strip() for name in lines[3].split("\t")[2:] if name.strip())
    if not labels:
        labels = tuple(lines[3].split()[2:])
    check_room(len(lines) - 5, len(labels))
    wanted = 2 + 3 * len(labels)
    rows = _numbers(path, lines[5:])
    if not rows:
        raise PointFileError(f"{path}: there are no frames in it")
    remarks = []
    if all(len(values) > wanted and values[2] == values[1] for values in rows.values()):
        rows = {number: [*values[:2], *values[3:]] for number, values in rows.items()}
        remarks.append("the time stands in every frame twice: once is left out")
        labels, said = _as_caliscope_sorts(labels)
        remarks += said
    for number, values in rows.items():
        if any(np.isfinite(values[wanted:])):
            raise PointFileError(f"{path}: line {number}: {len(labels)} names but numbers for more markers")
    table = np.array([(values + [np.nan] * wanted)[:wanted] for values in rows.values()])
    frames, times = table[:, 0], table[:, 1].tolist()
    points = table[:, 2:].reshape(len(rows), len(labels), 3)
    if len(rows) > 2 and np.allclose(points[:, 0, 0], times, rtol=0, atol=1e-9):
        points[:, 0] = np.nan  # caliscope's export writes the time there
        labels, said = _as_caliscope_sorts(labels)
        remarks += [f"x of {labels[0]} is the time in every frame: the marker is left out", *said]
    return Recording.of(
        points,
        labels=labels,
        unit=unit_name(stated.get("Units", "")),
        rate=_rate(stated, times),
        first_frame=int(frames[0]) if np.isfinite(frames[0]) else 1,
        in_time=True,
        remarks=tuple(remarks),
    )


def _numbers(path: Path, lines: list[str]) -> dict[int, list[float]]:
    """Numbers of a line by the line's number in the file; NaN where a field is empty, but none for tabs at the end.

    Raises:
        PointFileError: what is no number.
    """
    rows = {}
    for number, line in enumerate(lines, start=6):
        if not line.strip():
            continue
        fields = line.rstrip().split("\t") if "\t" in line else line.split()
        if not fields[0].strip():  # the second line of names, X1 Y1 Z1, lies lower than usual
            continue
        try:
            rows[number] = [float(field) if field.strip() else np.nan for field in fields]
        except ValueError:
            raise PointFileError(f"{path}: line {number}: expected numbers, got {line[:40]!r}") from None
    return rows


def _as_caliscope_sorts(labels: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Names in the order of the numbers, and a remark where that is another.

    caliscope (0.11.8, export/trc_export.py) writes the time twice, the second time for its first number, and sorts
    names, but numbers by name and axis, ``left_eye_inner_x`` before ``left_eye_x``: each has the other's numbers.
    """
    order = tuple(sorted(labels, key=lambda name: f"{name}_x"))
    if list(labels) != sorted(labels) or order == labels:
        return labels, []
    moved = [name for name, stood in zip(order, labels, strict=True) if name != stood]
    return order, [f"the numbers of {', '.join(moved)} stand under each other's names: put right"]


def _rate(stated: dict[str, str], times: list[float]) -> float | None:
    """Frames a second: as the times say, else as the header does."""
    steps = np.diff(times)
    if len(steps) and np.isfinite(steps).all() and np.median(steps) > 0:
        return round(float(1.0 / np.median(steps)), 3)
    try:
        rate = float(stated.get("DataRate", ""))
    except ValueError:
        return None
    return rate if rate > 0 else None
