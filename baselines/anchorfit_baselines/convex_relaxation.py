"""Zhou, Leonardos, Hu, Daniilidis 2015, "3D shape estimation from 2D landmarks: a convex relaxation approach".

A pose is sum_k c_k R_k B_k with c_k >= 0, all R_k = R. In the image only M_k = c_k times two rows of R_k counts, and
the convex hull of such M_k is a ball of the spectral norm. So

    min  sum_p w_p |x_p - sum_k M_k b_kp|^2 / 2 + sparsity sum_k |M_k|_2,     M_k (2, 3),

is convex; ADMM solves it, its proximal step being that of the spectral norm. Each M_k then gives c_k, its larger
singular value, and R_k, its nearest orthonormal rows. As in the paper's "convex + refinement" the result is the start
of the problem with one rotation: c and R are found in turns.

Assumed: 128 atoms learned by non-negative sparse coding from training poses; keypoints weigh as they are confident; the
version that models gross errors in the keypoints (Zhou et al. 2016) is left out. ADMM runs a fixed number of steps with
a fixed penalty, so that no row's end depends on another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from anchorfit.body import BodyModel
from anchorfit.evaluation.answers import Answer
from anchorfit.observations.people import Observations

from .orthography import Camera, ImagePoints, bone_lengths, find_camera, lifted, reduced, with_third_row
from .pose_basis import non_negative_dictionary, training_shapes

CODE_STEPS = 20  # proximal gradient steps for c in each turn of the refinement


@dataclass(frozen=True, kw_only=True)
class ConvexRelaxation:
    """The method, trained.

    Attributes:
        atoms: (K, P, 3) float64, of unit norm.
        total_length: metres, the sum of the bones' lengths, for the size of what is returned.
        sparsity: weight of the spectral norms, in sizes of the person.
        penalty: of ADMM's splitting.
        steps: of ADMM.
        rounds: of the refinement; 0 leaves it out.
    """

    atoms: Tensor
    total_length: float
    sparsity: float = 0.02
    penalty: float = 3.0
    steps: int = 100
    rounds: int = 10
    name: str = "Zhou 2015, convex relaxation"

    @staticmethod
    def train(
        body: BodyModel, *, count: int = 8000, atoms: int = 128, sparsity: float = 0.1, rounds: int = 300, seed: int = 0
    ) -> ConvexRelaxation:
        """Learns ``atoms`` from ``count`` training poses in ``rounds`` turns; ``sparsity`` in metres."""
        shapes = training_shapes(body, count, seed=seed)
        learned = non_negative_dictionary(shapes, atoms=atoms, sparsity=sparsity, rounds=rounds, seed=seed)
        return ConvexRelaxation(atoms=learned, total_length=float(bone_lengths(shapes[0]).sum()))

    def state(self) -> dict[str, Tensor]:
        """What was learned, for files."""
        return {"atoms": self.atoms, "total_length": torch.tensor(self.total_length, dtype=torch.float64)}

    @staticmethod
    def restored(state: Mapping[str, Tensor]) -> ConvexRelaxation:
        """The inverse of `state`."""
        return ConvexRelaxation(atoms=state["atoms"], total_length=float(state["total_length"]))

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """3D joints; see `Answer`."""
        return lifted(self.turned, observations, body, self.total_length)

    def turned(self, image: ImagePoints) -> Tensor:
        """(B, P, 3) shapes as the camera sees them, in sizes of the person."""
        points = reduced(image.points, image.weights)
        atoms = reduced(self.atoms.expand(len(points), -1, -1, -1), image.weights)
        codes, rotations = decomposed(
            solve_relaxation(points, atoms, sparsity=self.sparsity, penalty=self.penalty, steps=self.steps)
        )
        turned = torch.einsum("bk,bkij,kpj->bpi", codes, rotations, self.atoms)
        if self.rounds == 0:
            return turned
        codes, camera = self._refined(points, atoms, codes, rotations)
        return torch.einsum("bk,bij,kpj->bpi", codes, camera.rotation, self.atoms)

    def _refined(self, points: Tensor, atoms: Tensor, codes: Tensor, rotations: Tensor) -> tuple[Tensor, Camera]:
        """Codes (B, K), which hold the scale, and the one rotation of each row."""
        mean = (codes[..., None, None] * rotations).sum(1)
        u, _, vt = torch.linalg.svd(mean[:, :2], full_matrices=False)
        camera = Camera(torch.ones_like(codes[:, 0]), with_third_row(u @ vt))
        for _ in range(self.rounds):
            codes = self._codes(points, atoms, codes, camera)
            camera = find_camera((codes[..., None, None] * atoms).sum(1), points, start=camera)
            codes = codes * camera.scale[:, None]
            camera = Camera(torch.ones_like(camera.scale), camera.rotation)
        return codes, camera

    def _codes(self, points: Tensor, atoms: Tensor, codes: Tensor, camera: Camera) -> Tensor:
        """c >= 0 of least |x - sum c_k R b_k|^2 / 2 + sparsity sum c_k, by accelerated proximal gradients (FISTA)."""
        seen = (atoms @ camera.rotation[:, None, :2].mT).flatten(2)  # (B, K, 2P)
        gram = seen @ seen.mT
        product = (seen @ points.flatten(1)[..., None])[..., 0] - self.sparsity
        step = 1.0 / torch.linalg.eigvalsh(seen.mT @ seen)[:, -1:].clamp_min(1e-9)
        ahead, momentum = codes, 1.0
        for _ in range(CODE_STEPS):
            after = (ahead + step * (product - (gram @ ahead[..., None])[..., 0])).clamp_min(0)
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = after + (momentum - 1) / following * (after - codes)
            codes, momentum = after, following
        return codes


def solve_relaxation(points: Tensor, atoms: Tensor, *, sparsity: float, penalty: float, steps: int) -> Tensor:
    """The relaxed problem by ADMM (Boyd et al. 2011, section 3): (B, K, 2, 3).

    Args:
        points: (B, P, 2); atoms: (B, K, P, 3); both made by `orthography.reduced`.
        sparsity: weight of the spectral norms.
        penalty: weight of the splitting.
        steps: how many.
    Raises:
        ValueError: a weight is not positive.
    """
    if sparsity <= 0 or penalty <= 0:
        raise ValueError(f"sparsity and penalty: expected positive numbers, got {sparsity} and {penalty}")
    count, number = atoms.shape[:2]
    wide = atoms.permute(0, 1, 3, 2).flatten(1, 2)  # (B, 3K, P)
    # (wide wide^T + penalty I)^-1 by way of P x P matrices (Woodbury): P is smaller than 3K by ten times.
    eye = torch.eye(wide.shape[2], dtype=wide.dtype, device=wide.device)
    inner = torch.linalg.inv(wide.mT @ wide + penalty * eye)
    known = points.mT @ wide.mT  # (B, 2, 3K)
    smooth = torch.zeros_like(known)
    dual = torch.zeros_like(known)
    for _ in range(steps):
        right = known + penalty * (smooth - dual)
        fitted = (right - right @ wide @ inner @ wide.mT) / penalty
        total = (fitted + dual).unflatten(2, (number, 3)).transpose(1, 2)  # (B, K, 2, 3)
        smooth = spectral_prox(total, sparsity / penalty).transpose(1, 2).flatten(2)
        dual = dual + fitted - smooth
    return smooth.unflatten(2, (number, 3)).transpose(1, 2).reshape(count, number, 2, 3)


def spectral_prox(matrix: Tensor, weight: float) -> Tensor:
    """argmin_X |X - Y|_F^2 / 2 + weight |X|_2, the spectral norm, of Y (..., 2, 3).

    The proximal operator of the largest singular value takes from the singular values their projection onto the l1
    ball of radius ``weight`` (Moreau; Parikh & Boyd 2014, section 6.5.2). The 2 x 2 matrix Y Y^T has closed-form
    eigenvalues, and X = (alpha I + beta Y Y^T) Y, with alpha + beta s_i^2 the share of s_i that is kept.
    """
    gram = matrix @ matrix.mT
    half_trace = (gram[..., 0, 0] + gram[..., 1, 1]) / 2
    split = ((gram[..., 0, 0] - gram[..., 1, 1]) / 2).hypot(gram[..., 0, 1])
    first = (half_trace + split).clamp_min(0).sqrt()
    second = (half_trace - split).clamp_min(0).sqrt()
    # Projection of (first, second) onto the l1 ball, subtracted: only the first is lowered, or both to one value.
    alone = first - weight
    level = torch.where(alone > second, alone, (first + second - weight) / 2).clamp_min(0)
    kept_first, kept_second = torch.minimum(first, level), torch.minimum(second, level)
    tiny = torch.finfo(matrix.dtype).tiny
    share_first, share_second = kept_first / first.clamp_min(tiny), kept_second / second.clamp_min(tiny)
    apart = 2 * split
    equal = apart <= 1e-12 * half_trace
    beta = torch.where(equal, 0.0, (share_first - share_second) / torch.where(equal, 1.0, apart))
    alpha = share_first - beta * (half_trace + split)
    eye = torch.eye(2, dtype=matrix.dtype, device=matrix.device)
    return (alpha[..., None, None] * eye + beta[..., None, None] * gram) @ matrix


def decomposed(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """c (B, K), the spectral norms of (B, K, 2, 3), and the nearest rotations (B, K, 3, 3)."""
    u, singular, vt = torch.linalg.svd(matrices, full_matrices=False)
    return singular[..., 0], with_third_row(u @ vt)
