"""The pose prior: a Gaussian mixture, its component chosen anew at each evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


class MixtureTerm(Term):
    """w * [sqrt(1/2) (x - m_k)^T L_k ; sqrt(-log w'_k)], x the body pose, k of the smallest total.

    Source: Bogo et al. 2016, eq. 4.

    Args:
        pose_prior: the mixture.
        weight: w.
    """

    name = "pose_prior"

    def __init__(self, pose_prior: GaussianMixture, weight: float) -> None:
        self._means = pose_prior.means  # (K, 69)
        self._factors = pose_prior.precisions_cholesky  # (K, 69, 69), lower; C^-1 = L L^T
        self._constants = pose_prior.neg_log_weights  # (K,)
        self._half_precisions = pose_prior.half_precisions
        self._preference = TIE * torch.arange(len(self._means), device=self._means.device)
        self._weight = weight

    def _components(self, pose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The chosen component (B,), its distance from the mean (B, 69), its total without the weight (B,)."""
        away = pose[None] - self._means[:, None]  # (K, B, 69)
        totals = 0.5 * torch.bmm(away, self._factors).square().sum(-1) + self._constants[:, None]
        # The mixture is mirror-symmetric, so at a symmetric pose (the start) components tie in pairs. A preference far
        # below what matters settles ties the same way whatever the rounding.
        chosen = (totals + self._preference[:, None]).argmin(0)
        total = totals.gather(0, chosen[None])[0]
        return chosen, pose - self._means[chosen], total

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        where = state.layout.body_pose
        chosen, away, _ = self._components(state.params[:, where])
        factors = self._factors[chosen] * (math.sqrt(0.5) * self._weight)
        values = torch.cat([(away[:, None] @ factors)[:, 0], self._weight * self._constants[chosen, None].sqrt()], -1)
        jacobian = factors.new_zeros(len(factors), values.shape[-1], state.layout.size)
        jacobian[:, :-1, where] = factors.mT
        return Residuals(values, jacobian)

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._weight**2 * self._components(state.params[:, state.layout.body_pose])[2]

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        where = state.layout.body_pose
        chosen, away, total = self._components(state.params[:, where])
        curvature = self._half_precisions[chosen]
        square = self._weight**2
        normal.gradient[:, where].add_(torch.bmm(curvature, away[..., None])[..., 0], alpha=square)
        normal.hessian[:, where, where].add_(curvature, alpha=square)
        normal.cost.add_(square * total)


@dataclass(frozen=True, kw_only=True)
class PosePrior(TermSpec):
    """Spec of `MixtureTerm`."""

    name: str = "pose_prior"
    weight: float = 1.0  # times the stage's ``pose_weight``

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        return MixtureTerm(problem.pose_prior, self.weight * stage.pose_weight)
