"""Known heights and measurements, as the command line and files state them."""

from __future__ import annotations

import csv
from pathlib import Path

from ..fitting.terms import KnownSize, known_size
from ..fitting.terms.known_size import checked_measurement, size_name

_EVERYBODY = ("", "*")


def read_known_sizes(height: float | None, measurements: str | None) -> KnownSize | None:
    """What is known of people's sizes.

    Args:
        height: metres, of everyone.
        measurements: ``waist=0.81,inseam=0.79`` (metres), of everyone; or a CSV file with a column ``name`` (of a
            row, ``IMAGE#PERSON``, or of a file of points; ``*``: everyone else) and a column for each measurement.
    Raises:
        ValueError: an unknown measurement, or one that is no person's; the message names it.
        OSError: the file cannot be read.
    """
    given: dict[str, dict[str, float]] = {}
    if measurements is not None:
        is_file = measurements.lower().endswith(".csv")
        given = _from_csv(Path(measurements)) if is_file else {"": known_size(measurements)}
    if height is not None:
        given[""] = {**given.get("", {}), "height": checked_measurement("height", str(height))}
    return KnownSize(given=given) if any(given.values()) else None


def _from_csv(path: Path) -> dict[str, dict[str, float]]:
    given: dict[str, dict[str, float]] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file)
        if "name" not in (lines.fieldnames or ()):
            raise ValueError(f"{path}: expected a column name, got {', '.join(lines.fieldnames or ()) or 'none'}")
        for line in lines:
            name = (line.pop("name") or "").strip()
            try:
                found = {
                    size_name(key): checked_measurement(size_name(key), text) for key, text in line.items() if text
                }
            except (ValueError, AttributeError) as error:
                raise ValueError(f"{path}: line {lines.line_num}: {error}") from error
            given["" if name in _EVERYBODY else name] = found
    return given
