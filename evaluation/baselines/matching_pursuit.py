"""Ramakrishna, Kanade, Sheikh 2012, "Reconstructing 3D human pose from 2D image landmarks": matching pursuit.

A pose is the mean and a sum of few atoms of an overcomplete basis, seen by a scaled orthographic camera. Atoms are
taken one by one, each time the one whose projection has the largest product with what is left in the image; after each,
the coefficients of all taken atoms and the camera are found in turns. The sum of squared limb lengths is held at the
mean body's: a constraint that has a solution in closed form, which single lengths have not.

Assumed: the paper's bases are principal components of CMU's motions by category; the library has no categories, so
groups that k-means finds stand for them. Limb lengths are those of the mean body, and the camera's scale takes up the
person's size. Points that were not seen are left out of the sums; confidences are weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...body import BodyModel
from ...observations.people import Observations
from ..answers import Answer
from .orthography import BONES, Camera, ImagePoints, Lifted, bone_lengths, find_camera, lifted, reduced
from .pose_basis import PoseBasis, clustered_basis, training_shapes

BISECTIONS = 60  # of the multiplier, in its logarithm


@dataclass(frozen=True, kw_only=True)
class MatchingPursuit:
    """The method, trained.

    Attributes:
        basis: of poses, float64.
        squared_lengths: square metres, the sum over `orthography.BONES` that poses are held to.
        total_length: metres, the sum of the lengths, for the size of what is returned.
        sparsity: atoms taken at most.
        rounds: of coefficients and camera, in turns, after each new atom.
        tolerance: share of the keypoints' spread, root mean square, below which no more are taken.
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
        pursuit = start_pursuit(self.basis, image)
        for _ in range(min(self.sparsity, len(self.basis.atoms))):
            active = pursuit.residual().square().mean((1, 2)).sqrt() > self.tolerance
            if not bool(active.any()):
                break
            atoms = pursuit.best_atoms(1)[:, 0]
            grown = pursuit.with_atoms(atoms)
            for _ in range(self.rounds):
                grown = grown.with_coefficients(self._coefficients(grown)).with_camera()
            pursuit = pursuit.with_atoms(atoms, taken=False).where(active, grown)
        return Lifted(pursuit.shape(), pursuit.camera)

    def _coefficients(self, pursuit: Pursuit) -> Tensor:
        """(B, S) of least error in the image with the sum of squared limb lengths held."""
        mean, atoms = limbs(pursuit.basis.mean), limbs(pursuit.basis.atoms)[pursuit.support]
        matrix, target = pursuit.equations()
        wanted = torch.full((len(target),), self.squared_lengths, dtype=target.dtype)
        return constrained_least_squares(
            matrix, target, (atoms * pursuit.taken[..., None]).mT, mean.expand(len(target), -1), wanted
        )


@dataclass(frozen=True, kw_only=True)
class Pursuit:
    """How far a matching pursuit of B rows has come.

    Attributes:
        basis: K atoms.
        image: (B, P, 2) reduced keypoints.
        mean, atoms: (B, P, 3) and (B, K, P, 3), the basis, reduced with the same weights.
        support: (B, S) atoms taken; taken (B, S) bool: False in a row that did not take one in that turn.
        coefficients: (B, S).
        camera: of each row.
    """

    basis: PoseBasis
    image: Tensor
    mean: Tensor
    atoms: Tensor
    support: Tensor
    taken: Tensor
    coefficients: Tensor
    camera: Camera

    def shape(self) -> Tensor:
        """(B, P, 3) metres."""
        chosen = self.basis.atoms[self.support]
        return self.basis.mean + (self.coefficients[..., None, None] * chosen).sum(1)

    def reduced_shape(self) -> Tensor:
        chosen = self._of_support(self.atoms)
        return self.mean + (self.coefficients[..., None, None] * chosen).sum(1)

    def residual(self) -> Tensor:
        """(B, P, 2) what is left of the keypoints."""
        return self.image - self._seen(self.reduced_shape()[:, None])[:, 0]

    def best_atoms(self, count: int) -> Tensor:
        """(B, count) atoms not yet taken whose projections have the largest products with the residual."""
        product = (self._seen(self.atoms) * self.residual()[:, None]).sum((-2, -1)).abs()
        used = torch.zeros_like(product).scatter_add_(1, self.support, self.taken.to(product))
        return torch.where(used > 0, -1.0, product).topk(count, dim=1).indices

    def with_atoms(self, atoms: Tensor, *, taken: bool = True) -> Pursuit:
        """One atom (B,) more, with coefficient 0; or none more, in a slot that stays empty."""
        column = torch.full_like(atoms[:, None], taken, dtype=torch.bool)
        return replace(
            self,
            support=torch.cat((self.support, atoms[:, None]), 1),
            taken=torch.cat((self.taken, column), 1),
            coefficients=torch.cat((self.coefficients, torch.zeros_like(self.image[:, :1, 0])), 1),
        )

    def with_coefficients(self, coefficients: Tensor) -> Pursuit:
        return replace(self, coefficients=torch.where(self.taken, coefficients, 0.0))

    def with_camera(self) -> Pursuit:
        return replace(self, camera=find_camera(self.reduced_shape(), self.image, start=self.camera))

    def where(self, chosen: Tensor, other: Pursuit) -> Pursuit:
        """``other``, which has as many slots, in the chosen rows (B,)."""
        return replace(
            self,
            support=torch.where(chosen[:, None], other.support, self.support),
            taken=torch.where(chosen[:, None], other.taken, self.taken),
            coefficients=torch.where(chosen[:, None], other.coefficients, self.coefficients),
            camera=Camera(
                torch.where(chosen, other.camera.scale, self.camera.scale),
                torch.where(chosen[:, None, None], other.camera.rotation, self.camera.rotation),
            ),
        )

    def equations(self) -> tuple[Tensor, Tensor]:
        """matrix (B, 2P, S) and target (B, 2P): what coefficients should give in the image."""
        matrix = self._seen(self._of_support(self.atoms)).flatten(2).mT * self.taken[:, None]
        return matrix, (self.image - self._seen(self.mean[:, None])[:, 0]).flatten(1)

    def _seen(self, points: Tensor) -> Tensor:
        """(B, N, P, 2) of points (B, N, P, 3)."""
        projection = self.camera.scale[:, None, None] * self.camera.rotation[:, :2]
        return points @ projection.mT[:, None]

    def _of_support(self, atoms: Tensor) -> Tensor:
        rows = torch.arange(len(atoms), device=atoms.device)[:, None]
        return atoms[rows, self.support]


def start_pursuit(basis: PoseBasis, image: ImagePoints) -> Pursuit:
    """No atom taken: the mean pose, and the camera that sees it best."""
    count = len(image.points)
    points = reduced(image.points, image.weights)
    mean = reduced(basis.mean.expand(count, -1, -1), image.weights)
    atoms = reduced(basis.atoms.expand(count, -1, -1, -1), image.weights)
    none = torch.zeros(count, 0, dtype=torch.long, device=points.device)
    return Pursuit(
        basis=basis,
        image=points,
        mean=mean,
        atoms=atoms,
        support=none,
        taken=none.bool(),
        coefficients=none.to(points),
        camera=find_camera(mean, points),
    )


def limbs(points: Tensor) -> Tensor:
    """(..., 90) the vectors along `orthography.BONES` of points (..., P, 3)."""
    first, second = (list(ends) for ends in zip(*BONES, strict=True))
    return (points[..., second, :] - points[..., first, :]).flatten(-2)


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
