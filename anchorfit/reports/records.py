"""A report's record of each person, as plain numbers and texts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, BodyOutput, Measurements, measure
from ..camera import project
from ..observations.person_size import person_size
from ..results import BodyEstimate
from .doubts import doubts
from .packing import pack_vertices

CENTIMETRES = 100.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An estimate with what is drawn of it: bodies, canonical joints in space (B, K, 3) and in the image (B, K, 2)."""

    estimate: BodyEstimate
    bodies: BodyOutput
    joints_cam: Tensor
    pixels: Tensor

    @staticmethod
    def of(estimate: BodyEstimate, body: BodyModel) -> Shown:
        bodies = estimate.bodies(body)
        joints_cam = body.to("cpu", bodies.vertices.dtype).canonical_joints(bodies)
        return Shown(
            estimate=estimate,
            bodies=bodies,
            joints_cam=joints_cam,
            pixels=project(joints_cam, estimate.intrinsics.to(joints_cam)),
        )


def person_records(shown: Shown, body: BodyModel, others: dict[str, tuple[Shown, int]]) -> list[dict[str, Any]]:
    """A record for each row; ``others`` has by name a row of another estimate to compare with."""
    measurements = measure(body, body.layout.fit_betas(shown.estimate.betas.double()))
    seen = shown.estimate
    sizes = person_size(body, seen.keypoints.to(body.v_template), seen.confidence.to(body.v_template)).tolist()
    return [
        _record(shown, row, size, measurements, others.get(name))
        for row, (name, size) in enumerate(zip(seen.names, sizes, strict=True))
    ]


def _record(
    shown: Shown, row: int, size: float, measurements: Measurements, other: tuple[Shown, int] | None
) -> dict[str, Any]:
    estimate, found = shown.estimate, shown.estimate.diagnostics
    matrix = estimate.intrinsics[row]
    error = float(found.mean_error_px[row])
    return {
        "name": estimate.names[row],
        "method": estimate.method,
        "score": _number(float(found.score[row])),
        "trusted": bool(found.trusted[row]),
        "reason": found.reasons[row],
        "converged": bool(found.converged[row]),
        "steps": int(found.steps[row]),
        "error_px": _number(error),
        "error_percent": _number(100 * error / max(size, 1.0)),
        "size_px": max(size, 1.0),
        "depth_m": _number(float(shown.bodies.joints[row, 0, 2])),
        "focal": float(matrix[0, 0]),
        "centre": matrix[:2, 2].tolist(),
        "size": estimate.image_size[row].tolist(),
        "joints": _joints(shown, row),
        "energy": [[name, _number(float(value[row]))] for name, value in found.energy.items()],
        "measurements": _measured(measurements, row),
        "mesh": pack_vertices(shown.bodies.vertices[row].double().numpy()),
        "skeleton": _rounded(shown.bodies.joints[row]),
        "doubts": doubts(found, row, shown.bodies.joints[row]),
        "against": None if other is None else _compared(shown, row, *other),
    }


def _joints(shown: Shown, row: int) -> list[dict[str, Any]]:
    estimate = shown.estimate
    records = []
    for joint in torch.nonzero(estimate.confidence[row] > 0)[:, 0].tolist():
        error = float(estimate.diagnostics.reprojection_px[row, joint])
        if np.isfinite(error):
            records.append(
                {
                    "name": CANONICAL_JOINTS[joint],
                    "at": _rounded(estimate.keypoints[row, joint], 2),
                    "reprojected": _rounded(shown.pixels[row, joint], 2),
                    "error_px": round(error, 3),
                    "place": _rounded(shown.joints_cam[row, joint]),
                }
            )
    return records


def _compared(shown: Shown, row: int, other: Shown, other_row: int) -> dict[str, Any]:
    own = shown.bodies.vertices[row] - shown.bodies.joints[row, :1]
    theirs = other.bodies.vertices[other_row] - other.bodies.joints[other_row, :1]
    # Measured here, since what was seen, not what the other saw of it, is the yardstick.
    errors = (other.pixels[other_row] - shown.estimate.keypoints[row]).norm(dim=-1)
    names = [joint["name"] for joint in _joints(shown, row)]
    each = [_number(float(errors[CANONICAL_JOINTS.index(name)])) for name in names]
    known = [value for value in each if value is not None]
    return {
        "method": other.estimate.method,
        "error_px": _number(float(np.mean(known)) if known else None),
        "joint_errors": each,
        "distance_mm": _number(1000 * float((own - theirs).norm(dim=-1).mean())),
        "mesh": pack_vertices(other.bodies.vertices[other_row].double().numpy()),
        "skeleton": _rounded(other.bodies.joints[other_row]),
    }


def _measured(measurements: Measurements, row: int) -> list[list[str]]:
    """Names and values as they are to be read."""
    lines = []
    for name, values in asdict(measurements).items():
        value = float(values[row])
        litres = name == "volume_l"
        text = f"{value:.1f} l" if litres else f"{value * CENTIMETRES:.1f} cm"
        lines.append([name.removesuffix("_l").replace("_", " "), text])
    return lines


def _number(value: float | None) -> float | None:
    return round(value, 4) if value is not None and np.isfinite(value) else None


def _rounded(values: Tensor, digits: int = 4) -> list[Any]:
    return np.round(values.double().numpy(), digits).tolist()
