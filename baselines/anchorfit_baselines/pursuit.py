"""Matching pursuit for 3D poses, as Ramakrishna 2012 and Akhter & Black 2015 share it.

A pose is the mean and a sum of few atoms of an overcomplete basis, seen by a scaled orthographic camera. Atoms are
taken one by one, each time the one whose projection has the largest product with what is left in the image, or of
several such the one of least energy; after each, the coefficients of all taken atoms and the camera are found in turns,
for some rounds. It ends when so many atoms are taken, or in a row that is explained to within a tolerance: a share of
the keypoints' spread, root mean square. How coefficients are found, and what they cost, is a method's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .orthography import BONES, Camera, ImagePoints, find_camera, reduced
from .pose_basis import PoseBasis


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

    def settled(self, coefficients: Callable[[Pursuit], Tensor], rounds: int) -> Pursuit:
        """Coefficients (B, S), as the method finds them, and the camera in turns."""
        pursuit = self
        for _ in range(rounds):
            pursuit = pursuit.with_coefficients(coefficients(pursuit)).with_camera()
        return pursuit

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


def pursue(
    pursuit: Pursuit,
    settle: Callable[[Pursuit], Pursuit],
    *,
    sparsity: int,
    tolerance: float,
    candidates: int = 1,
    energy: Callable[[Pursuit], Tensor] | None = None,
) -> Pursuit:
    """Take atoms until there are enough; rows do not influence each other.

    Args:
        pursuit: where to start.
        settle: coefficients and camera after a new atom.
        sparsity: atoms taken at most.
        tolerance: below which a row takes no more.
        candidates: atoms tried at each turn.
        energy: (B,) what says which of several candidates stays.
    """
    count = len(pursuit.basis.atoms)
    for _ in range(min(sparsity, count)):
        active = pursuit.residual().square().mean((1, 2)).sqrt() > tolerance
        if not bool(active.any()):
            break
        atoms = pursuit.best_atoms(min(candidates, count))
        tried = [settle(pursuit.with_atoms(atom)) for atom in atoms.unbind(1)]
        grown = tried[0]
        if energy is not None:
            best = torch.stack([energy(one) for one in tried]).argmin(0)
            for number, other in enumerate(tried[1:], 1):
                grown = grown.where(best == number, other)
        pursuit = pursuit.with_atoms(atoms[:, 0], taken=False).where(active, grown)
    return pursuit


def limbs(points: Tensor) -> Tensor:
    """(..., 90) the vectors along `orthography.BONES` of points (..., P, 3)."""
    first, second = (list(ends) for ends in zip(*BONES, strict=True))
    return (points[..., second, :] - points[..., first, :]).flatten(-2)
