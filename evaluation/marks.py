"""Annotated keypoints in the image that projected bodies are judged by: PCK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.kinematics import compiled_points
from ..camera import project
from ..observations import Person
from .metrics.keypoints import hits

THRESHOLDS = (0.05, 0.1)
"""Of the longer side of a person's box."""


class Marks(NamedTuple):
    """B people: annotated canonical joints (B, K, 2) in pixels, which of them are judged (B, K) bool, and the length
    (B,) in pixels that thresholds are shares of."""

    positions: Tensor
    judged: Tensor
    lengths: Tensor


def marks_of(people: Sequence[Person], joints: Sequence[str]) -> Marks:
    """Marks of people whose annotated keypoints are known; lengths are the longer side of the annotated box, or of the
    box of the annotated joints where there is none.

    Args:
        people: as readers give annotated ones.
        joints: canonical joints that are judged, where they are annotated.
    """
    wanted = np.array([name in joints for name in CANONICAL_JOINTS])
    judged = np.stack([(person.confidence > 0) & wanted for person in people])
    return Marks(
        positions=torch.from_numpy(np.stack([person.keypoints for person in people])).double(),
        judged=torch.from_numpy(judged),
        lengths=torch.tensor([_longer_side(person) for person in people], dtype=torch.float64),
    )


def mark_counts(marks: Marks, body: BodyModel, params: Tensor, intrinsics: Tensor) -> list[tuple[int, ...]]:
    """A record's counts of each person: joints that are judged, and how many lie within each of `THRESHOLDS`.

    Args:
        marks: of B people.
        body: of the parameters.
        params: (B, D), camera frame; a body that is not finite hits nothing.
        intrinsics: (B, 3, 3) pixels.
    """
    points_cam = compiled_points(body).points(body.own_params(params.to(body.v_template))).double().cpu()
    pixels = project(points_cam, intrinsics.double().cpu())
    near = hits(pixels, marks.positions, marks.lengths, torch.tensor(THRESHOLDS))
    near &= (marks.judged & (points_cam[..., 2] > 0))[..., None]
    return [(int(seen), *hit) for seen, hit in zip(marks.judged.sum(1).tolist(), near.sum(1).tolist(), strict=True)]


def _longer_side(person: Person) -> float:
    if person.box is not None and max(person.box[2:]) > 0:
        return float(max(person.box[2:]))
    points = person.keypoints[person.confidence > 0]
    return float(np.ptp(points, axis=0).max()) if len(points) else 0.0
