"""Estimates as a table for spreadsheets: a line a person."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic import write_atomically
from ..body import CANONICAL_JOINTS, BodyModel, measure
from ..plain_text import to_cell
from ..results import BodyEstimate
from .keypoint_files import fitted_joints, fitted_keypoints


def spreadsheet_rows(estimate: BodyEstimate, body: BodyModel) -> list[dict[str, Any]]:
    """For each row its columns: names and trust, the place, measurements, each canonical joint in metres and pixels.

    Args:
        estimate: B rows.
        body: the body that they were made with.
    Returns:
        Texts, flags, and numbers; None where there is none. ``JOINT_x_m``, ``_y_m``, ``_z_m`` are in the camera's frame
        (x right, y down, z forward), ``JOINT_x_px``, ``_y_px`` in the image. Measurements assume an adult of about
        1.7 m unless the fit was told the person's size.
    """
    joints = fitted_joints(estimate, body)
    pixels, before = (torch.from_numpy(values) for values in fitted_keypoints(estimate, body))
    pixels = torch.where(before[..., None] > 0, pixels, torch.nan)
    sizes = asdict(measure(body, body.layout.fit_betas(estimate.betas.double())))
    measured = {name if name.endswith("_l") else f"{name}_m": values for name, values in sizes.items()}
    found, unseen = estimate.diagnostics, estimate.diagnostics.unseen
    rows = []
    for row, name in enumerate(estimate.names):
        line: dict[str, Any] = {"name": name, "image": estimate.images[row]}
        line |= {"method": estimate.method, "body": estimate.body, "gender": estimate.gender}
        line |= {"trusted": bool(found.trusted[row]), "score": _number(found.score[row]), "reason": found.reasons[row]}
        line["unseen"] = unseen[row]
        line |= {"error_px": _number(found.mean_error_px[row]), "distance_m": _number(joints[row, 0, 2])}
        line |= {key: _number(values[row]) for key, values in measured.items()}
        line |= dict(_positions(joints[row], "xyz", "m")) | dict(_positions(pixels[row], "xy", "px"))
        rows.append(line)
    return rows


def write_spreadsheet(path: str | Path, estimate: BodyEstimate, body: BodyModel) -> None:
    """Write `spreadsheet_rows` as CSV (UTF-8 with a mark, so that Excel shows all letters).

    Names that a spreadsheet would take for a formula get an apostrophe in front.
    """
    rows = spreadsheet_rows(estimate, body)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["name"])
    writer.writeheader()
    writer.writerows(
        {key: to_cell(value) if isinstance(value, str) else value for key, value in row.items()} for row in rows
    )
    write_atomically(Path(path), text.getvalue().encode("utf-8-sig", "backslashreplace"))


def _positions(values: Tensor, axes: str, unit: str) -> Iterator[tuple[str, float | None]]:
    for joint, position in zip(CANONICAL_JOINTS, values, strict=True):
        for axis, value in zip(axes, position, strict=True):
            yield f"{joint}_{axis}_{unit}", _number(value)


def _number(value: Tensor) -> float | None:
    return round(float(value), 5) if torch.isfinite(value) else None
