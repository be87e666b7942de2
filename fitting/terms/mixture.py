"""The pose prior: a Gaussian mixture, its component chosen anew at each evaluation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..energy import BODY_POSE, NUM_PARAMS, BodyState, Residuals, Term
from ..least_squares import NormalEquations
from ..pose_prior import GaussianMixture

TIE = 1e-3  # of an energy of about 80: above float32's rounding, below any difference that matters


class MixtureTerm(Term):
    """w * [sqrt(1/2) (x - m_k)^T L_k ; sqrt(-log w'_k)], x the body pose, k of the smallest total.

    Source: Bogo et al. 2016, eq. 4.

    Args:
        prior: the mixture.
        weight: w.
    """

    name = "pose_prior"

    def __init__(self, prior: GaussianMixture, weight: float) -> None:
        self._means = prior.means  # (K, 69)
        self._factors = prior.precisions_cholesky  # (K, 69, 69), lower; C^-1 = L L^T
        self._constants = prior.neg_log_weights  # (K,)
        self._half_precisions = 0.5 * self._factors @ self._factors.mT
        self._preference = TIE * torch.arange(len(self._means), device=self._means.device)
        self._weight = weight

    def _components(self, params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The chosen component (B,), its distance from the mean (B, 69), its total without the weight (B,)."""
        away = params[None, :, BODY_POSE] - self._means[:, None]  # (K, B, 69)
        totals = 0.5 * torch.bmm(away, self._factors).square().sum(-1) + self._constants[:, None]
        # The mixture is mirror-symmetric, so at a symmetric pose (the start) components tie in pairs. A preference far
        # below what matters settles ties the same way whatever the rounding.
        chosen = (totals + self._preference[:, None]).argmin(0)
        total = totals.gather(0, chosen[None])[0]
        return chosen, params[:, BODY_POSE] - self._means[chosen], total

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        chosen, away, _ = self._components(state.params)
        factors = self._factors[chosen] * (math.sqrt(0.5) * self._weight)
        values = torch.cat([(away[:, None] @ factors)[:, 0], self._weight * self._constants[chosen, None].sqrt()], -1)
        jacobian = factors.new_zeros(len(factors), values.shape[-1], NUM_PARAMS)
        jacobian[:, :-1, BODY_POSE] = factors.mT
        return Residuals(values, jacobian)

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._weight**2 * self._components(state.params)[2]

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> NormalEquations:
        chosen, away, total = self._components(state.params)
        curvature = self._half_precisions[chosen]
        square = self._weight**2
        normal.gradient[:, BODY_POSE].add_(torch.bmm(curvature, away[..., None])[..., 0], alpha=square)
        normal.hessian[:, BODY_POSE, BODY_POSE].add_(curvature, alpha=square)
        return normal._replace(cost=normal.cost + square * total)
