"""Rotations in numpy, batched over leading axes, for the build only (the package has its own)."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def exponential(vectors: Array) -> Array:
    """Axis-angle (..., 3), radians -> matrices (..., 3, 3). Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    safe = np.maximum(angle, 1e-12)
    first = np.where(angle > 1e-6, np.sin(angle) / safe, 1.0)
    second = np.where(angle > 1e-6, (1 - np.cos(angle)) / safe**2, 0.5)
    return np.eye(3) + first * cross + second * (cross @ cross)


def logarithm(matrices: Array) -> Array:
    """Matrices (..., 3, 3) -> axis-angle (..., 3)."""
    from scipy.spatial.transform import Rotation

    flat = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec()
    return flat.reshape(*matrices.shape[:-2], 3)


def unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def shortest(start: Array, end: Array) -> Array:
    """The smallest rotation (..., 3, 3) that takes direction ``start`` to ``end`` (not opposite to each other)."""
    a, b = np.broadcast_arrays(unit(start), unit(end))
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    cosine = (a * b).sum(-1, keepdims=True)
    return exponential(axis / np.maximum(sine, 1e-12) * np.arctan2(sine, cosine))


def frame(first: Array, near: Array) -> Array:
    """Right-handed orthonormal columns: ``first``, the part of ``near`` across it, and their cross product."""
    x = unit(first)
    y = unit(near - (near * x).sum(-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def swing_twist(matrices: Array, axis: Array) -> tuple[Array, Array]:
    """R = swing @ twist, the twist about ``axis`` (3,) in the rest frame; returns (swing matrices, twist angles)."""
    from scipy.spatial.transform import Rotation

    quaternion = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_quat().reshape(*matrices.shape[:-2], 4)
    angle = 2 * np.arctan2(quaternion[..., :3] @ axis, quaternion[..., 3])
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    return matrices @ exponential(-angle[..., None] * axis), angle


def partial(matrices: Array, axis: Array, swing_share: float, twist_share: float) -> Array:
    """A share of a rotation: its swing and its twist about ``axis``, each taken to its own power."""
    if swing_share == 1.0 and twist_share == 1.0:
        return matrices
    swing, angle = swing_twist(matrices, axis)
    return exponential(swing_share * logarithm(swing)) @ exponential(twist_share * angle[..., None] * axis)
