"""The page itself: everything inside one HTML file that needs no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import torch

from .._version import __version__
from ..assets import ASSETS
from ..atomic import write_atomically
from ..body import SMPL_JOINTS, BodyModel
from ..results import BodyEstimate
from .figures import draw_pictures
from .packing import pack_bytes
from .records import Shown, person_records

MOST_PEOPLE = 200
"""People in one report: 60 to 80 kB each, twice that with a comparison."""

ERROR_TOP_PERCENT = 6.0  # of the person's size: the red end of the colours
DISTANCE_TOP_MM = 150.0


def write_report(
    path: str | Path,
    estimate: BodyEstimate,
    body: BodyModel,
    *,
    against: Sequence[BodyEstimate] = (),
    title: str = "anchorfit report",
    most: int = MOST_PEOPLE,
    unseen: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Write one self-contained HTML page about an estimate.

    Args:
        path: where to.
        estimate: rows to show, the first ``most`` of them; rows that are not finite are left out.
        body: the body that they were made with.
        against: other estimates of the same people (the prediction that a fit started from, say); a row is compared
            with the first row of its name there.
        title: of the page.
        most: people to show.
        unseen: people of the run beyond the estimate, for the page to say that they are not in it.
        progress: called with the number of people drawn since the last call.
    Returns:
        One line for each photograph that could not be shown.
    Raises:
        ValueError: there is no person to show.
        OSError: the file cannot be written.
    """
    finite = torch.isfinite(estimate.params).all(-1).tolist()
    rows = [row for row in range(len(estimate)) if finite[row]][:most]
    if not rows:
        raise ValueError(f"{path}: there is nobody to show in the report")
    with torch.no_grad():
        shown = Shown.of(estimate.rows(rows), body)
        others = _by_name(against, set(shown.estimate.names), body)
        people = person_records(shown, body, others)
        photos, numbers, pictures, problems = draw_pictures(shown.estimate, body, progress)
    for person, number, picture in zip(people, numbers, pictures, strict=True):
        person |= {"photo": number, "picture": picture}
    data = {
        "body": estimate.body,
        "gender": estimate.gender,
        "left_out": len(estimate) - len(rows) + unseen,
        "joints": SMPL_JOINTS,
        "parents": body.parents,
        "error_top": ERROR_TOP_PERCENT,
        "distance_top": DISTANCE_TOP_MM,
        "photos": photos,
        "people": people,
        **_packed_faces(body),
    }
    write_atomically(Path(path), _fill_page(title, data).encode())
    return problems


def _by_name(estimates: Sequence[BodyEstimate], names: set[str], body: BodyModel) -> dict[str, tuple[Shown, int]]:
    """For each name the first finite row of it."""
    found: dict[str, tuple[Shown, int]] = {}
    for estimate in estimates:
        finite = torch.isfinite(estimate.params).all(-1).tolist()
        rows = [row for row, name in enumerate(estimate.names) if name in names - found.keys() and finite[row]]
        if rows:
            shown = Shown.of(estimate.rows(rows), body)
            for row, name in enumerate(shown.estimate.names):
                found.setdefault(name, (shown, row))
    return found


def _packed_faces(body: BodyModel) -> dict[str, Any]:
    wide = body.num_vertices >= 2**16
    faces = body.faces.cpu().numpy().astype("<u4" if wide else "<u2")
    return {"faces": pack_bytes(np.ascontiguousarray(faces).tobytes()), "wide_faces": wide}


def _fill_page(title: str, data: dict[str, Any]) -> str:
    viewer = ASSETS / "viewer"
    # "<" is escaped, so that no name can end the element; JSON reads it back as it was.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Template((viewer / "report.html").read_text("utf-8")).substitute(
        title=escape(title),
        version=__version__,
        style=(viewer / "report.css").read_text("utf-8"),
        script=(viewer / "report.js").read_text("utf-8"),
        licence=(viewer / "three.LICENSE.txt").read_text("utf-8"),
        three=pack_bytes((viewer / "three.module.min.js").read_bytes()),
        data=text,
    )
