"""Held-out people as tables have them: their poses and keypoints, fixed here, whatever training draws from.

``clean``: exact keypoints. ``noisy``: `SyntheticConfig`'s. ``detected``: joints where detectors and annotators put
them, noise along limbs, other people's limbs, guesses, and joints in the image's corner.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..body import BodyModel
from ..body.pose_library import PoseLibrary
from ..regressors.synthesis import DetectorNoise
from .synthetic import SyntheticConfig, SyntheticSet, as_detected, make_people

SEED, DETECTED_SEED = 20, 21
"""Of poses, cameras and keypoints; of a detector's."""

CLEAN = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
DETECTED = DetectorNoise(
    clean=0.0,
    noise=0.035,
    outliers=0.03,
    outlier_noise=0.12,
    swaps=0.04,
    missing=0.1,
    truncated=0.1,
    hidden_limbs=0.1,
    hips_up=0.0,
    hips_out=0.0,
    habits=1.5,
    along_limbs=0.5,
    foreign=0.05,
    cornered=0.05,
    guessed=0.3,
    footless=0.06,
    headless=0.04,
    conventions=(("coco17", 1.0),),
)

Keypoints = Literal["clean", "noisy", "detected"]
KEYPOINTS: tuple[Keypoints, ...] = ("clean", "noisy", "detected")

_POSES, _SUBJECT_CAP = 4000, 300


def balanced_poses(library: PoseLibrary, seed: int = SEED) -> np.ndarray:
    """(4000, 72) poses of a library, drawn with repetitions, no subject counting for more than 300."""
    weights = library.subject_balanced_weights(_SUBJECT_CAP).numpy()
    return library.poses[np.random.default_rng(seed).choice(len(library), _POSES, p=weights)].numpy()


def people_with_keypoints(
    body: BodyModel, poses: np.ndarray, count: int, keypoints: Keypoints, *, seed: int = SEED
) -> SyntheticSet:
    """People in poses drawn from (N, 72), seen by one kind of keypoints; the same people whichever it is.

    Args:
        body: the body they have.
        poses: to draw from, the global orientation in a world with y up.
        count: B.
        keypoints: of `KEYPOINTS`.
        seed: of poses, bodies and cameras; detections have one of their own.
    """
    config = SyntheticConfig() if keypoints == "noisy" else CLEAN
    people = make_people(body, poses, count, seed=seed, config=config)
    return as_detected(body, people, DETECTED, seed=DETECTED_SEED) if keypoints == "detected" else people
