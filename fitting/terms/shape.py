"""The shape prior: betas are of unit variance around zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class ShapeTerm(Term):
    """w_b * betas (Bogo et al. 2016, eq. 5; the betas of a body file have unit variance)."""

    name = "shape"

    def __init__(self, weight: float) -> None:
        self._weight = weight

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        betas = state.params[:, state.layout.betas]
        jacobian = betas.new_zeros(*betas.shape, state.layout.size)
        torch.diagonal(jacobian[:, :, state.layout.betas], dim1=-2, dim2=-1).fill_(self._weight)
        return Residuals(self._weight * betas, jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        where = state.layout.betas
        betas = state.params[:, where]
        square = self._weight**2
        normal.gradient[:, where].add_(betas, alpha=square)
        torch.diagonal(normal.hessian, dim1=-2, dim2=-1)[:, where].add_(square)
        normal.cost.add_(square * betas.square().sum(-1))


@dataclass(frozen=True, kw_only=True)
class Shape(TermSpec):
    """Spec of `ShapeTerm`."""

    name: str = "shape"
    weight: float = 1.0  # times the stage's ``shape_weight``

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        return ShapeTerm(self.weight * stage.shape_weight)
