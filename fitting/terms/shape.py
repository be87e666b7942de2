"""The shape prior: betas are of unit variance around zero."""

from __future__ import annotations

import torch
from torch import Tensor

from ..energy import BETAS, NUM_PARAMS, BodyState, Residuals, Term
from ..least_squares import NormalEquations


class ShapeTerm(Term):
    """w_b * betas (Bogo et al. 2016, eq. 5; the betas of a body file have unit variance)."""

    name = "shape"

    def __init__(self, weight: float) -> None:
        self._weight = weight

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        betas = state.params[:, BETAS]
        jacobian = betas.new_zeros(*betas.shape, NUM_PARAMS)
        torch.diagonal(jacobian[:, :, BETAS], dim1=-2, dim2=-1).fill_(self._weight)
        return Residuals(self._weight * betas, jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> NormalEquations:
        betas = state.params[:, BETAS]
        square = self._weight**2
        normal.gradient[:, BETAS].add_(betas, alpha=square)
        torch.diagonal(normal.hessian, dim1=-2, dim2=-1)[:, BETAS].add_(square)
        return normal._replace(cost=normal.cost + square * betas.square().sum(-1))
