"""Chosen points of the body and their exact Jacobian, without the mesh: the inner loop of fitting.

Every point that is a weighted sum of joints and of skinned vertices is a sum of turned vectors,

    x_p = w_p (J_0(betas) + transl) + sum_s C[p, s] h_s,      h_s = G_frame(s) q_s(betas, pose),

G_j being the world rotation of joint j. The sources s are the 23 bones (the offset of a joint from its parent, in the
parent's frame) and, for points on the surface, one vector for each joint that moves the point: its rest place seen
from that joint, times its skinning weight. q is linear in betas and in the pose feature f = vec(R_j - I). Therefore

    d x_p / d pose_k  = Omega_k x M_pk  (column by column)  +  sum_s C[p, s] G_frame(s) dq_s/df df/dpose_k
    Omega_k           = G_parent(k) J_l(pose_k)             world turning rate of joint k, for each pose component
    M_pk              = sum of C[p, s] h_s over sources whose frame is k or below k    the arm of p about joint k
    d x_p / d betas   = w_p dJ_0/dbetas + sum_s C[p, s] G_frame(s) dq_s/dbetas

Everything that does not depend on the parameters is gathered once, in ``compile_points``; an evaluation is a few large
products. Inside, the batch is the last dimension, so that elementwise work runs along it; matrices are stored column
by column: entry [j, c, r] is row r of column c.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..rows import FEWEST_COLUMNS, in_fours
from .jacobian_blocks import JacobianBlocks
from .joint_sets import CANONICAL_JOINTS
from .model import BodyModel
from .parameters import NUM_POSE, Layout
from .points import point_table
from .rotations import skew_table
from .skinning import ancestor_rows, jump_tables

_CHUNK_ROWS = 128  # of the batch at a time: intermediate results stay in the cache


class _Posed(NamedTuple):
    """Shared intermediates, batch last: local and world rotations, left Jacobians (J, 3, 3, B), points and arms."""

    local: Tensor
    jacobians: Tensor
    world: Tensor
    points_and_arms: Tensor  # (P + E, 3, B)


@dataclass(frozen=True, kw_only=True, eq=False)
class PointSet:
    """Points of one body, ready to evaluate; made by ``compile_points``. S is the number of betas, D = 72 + S + 3.

    Attributes:
        names: of the P points; given vertices are called ``vertex:INDEX``.
        num_betas: S.
    The other attributes are the tables of the module's formulas.
    """

    names: tuple[str, ...]
    num_betas: int
    parent_joints: Tensor  # (23,) parents of all joints but the root
    jumps: tuple[tuple[int, Tensor], ...]  # first joint with an ancestor 1, 2, 4, 8 steps up, and those ancestors
    source_frames: Tensor  # (N,) joint whose frame carries the source
    source_rest: Tensor  # (N * 3, 1): q at betas 0
    source_shape: Tensor  # (N * 3, S): dq/dbetas
    root_rest: Tensor  # (3, 1)
    root_shape: Tensor  # (3, S)
    root_weight: Tensor  # (P, 1, 1)
    combine: Tensor  # (P + E, N): C, and below it C restricted to the sources at and below k, for the pairs (p, k)
    pair_turns: Tensor  # (2, E * 9): rows of Omega in the cross products of the pairs, see _cross
    pair_arms: Tensor  # (2, E * 9): rows of the arms in them
    beta_frames: Tensor  # (P * S, 72): dx_p/dbetas as a product with the world rotations
    beta_root: Tensor  # (P * S * 3, 1)
    constant: Tensor  # (1 + P, 1): zero, and the derivative with respect to transl
    corrective_joints: Tensor  # (K,) in 1..23: joints whose rotation moves a point by correctives
    corrective_turns: Tensor  # (2, K * 27): rows of the left Jacobians in the derivatives of the rotations
    corrective_columns: Tensor  # (2, K * 27): rows of the rotations in them
    corrective_directions: Tensor  # (T * 3, K * 9): correctives of T surface sources
    corrective_spread: Tensor  # (N, T): how they add to the q of the sources
    corrective_blend: Tensor  # (T, 24): the rotation that carries each of them to the world
    corrective_sum: Tensor  # (Q, T): how they add to the Q points that have any; pairs start with (k, p) of these
    jacobian_rows: Tensor  # (P * 3 * D,): where each entry of the Jacobian stands among the computed rows

    @property
    def num_points(self) -> int:
        return len(self.names)

    @cached_property
    def layout(self) -> Layout:
        """Layout of the parameters."""
        return Layout(self.num_betas)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> PointSet:
        """The same on another device, or with another floating-point type."""
        changed: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                changed[field.name] = value.to(device=device, dtype=dtype if value.is_floating_point() else None)
        changed["jumps"] = tuple((start, ancestors.to(device)) for start, ancestors in self.jumps)
        return replace(self, **changed)

    def points(self, params: Tensor) -> Tensor:
        """The points alone.

        In float32 a row's points are the same to the bit in every batch; in float64 the last bit may differ.

        Args:
            params: (B, D) = [pose 72 | betas S | transl 3]; radians, units of betas, metres.
        Returns:
            (B, P, 3) metres, in the frame of transl.
        Raises:
            ValueError: the shape does not fit.
        """
        self._check(params)
        if not len(params):
            return params.new_empty(0, self.num_points, 3)
        posed = self._pose(in_fours(params).t().contiguous(), self.combine[: self.num_points])
        return posed.points_and_arms[..., : len(params)].permute(2, 0, 1).contiguous()

    def points_and_jacobian(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """The points and their derivative; to the bit as in ``points``.

        Args:
            params: (B, D), as in ``points``.
        Returns:
            points (B, P, 3) metres and Jacobian (B, P, 3, D), in metres for each unit of a parameter.
        Raises:
            ValueError: the shape does not fit.
        """
        self._check(params)
        count, whole = len(params), in_fours(params)
        points = params.new_empty(len(whole), self.num_points, 3)
        jacobian = params.new_empty(len(whole), self.num_points * 3, params.shape[1])
        for start in range(0, len(whole), _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            self._evaluate(whole[rows].t().contiguous(), points[rows], jacobian[rows].flatten(1))
        return points[:count], jacobian[:count].view(count, self.num_points, 3, params.shape[1])

    @cached_property
    def blocks(self) -> JacobianBlocks:
        """The blocks of the Jacobian, which its normal equations are made of; see ``points_and_rows``."""
        zero = self.pair_turns.shape[1] + 3 * self.beta_frames.shape[0]
        with torch.inference_mode(False):  # tensors that last
            return JacobianBlocks.of(self.jacobian_rows.view(self.num_points, 3, -1), zero)

    def points_and_rows(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Points (B, P, 3), and what their Jacobian is made of, (B, R), as ``blocks`` takes it; to the bit as in
        ``points``."""
        self._check(params)
        count = len(params)
        posed, rows = self._rows(in_fours(params).t().contiguous())
        points = posed.points_and_arms[: self.num_points, :, :count].permute(2, 0, 1).contiguous()
        return points, rows[:, :count].t().contiguous()

    def _evaluate(self, params: Tensor, points: Tensor, jacobian: Tensor) -> None:
        """Write points (B, P, 3) and Jacobian (B, P * 3 * D) of parameters (D, B) into the two given tensors."""
        posed, rows = self._rows(params)
        # The computed rows are a third of the Jacobian, the rest is zero: transpose them first, spread them after.
        torch.index_select(rows.t().contiguous(), 1, self.jacobian_rows, out=jacobian)
        points.copy_(posed.points_and_arms[: self.num_points].permute(2, 0, 1))

    def _rows(self, params: Tensor) -> tuple[_Posed, Tensor]:
        """The posed parameters (D, B), and the different entries of the Jacobian (R, B)."""
        batch = params.shape[1]
        posed = self._pose(params, self.combine)
        count, shapes = self.pair_turns.shape[1], self.beta_frames.shape[0]
        rows = params.new_empty(count + 3 * shapes + 1 + self.num_points, batch)
        above = posed.world.index_select(0, self.parent_joints)
        turning = torch.cat((posed.jacobians[:1], _product(above, posed.jacobians[1:])))  # (24, 3, 3, B): Omega
        of_pose, of_betas, constant = rows.split((count, 3 * shapes, 1 + self.num_points))
        _cross(turning.view(-1, batch), posed.points_and_arms.view(-1, batch), self.pair_turns, self.pair_arms, of_pose)
        if self.corrective_joints.numel():
            corrected = self._corrective_jacobian(posed)
            of_pose[: corrected.shape[0]] += corrected
        torch.mm(self.beta_frames, posed.world.view(NUM_POSE, 3 * batch), out=of_betas.view(shapes, 3 * batch))
        of_betas += self.beta_root
        constant.copy_(self.constant)
        return posed, rows

    def _check(self, params: Tensor) -> None:
        self.layout.check(params)

    def _pose(self, params: Tensor, combine: Tensor) -> _Posed:
        """The parameters (D, B), posed: shared by points and Jacobian."""
        batch = params.shape[1]
        layout = self.layout
        local, jacobians = _exponential_map(params[layout.pose].view(-1, 3, batch))
        world = local
        for start, ancestors in self.jumps:  # pointer doubling: see skinning.jump_tables
            world = torch.cat((world[:start], _product(world.index_select(0, ancestors), world[start:])))
        betas = params[layout.betas]
        vectors = _product_by_rows(self.source_shape, betas).add_(self.source_rest)
        if self.corrective_joints.numel():
            matrices = local.index_select(0, self.corrective_joints).view(-1, batch)
            added = _product_by_rows(self.corrective_directions, matrices).view(-1, 3 * batch)
            vectors.view(-1, 3 * batch).addmm_(self.corrective_spread, added)
        turned = _apply(world.index_select(0, self.source_frames), vectors.view(-1, 3, batch))  # (N, 3, B)
        summed = (combine @ turned.view(-1, 3 * batch)).view(-1, 3, batch)
        root = _product_by_rows(self.root_shape, betas) + (self.root_rest + params[layout.transl])
        summed[: self.num_points] += self.root_weight * root
        return _Posed(local, jacobians, world, summed)

    def _corrective_jacobian(self, posed: _Posed) -> Tensor:
        """What the pose correctives add to the Jacobian of pairs (k, p): (K * Q * 9, B)."""
        batch = posed.world.shape[-1]
        count = self.corrective_joints.numel()
        # d(column c of R)/dw_d = (column d of J_l) x (column c of R), laid out (K, c, r, d).
        derivative = posed.world.new_empty(count * 27, batch)
        jacobians, local = posed.jacobians.view(-1, batch), posed.local.view(-1, batch)
        _cross(jacobians, local, self.corrective_turns, self.corrective_columns, derivative)
        directions = self.corrective_directions.view(-1, count, 9).transpose(0, 1)  # (K, T * 3, 9)
        moved = torch.bmm(directions, derivative.view(count, 9, 3 * batch)).view(count, -1, 3, 3, batch)
        blended = (self.corrective_blend @ posed.world.view(24, -1)).view(-1, 3, 3, batch)
        world = blended[None, :, 0, None] * moved[:, :, 0, :, None]  # (K, T, 3 parameters, 3, B)
        for axis in (1, 2):
            world.addcmul_(blended[None, :, axis, None], moved[:, :, axis, :, None])
        if self.corrective_sum.numel():
            world = self.corrective_sum @ world.view(count, -1, 9 * batch)
        return world.view(-1, batch)


def _product_by_rows(table: Tensor, columns: Tensor) -> Tensor:
    """A table (M, K) times columns (K, B), one a row of the batch: few are filled up, see `rows.FEWEST_COLUMNS`."""
    batch = columns.shape[1]
    if batch >= FEWEST_COLUMNS:
        return table @ columns
    return (table @ pad(columns, (0, FEWEST_COLUMNS - batch)))[:, :batch].contiguous()


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Products of matrices stored by columns, (n, 3, 3, B) each."""
    first, second, third = left.unsqueeze(1).unbind(2)  # each (n, 1, 3, B)
    along, across, away = right.unsqueeze(3).unbind(2)  # each (n, 3, 1, B)
    return (first * along).addcmul_(second, across).addcmul_(third, away)


def _apply(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Matrices stored by columns, (n, 3, 3, B), times vectors (n, 3, B)."""
    first, second, third = matrices.unbind(1)  # each (n, 3, B)
    x, y, z = vectors.unsqueeze(2).unbind(1)  # each (n, 1, B)
    return (first * x).addcmul_(second, y).addcmul_(third, z)


def _cross(left: Tensor, right: Tensor, left_rows: Tensor, right_rows: Tensor, out: Tensor) -> None:
    """Cross products by table: out = left[l_0] * right[r_0] - left[l_1] * right[r_1], rows of B numbers."""
    torch.mul(left.index_select(0, left_rows[0]), right.index_select(0, right_rows[0]), out=out)
    out.addcmul_(left.index_select(0, left_rows[1]), right.index_select(0, right_rows[1]), value=-1.0)


def _exponential_map(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations and left Jacobians, (n, 3, 3, B) by columns, of axis-angle vectors (n, 3, B).

    The formulas of ``rotations``, without automatic differentiation and in few calls: c = (1 - a) / t^2 loses digits
    at small angles, but enters as c w w^T, which takes its error back to a rounding of 1.
    """
    count, _, batch = vectors.shape
    squared = (vectors * vectors).sum(1)
    angle = squared.sqrt()
    a = torch.sinc(angle * (1.0 / math.pi))
    half = torch.sinc(angle * (0.5 / math.pi))
    b = half * half * 0.5
    c = (1.0 - a) / squared.clamp_min(1e-14)
    coefficients = torch.stack((b, c, a, b, torch.cos(angle), a)).view(3, 2, count, 1, batch)
    of_outer, of_skew, of_identity = coefficients.unbind()
    outer = (vectors.unsqueeze(2) * vectors.unsqueeze(1)).view(count, 9, batch)
    entries, signs = skew_table(vectors.dtype, vectors.device)
    transposed = vectors.index_select(1, entries) * signs[:, None]  # by columns, what the table has by rows
    both = (of_outer * outer).addcmul_(of_skew, transposed, value=-1.0)  # (2, n, 9, B)
    both[:, :, ::4] += of_identity
    rotations, jacobians = both.view(2, count, 3, 3, batch).unbind()
    return rotations, jacobians


def rotations_with_jacobians(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations and left Jacobians, (B, 3, 3) each, of axis-angle vectors (B, 3), in few calls and without gradients.

    The same formulas as `rotations.axis_angle_to_matrix` and `rotations.left_jacobian`, which are differentiable.
    """
    both = _exponential_map(vectors.t().contiguous()[None])
    rotation, jacobian = (columns[0].permute(2, 1, 0).contiguous() for columns in both)
    return rotation, jacobian


def compile_points(
    body: BodyModel, names: Sequence[str] = CANONICAL_JOINTS, *, vertices: Sequence[int] = ()
) -> PointSet:
    """Prepare points of a body for evaluation.

    Args:
        body: the model; device and floating-point type are taken over.
        names: canonical joints, ``joint:NAME`` or ``landmark:NAME``.
        vertices: indices of vertices, appended as points of their own.
    Returns:
        the points, in the order of names and then vertices.
    Raises:
        ValueError: an unknown name, a vertex out of range, or no point at all.
    """
    outside = [vertex for vertex in vertices if not 0 <= vertex < body.num_vertices]
    if outside:
        raise ValueError(f"vertices: {outside[0]} is outside 0..{body.num_vertices - 1}")
    if not names and not vertices:
        raise ValueError("names: no point was asked for")
    table = point_table(
        names,
        landmark_names=body.landmark_names,
        landmark_vertices=body.landmark_vertices.cpu(),
        landmark_weights=body.landmark_weights.cpu().double(),
        vertices=vertices,
    )
    labels = (*names, *(f"vertex:{vertex}" for vertex in vertices))
    return _Compiler(body, table.joint_weights, table.vertices, table.vertex_weights).build(labels)


@lru_cache(maxsize=64)
def compiled_points(
    body: BodyModel, names: tuple[str, ...] = CANONICAL_JOINTS, *, correctives: bool = True
) -> PointSet:
    """`compile_points`, remembered for the bodies and names used last; ``vertex:INDEX`` comes after all other names.

    Without ``correctives``, of the same body without its pose correctives.
    """
    if not correctives:
        body = replace(body, posedirs=None)
    vertices = [int(name.removeprefix("vertex:")) for name in names if name.startswith("vertex:")]
    return compile_points(body, names[: len(names) - len(vertices)], vertices=vertices)


class _Sources(NamedTuple):
    """The N sources of P points, float64.

    Attributes:
        frames: N joints whose frames carry them.
        rest: (N, 3) and shape (N, 3, S): q at betas 0, and dq/dbetas.
        weights: (P, N) C. root_weight: (P,) w.
        surface: pairs (point, joint) of the first of them.
    """

    frames: list[int]
    rest: Tensor
    shape: Tensor
    weights: Tensor
    root_weight: Tensor
    surface: list[list[int]]


class _Compiler:
    """Builds the tables of a ``PointSet`` in float64 on the CPU."""

    def __init__(self, body: BodyModel, joint_weights: Tensor, vertices: Tensor, shares: Tensor) -> None:
        self.body = body
        self.num_points, self.num_joints = joint_weights.shape
        self.num_betas = body.num_betas
        self.joint_weights = joint_weights
        self.vertices = vertices
        self.shares = shares  # (P, K) of the vertices
        used = vertices.unique()
        local = torch.searchsorted(used, vertices)
        chosen = used.to(body.device)
        self.skin = body.weights[chosen].double().cpu()[local]  # (P, K, 24)
        rest = body.v_template[chosen].double().cpu()[local]  # (P, K, 3)
        shape = body.shapedirs[chosen].double().cpu()[local]  # (P, K, 3, S)
        regressor = body.joint_regressor.double().cpu()
        self.joints = regressor @ body.v_template.double().cpu()
        self.joints_shape = torch.einsum("jv,vcs->jcs", regressor, body.shapedirs.double().cpu())
        blend = self.shares[..., None] * self.skin  # (P, K, 24): share of the vertex times its skinning weight
        self.blend = blend
        total = blend.sum(1)  # (P, 24)
        self.carried = total + joint_weights  # weight with which a joint's own place enters the point
        self.arm_rest = torch.einsum("pkj,pkc->pjc", blend, rest) - total[..., None] * self.joints
        self.arm_shape = torch.einsum("pkj,pkcs->pjcs", blend, shape) - total[..., None, None] * self.joints_shape
        if body.posedirs is None:
            self.directions = torch.zeros(*vertices.shape, 3, 207, dtype=torch.float64)
        else:
            by_vertex = body.posedirs.view(207, -1, 3)[:, chosen].double().cpu().permute(1, 2, 0)  # (U, 3, 207)
            # Columns from row-major vec(R) to this module's column-major order.
            by_vertex = by_vertex.unflatten(-1, (23, 3, 3)).transpose(-1, -2).flatten(-3)
            self.directions = by_vertex[local]  # (P, K, 3, 207)

    def build(self, names: tuple[str, ...]) -> PointSet:
        """The point set; all tables are made here, in float64 on the CPU."""
        self._correctives()
        above = torch.tensor(ancestor_rows(self.body.parents), dtype=torch.float64)  # [j, k]: k is j or above j
        sources = self._sources(above)
        arm_weights = sources.weights[:, None] * above[sources.frames].T[None]  # (P, 24, N): s turns with joint k
        pairs = self._pairs(arm_weights)
        combine = torch.cat((sources.weights, arm_weights[[p for p, _ in pairs], [k for _, k in pairs]]))
        beta_frames, beta_root = self._beta_tables(sources)
        directions, spread = self._directions_table(), self._spread(sources)
        # Correctives are linear in R - I: what I gives is taken off the rest vectors once.
        at_rest = directions @ torch.eye(3, dtype=torch.float64).flatten().repeat(len(self.corrective_joints))
        pair_turns, pair_arms = self._cross_rows(torch.tensor([k for _, k in pairs]))
        derivative_turns, derivative_columns = self._derivative_rows()
        tensor, indices = self._tensor, self._indices
        return PointSet(
            names=names,
            num_betas=self.num_betas,
            parent_joints=indices(self.body.parents[1:]),
            jumps=tuple((start, indices(table[start:])) for start, table in self._jumps()),
            source_frames=indices(sources.frames),
            source_rest=tensor((sources.rest - spread @ at_rest.view(-1, 3)).reshape(-1, 1)),
            source_shape=tensor(sources.shape.reshape(-1, self.num_betas)),
            root_rest=tensor(self.joints[0].reshape(3, 1)),
            root_shape=tensor(self.joints_shape[0]),
            root_weight=tensor(sources.root_weight.view(-1, 1, 1)),
            combine=tensor(combine),
            pair_turns=indices(pair_turns),
            pair_arms=indices(pair_arms),
            beta_frames=tensor(beta_frames),
            beta_root=tensor(beta_root),
            constant=tensor(torch.cat((torch.zeros(1), sources.root_weight))[:, None]),
            corrective_joints=indices([k + 1 for k in self.corrective_joints]),
            corrective_turns=indices(derivative_turns),
            corrective_columns=indices(derivative_columns),
            corrective_directions=tensor(directions),
            corrective_spread=tensor(spread),
            corrective_blend=tensor(self._stack([blend for _, blend, _ in self.corrective_rows], self.num_joints)),
            corrective_sum=tensor(self._sum_table()),
            jacobian_rows=indices(self._jacobian_rows(pairs)),
        )

    def _tensor(self, values: Tensor) -> Tensor:
        return values.to(device=self.body.device, dtype=self.body.dtype).contiguous()

    def _indices(self, values: Sequence[int] | Tensor) -> Tensor:
        return torch.as_tensor(values, dtype=torch.int64).to(self.body.device)

    def _sources(self, above: Tensor) -> _Sources:
        """What points are sums of: a vector for each pair (point, joint) on the surface, then the bones."""
        parents, bones = self.body.parents, range(1, self.num_joints)
        surface = (self.blend.sum(1) != 0.0).nonzero().tolist()  # pairs (p, j)
        point, joint = [p for p, _ in surface], [j for _, j in surface]
        bone_rest = torch.stack([self.joints[j] - self.joints[parents[j]] for j in bones])
        bone_shape = torch.stack([self.joints_shape[j] - self.joints_shape[parents[j]] for j in bones])
        frames = joint + [parents[j] for j in bones]
        weights = torch.zeros(self.num_points, len(frames), dtype=torch.float64)
        weights[point, range(len(surface))] = 1.0
        weights[:, len(surface) :] = (self.carried @ above)[:, 1:]
        return _Sources(
            frames=frames,
            rest=torch.cat((self.arm_rest[point, joint], bone_rest)),
            shape=torch.cat((self.arm_shape[point, joint], bone_shape)),
            weights=weights,
            root_weight=(self.carried @ above)[:, 0],
            surface=surface,
        )

    def _beta_tables(self, sources: _Sources) -> tuple[Tensor, Tensor]:
        """``beta_frames`` and ``beta_root`` of the point set."""
        frames = torch.zeros(self.num_points, self.num_betas, self.num_joints, 3, dtype=torch.float64)
        by_source = torch.einsum("pn,ncs->psnc", sources.weights, sources.shape)
        frames.index_add_(2, torch.tensor(sources.frames), by_source)
        root = torch.einsum("p,cs->psc", sources.root_weight, self.joints_shape[0])[..., None]
        return frames.flatten(2).flatten(0, 1), root.reshape(-1, 1)

    def _spread(self, sources: _Sources) -> Tensor:
        """(N, T): how correctives add to the sources."""
        spread = torch.zeros(len(sources.frames), len(self.corrective_rows), dtype=torch.float64)
        for row, (p, blend, _) in enumerate(self.corrective_rows):
            for source, (q, j) in enumerate(sources.surface):
                if p == q:
                    spread[source, row] = blend[j]
        return spread

    def _jumps(self) -> list[tuple[int, tuple[int, ...]]]:
        """First joint that has an ancestor so many steps up, and the table; SMPL orders its joints by depth."""
        return [(sum(entry == self.num_joints for entry in table), table) for table in jump_tables(self.body.parents)]

    def _cross_rows(self, joints: Tensor) -> tuple[Tensor, Tensor]:
        """Rows for ``_cross`` of Omega (24, d, r) and of points and arms (P + E, r): result (E, d, r)."""
        component = torch.arange(3)
        turns, arms = [], []
        for first, second in ((1, 2), (2, 1)):
            of_turn = 9 * joints[:, None, None] + 3 * component[:, None] + (component + first) % 3
            of_arm = 3 * (self.num_points + torch.arange(len(joints)))[:, None, None] + (component + second) % 3
            turns.append(of_turn.flatten())
            arms.append(of_arm.expand_as(of_turn).flatten())
        return torch.stack(turns), torch.stack(arms)

    def _derivative_rows(self) -> tuple[Tensor, Tensor]:
        """Rows for ``_cross`` of left Jacobians (24, d, r) and of rotations (24, c, r): result (K, c, r, d)."""
        joints = (torch.tensor(self.corrective_joints, dtype=torch.int64) + 1).view(-1, 1, 1, 1)
        column, component, parameter = torch.meshgrid(*[torch.arange(3)] * 3, indexing="ij")
        turns, columns = [], []
        for first, second in ((1, 2), (2, 1)):
            turns.append((9 * joints + 3 * parameter + (component + first) % 3).flatten())
            columns.append((9 * joints + 3 * column + (component + second) % 3).flatten())
        return torch.stack(turns), torch.stack(columns)

    def _correctives(self) -> None:
        """Corrective sources (point, blend over joints (24,), directions (3, 207)): by vertex or joint, the fewer."""
        rows: list[tuple[int, Tensor, Tensor]] = []
        for p in range(self.num_points):
            corners = [k for k in range(self.shares.shape[1]) if self.shares[p, k] != 0 and self.directions[p, k].any()]
            joints = self.blend[p].sum(0).nonzero().flatten().tolist()
            if len(corners) <= len(joints):
                rows.extend((p, self.blend[p, k], self.directions[p, k]) for k in corners)
            else:
                one = torch.eye(self.num_joints, dtype=torch.float64)
                summed = torch.einsum("kj,kcf->jcf", self.blend[p], self.directions[p])
                rows.extend((p, one[j], summed[j]) for j in joints)
        self.corrective_rows = rows
        self.corrective_points = sorted({p for p, _, _ in rows})
        moving = torch.zeros(23, dtype=torch.bool)
        for _, _, directions in rows:
            moving |= directions.unflatten(-1, (23, 9)).ne(0).any(-1).any(0)
        self.corrective_joints = moving.nonzero().flatten().tolist()

    def _directions_table(self) -> Tensor:
        rows = self._stack([directions for _, _, directions in self.corrective_rows], 3, 207)
        return rows.unflatten(-1, (23, 9))[:, :, self.corrective_joints].flatten(2).flatten(0, 1)

    def _sum_table(self) -> Tensor:
        """(Q, T), or empty where each point has one source."""
        if len(self.corrective_points) == len(self.corrective_rows):
            return torch.zeros(0, 0)
        rows = [p for p, _, _ in self.corrective_rows]
        return torch.tensor([[float(p == q) for q in rows] for p in self.corrective_points])

    def _pairs(self, arm_weights: Tensor) -> list[tuple[int, int]]:
        """Pairs (point, joint) with an entry in the Jacobian; those with correctives first, joint by joint."""
        first = [(p, k + 1) for k in self.corrective_joints for p in self.corrective_points]
        known = set(first)
        moved = arm_weights.abs().sum(-1).nonzero().tolist()
        return first + [(p, k) for p, k in moved if (p, k) not in known]

    def _jacobian_rows(self, pairs: list[tuple[int, int]]) -> Tensor:
        """Where entry (p, r, column) stands among [pairs (E, 3, 3) | betas (P, S, 3) | zero | transl of each point]."""
        layout = Layout(self.num_betas)
        betas_start = 9 * len(pairs)
        zero = betas_start + 3 * self.num_points * self.num_betas
        rows = torch.full((self.num_points, 3, layout.size), zero)
        block = torch.arange(9).view(3, 3).T  # [r, d] of a pair stored [d, r]
        for index, (p, k) in enumerate(pairs):
            rows[p, :, 3 * k : 3 * k + 3] = 9 * index + block
        shape = torch.arange(3 * self.num_points * self.num_betas).view(self.num_points, self.num_betas, 3)
        rows[:, :, layout.betas] = betas_start + shape.transpose(1, 2)
        for axis in range(3):
            rows[:, axis, layout.transl.start + axis] = zero + 1 + torch.arange(self.num_points)
        return rows.flatten()

    @staticmethod
    def _stack(rows: list[Tensor], *shape: int) -> Tensor:
        return torch.stack(rows) if rows else torch.zeros(0, *shape, dtype=torch.float64)
