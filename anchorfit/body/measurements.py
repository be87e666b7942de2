"""Anthropometric measurements of a body in the rest pose: height, girths, lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .description import mesh_volume
from .joint_sets import SMPL_JOINTS
from .model import BodyModel

_PLANES = 13  # cross-sections looked at where the largest or smallest girth of a stretch is wanted
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
    tapes = [_Tape(v, j, body.faces.numpy(), segments) for v, j in zip(vertices.numpy(), joints.numpy(), strict=True)]
    girths = {name: torch.tensor([_GIRTHS[name](tape) for tape in tapes], dtype=torch.float64) for name in _GIRTHS}
    return Measurements(
        height=extent[:, 1],
        arm_span=extent[:, 0],
        inseam=torch.tensor([tape.crotch for tape in tapes], dtype=torch.float64) - vertices[..., 1].amin(1),
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
    """Cross-sections of one body (V, 3) in the rest pose, through the surface that chosen joints move most."""

    def __init__(self, vertices: np.ndarray, joints: np.ndarray, faces: np.ndarray, segments: np.ndarray) -> None:
        self._vertices, self._joints, self._faces = vertices, joints, faces
        self._segments = segments

    def at(self, joint: str, to: str, share: float = 0.0) -> np.ndarray:
        """The point that lies that share of the way from one joint to another."""
        first, second = (self._joints[SMPL_JOINTS.index(name)] for name in (joint, to))
        return (1 - share) * first + share * second

    @property
    def crotch(self) -> float:
        """Height of the lowest point of the surface in the body's middle plane."""
        side = self._vertices[:, 0] > self._joints[0, 0]
        across = side[self._faces].any(1) & ~side[self._faces].all(1)
        return float(self._vertices[self._faces[across], 1].min(initial=self._joints[0, 1]))

    def girths(self, start: np.ndarray, end: np.ndarray, normal: np.ndarray, parts: Sequence[str]) -> np.ndarray:
        """Girths in planes of that normal, from start to end; 0 where the parts are not met."""
        chosen = np.isin(self._segments, [SMPL_JOINTS.index(name) for name in parts])
        faces = self._faces[chosen[self._faces].all(1)]
        points = start + np.linspace(0, 1, _PLANES)[:, None] * (end - start)
        return np.array([section_girth(self._vertices, faces, point, normal) for point in points])

    def trunk(self, low: np.ndarray, high: np.ndarray, parts: Sequence[str] = _TRUNK) -> np.ndarray:
        return self.girths(low, high, np.array([0.0, 1.0, 0.0]), parts)

    def limb(self, joint: str, to: str, span: tuple[float, float], *more: str) -> float:
        """The largest girth across a limb in a stretch of it, both sides' mean."""
        found = []
        for side in ("left_", "right_"):
            first, second = self.at(side + joint, side + to, span[0]), self.at(side + joint, side + to, span[1])
            axis = self.at(side + joint, side + to, 1.0) - self.at(side + joint, side + to)
            found.append(self.girths(first, second, axis, [side + name for name in (joint, to, *more)]).max())
        return float(np.mean(found))

    def neck(self) -> float:
        axis = self.at("neck", "head", 1.0) - self.at("neck", "head")
        parts = ("neck", "head", "spine3", "left_collar", "right_collar")
        found = self.girths(self.at("neck", "head", 0.2), self.at("neck", "head", 0.9), axis, parts)
        return float(found[found > 0].min(initial=np.inf)) if (found > 0).any() else 0.0


_GIRTHS = {
    "chest_girth": lambda t: t.trunk(t.at("spine2", "spine3"), t.at("spine3", "neck", 0.05)).max(),
    "waist_girth": lambda t: t.trunk(t.at("spine1", "pelvis", 0.2), t.at("spine2", "spine3", 0.8)).min(),
    "hip_girth": lambda t: t.trunk(t.at("left_hip", "left_knee", 0.15), t.at("pelvis", "spine1", 0.5), _HIPS).max(),
    "neck_girth": lambda t: t.neck(),
    "upper_arm_girth": lambda t: t.limb("shoulder", "elbow", (0.5, 0.5)),
    "forearm_girth": lambda t: t.limb("elbow", "wrist", (0.1, 0.5)),
    "thigh_girth": lambda t: t.limb("hip", "knee", (0.2, 0.5)),
    "calf_girth": lambda t: t.limb("knee", "ankle", (0.1, 0.5)),
}


def section_girth(vertices: np.ndarray, faces: np.ndarray, point: np.ndarray, normal: np.ndarray) -> float:
    """Length of a tape around a mesh's cross-section: the perimeter of its convex hull.

    Args:
        vertices: (V, 3). faces: (F, 3) those that count.
        point: (3,) of the plane. normal: (3,) of any length but 0.
    Returns:
        In the unit of the vertices; 0 where the plane meets no face.
    """
    from scipy.spatial import ConvexHull, QhullError

    normal = normal / np.linalg.norm(normal)
    side = np.eye(3)[np.abs(normal).argmin()]
    first = np.cross(normal, side)
    first /= np.linalg.norm(first)
    axes = np.stack([first, np.cross(normal, first)])
    height = (vertices - point) @ normal
    edges = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    above = height[edges] > 0
    edges = edges[above[:, 0] != above[:, 1]]
    if len(edges) < 3:
        return 0.0
    share = height[edges[:, 0]] / (height[edges[:, 0]] - height[edges[:, 1]])
    crossings = vertices[edges[:, 0]] + share[:, None] * (vertices[edges[:, 1]] - vertices[edges[:, 0]])
    try:
        return float(ConvexHull((crossings - point) @ axes.T).area)  # in two dimensions, "area" is the perimeter
    except QhullError:  # all on one line
        return 0.0
