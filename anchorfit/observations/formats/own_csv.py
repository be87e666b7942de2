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
from ..gathering import Gathering, seen_somewhere
from ..joint_names import joints_of_names
from ..people import PeopleFile, Person
from ..reading import KeypointFileError, existing_file
from .format import Content, Format

COLUMNS = ("image", "person", "joint", "x", "y", "confidence")
REQUIRED = ("joint", "x", "y")
_INDEX = {name: index for index, name in enumerate(CANONICAL_JOINTS)}


def read_csv(path: str | Path) -> PeopleFile:
    """Read anchorfit's own CSV.

    Joints go by name; those without a line are not seen. Columns may come in any order; image, person and
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
    table: list[tuple[int, dict[str, str | None]]] = []
    try:
        table.extend((lines.line_num, line) for line in lines)
    except csv.Error as error:
        raise KeypointFileError(f"{path}: line {lines.line_num}: this is not CSV ({error})") from error
    gathering = Gathering(path)  # of what is said alone
    for name in found:
        if name not in COLUMNS:
            gathering.note("columns that are not used", short_name(name))
    people = tuple(_person(*person, joints) for person, joints in _people_of(table, gathering).items())
    return PeopleFile(people, gathering.problems())


_Joints = dict[int, tuple[float, float, float]]


def _people_of(table: list[tuple[int, dict[str, str | None]]], gathering: Gathering) -> dict[tuple[str, str], _Joints]:
    """Joints of each image's persons, in the order of their first lines."""
    names = list(dict.fromkeys((line.get("joint") or "").strip() for _, line in table))
    meant = dict(zip(names, joints_of_names(names).joints, strict=True))
    seen: dict[tuple[str, str], _Joints] = {}
    for number, line in table:
        person = (from_cell(line.get("image") or ""), from_cell(line.get("person") or "") or "0")
        joints = seen.setdefault(person, {})
        name = (line.get("joint") or "").strip()
        joint = meant[name]
        who = f"line {number}: {short_name(Path(person[0]).name) or '?'}#{short_name(person[1])}"
        if joint is None:
            named = f"{short_name(name)!r} is no joint of the body, or one of another name there"
            gathering.leave_out(
                who, f"joint: {named if name else 'expected a name'}", kind=f"name {not name}", what="joint"
            )
        elif _INDEX[joint] in joints:
            gathering.leave_out(who, f"{joint} was given before for this person", kind="twice", what="joint")
        else:
            try:
                joints[_INDEX[joint]] = _values(line)
            except ValueError as error:
                gathering.leave_out(who, error, kind="numbers", what="joint")
    return seen


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


def _values(line: dict[str, str | None]) -> tuple[float, float, float]:
    confidence = line.get("confidence")
    sure = 1.0 if confidence is None or not confidence.strip() else _number(line, "confidence")
    return _number(line, "x"), _number(line, "y"), sure


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
        confidence=seen_somewhere(rows[:, :2], rows[:, 2]),
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
