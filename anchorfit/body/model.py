"""The body model: tensors in SMPL's format and the forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..rows import in_fours
from .joint_sets import CANONICAL_JOINTS
from .parameters import Layout
from .points import PointTable, point_table
from .rotations import axis_angle_to_matrix
from .skinning import PosedSkeleton, pose_skeleton, skin


class BodyOutput(NamedTuple):
    """Posed bodies: vertices (B, V, 3) and SMPL's joints (B, 24, 3), metres, in the frame that ``transl`` is in."""

    vertices: Tensor
    joints: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class BodyModel:
    """A body in SMPL's format. Body frame: metres, y up, facing +z, its left is +x.

    Attributes:
        v_template: (V, 3) metres, the mean body in the rest pose.
        shapedirs: (V, 3, S) metres for each unit of betas.
        posedirs: (207, V*3) metres, rows are the entries of vec(R_j - I), j = 1..23, row-major; None: no correctives.
        weights: (V, 24) skinning weights, rows sum to 1.
        joint_regressor: (24, V), from rest vertices to rest joints.
        parents: 24 indices, -1 for the pelvis.
        faces: (F, 3) int64, counter-clockwise seen from outside.
        landmark_names: L names of surface points.
        landmark_vertices: (L, K) int64.
        landmark_weights: (L, K), rows sum to 1.
        mirror: (V,) int64, each vertex's mirror image, where known.
        face_parts: (F,) int64 labels 1..6 (``parts.SIX_PARTS``), where known.
        face_segments: (F,) int64 dominant SMPL joint 0..23, where known.
        gender: "neutral", "male" or "female".
        name: what the file calls the body.
        meta: what else the file says of itself (licence, provenance, ...).
        source: what ``load_body`` takes to load it again: "open", "open_child" or a path; empty for a body made from
            arrays.
    """

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor | None
    weights: Tensor
    joint_regressor: Tensor
    parents: tuple[int, ...]
    faces: Tensor
    landmark_names: tuple[str, ...]
    landmark_vertices: Tensor
    landmark_weights: Tensor
    mirror: Tensor | None
    face_parts: Tensor | None
    face_segments: Tensor | None
    gender: str
    name: str
    meta: dict[str, Any]
    source: str = ""

    @property
    def num_vertices(self) -> int:
        return self.v_template.shape[0]

    @property
    def num_betas(self) -> int:
        return self.shapedirs.shape[-1]

    @cached_property
    def layout(self) -> Layout:
        """Layout of a row of this body's parameters."""
        return Layout(self.num_betas)

    @property
    def device(self) -> torch.device:
        return self.v_template.device

    @property
    def dtype(self) -> torch.dtype:
        return self.v_template.dtype

    @property
    def ages_years(self) -> tuple[float, float] | None:
        """Youngest and oldest of the children whose body it is, as its file says; None for adults."""
        match self.meta.get("ages_years"):
            case [int() | float() as youngest, int() | float() as oldest]:
                return float(youngest), float(oldest)
        return None

    @property
    def landmarks(self) -> dict[str, int]:
        """Row of each landmark in ``landmark_vertices`` and ``landmark_weights``, by name."""
        return {name: row for row, name in enumerate(self.landmark_names)}

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> BodyModel:
        """The same body on another device, or with another floating-point type; itself where nothing changes."""
        if torch.device(device or self.device) == self.device and (dtype or self.dtype) == self.dtype:
            return self
        changed: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changed[field.name] = value.to(device=device, dtype=dtype if value.is_floating_point() else None)
        return replace(self, **changed)

    @property
    def rest_joints_table(self) -> tuple[Tensor, Tensor]:
        """Rest joints at betas 0, (24, 3), and their change with betas, (24, 3, S), in metres."""
        # What is kept while a program is traced would be the tracer's, and break every later call.
        return self._make_rest_joints_table() if torch.compiler.is_compiling() else self._rest_joints_table

    @cached_property
    def _rest_joints_table(self) -> tuple[Tensor, Tensor]:
        return self._make_rest_joints_table()

    def _make_rest_joints_table(self) -> tuple[Tensor, Tensor]:
        mean = self.joint_regressor @ self.v_template
        change = torch.einsum("jv,vcs->jcs", self.joint_regressor, self.shapedirs)
        return mean, change

    def rest_joints(self, betas: Tensor) -> Tensor:
        """Joints of the rest pose, (B, 24, 3) metres, for betas (B, S); float32 gives the same bits in every batch."""
        mean, change = self.rest_joints_table
        if torch.compiler.is_compiling():  # a traced program is of every batch size
            return mean + torch.einsum("jcs,bs->bjc", change, betas)
        return (mean + torch.einsum("jcs,bs->bjc", change, in_fours(betas)))[: len(betas)]

    def skeleton(self, *, betas: Tensor, body_pose: Tensor, global_orient: Tensor) -> PosedSkeleton:
        """Rotations and joints before ``transl``, without the mesh. Shapes as in ``forward``."""
        pose = torch.cat((global_orient, body_pose), dim=-1).unflatten(-1, (24, 3))
        return pose_skeleton(axis_angle_to_matrix(pose), self.rest_joints(betas), self.parents)

    def forward(
        self,
        *,
        betas: Tensor | None = None,
        body_pose: Tensor | None = None,
        global_orient: Tensor | None = None,
        transl: Tensor | None = None,
    ) -> BodyOutput:
        """Posed vertices and joints.

        Args:
            betas: (B, S); what is left out is zero.
            body_pose: (B, 69) axis-angle, radians.
            global_orient: (B, 3) axis-angle, radians; turns about the pelvis joint.
            transl: (B, 3) metres.
        Returns:
            vertices (B, V, 3) and joints (B, 24, 3), metres. Differentiable in every argument.
        Raises:
            ValueError: a shape does not fit, or batch sizes differ.
        Source: Loper et al. 2015, eqs. 2-10.
        """
        betas, body_pose, global_orient, transl = self._arguments(
            betas=betas, body_pose=body_pose, global_orient=global_orient, transl=transl
        )
        pose = torch.cat((global_orient, body_pose), dim=-1).unflatten(-1, (24, 3))
        return self.from_rotations(axis_angle_to_matrix(pose), betas, transl)

    def from_rotations(self, local: Tensor, betas: Tensor, transl: Tensor) -> BodyOutput:
        """``forward`` of rotation matrices (B, 24, 3, 3), each relative to the parent: no axis-angle has to be found
        whose derivative jumps at half a turn. betas (B, S), transl (B, 3)."""
        rest = self.v_template + (betas @ self.shapedirs.flatten(0, 1).T).unflatten(-1, (-1, 3))
        rest_joints = self.rest_joints(betas)
        if self.posedirs is not None:
            feature = local[:, 1:] - torch.eye(3, dtype=local.dtype, device=local.device)
            rest = rest + (feature.flatten(1) @ self.posedirs).unflatten(-1, (-1, 3))
        skeleton = pose_skeleton(local, rest_joints, self.parents)
        shift = transl[:, None]
        return BodyOutput(skin(rest, self.weights, skeleton, rest_joints) + shift, skeleton.joints + shift)

    __call__ = forward

    def from_params(self, params: Tensor) -> BodyOutput:
        """``forward`` of rows of parameters (see `parameters.Layout`); they may have fewer betas than the body."""
        return self.forward(**self.layout.split(self.own_params(params))._asdict())

    def own_params(self, params: Tensor) -> Tensor:
        """Rows of parameters (B, any) in this body's layout, (B, D): betas that they lack are 0.

        Raises:
            ValueError: another shape, or more betas than the body keeps.
        """
        given = Layout.of_size(params.shape[-1])
        parts = given.split(given.check(params))
        if given.num_betas > self.num_betas:
            raise ValueError(
                f"params: {given.num_betas} betas, but the body {self.name} keeps {self.num_betas}; "
                f"load it with num_betas={given.num_betas}"
            )
        return self.layout.join(**parts._replace(betas=self.layout.fit_betas(parts.betas))._asdict())

    def landmarks_from(self, vertices: Tensor, names: Sequence[str]) -> Tensor:
        """Named surface points of posed meshes.

        Args:
            vertices: (B, V, 3).
            names: L of ``landmark_names``.
        Returns:
            (B, L, 3) in the frame of ``vertices``.
        Raises:
            ValueError: a name is unknown, or the shape does not fit.
        """
        if vertices.ndim != 3 or vertices.shape[1:] != (self.num_vertices, 3):
            raise ValueError(f"vertices: expected (B, {self.num_vertices}, 3), got {tuple(vertices.shape)}")
        table = self.point_table([f"landmark:{name}" for name in names])
        return table.combine(vertices, vertices.new_zeros(len(vertices), 24, 3))

    def canonical_joints(self, output: BodyOutput) -> Tensor:
        """The canonical skeleton of posed bodies, (B, K, 3), in the order of ``CANONICAL_JOINTS``."""
        return self._canonical_table.combine(output.vertices, output.joints)

    def point_table(self, names: Sequence[str]) -> PointTable:
        """Table of the weights that sum named points from joints and vertices (see ``points.point_table``)."""
        return point_table(
            names,
            landmark_names=self.landmark_names,
            landmark_vertices=self.landmark_vertices,
            landmark_weights=self.landmark_weights,
        )

    @cached_property
    def _canonical_table(self) -> PointTable:
        return self.point_table(CANONICAL_JOINTS)

    def _arguments(self, **given: Tensor | None) -> tuple[Tensor, ...]:
        batches = {len(value) for value in given.values() if value is not None and value.ndim == 2}
        if len(batches) > 1:
            shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in given.items() if value is not None)
            raise ValueError(f"batch sizes differ: {shapes}")
        batch = batches.pop() if batches else 1
        arguments = []
        for name, value in given.items():
            where: slice = getattr(self.layout, name)
            size = where.stop - where.start
            if value is None:
                value = self.v_template.new_zeros(batch, size)
            elif value.ndim != 2 or value.shape[1] != size:
                raise ValueError(f"{name}: expected (B, {size}), got {tuple(value.shape)}")
            arguments.append(value)
        return tuple(arguments)
