"""Akhter & Black 2015, "Pose-conditioned joint angle limits for 3D human pose reconstruction".

A sparse sum of atoms, found by the matching pursuit of `pursuit` on

    reprojection + bone_weight * (bone lengths - the mean body's)^2 + limit_weight * (number of bones out of limits);

the limits are those of `joint_limits`. At each turn the atoms of largest product with the residual are tried, and the
one of least energy stays. At the end bones that are still out of limits are turned to the nearest direction inside.

Assumed: the paper's basis is an overcomplete dictionary of its own captures, here the same as for `matching_pursuit`;
its bone lengths lie in a subspace learned from people, here they are pulled to the mean body's, by one Gauss-Newton
step in each turn of coefficients and camera; its limits count as infinite energy, here as a price high enough that
among candidates the valid one wins; that several atoms are tried is how we keep to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from anchorfit.body import BodyModel
from anchorfit.evaluation.answers import Answer
from anchorfit.observations.people import Observations

from .joint_limits import JointLimits
from .orthography import ImagePoints, Lifted, bone_lengths, lifted
from .pose_basis import PoseBasis, clustered_basis, training_shapes
from .pursuit import Pursuit, limbs, pursue, start_pursuit


@dataclass(frozen=True, kw_only=True)
class LimitedPursuit:
    """The method, trained.

    Attributes:
        basis: of poses, float64.
        limits: of joints.
        lengths: (30,) metres, of the mean body's `orthography.BONES`.
        sparsity: atoms taken at most.
        candidates: atoms tried at each turn.
        bone_weight: sizes of the person squared for a square metre.
        limit_weight: the same for each bone out of limits.
        ridge: for each square metre of a coefficient: without it noise is fitted by large ones.
        rounds, tolerance: see `pursuit`.
    """

    basis: PoseBasis
    limits: JointLimits
    lengths: Tensor
    sparsity: int = 10
    candidates: int = 4
    bone_weight: float = 10.0
    limit_weight: float = 0.05
    ridge: float = 0.03
    rounds: int = 4
    tolerance: float = 1e-3
    name: str = "Akhter & Black 2015, joint limits"

    @staticmethod
    def train(
        body: BodyModel,
        *,
        count: int = 8000,
        clusters: int = 8,
        components: int = 10,
        sparsity: int = 10,
        seed: int = 0,
    ) -> LimitedPursuit:
        """Learns the basis from ``count`` training poses and the limits from four times as many."""
        shapes = training_shapes(body, 4 * count, seed=seed)
        return LimitedPursuit(
            basis=clustered_basis(shapes[:count], clusters=clusters, components=components, seed=seed),
            limits=JointLimits.learn(shapes[:, :24], body.rest_joints_table[0].double()),
            lengths=bone_lengths(shapes[0]),
            sparsity=sparsity,
        )

    def state(self) -> dict[str, Tensor]:
        """What was learned, for files."""
        limits = {f"limits/{name}": value for name, value in self.limits.state().items()}
        return {"mean": self.basis.mean, "atoms": self.basis.atoms, "lengths": self.lengths, **limits}

    @staticmethod
    def restored(state: Mapping[str, Tensor]) -> LimitedPursuit:
        """The inverse of `state`."""
        limits = {path.removeprefix("limits/"): value for path, value in state.items() if path.startswith("limits/")}
        return LimitedPursuit(
            basis=PoseBasis(mean=state["mean"], atoms=state["atoms"]),
            limits=JointLimits.restored(limits),
            lengths=state["lengths"],
        )

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """3D joints; see `Answer`."""
        return lifted(lambda image: self.lift(image).turned(), observations, body, float(self.lengths.sum()))

    def lift(self, image: ImagePoints) -> Lifted:
        """Shapes inside the limits and cameras of B people."""
        pursuit = self.pursued(image)
        return Lifted(self.limits.moved_inside(pursuit.shape()), pursuit.camera)

    def pursued(self, image: ImagePoints) -> Pursuit:
        """Where the pursuit ends, before bones are moved inside the limits."""
        return pursue(
            start_pursuit(self.basis, image),
            lambda grown: grown.settled(self._coefficients, self.rounds),
            sparsity=self.sparsity,
            tolerance=self.tolerance,
            candidates=self.candidates,
            energy=self.energy,
        )

    def energy(self, pursuit: Pursuit) -> Tensor:
        """(B,) what is made small."""
        shape = pursuit.shape()
        stretched = (bone_lengths(shape) - self.lengths).square().sum(-1)
        outside = (~self.limits.allowed(shape)).sum(-1)
        image = pursuit.residual().square().sum((1, 2))
        size = self.ridge * pursuit.coefficients.square().sum(-1)
        return image + size + self.bone_weight * stretched + self.limit_weight * outside

    def _coefficients(self, pursuit: Pursuit) -> Tensor:
        """(B, S) of one Gauss-Newton step: reprojection is linear in them, bone lengths are made so."""
        matrix, target = pursuit.equations()
        along = limbs(pursuit.shape()).unflatten(-1, (-1, 3))
        length = along.norm(dim=-1)
        unit = along / length.clamp_min(1e-6)[..., None]
        atoms = limbs(self.basis.atoms)[pursuit.support].unflatten(-1, (-1, 3))  # (B, S, 30, 3)
        slope = (atoms * unit[:, None]).sum(-1).mT * pursuit.taken[:, None]  # (B, 30, S)
        wanted = self.lengths - length + (slope @ pursuit.coefficients[..., None])[..., 0]
        left = matrix.mT @ matrix + self.bone_weight * slope.mT @ slope
        right = matrix.mT @ target[..., None] + self.bone_weight * slope.mT @ wanted[..., None]
        eye = torch.eye(left.shape[-1], dtype=left.dtype, device=left.device)
        return torch.linalg.solve(left + self.ridge * eye, right)[..., 0]
