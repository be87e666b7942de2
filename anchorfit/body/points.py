"""Named points of the body as weighted sums of joints and vertices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .joint_sets import CANONICAL_SOURCES, SMPL_JOINTS, Combination


class PointTable(NamedTuple):
    """P points: joint_weights (P, 24), vertices (P, K) int64 and vertex_weights (P, K); unused slots weigh 0."""

    joint_weights: Tensor
    vertices: Tensor
    vertex_weights: Tensor

    def combine(self, vertices: Tensor, joints: Tensor) -> Tensor:
        """The points, (B, P, 3), of vertices (B, V, 3) and joints (B, 24, 3) in one frame."""
        corners = vertices[:, self.vertices]  # (B, P, K, 3)
        return self.joint_weights @ joints + (corners * self.vertex_weights[..., None]).sum(-2)


def _combination(name: str) -> Combination:
    if name.startswith(("joint:", "landmark:")):
        return ((name, 1.0),)
    if name in CANONICAL_SOURCES:
        return CANONICAL_SOURCES[name]
    raise ValueError(
        f"names: {name!r} is neither a canonical joint (body.CANONICAL_JOINTS), joint:NAME nor landmark:NAME"
    )


def point_table(
    names: Sequence[str],
    *,
    landmark_names: Sequence[str],
    landmark_vertices: Tensor,
    landmark_weights: Tensor,
    vertices: Sequence[int] = (),
) -> PointTable:
    """The table of points by name, followed by given vertices.

    Args:
        names: canonical joints, ``joint:NAME`` (one of SMPL's 24) or ``landmark:NAME`` (one that the body has).
        landmark_names: L names that the body has.
        landmark_vertices: (L, K) int64.
        landmark_weights: (L, K).
        vertices: vertex indices appended as points of their own.
    Raises:
        ValueError: a name is unknown to the project or to this body.
    """
    rows: list[tuple[dict[int, float], dict[int, float]]] = []
    slots = landmark_vertices.cpu().tolist()
    shares = landmark_weights.double().cpu().tolist()
    for name in names:
        of_joints: dict[int, float] = {}
        of_vertices: dict[int, float] = {}
        for source, weight in _combination(name):
            kind, _, key = source.partition(":")
            known = SMPL_JOINTS if kind == "joint" else landmark_names
            if key not in known:
                raise ValueError(
                    f"this body has no {kind} {key!r} (it has {', '.join(known) or 'none'}); landmarks come from "
                    "landmark_names in the body file, see docs/body.md"
                )
            row = list(known).index(key)
            if kind == "joint":
                of_joints[row] = of_joints.get(row, 0.0) + weight
            else:
                for vertex, share in zip(slots[row], shares[row], strict=True):
                    if share != 0.0:
                        of_vertices[vertex] = of_vertices.get(vertex, 0.0) + weight * share
        rows.append((of_joints, of_vertices))
    rows.extend(({}, {int(vertex): 1.0}) for vertex in vertices)

    like = landmark_weights
    width = max([1, *(len(of_vertices) for _, of_vertices in rows)])
    joint_weights = torch.zeros(len(rows), len(SMPL_JOINTS), dtype=torch.float64)
    indices = torch.zeros(len(rows), width, dtype=torch.int64)
    weights = torch.zeros(len(rows), width, dtype=torch.float64)
    for point, (of_joints, of_vertices) in enumerate(rows):
        for joint, weight in of_joints.items():
            joint_weights[point, joint] = weight
        for slot, (vertex, weight) in enumerate(of_vertices.items()):
            indices[point, slot] = vertex
            weights[point, slot] = weight
    return PointTable(
        joint_weights.to(like.device, like.dtype), indices.to(like.device), weights.to(like.device, like.dtype)
    )
