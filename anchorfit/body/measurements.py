"""Anthropometric measurements of a body in the rest pose: height, girths, lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .description import mesh_volume
from .joint_sets import SMPL_JOINTS
from .model import BodyModel

GROWN = 1.4  # metres: mean bodies below that are children's
_PLANES = 13  # cross-sections looked at where the largest or smallest girth of a stretch is wanted
_DIRECTIONS = 64  # that widths of a cross-section are taken in
_BODIES_AT_ONCE = 16  # so that what is looked at stays in the cache
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar")
_HIPS = ("pelvis", "spine1", "left_hip", "right_hip")


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Measurements of B bodies in the rest pose, each (B,) float64: metres, and litres for the volume.

    Attributes:
        height: from the soles to the top of the head.
        shoulder_width: between the shoulder joints.
        arm_span: from fingertip to fingertip.
        arm_length, upper_arm_length, forearm_length: from joint to joint (shoulder, elbow, wrist), both sides' mean.
        leg_length, thigh_length, shin_length: the same (hip, knee, ankle).
        inseam: from the soles to the crotch.
        chest_girth: the largest between SMPL's joints spine2 and spine3, below the armpits.
        waist_girth: the smallest between hips and ribs.
        hip_girth: the largest around the buttocks.
        neck_girth, upper_arm_girth, forearm_girth, thigh_girth, calf_girth: the neck's and the forearm's, thigh's
            and calf's largest in their upper half, the upper arm's in the middle; both sides' mean.
        volume_l: enclosed; a litre of a body weighs about a kilogram.
    """

    height: Tensor
    shoulder_width: Tensor
    arm_span: Tensor
    arm_length: Tensor
    upper_arm_length: Tensor
    forearm_length: Tensor
    leg_length: Tensor
    thigh_length: Tensor
    shin_length: Tensor
    inseam: Tensor
    chest_girth: Tensor
    waist_girth: Tensor
    hip_girth: Tensor
    neck_girth: Tensor
    upper_arm_girth: Tensor
    forearm_girth: Tensor
    thigh_girth: Tensor
    calf_girth: Tensor
    volume_l: Tensor


def measure(body: BodyModel, betas: Tensor) -> Measurements:
    """Measure bodies of given shapes.

    Args:
        body: the body model.
        betas: (B, S).
    Raises:
        ValueError: betas has another shape, or is not finite.
    Source: lengths from joint to joint and girths as the convex hull of a cross-section, the way a tape lies.
    """
    if betas.ndim != 2 or betas.shape[1] != body.num_betas:
        raise ValueError(f"betas: expected (B, {body.num_betas}), got {tuple(betas.shape)}")
    if not bool(torch.isfinite(betas).all()):
        raise ValueError("betas: expected finite numbers")
    body = body.to("cpu", torch.float64)
    vertices, joints = body(betas=betas.detach().cpu().double())
    extent = vertices.amax(1) - vertices.amin(1)
    lengths = _lengths(joints)
    segments = body.weights.argmax(1).numpy()
    tape = _Tape(vertices.numpy(), joints.numpy(), body.faces.numpy(), segments)
    girths = {name: torch.from_numpy(girth(tape)) for name, girth in _GIRTHS.items()}
    return Measurements(
        height=extent[:, 1],
        arm_span=extent[:, 0],
        inseam=torch.from_numpy(tape.crotch) - vertices[..., 1].amin(1),
        volume_l=1000.0 * mesh_volume(vertices, body.faces),
        **lengths,
        **girths,
    )


def _lengths(joints: Tensor) -> dict[str, Tensor]:
    def between(first: str, second: str) -> Tensor:
        return (joints[:, SMPL_JOINTS.index(first)] - joints[:, SMPL_JOINTS.index(second)]).norm(dim=-1)

    def both_sides(first: str, second: str) -> Tensor:
        return (between(f"left_{first}", f"left_{second}") + between(f"right_{first}", f"right_{second}")) / 2

    upper_arm, forearm = both_sides("shoulder", "elbow"), both_sides("elbow", "wrist")
    thigh, shin = both_sides("hip", "knee"), both_sides("knee", "ankle")
    return {
        "shoulder_width": between("left_shoulder", "right_shoulder"),
        "upper_arm_length": upper_arm,
        "forearm_length": forearm,
        "arm_length": upper_arm + forearm,
        "thigh_length": thigh,
        "shin_length": shin,
        "leg_length": thigh + shin,
    }


class _Tape:
    """Cross-sections of B bodies (V, 3) in the rest pose, through the surface that chosen joints move most."""

    def __init__(self, vertices: np.ndarray, joints: np.ndarray, faces: np.ndarray, segments: np.ndarray) -> None:
        self._vertices, self._joints, self._faces = vertices, joints, faces
        self._segments = segments

    def at(self, joint: str, to: str, share: float = 0.0) -> np.ndarray:
        """(B, 3) the point that lies that share of the way from one joint to another."""
        first, second = (self._joints[:, SMPL_JOINTS.index(name)] for name in (joint, to))
        return (1 - share) * first + share * second

    @property
    def crotch(self) -> np.ndarray:
        """(B,) height of the lowest point of the surface in the body's middle plane."""
        right = self._vertices[..., 0] > self._joints[:, :1, 0]
        sides = right[:, self._faces].sum(-1)  # (B, F)
        heights = self._vertices[..., 1][:, self._faces].min(-1)
        lowest = np.where((sides > 0) & (sides < 3), heights, np.inf).min(1)
        return np.minimum(lowest, self._joints[:, 0, 1])

    def girths(self, start: np.ndarray, end: np.ndarray, normal: np.ndarray, parts: Sequence[str]) -> np.ndarray:
        """(B, P) girths in planes of that normal, from start to end; 0 where the parts are not met."""
        chosen = np.isin(self._segments, [SMPL_JOINTS.index(name) for name in parts])
        faces = self._faces[chosen[self._faces].all(1)]
        used, faces = np.unique(faces, return_inverse=True)
        points = start[:, None] + np.linspace(0, 1, _PLANES)[:, None] * (end - start)[:, None]
        return section_girths(self._vertices[:, used], faces.reshape(-1, 3), points, normal)

    def trunk(self, low: np.ndarray, high: np.ndarray, parts: Sequence[str] = _TRUNK) -> np.ndarray:
        return self.girths(low, high, np.broadcast_to([0.0, 1.0, 0.0], low.shape), parts)

    def limb(self, joint: str, to: str, span: tuple[float, float], *more: str) -> np.ndarray:
        """The largest girth across a limb in a stretch of it, both sides' mean."""
        found = []
        for side in ("left_", "right_"):
            first, second = self.at(side + joint, side + to, span[0]), self.at(side + joint, side + to, span[1])
            axis = self.at(side + joint, side + to, 1.0) - self.at(side + joint, side + to)
            found.append(self.girths(first, second, axis, [side + name for name in (joint, to, *more)]).max(1))
        return np.mean(found, axis=0)

    def neck(self) -> np.ndarray:
        axis = self.at("neck", "head", 1.0) - self.at("neck", "head")
        parts = ("neck", "head", "spine3", "left_collar", "right_collar")
        found = self.girths(self.at("neck", "head", 0.2), self.at("neck", "head", 0.9), axis, parts)
        least = np.where(found > 0, found, np.inf).min(1)
        return np.where(np.isfinite(least), least, 0.0)


_GIRTHS: dict[str, Callable[[_Tape], np.ndarray]] = {
    "chest_girth": lambda t: t.trunk(t.at("spine2", "spine3"), t.at("spine3", "neck", 0.05)).max(1),
    "waist_girth": lambda t: t.trunk(t.at("spine1", "pelvis", 0.2), t.at("spine2", "spine3", 0.8)).min(1),
    "hip_girth": lambda t: t.trunk(t.at("left_hip", "left_knee", 0.15), t.at("pelvis", "spine1", 0.5), _HIPS).max(1),
    "neck_girth": lambda t: t.neck(),
    "upper_arm_girth": lambda t: t.limb("shoulder", "elbow", (0.5, 0.5)),
    "forearm_girth": lambda t: t.limb("elbow", "wrist", (0.1, 0.5)),
    "thigh_girth": lambda t: t.limb("hip", "knee", (0.2, 0.5)),
    "calf_girth": lambda t: t.limb("knee", "ankle", (0.1, 0.5)),
}


def section_girths(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Lengths of a tape around cross-sections of meshes: the perimeters of their convex hulls.

    Args:
        vertices: (B, V, 3). faces: (F, 3) those that count.
        points: (B, P, 3) of the planes. normals: (B, 3) of each mesh's planes, of any length but 0.
    Returns:
        (B, P) in the unit of the vertices; 0 where a plane meets no face.
    Source: Cauchy's formula, the perimeter of a convex shape is pi times its mean width; over 64 directions it is right
    to 1e-4.
    """
    corners = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    first, second = np.unique(corners, axis=0).T
    bodies = range(0, len(vertices), _BODIES_AT_ONCE)
    parts = [slice(start, start + _BODIES_AT_ONCE) for start in bodies]
    return np.concatenate([_girths_of_some(vertices[p], first, second, points[p], normals[p]) for p in parts])


def _girths_of_some(
    vertices: np.ndarray, first: np.ndarray, second: np.ndarray, points: np.ndarray, normals: np.ndarray
) -> np.ndarray:
    normals = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    across = np.cross(normals, np.eye(3)[np.abs(normals).argmin(-1)])
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    heights = (vertices * normals[:, None]).sum(-1)  # (B, V)
    levels = (points * normals[:, None]).sum(-1)  # (B, P)
    from_, to = heights[:, first], heights[:, second]  # (B, E)
    low, high = np.minimum(from_, to), np.maximum(from_, to)
    crossed = (low[:, None] <= levels[..., None]) & (high[:, None] > levels[..., None])
    body, plane, edge = np.nonzero(crossed)
    begin = from_[body, edge]
    share = (levels[body, plane] - begin) / (to[body, edge] - begin)
    start = vertices[body, first[edge]]
    crossings = start + share[:, None] * (vertices[body, second[edge]] - start)
    x = (crossings * across[body]).sum(-1)
    y = (crossings * np.cross(normals, across)[body]).sum(-1)
    angle = np.arange(_DIRECTIONS) * (np.pi / _DIRECTIONS)
    reach = x[:, None] * np.cos(angle) + y[:, None] * np.sin(angle)  # (crossings, directions)
    counts = crossed.sum(-1)
    met = counts > 0
    girths = np.zeros(counts.shape)
    if met.any():
        starts = np.concatenate([[0], np.cumsum(counts[met])[:-1]])
        widths = np.maximum.reduceat(reach, starts) - np.minimum.reduceat(reach, starts)
        girths[met] = np.pi * widths.mean(-1)
    return np.where(counts >= 3, girths, 0.0)


def assumed_size(body: BodyModel) -> str:
    """What measurements of a body take for granted where the person's size was not told."""
    height = float(measure(body, torch.zeros(1, body.num_betas)).height[0])
    who = "a child" if height < GROWN else "an adult"
    return f"assumes {who} of about {height:.1f} m; one photograph does not tell size"
