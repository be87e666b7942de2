"""The poses that a body is judged by: axis-angle in degrees at SMPL's joints."""

from __future__ import annotations

import numpy as np

from .rotations import exponential

Array = np.ndarray

NAMED: dict[str, dict[int, tuple[float, float, float]]] = {
    "sit": {1: (-90, 0, 0), 2: (-90, 0, 0), 4: (90, 0, 0), 5: (90, 0, 0), 16: (0, 0, -70), 17: (0, 0, 70)},
    "squat": {
        1: (-110, 0, 15),
        2: (-110, 0, -15),
        4: (125, 0, 0),
        5: (125, 0, 0),
        7: (-25, 0, 0),
        8: (-25, 0, 0),
        3: (25, 0, 0),
        16: (0, -80, 0),
        17: (0, 80, 0),
    },
    "raised arms": {13: (0, 0, 20), 14: (0, 0, -20), 16: (0, 0, 65), 17: (0, 0, -65)},
    "forearm twist (wrist, 80 degrees)": {20: (80, 0, 0), 21: (80, 0, 0)},
    "forearm twist (wrist, -80 degrees)": {20: (-80, 0, 0), 21: (-80, 0, 0)},
    "forearm twist (elbow, 80 degrees)": {18: (80, 0, 0), 19: (80, 0, 0)},
    "arms down": {16: (0, 0, -75), 17: (0, 0, 75)},
    "step, elbows bent": {
        1: (-45, 0, 0),
        2: (20, 0, 0),
        4: (50, 0, 0),
        5: (15, 0, 0),
        16: (0, 0, -65),
        17: (0, 0, 65),
        18: (0, -110, 0),
        19: (0, 90, 0),
    },
}


def rotations(name: str) -> Array:
    """(24, 3, 3) of a named pose."""
    vectors = np.zeros((24, 3))
    for joint, degrees in NAMED[name].items():
        vectors[joint] = np.deg2rad(degrees)
    return exponential(vectors)
