"""Ramakrishna, Kanade, Sheikh 2012, "Reconstructing 3D human pose from 2D image landmarks": matching pursuit.

The pursuit is that of `pursuit`, one candidate at a time. The sum of squared limb lengths is held at the mean body's: a
constraint that has a solution in closed form, which single lengths have not.

Assumed: the paper's bases are principal components of CMU's motions by category; the library has no categories, so
groups that k-means finds stand for them. Limb lengths are those of the mean body, and the camera's scale takes up the
person's size. Points that were not seen are left out of the sums; confidences are weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from anchorfit.body import BodyModel
from anchorfit.evaluation.answers import Answer
from anchorfit.observations.people import Observations

from .orthography import ImagePoints, Lifted, bone_lengths, lifted
from .pose_basis import PoseBasis, clustered_basis, training_shapes
from .pursuit import Pursuit, limbs, pursue, start_pursuit

BISECTIONS = 60  # of the multiplier, in its logarithm


@dataclass(frozen=True, kw_only=True)
class MatchingPursuit:
    """The method, trained.

    Attributes:
        basis: of poses, float64.
        squared_lengths: square metres, the sum over `orthography.BONES` that poses are held to.
        total_length: metres, the sum of the lengths, for the size of what is returned.
        sparsity: atoms taken at most.
        rounds, tolerance: see `pursuit`.
    """

    basis: PoseBasis
    squared_lengths: float
    total_length: float
    sparsity: int = 10
    rounds: int = 4
    tolerance: float = 1e-3
    name: str = "Ramakrishna 2012, matching pursuit"

    @staticmethod
    def train(
        body: BodyModel,
        *,
        count: int = 8000,
        clusters: int = 8,
        components: int = 10,
        sparsity: int = 10,
        seed: int = 0,
    ) -> MatchingPursuit:
        """Learns the basis from ``count`` training poses: ``clusters`` + 1 times ``components`` atoms."""
        shapes = training_shapes(body, count, seed=seed)
        lengths = bone_lengths(shapes[0])
        return MatchingPursuit(
            basis=clustered_basis(shapes, clusters=clusters, components=components, seed=seed),
            squared_lengths=float(lengths.square().sum()),
            total_length=float(lengths.sum()),
            sparsity=sparsity,
        )

    def state(self) -> dict[str, Tensor]:
        """What was learned, for files."""
        lengths = torch.tensor([self.squared_lengths, self.total_length], dtype=torch.float64)
        return {"mean": self.basis.mean, "atoms": self.basis.atoms, "lengths": lengths}

    @staticmethod
    def restored(state: Mapping[str, Tensor]) -> MatchingPursuit:
        """The inverse of `state`."""
        squared, total = state["lengths"].tolist()
        basis = PoseBasis(mean=state["mean"], atoms=state["atoms"])
        return MatchingPursuit(basis=basis, squared_lengths=squared, total_length=total)

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """3D joints; see `Answer`."""
        return lifted(lambda image: self.lift(image).turned(), observations, body, self.total_length)

    def lift(self, image: ImagePoints) -> Lifted:
        """Shapes and cameras of B people."""
        pursuit = pursue(
            start_pursuit(self.basis, image),
            lambda grown: grown.settled(self._coefficients, self.rounds),
            sparsity=self.sparsity,
            tolerance=self.tolerance,
        )
        return Lifted(pursuit.shape(), pursuit.camera)

    def _coefficients(self, pursuit: Pursuit) -> Tensor:
        """(B, S) of least error in the image with the sum of squared limb lengths held."""
        mean, atoms = limbs(pursuit.basis.mean), limbs(pursuit.basis.atoms)[pursuit.support]
        matrix, target = pursuit.equations()
        wanted = torch.full((len(target),), self.squared_lengths, dtype=target.dtype)
        return constrained_least_squares(
            matrix, target, (atoms * pursuit.taken[..., None]).mT, mean.expand(len(target), -1), wanted
        )


def constrained_least_squares(matrix: Tensor, target: Tensor, limb: Tensor, offset: Tensor, wanted: Tensor) -> Tensor:
    """min |A w - b|^2 subject to |Q w + q|^2 = c, in each row.

    With Q^T Q = L L^T and L^-1 A^T A L^-T = V diag(e) V^T the multiplier m solves
        sum_i ((g_i + e_i h_i) / (e_i + m))^2 = c - |q|^2 + |h|^2,   g = V^T L^-1 A^T b,  h = V^T L^-1 Q^T q,
    whose left side falls for m > -min e; it is bisected. Where the right side is negative no w satisfies the
    constraint, and the nearest is returned.

    Args:
        matrix: A (B, M, S); target: b (B, M); limb: Q (B, D, S); offset: q (B, D); wanted: c (B,).
    Returns:
        w (B, S).
    Source: Ramakrishna et al. 2012, section 4.2; Golub & Van Loan 2013, section 6.2.1.
    """
    size = limb.shape[-1]
    eye = torch.eye(size, dtype=limb.dtype, device=limb.device)
    lower = torch.linalg.cholesky(limb.mT @ limb + 1e-9 * eye)
    half = torch.linalg.solve_triangular(lower, matrix.mT, upper=False)  # (B, S, M): L^-1 A^T
    values, vectors = torch.linalg.eigh(half @ half.mT)
    values = values.clamp_min(0)
    g = (vectors.mT @ (half @ target[..., None]))[..., 0]
    of_offset = limb.mT @ offset[..., None]
    h = (vectors.mT @ torch.linalg.solve_triangular(lower, of_offset, upper=False))[..., 0]
    radius = wanted - offset.square().sum(-1) + h.square().sum(-1)
    numerator = g + values * h
    floor = values[:, :1]
    low, high = torch.full_like(radius, -30.0), torch.full_like(radius, 30.0)  # logarithms of m + min e
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        gap = (values - floor) + middle.exp()[:, None]
        beyond = (numerator / gap).square().sum(-1) > radius
        low, high = torch.where(beyond, middle, low), torch.where(beyond, high, middle)
    gap = (values - floor) + ((low + high) / 2).exp()[:, None]
    y = numerator / gap - h
    return torch.linalg.solve_triangular(lower.mT, vectors @ y[..., None], upper=True)[..., 0]
