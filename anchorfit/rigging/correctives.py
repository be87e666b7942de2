"""What a linear skin lacks, as a few shapes added to its rest mesh: pose correctives, and the error of its weights."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.skinning import pose_skeleton, skin

_SAMPLED = 256
"""Frames that the components of the weights' error are found from; all frames are then written in them."""


class RestShape(NamedTuple):
    """A person at rest, without correctives: vertices (V, 3) and joints (24, 3), metres."""

    vertices: Tensor
    joints: Tensor


def corrective_shapes(
    body: BodyModel, rest: RestShape, local: Tensor, weights: Tensor, most: int
) -> tuple[Tensor, Tensor]:
    """The best few shapes (K, V, 3) for the frames' correctives, and their weights (T, K), float64.

    Principal components of features @ directions (T, 3V), by way of the directions' Gram matrix, so that no frame's
    mesh is made. The first shape holds still and takes up what the others are shifted by, so that no weight is
    negative: Blender cuts negative weights off.

    Args:
        body: float64, on the CPU.
        rest: of the person.
        local: (T, 24, 3, 3) rotations relative to the parents.
        weights: (V, 24) of the skin that the shapes are for.
        most: the most shapes; 0: none.
    """
    count = len(local)
    features, directions = _directions(body, rest, local, weights)
    if not len(directions) or most < 1:
        return torch.zeros(0, body.num_vertices, 3, dtype=torch.float64), torch.zeros(count, 0, dtype=torch.float64)
    mean = features.mean(0)
    values, vectors = torch.linalg.eigh(directions @ directions.T)
    root = values.clamp(min=0).sqrt()
    known = root > 1e-9 * root[-1]
    whitened = (vectors[:, known] / root[known]).T @ directions  # (R, 3V), orthonormal rows
    centred = (features - mean) @ (vectors[:, known] * root[known])
    left, singular, right = torch.linalg.svd(centred, full_matrices=False)
    keep = int((singular > 1e-6)[: most - 1].sum())
    coefficients = left[:, :keep] * singular[:keep]  # (T, K - 1)
    components = right[:keep] @ whitened  # (K - 1, 3V)
    low = coefficients.amin(0) if keep else coefficients.new_zeros(0)
    span = coefficients.amax(0) - low if keep else low
    shapes = torch.cat([(mean @ directions + low @ components)[None], components * span[:, None]])
    shares = torch.cat([coefficients.new_ones(count, 1), (coefficients - low) / span], dim=1)
    return shapes.unflatten(-1, (-1, 3)), shares


def _directions(body: BodyModel, rest: RestShape, local: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Features (T, R) and directions (R, 3V) whose product is what the skin lacks in each frame."""
    features = local.new_zeros(len(local), 0)
    directions = local.new_zeros(0, 3 * body.num_vertices)
    if body.posedirs is not None:
        features = (local[:, 1:] - torch.eye(3, dtype=torch.float64)).flatten(1)  # (T, 207)
        directions = body.posedirs
    changed = (weights != body.weights).any(1).nonzero()[:, 0]
    if not len(changed):
        return features, directions
    lacking = _lacking(body, rest, changed, local, features, weights[changed])  # (T, 3N)
    every = max(1, -(-len(local) // _SAMPLED))
    components = torch.linalg.svd(lacking[::every], full_matrices=False)[2]
    placed = components.new_zeros(len(components), body.num_vertices, 3)
    placed[:, changed] = components.unflatten(-1, (-1, 3))
    return torch.cat([features, lacking @ components.T], 1), torch.cat([directions, placed.flatten(1)])


def _lacking(
    body: BodyModel, rest: RestShape, chosen: Tensor, local: Tensor, features: Tensor, weights: Tensor
) -> Tensor:
    """What N chosen rest vertices must be moved by, (T, 3N), so that weights (N, 24) pose them as the body's do."""
    still = local.clone()
    still[:, 0] = torch.eye(3, dtype=torch.float64)  # the whole body's turn changes nothing
    joints = rest.joints.expand(len(local), -1, -1)
    skeleton = pose_skeleton(still, joints, body.parents)
    vertices = rest.vertices[chosen].expand(len(local), -1, -1)
    if body.posedirs is not None:
        directions = body.posedirs.unflatten(-1, (-1, 3))[:, chosen].flatten(1)
        vertices = vertices + (features @ directions).unflatten(1, (-1, 3))
    error = skin(vertices, body.weights[chosen], skeleton, joints) - skin(vertices, weights, skeleton, joints)
    turns = torch.einsum("nj,tjab->tnab", weights, skeleton.rotations)
    return torch.linalg.solve(turns, error).flatten(1)
