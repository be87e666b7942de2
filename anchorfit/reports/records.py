"""A report's record of each card and frame, as plain numbers and texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, BodyOutput, Measurements, measure
from ..camera import project
from ..observations.person_size import person_size
from ..results import BodyEstimate, size_remark
from .cards import Card
from .doubts import doubts
from .packing import MeshOrder

CENTIMETRES = 100.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An estimate with what is drawn of it: bodies, canonical joints in space (B, K, 3) and in the image (B, K, 2), and
    the people's sizes (B,) in pixels."""

    estimate: BodyEstimate
    bodies: BodyOutput
    joints_cam: Tensor
    pixels: Tensor
    sizes: Tensor

    @staticmethod
    def of(estimate: BodyEstimate, body: BodyModel) -> Shown:
        bodies = estimate.bodies(body)
        joints_cam = body.to("cpu", bodies.vertices.dtype).canonical_joints(bodies)
        return Shown(
            estimate=estimate,
            bodies=bodies,
            joints_cam=joints_cam,
            pixels=project(joints_cam, estimate.intrinsics.to(joints_cam)),
            sizes=person_size(body, estimate.keypoints.to(body.v_template), estimate.confidence.to(body.v_template)),
        )


Others = Mapping[str, tuple[Shown, int]]
"""Rows of other estimates to compare with, by name."""


def card_records(
    cards: Sequence[Card], shown: Shown, body: BodyModel, others: Others, order: MeshOrder
) -> list[dict[str, Any]]:
    """A record for each card, its frames' among it; rows of the cards are those of ``shown``."""
    betas = body.layout.fit_betas(shown.estimate.betas.double())
    measurements = measure(body, betas[[card.rows[0] for card in cards]])
    assumed = size_remark(shown.estimate, body)
    return [
        _card(card, shown, others, order) | {"measurements": _measured(measurements, place, assumed)}
        for place, card in enumerate(cards)
    ]


def _card(card: Card, shown: Shown, others: Others, order: MeshOrder) -> dict[str, Any]:
    estimate, first = shown.estimate, card.rows[0]
    matrix = estimate.intrinsics[first]
    frames = [
        {"frame": frame, "time": _number(float(estimate.time_s[row]))}
        | {key: value for part in FRAME_PARTS for key, value in part(shown, row).items()}
        for frame, row in zip(card.frames, card.rows, strict=True)
    ]
    compared = [(place, others[estimate.names[row]]) for place, row in enumerate(card.rows) if _has(others, shown, row)]
    for mesh, (place, other) in enumerate(compared):
        frames[place]["against"] = _compared(shown, card.rows[place], *other) | {"mesh": mesh}
    return {
        "name": card.name,
        "image": card.image,
        "method": estimate.method,
        "score": _number(float(estimate.diagnostics.score[card.rows].nanmean())),
        "focal": [float(matrix[0, 0]), float(matrix[1, 1])],
        "centre": matrix[:2, 2].tolist(),
        "size": estimate.image_size[first].tolist(),
        "dropped": card.dropped,
        "frames": frames,
        "meshes": order.pack(shown.bodies.vertices[card.rows].double().numpy()),
        "against": None
        if not compared
        else {
            "method": compared[0][1][0].estimate.method,
            "meshes": order.pack(torch.stack([o.bodies.vertices[r] for _, (o, r) in compared]).double().numpy()),
        },
    }


def _has(others: Others, shown: Shown, row: int) -> bool:
    return shown.estimate.names[row] in others


def _fit(shown: Shown, row: int) -> dict[str, Any]:
    """How the fit of a row went."""
    found = shown.estimate.diagnostics
    error, size = float(found.mean_error_px[row]), max(float(shown.sizes[row]), 1.0)
    return {
        "score": _number(float(found.score[row])),
        "trusted": bool(found.trusted[row]),
        "reason": found.reasons[row],
        "unseen": found.rows([row]).unseen[0],
        "converged": bool(found.converged[row]),
        "steps": int(found.steps[row]),
        "error_px": _number(error),
        "error_percent": _number(100 * error / size),
        "size_px": size,
        "energy": [[name, _number(float(value[row]))] for name, value in found.energy.items()],
        "doubts": doubts(found, row, shown.bodies.joints[row], shown.estimate.pitch_deg[row], shown.estimate.method),
    }


def _place(shown: Shown, row: int) -> dict[str, Any]:
    """Where a row's body and joints are."""
    return {
        "depth_m": _number(float(shown.bodies.joints[row, 0, 2])),
        "skeleton": _rounded(shown.bodies.joints[row]),
        "joints": _joints(shown, row),
        "against": None,
    }


FRAME_PARTS: tuple[Callable[[Shown, int], dict[str, Any]], ...] = (_fit, _place)
"""What makes a frame's record: each adds keys of its own. The page's ``SECTIONS`` (viewer/sections.js) draw them."""


def _joints(shown: Shown, row: int) -> list[dict[str, Any]]:
    estimate = shown.estimate
    records = []
    for joint in torch.nonzero(estimate.confidence[row] > 0)[:, 0].tolist():
        error = float(estimate.diagnostics.reprojection_px[row, joint])
        if np.isfinite(error):
            records.append(
                {
                    "name": CANONICAL_JOINTS[joint],
                    "at": _rounded(estimate.keypoints[row, joint], 1),
                    "reprojected": _rounded(shown.pixels[row, joint], 1),
                    "error_px": round(error, 3),
                    "place": _rounded(shown.joints_cam[row, joint], 3),
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
        "error_px": _number(float(np.mean(known)) if known else None),
        "joint_errors": each,
        "distance_mm": _number(1000 * float((own - theirs).norm(dim=-1).mean())),
        "pelvis": _rounded(other.bodies.joints[other_row, 0]),
    }


def _measured(measurements: Measurements, row: int, assumed: str) -> dict[str, Any]:
    """Names and values as they are to be read, and what their size follows from where none was told."""
    lines = []
    for name, values in asdict(measurements).items():
        value = float(values[row])
        litres = name == "volume_l"
        text = f"{value:.1f} l" if litres else f"{value * CENTIMETRES:.1f} cm"
        lines.append([name.removesuffix("_l").replace("_", " "), text])
    return {"lines": lines, "assumed": assumed}


def _number(value: float | None) -> float | None:
    return round(value, 4) if value is not None and np.isfinite(value) else None


def _rounded(values: Tensor, digits: int = 3) -> list[Any]:
    return np.round(values.double().numpy(), digits).tolist()
