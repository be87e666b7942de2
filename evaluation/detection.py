"""Agreement of detected with annotated people: detection, keypoints, masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..body.joint_sets import CANONICAL_JOINTS
from ..detectors.suppression import similarity
from ..observations import Person
from .metrics.keypoints import hits
from .metrics.segmentation import intersection_over_union

LEAST_SIMILAR = 0.3
"""A detection that is less like an annotated person than this is not that person."""

_TORSO = tuple(CANONICAL_JOINTS.index(name) for name in ("left_shoulder", "right_hip", "right_shoulder", "left_hip"))


class Found(NamedTuple):
    """One annotated person.

    Attributes:
        detection: index of the detected person that it is, or None where it was missed.
        correct, joints: annotated joints that are right (see `pck`), and all of them.
        mask_iou: of the two masks; None where either is missing.
    """

    detection: int | None
    correct: int
    joints: int
    mask_iou: float | None


def compare_detections(
    detected: Sequence[Person], annotated: Sequence[Person], *, threshold: float = 0.2
) -> list[Found]:
    """Compare the detections of one image with its annotated people; a detection counts once at most.

    A missed person counts with all of its joints wrong.
    """
    partner = match_detections(detected, annotated)
    results = []
    for person, index in zip(annotated, partner, strict=True):
        right = np.zeros(0, bool) if index is None else correct_joints(detected[index], person, threshold)
        masks = None if index is None else (detected[index].mask, person.mask)
        iou = None
        if masks is not None and masks[0] is not None and masks[1] is not None:
            iou = float(intersection_over_union(np.asarray(masks[0]), np.asarray(masks[1])))
        results.append(Found(index, int(right.sum()), int((person.confidence > 0).sum()), iou))
    return results


def match_detections(detected: Sequence[Person], annotated: Sequence[Person]) -> list[int | None]:
    """For each annotated person the most similar detection, most similar pairs first, or None."""
    pairs = sorted(
        ((similarity(p, q), i, j) for i, p in enumerate(annotated) for j, q in enumerate(detected)), reverse=True
    )
    partner: list[int | None] = [None] * len(annotated)
    for value, i, j in pairs:
        if value >= LEAST_SIMILAR and partner[i] is None and j not in partner:
            partner[i] = j
    return partner


def correct_joints(detected: Person, annotated: Person, threshold: float = 0.2) -> np.ndarray:
    """(J,) for each joint that was annotated: whether it was detected within ``threshold`` torsos of its place.

    The torso is the longer of the diagonals left shoulder - right hip and right shoulder - left hip, or half of the
    height of the person's box where neither is annotated. Source: the usual PCK on LSP (Yang & Ramanan 2013).
    """
    seen = annotated.confidence > 0
    points, sure = annotated.keypoints, seen[list(_TORSO)]
    ends = points[list(_TORSO)].reshape(2, 2, 2)
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)[sure.reshape(2, 2).all(1)]
    height = annotated.box[3] if annotated.box else np.ptp(points[seen], axis=0).max()
    size = lengths.max() if lengths.size else height / 2
    near = hits(torch.from_numpy(detected.keypoints), torch.from_numpy(points), float(size), threshold)[:, 0].numpy()
    right: np.ndarray = (near & (detected.confidence > 0))[seen]
    return right
