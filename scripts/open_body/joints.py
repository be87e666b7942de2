"""Where SMPL's 24 joints lie in Anny's T-posed skeleton, and the sparse regressor that finds them from the skin."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from .rig import Rig

Array = np.ndarray

PLACES: tuple[tuple[str, ...], ...] = (
    ("root", "spine04"),
    ("upperleg01.L",),
    ("upperleg01.R",),
    ("spine03",),
    ("lowerleg01.L",),
    ("lowerleg01.R",),
    ("spine02",),
    ("foot.L",),
    ("foot.R",),
    ("spine02", "spine01"),
    ("toe2-1.L", "toe3-1.L"),
    ("toe2-1.R", "toe3-1.R"),
    ("neck01",),
    ("clavicle.L", "shoulder01.L"),
    ("clavicle.R", "shoulder01.R"),
    ("neck03", "head"),
    ("upperarm01.L",),
    ("upperarm01.R",),
    ("lowerarm01.L",),
    ("lowerarm01.R",),
    ("wrist.L",),
    ("wrist.R",),
    ("finger2-1.L", "finger3-1.L", "finger4-1.L"),
    ("finger2-1.R", "finger3-1.R", "finger4-1.R"),
)
"""Each SMPL joint is the mean of these Anny bone heads."""

ANCHORED: dict[int, float] = {1: 0.05, 3: 0.03, 4: 0.03, 6: 0.03, 9: 0.03}
"""Joints that keep their place in a slab of skin across the limb, of this half thickness in metres (and their mirrors).

In other bodies than the mean one Anny's bones slide under the skin: her knee by 9 cm between her shortest and her
tallest adult, out of the knee as one sees it; her spine's with the torso's sliders; and the hips are not hers to begin
with (``rig.HIP_SEPARATION_M``)."""

BEHIND_M = 0.03  # spine joints hang on the skin of the back and flanks: a belly must not pull them forwards
SPINE = (3, 6, 9)
LEFT_OF = {2: 1, 5: 4, 8: 7, 11: 10, 14: 13, 17: 16, 19: 18, 21: 20, 23: 22}
REACH_M = 0.30  # skin within this distance of a joint may be used to find it
EVERYONE = 0.1  # added to the statistical weights of the bodies that rows are fitted on: rare bodies count too
STIFFNESS = 1e3  # how much harder a slab's conditions are than the evenness of its weights
SUM_WEIGHT = 50.0  # metres: how hard a row is pulled to sum 1 before it is normalised
SMALLEST = 1e-4  # entries below are dropped


def joints_of(rig: Rig, heads: Array) -> Array:
    """T-posed bone heads (S, B, 3) -> joints (S, 24, 3)."""
    return np.stack([np.mean([heads[:, rig.index(name)] for name in names], axis=0) for names in PLACES], axis=1)


def fit_regressor(
    shapes: Array,
    joints: Array,
    importance: Array,
    mean: tuple[Array, Array],
    skin_weights: Array,
    mirror: Array,
    size: float = 1.0,
) -> Array:
    """Sparse, non-negative, rows summing to 1, symmetric under the mirror: (24, V).

    Args:
        shapes: (S, V, 3) T-posed skins; joints: (S, 24, 3) on Anny's bones; importance: (S,).
        mean: the population's mean skin (V, 3) and joints (24, 3), for the anchored joints.
        skin_weights: (V, 24); mirror: (V,). size: of an adult's, scales this file's distances.
    """
    regressor = np.zeros((24, shapes.shape[1]))
    for joint in range(24):
        if joint in LEFT_OF:
            regressor[joint] = regressor[LEFT_OF[joint]][mirror]
        elif joint in ANCHORED:
            regressor[joint] = anchored_row(joint, *mean, skin_weights, size)
        else:
            regressor[joint] = _fitted_row(shapes, joints[:, joint], importance, size)
        if joint in (0, 3, 6, 9, 12, 15):
            regressor[joint] = (regressor[joint] + regressor[joint][mirror]) / 2
    return regressor


def anchored_row(joint: int, shape: Array, joints: Array, skin_weights: Array, size: float = 1.0) -> Array:
    """The most even non-negative weights on a slab of skin that give the joint in the mean body (V, 3)."""
    offset = (shape - joints[joint]) / size
    arms = skin_weights[:, 16:].sum(1) > 0.3
    near = (abs(offset[:, 1]) < ANCHORED[joint]) & ~arms
    near &= (offset[:, 2] < BEHIND_M) if joint in SPINE else (shape[:, 0] >= -1e-6)
    candidates = np.flatnonzero(near)
    conditions = offset[candidates].T
    system = np.vstack([STIFFNESS * conditions, np.full((1, len(candidates)), STIFFNESS), np.eye(len(candidates))])
    wanted = np.zeros(len(system))
    wanted[len(conditions)] = STIFFNESS
    return _row(system, wanted, candidates, len(shape))


def _fitted_row(shapes: Array, joint: Array, importance: Array, size: float) -> Array:
    mean_shape, place = shapes.mean(0), joint.mean(0)
    candidates = np.flatnonzero(np.linalg.norm(mean_shape - place, axis=1) < REACH_M * size)
    candidates = candidates[:: max(1, len(candidates) // 600)]
    root = np.sqrt(importance + EVERYONE)[:, None]
    rows = [root * (shapes[:, candidates, axis] - joint[:, None, axis]) for axis in range(3)]
    system = np.vstack([*rows, np.full((1, len(candidates)), SUM_WEIGHT)])
    wanted = np.zeros(len(system))
    wanted[-1] = SUM_WEIGHT
    return _row(system, wanted, candidates, shapes.shape[1])


def _row(system: Array, wanted: Array, candidates: Array, count: int) -> Array:
    found, _ = nnls(system, wanted, maxiter=50 * len(candidates))
    found[found < SMALLEST] = 0
    row = np.zeros(count)
    row[candidates] = found / found.sum()
    return row


def regressor_error_mm(regressor: Array, shapes: Array, joints: Array) -> Array:
    """(S, 24) distances in millimetres."""
    found = np.einsum("jv,svc->sjc", regressor, shapes, optimize=True)
    return 1000 * np.linalg.norm(found - joints, axis=-1)
