"""A pose in closed form from points in space, without a network: where a fit to them begins.

The trunk is taken as rigid and laid onto its points (Kabsch). Then each joint of a limb, from the trunk outwards, turns
what hangs on it into the direction in which its points were measured, by the shortest way, and about that direction so
that the points beside it, and the plane in which the limb is bent, agree best. A joint whose points were not measured
follows the points further out, or else its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ..body import SMPL_JOINTS, BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from ..body.kinematics import compiled_points
from ..body.points import point_table
from ..body.rotations import cross_matrix
from ..body.skinning import ancestor_rows
from ..rows import rowwise_atan2

TRUNK = tuple(SMPL_JOINTS.index(j) for j in ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"))
_LEVELS = (
    ("neck", "left_hip", "right_hip", "left_shoulder", "right_shoulder"),
    ("head", "left_knee", "right_knee", "left_elbow", "right_elbow"),
    ("left_ankle", "right_ankle", "left_wrist", "right_wrist"),
)
"""Joints that are turned, from the trunk outwards."""

_HINGES = {
    "left_hip": (1.0, 0.0, 0.0),
    "right_hip": (1.0, 0.0, 0.0),
    "left_shoulder": (0.0, -1.0, 0.0),
    "right_shoulder": (0.0, 1.0, 0.0),
}
"""Axis about which the next joint (knee, elbow) bends in the rest pose: normal to the plane of the bent limb."""

_FURTHER = 1e-3  # weight of points beyond the next joint, for a joint whose own points were not measured
_PLANE = 0.01  # square metres: weight of the plane of a bent limb against points beside a bone
_SHORT = 0.1  # metres: noise makes pairs of points nearer than that too long
_STAYS = 1e-4  # square metres: weight of the twist of the parent


@dataclass(frozen=True, eq=False)
class _Anatomy:
    """What the start needs to know of P points of a body.

    Attributes:
        carriers: (P,) the joint that turns each point.
        rest: (P, 3) metres, the points of the mean body at rest. joints: (24, 3) its joints.
        itself: for each of the 24 joints the point that is the joint itself, or -1.
        below: (24, 24) bool, [j, k]: k is j or below j.
        parents: of the joints.
    """

    carriers: Tensor
    rest: Tensor
    joints: Tensor
    itself: tuple[int, ...]
    below: Tensor
    parents: tuple[int, ...]


@lru_cache(maxsize=32)
def _anatomy(body: BodyModel, names: tuple[str, ...]) -> _Anatomy:
    vertices = [int(name.removeprefix("vertex:")) for name in names if name.startswith("vertex:")]
    table = point_table(
        names[: len(names) - len(vertices)],
        landmark_names=body.landmark_names,
        landmark_vertices=body.landmark_vertices.cpu(),
        landmark_weights=body.landmark_weights.cpu().double(),
        vertices=vertices,
    )
    skin = body.weights.cpu().double()[table.vertices]  # (P, K, 24)
    carried = (skin * table.vertex_weights[..., None]).sum(1)
    above = [max(parent, 0) for parent in body.parents]
    carried.index_add_(1, torch.tensor(above), table.joint_weights.double())  # a joint is carried by its parent
    alone = (table.joint_weights - 1.0).abs() < 1e-9
    itself = tuple(int(column.float().argmax()) if bool(column.any()) else -1 for column in alone.unbind(1))
    with torch.inference_mode(False), torch.no_grad():
        zero = body.layout.zeros(1, body.v_template)
        rest = compiled_points(body, names).points(zero)[0]
        below = torch.tensor(ancestor_rows(body.parents), device=body.device).bool().mT
        return _Anatomy(
            carried.argmax(1).to(body.device), rest, body.rest_joints_table[0].clone(), itself, below, body.parents
        )


def rest_points(body: BodyModel, names: tuple[str, ...]) -> Tensor:
    """(P, 3) metres, points of the mean body at rest."""
    return _anatomy(body, names).rest


@lru_cache(maxsize=32)
def rigid_pairs(body: BodyModel, names: tuple[str, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of points whose distance no pose changes, (N,) and (N,), and those distances (N,) on the mean body."""
    known = _anatomy(body, names)
    carriers = known.carriers.tolist()
    pairs = [(p, q) for p in range(len(names)) for q in range(p) if carriers[p] == carriers[q]]
    pairs += [
        (point, q)
        for joint, point in enumerate(known.itself)
        if point >= 0
        for q, c in enumerate(carriers)
        if c == joint
    ]
    first, second = torch.tensor(pairs, dtype=torch.long, device=known.rest.device).reshape(-1, 2).unbind(1)
    length = (known.rest[first] - known.rest[second]).norm(dim=-1)
    long = length > _SHORT
    return first[long], second[long], length[long]


def point_start(body: BodyModel, names: Sequence[str], positions: Tensor, confidence: Tensor) -> Tensor:
    """Parameters (B, D) of the mean shape in about the pose that points show.

    Args:
        body: the body model.
        names: P points of it, vertices last.
        positions: (B, P, 3) metres; finite.
        confidence: (B, P), 0 where a point was not measured.
    """
    known = _anatomy(body, tuple(names))
    world, at = _lay_trunk(known, positions, confidence)
    for level in _LEVELS:
        joints = [SMPL_JOINTS.index(name) for name in level]
        for joint in joints:
            if level is not _LEVELS[0]:
                parent = known.parents[joint]
                bone = known.joints[joint] - known.joints[parent]
                at[:, joint] = at[:, parent] + _turned(world[:, parent], bone)
            _take(at, joint, known.itself[joint], positions, confidence)
        turned = _turn_level(known, level, joints, world, at, positions, confidence)
        for place, joint in enumerate(joints):
            world[:, known.below[joint]] = turned[:, place, None]
    local = world.clone()
    parents = list(known.parents[1:])
    local[:, 1:] = world[:, parents].mT @ world[:, 1:]
    params = body.layout.zeros(len(positions), positions)
    params[:, body.layout.pose] = matrix_to_axis_angle(local).flatten(1)
    away = positions - compiled_points(body, tuple(names)).points(params)
    params[:, body.layout.transl] = _mean(away, confidence)
    return params


def _turned(rotations: Tensor, vector: Tensor) -> Tensor:
    """Rotations (..., 3, 3) of vectors (..., 3), by elementwise work alone: rows do not depend on the batch."""
    x, y, z = vector.unbind(-1)
    return (
        (rotations[..., 0] * x[..., None])
        .addcmul(rotations[..., 1], y[..., None])
        .addcmul_(rotations[..., 2], z[..., None])
    )


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """(B, 3) weighted mean of (B, P, 3)."""
    return (values * weights[..., None]).sum(1) / weights.sum(1)[:, None].clamp_min(1e-9)


def _take(at: Tensor, joint: int, point: int, positions: Tensor, confidence: Tensor) -> None:
    """Put a joint where it was measured."""
    if point >= 0:
        at[:, joint] = torch.where(confidence[:, point, None] > 0, positions[:, point], at[:, joint])


def _lay_trunk(known: _Anatomy, positions: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """World rotations (B, 24, 3, 3), all the trunk's, and where that puts the joints (B, 24, 3)."""
    of_trunk = torch.isin(known.carriers, torch.tensor(TRUNK, device=known.carriers.device))
    weights = confidence * of_trunk
    few = (weights > 0).sum(1) < 3  # then whatever was measured
    weights = torch.where(few[:, None], confidence, weights)
    centre = _mean(positions, weights)
    rest = _mean(known.rest.expand_as(positions), weights)
    moved, still = positions - centre[:, None], known.rest - rest[:, None]
    covariance = (weights[..., None, None] * moved[..., :, None] * still[..., None, :]).sum(1)
    # Points on a line leave the turn about it open: the least that settles it.
    left, _, right = torch.linalg.svd(covariance + 1e-9 * torch.eye(3, dtype=positions.dtype, device=positions.device))
    sign = torch.det(left @ right).sign()
    left = torch.cat((left[..., :2], left[..., 2:] * sign[:, None, None]), -1)
    rotation = left @ right
    at = _turned(rotation[:, None], known.joints - rest[:, None]) + centre[:, None]
    return rotation[:, None].repeat(1, 24, 1, 1), at


def _turn_level(
    known: _Anatomy,
    level: Sequence[str],
    joints: list[int],
    world: Tensor,
    at: Tensor,
    positions: Tensor,
    confidence: Tensor,
) -> Tensor:
    """World rotations (B, n, 3, 3) of the n joints of a level."""
    own = known.carriers[None] == torch.tensor(joints, device=positions.device)[:, None]  # (n, P)
    weights = confidence[:, None] * torch.where(known.below[joints][:, known.carriers] & ~own, _FURTHER, own.to(at))
    base = world[:, [known.parents[joint] for joint in joints]]
    origin = at[:, joints]
    arms = known.rest - known.joints[joints][:, None]  # (n, P, 3) at rest
    seen = positions[:, None] - origin[:, :, None]  # (B, n, P, 3)
    along = (weights[..., None] * seen).sum(2)
    at_rest = _turned(base, (weights[..., None] * arms).sum(2))
    there = (weights.sum(-1) > 0)[..., None, None]
    eye = torch.eye(3, dtype=at.dtype, device=at.device)
    rotation = torch.where(there, _shortest_turn(at_rest, along), eye) @ base

    axis = along / along.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    turned = _turned(rotation[:, :, None], arms)  # (B, n, P, 3)
    beside = confidence[:, None] * own
    sine = (beside * _triple(axis[:, :, None], turned, seen)).sum(-1)
    cosine = (beside * _across(axis[:, :, None], turned, seen)).sum(-1) + _STAYS
    for place, name in enumerate(level):
        if name in _HINGES:
            normal, weight = _plane(known, joints[place], origin[:, place], positions, confidence)
            hinge = _turned(rotation[:, place], normal.new_tensor(_HINGES[name]))
            sine[:, place] += weight * _triple(axis[:, place], hinge, normal)
            cosine[:, place] += weight * _across(axis[:, place], hinge, normal)
    twist = axis_angle_to_matrix(axis * rowwise_atan2(sine, cosine)[..., None])
    return torch.where(there, twist, eye) @ rotation


def _shortest_turn(start: Tensor, end: Tensor) -> Tensor:
    """Rotations (..., 3, 3) that take one direction (..., 3) to another by the shortest way."""
    start = start / start.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    end = end / end.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    cross = cross_matrix(torch.linalg.cross(start, end))
    cosine = (start * end).sum(-1)[..., None, None]
    eye = torch.eye(3, dtype=start.dtype, device=start.device)
    return eye + cross + cross @ cross / (1.0 + cosine).clamp_min(1e-3)


def _triple(axis: Tensor, first: Tensor, second: Tensor) -> Tensor:
    return (axis * torch.linalg.cross(first, second)).sum(-1)


def _across(axis: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Dot products of what is normal to the axis."""
    return (first * second).sum(-1) - (first * axis).sum(-1) * (second * axis).sum(-1)


def _plane(known: _Anatomy, joint: int, origin: Tensor, positions: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """Normal (B, 3) of the plane that a limb is bent in, as long as the sine of the bend, and its weight (B,)."""
    middle = known.parents.index(joint)
    places = [known.itself[middle], known.itself[known.parents.index(middle)]]
    if min(places) < 0:
        return torch.zeros_like(origin), torch.zeros_like(origin[:, 0])
    upper = positions[:, places[0]] - origin
    lower = positions[:, places[1]] - positions[:, places[0]]
    upper = upper / upper.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    lower = lower / lower.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    return torch.linalg.cross(upper, lower), _PLANE * (confidence[:, places] > 0).all(-1).to(origin)
