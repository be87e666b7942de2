"""The pose prior: a Gaussian mixture, its components weighed anew at each evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from ..pose_prior import GaussianMixture
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

TIE = 1e-3  # of an energy of about 80: above float32's rounding, below any difference that matters


class _Weighed(NamedTuple):
    """How B poses stand to K components: L_k^T (x - m_k) (K, B, 69), shares (B, K), the soft minimum (B,)."""

    whitened: Tensor
    shares: Tensor
    total: Tensor


class MixtureTerm(Term):
    """w^2 times the soft minimum over k of E_k = 1/2 |L_k^T (x - m_k)|^2 - log w'_k, x the body pose.

    The soft minimum -T log mean_k exp(-E_k / T) has the gradient sum_k r_k grad E_k with shares r = softmax(-E / T).
    As in EM, shares are held while a step is made: the curvature is sum_k r_k L_k L_k^T / 2. At temperature 0 it is the
    minimum, one component to a pose (Bogo et al. 2016, eq. 4). The mixture is mirror-symmetric, so at a symmetric pose,
    such as the one `smplify` starts at, components tie in pairs. The minimum takes one of them, whatever the image
    shows; the soft minimum shares between them, and the fit to a mirrored image is the mirrored fit.

    Args:
        pose_prior: the mixture.
        weight: w.
        temperature: T, in units of E (about 80 for a good pose).
    """

    name = "pose_prior"

    def __init__(self, pose_prior: GaussianMixture, weight: float, *, temperature: float = 0.0) -> None:
        self._means = pose_prior.means  # (K, 69)
        self._factors = pose_prior.precisions_cholesky  # (K, 69, 69), lower; C^-1 = L L^T
        self._constants = pose_prior.neg_log_weights  # (K,)
        self._half_precisions = pose_prior.half_precisions.flatten(1)  # (K, 69 * 69)
        # At temperature 0 a preference far below what matters settles ties the same way whatever the rounding.
        self._preference = TIE * torch.arange(len(self._means), device=self._means.device)
        self._weight = weight
        self._temperature = temperature

    def _weigh(self, state: BodyState) -> _Weighed:
        pose = state.params[:, state.layout.body_pose]
        whitened = torch.bmm(pose[None] - self._means[:, None], self._factors)
        totals = (0.5 * whitened.square().sum(-1) + self._constants[:, None]).mT.contiguous()  # (B, K)
        if self._temperature > 0:
            scaled = -totals / self._temperature
            logs = torch.log_softmax(scaled, -1)
            mean = (scaled - logs)[:, 0] - math.log(totals.shape[1])  # the logarithm of the mean of exp(-E / T)
            return _Weighed(whitened, logs.exp(), -self._temperature * mean)
        chosen = (totals + self._preference).argmin(-1, keepdim=True)
        return _Weighed(whitened, torch.zeros_like(totals).scatter(1, chosen, 1.0), totals.gather(1, chosen)[:, 0])

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        """[sqrt(r_k / 2) L_k^T (x - m_k) for each k; what is left of the total], shares held: (B, 69 K + 1)."""
        whitened, shares, total = self._weigh(state)
        roots = self._weight * (0.5 * shares.detach()).sqrt()  # (B, K)
        values = whitened.transpose(0, 1) * roots[..., None]  # (B, K, 69)
        rest = (self._weight**2 * total - values.square().sum((1, 2))).clamp(min=0.0).sqrt().detach()
        jacobian = values.new_zeros(len(values), values[0].numel() + 1, state.layout.size)
        jacobian[:, :-1, state.layout.body_pose] = (roots[..., None, None] * self._factors.mT).flatten(1, 2)
        return Residuals(torch.cat([values.flatten(1), rest[:, None]], 1), jacobian)

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._weight**2 * self._weigh(state).total

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        where = state.layout.body_pose
        whitened, shares, total = self._weigh(state)
        pulls = torch.bmm(whitened, self._factors.mT)  # (K, B, 69)
        square = self._weight**2
        normal.gradient[:, where].add_((shares.mT[..., None] * pulls).sum(0), alpha=0.5 * square)
        curvature = (shares @ self._half_precisions).unflatten(1, (pulls.shape[-1], -1))
        normal.hessian[:, where, where].add_(curvature, alpha=square)
        normal.cost.add_(square * total)


@dataclass(frozen=True, kw_only=True)
class Mixture(TermSpec):
    """Spec of `MixtureTerm` (formerly ``PosePrior``)."""

    name: str = "pose_prior"
    weight: float = 1.0  # times the stage's ``pose_weight``
    temperature: float = 20.0  # of the soft minimum; 0: one component to a pose, as in the public code

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        return MixtureTerm(problem.pose_prior, self.weight * stage.pose_weight, temperature=self.temperature)
