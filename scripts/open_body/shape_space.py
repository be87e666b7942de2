"""Ten betas of unit variance: area-weighted principal components of a weighted population."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import eigsh

from .rig import enclosed_volume

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class ShapeSpace:
    """vertices = template + shapedirs @ betas; for the population betas have mean 0 and variance 1."""

    template: Array  # (V, 3)
    shapedirs: Array  # (V, 3, K)
    explained: Array  # (K,) share of the area-weighted variance


def principal_components(shapes: Array, weights: Array, faces: Array, mirror: Array, count: int = 10) -> ShapeSpace:
    """Weighted PCA of (S, V, 3) with vertices weighted by the skin around them.

    Sign: a positive beta makes the body's volume larger. The first is size, mostly stature; the second mostly weight.
    """
    share = weights / weights.sum()
    template = np.einsum("s,svc->vc", share, shapes, optimize=True)
    area = np.sqrt(vertex_areas(template, faces))[:, None]
    residual = ((shapes - template) * area).reshape(len(shapes), -1) * np.sqrt(share)[:, None]
    gram = residual @ residual.T
    start = np.random.default_rng(0).standard_normal(len(gram))
    values, vectors = eigsh(gram, k=count, v0=start)
    order = np.argsort(-values)
    values, vectors = values[order], vectors[:, order]
    directions = (residual.T @ vectors).reshape(*template.shape, count) / area[..., None]
    template, directions = _symmetric(template, mirror), _symmetric(directions, mirror)
    for k in range(count):
        grown = enclosed_volume(template + np.stack([-1, 1])[:, None, None] * directions[None, ..., k], faces)
        directions[..., k] *= np.sign(grown[1] - grown[0])
    return ShapeSpace(template=template, shapedirs=directions, explained=values / np.trace(gram))


def _symmetric(field: Array, mirror: Array) -> Array:
    """The mean of a field (V, 3, ...) and its mirror image."""
    flip = np.array([-1.0, 1.0, 1.0]).reshape(3, *[1] * (field.ndim - 2))
    return (field + field[mirror] * flip) / 2


def vertex_areas(vertices: Array, faces: Array) -> Array:
    """(V,) a third of the area of the faces around each vertex, square metres."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face_area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    total = np.zeros(len(vertices))
    for corner in range(3):
        np.add.at(total, faces[:, corner], face_area / 3)
    return total
