"""MediaPipe's 33 pose landmarks (BlazePose), as a person of ours.

Order: https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker. Left and right are the person's own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from ..observations.conventions import BLAZEPOSE33, joints_to_canonical
from ..observations.masks import StoredMask, mask_to_run_lengths
from ..observations.people import Person
from .protocol import FEWEST_JOINTS

LEAST_VISIBLE = 0.3
"""Landmarks below this visibility count as not seen: they are where the network supposes a hidden limb to be."""


def person_from_landmarks(
    landmarks: np.ndarray, size: tuple[int, int], score: float, mask: np.ndarray | None = None
) -> Person | None:
    """A person, or None where too little of one is seen.

    Args:
        landmarks: (33, 3) x, y pixels of the image, visibility 0..1. Those outside the image count as not seen: the
            network completes a person whom the frame cuts off, by guesswork.
        size: (width, height) of the image, pixels.
        score: how sure the detection network was.
        mask: (height, width) bool.
    """
    positions, visible = landmarks[:, :2], np.clip(landmarks[:, 2], 0, 1)
    inside = np.isfinite(landmarks).all(1) & (positions >= 0).all(1) & (positions <= size).all(1)
    confidence = np.where(inside & (visible >= LEAST_VISIBLE), visible, 0.0)
    keypoints = joints_to_canonical(np.where(inside[:, None], positions, 0.0), confidence, BLAZEPOSE33)
    seen = keypoints.positions[keypoints.confidence > 0]
    if len(seen) < FEWEST_JOINTS:
        return None
    low, extent = seen.min(0), np.ptp(seen, axis=0)
    if not extent.all():
        return None
    keypoints.positions[keypoints.confidence == 0] = 0
    return Person(
        person_id="0",
        keypoints=keypoints.positions,
        confidence=keypoints.confidence,
        image_size=size,
        box=(float(low[0]), float(low[1]), float(extent[0]), float(extent[1])),
        mask=mask,
        score=float(score * visible.mean()),
    )


def finished(person: Person, number: int, size: tuple[int, int], *, masks: bool) -> Person:
    """A person found in a smaller copy of a picture, in the picture itself, of (width, height) pixels."""
    zoom = np.array(size) / (person.image_size or size)
    mask = None
    if masks and person.mask is not None:
        mask = np.asarray(person.mask)
        if (zoom != 1).any():
            levels = Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0)))
            mask = np.asarray(levels.resize(size, Image.Resampling.BILINEAR)) > 127
    x, y, width, height = person.box or (0.0, 0.0, 0.0, 0.0)
    return replace(
        person,
        person_id=str(number),
        keypoints=person.keypoints * zoom,
        image_size=size,
        box=(x * zoom[0], y * zoom[1], width * zoom[0], height * zoom[1]),
        mask=None
        if mask is None
        else StoredMask(segmentation=mask_to_run_lengths(mask), width=size[0], height=size[1]),
    )
