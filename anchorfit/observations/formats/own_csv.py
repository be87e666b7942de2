"""anchorfit's own CSV: one line a joint, with columns image, person, joint, x, y, confidence (docs/formats.md)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...atomic import write_atomically
from ...body.joint_sets import CANONICAL_JOINTS
from ...plain_text import from_cell, short_name, to_cell
from ..people import PeopleFile, Person
from ..reading import KeypointFileError, existing_file
from .format import Content, Format

COLUMNS = ("image", "person", "joint", "x", "y", "confidence")
REQUIRED = ("joint", "x", "y")
_INDEX = {name: index for index, name in enumerate(CANONICAL_JOINTS)}


def read_csv(path: str | Path) -> PeopleFile:
    """Read anchorfit's own CSV.

    Joints go by canonical name; those without a line are not seen. Columns may come in any order; image, person and
    confidence may be missing (then: no image, "0", 1). A line that cannot be read costs that joint and gives a problem.

    Returns:
        The people in the order of their first lines.
    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: no text, or a required column is missing.
    """
    path = existing_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise KeypointFileError(f"{path}: this is not a text file in UTF-8; save the table as CSV in UTF-8") from error
    lines = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    found = [name.strip().lower() for name in lines.fieldnames or []]
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise KeypointFileError(
            f"{path}: the first line lacks {', '.join(missing)}; expected {','.join(COLUMNS)} separated by commas"
        )
    lines.fieldnames = found
    seen: dict[tuple[str, str], dict[int, tuple[float, float, float]]] = {}
    unused = [name for name in found if name not in COLUMNS]
    problems = [f"{path}: columns that are not used: {', '.join(map(short_name, unused))}"] if unused else []
    try:
        for line in lines:
            person = (from_cell(line.get("image") or ""), from_cell(line.get("person") or "") or "0")
            joints = seen.setdefault(person, {})
            try:
                index, values = _joint(line)
                if index in joints:
                    raise ValueError(f"{CANONICAL_JOINTS[index]} was given before for this person")
                joints[index] = values
            except ValueError as error:
                name = f"{Path(person[0]).name or '?'}#{person[1]}"
                problems.append(f"{path}: line {lines.line_num}: {name}: {error}; this joint is left out")
    except csv.Error as error:
        raise KeypointFileError(f"{path}: line {lines.line_num}: this is not CSV ({error})") from error
    return PeopleFile(tuple(_person(*person, joints) for person, joints in seen.items()), tuple(problems))


def write_csv(path: str | Path, people: Sequence[Person]) -> None:
    """Write people in anchorfit's own CSV, a line for each joint of positive confidence; boxes and masks are left out.

    Raises:
        OSError: the folder is missing, read-only or full.
    """
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for person in people:
        image = to_cell(str(person.image or ""))
        for index in np.flatnonzero(person.confidence > 0):
            (x, y), sure = person.keypoints[index].tolist(), float(person.confidence[index])
            table.writerow([image, to_cell(person.person_id), CANONICAL_JOINTS[index], x, y, sure])
    write_atomically(path, buffer.getvalue().encode("utf-8"))


def _joint(line: dict[str, str | None]) -> tuple[int, tuple[float, float, float]]:
    name = (line.get("joint") or "").strip()
    if name not in _INDEX:
        raise ValueError(f"joint: {name!r} is no canonical joint (docs/conventions.md lists them)")
    confidence = line.get("confidence")
    sure = 1.0 if confidence is None or not confidence.strip() else _number(line, "confidence")
    return _INDEX[name], (_number(line, "x"), _number(line, "y"), sure)


def _number(line: dict[str, str | None], column: str) -> float:
    text = (line.get(column) or "").strip()
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{column}: expected a number, got {text!r}") from None


def _person(image: str, person: str, joints: dict[int, tuple[float, float, float]]) -> Person:
    rows = np.zeros((len(CANONICAL_JOINTS), 3))
    for index, values in joints.items():
        rows[index] = values
    return Person(
        person_id=person,
        keypoints=rows[:, :2].copy(),
        confidence=rows[:, 2].copy(),
        image=Path(image) if image else None,
    )


def _looks_like_csv(file: Content) -> bool:
    first_line = file.text.partition("\n")[0].lower()
    return not file.is_json and (file.path.suffix.lower() == ".csv" or ("joint" in first_line and "," in first_line))


FORMAT = Format(
    name="csv",
    recognises=_looks_like_csv,
    read=lambda file, convention: read_csv(file.path),
    general=True,
    fixed="by name",
)
