"""Fitting the pose prior: the floor of the variances, the choice of settings across subjects, the file."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy

from anchorfit.body.parameters import NUM_JOINTS

from .library import NOTICE, TERMS
from .mixture import Mixture, MixtureSettings, fit_mixture

COLLARS, HANDS = (13, 14), (22, 23)
COLLAR_FLOOR = 0.1  # rad: the data's collars are a share of the arm's swing, people's shrug as well
HAND_FLOOR = 0.15  # rad: nothing was recorded


def floors(joint_floor: float) -> np.ndarray:
    """(69,) standard deviations to add: ``joint_floor`` radians, more where CMU recorded nothing."""
    per_joint = np.full(NUM_JOINTS - 1, joint_floor)
    for joints, value in ((COLLARS, COLLAR_FLOOR), (HANDS, HAND_FLOOR)):
        per_joint[[joint - 1 for joint in joints]] = np.maximum(value, joint_floor)
    return np.repeat(per_joint, 3)


def recorded_coordinates(poses: np.ndarray, least: float = 0.05) -> np.ndarray:
    """Indices of the coordinates that the recordings really move: no collars or hands, deviation over ``least`` rad.

    A CMU knee has one angle, so two of its three coordinates are constants; their likelihood has no meaning.
    """
    moving = poses.std(axis=0) > least
    for joint in (*COLLARS, *HANDS):
        moving[3 * (joint - 1) : 3 * joint] = False
    return np.flatnonzero(moving)


def cross_validate(
    poses: np.ndarray,
    counts: np.ndarray,
    subjects: np.ndarray,
    tried: Iterable[MixtureSettings],
    folds: int = 4,
    size: int = 2500,
) -> list[float]:
    """Mean log-likelihood of people left out, over the recorded coordinates, for each choice of settings.

    Args:
        poses, counts, subjects: (N, 69), (N,), (N,).
        tried: settings to try.
        folds: subjects are dealt to this many groups, the largest first.
        size: at most this many poses are drawn for each fit.
    """
    names, inverse = np.unique(subjects, return_inverse=True)
    totals = np.bincount(inverse, weights=counts)
    fold_of_subject = np.empty(len(names), dtype=np.int64)
    loads = np.zeros(folds)
    for subject in np.argsort(-totals, kind="stable"):
        fold_of_subject[subject] = loads.argmin()
        loads[fold_of_subject[subject]] += totals[subject]
    fold = fold_of_subject[inverse]
    recorded = recorded_coordinates(poses)
    scores = []
    for settings in tried:
        rng = np.random.default_rng(settings.seed)
        score = 0.0
        for index in range(folds):
            inside, outside = np.flatnonzero(fold != index), np.flatnonzero(fold == index)
            drawn = rng.permutation(inside)[:size]
            scale = counts[inside].sum() / counts[drawn].sum()
            mixture = fit_mixture(poses[drawn], counts[drawn] * scale, settings)
            seen = mixture.marginal(recorded).log_likelihood(poses[outside][:, recorded])
            score += float(np.average(seen, weights=counts[outside])) * counts[outside].sum() / counts.sum()
        scores.append(score)
    return scores


def choices(seed: int) -> list[MixtureSettings]:
    """The settings that are tried: one of the three numbers changed at a time."""
    tried = [(2, pooling, 3.0) for pooling in (30.0, 100.0, 300.0, 1000.0, 3000.0)]
    tried += [(symmetric, 300.0, 3.0) for symmetric in (0, 4, 8)]
    tried += [(2, 300.0, floor_deg) for floor_deg in (1.0, 2.0, 5.0, 8.0)]
    base = MixtureSettings(floor=floors(0.05), seed=seed, max_steps=40, rtol=1e-4)
    return [
        replace(base, symmetric=symmetric, pooling=pooling, floor=floors(np.deg2rad(floor_deg)))
        for symmetric, pooling, floor_deg in tried
    ]


def save_prior(path: Path, mixture: Mixture, settings: MixtureSettings, facts: dict[str, object]) -> None:
    """Write the mixture as npz without pickles; the same mixture gives the same bytes."""
    precisions = np.linalg.inv(mixture.covariances)
    meta = {
        "name": "CMU pose prior of anchorfit",
        "notice": NOTICE,
        "terms": TERMS,
        "builder": "scripts/fit_pose_prior.py",
        "coordinates": "SMPL pose[3:72]: axis-angle of joints 1-23, radians",
        "settings": {
            "components": settings.components,
            "symmetric": settings.symmetric,
            "pooling": settings.pooling,
            "floor_deg": float(np.rad2deg(settings.floor.min())),
            "collar_floor_rad": COLLAR_FLOOR,
            "hand_floor_rad": HAND_FLOOR,
            "seed": settings.seed,
        },
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        **facts,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        means=mixture.means,
        precisions_cholesky=np.linalg.cholesky((precisions + np.swapaxes(precisions, 1, 2)) / 2),
        weights=mixture.weights,
        meta=np.array(json.dumps(meta, sort_keys=True)),
    )
