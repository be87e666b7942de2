"""A weak hold on the translation, so that a camera left free cannot run away from the camera stage's depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class TranslationTerm(Term):
    """w * (t_z - t_z0) / t_z0: the relative change of depth.

    Args:
        depth: (B,) metres, t_z0 after the camera stage.
        weight: w, in reference pixels.
    """

    name = "depth"

    def __init__(self, depth: Tensor, weight: float) -> None:
        self._depth = depth
        self._weight = weight

    def _values(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor]:
        depth = self._depth.index_select(0, rows)
        slope = self._weight / depth
        return (state.params[:, state.layout.depth] - depth) * slope, slope

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, slope = self._values(state, rows)
        jacobian = values.new_zeros(len(values), 1, state.layout.size)
        jacobian[:, 0, state.layout.depth] = slope
        return Residuals(values[:, None], jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        values, slope = self._values(state, rows)
        column = state.layout.depth
        normal.gradient[:, column] += values * slope
        normal.hessian[:, column, column] += slope.square()
        normal.cost.add_(values.square())


@dataclass(frozen=True, kw_only=True)
class Depth(TermSpec):
    """Spec of `TranslationTerm`."""

    name: str = "depth"
    weight: float = 60.0  # reference pixels for a relative change of depth by 1

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        return TranslationTerm(problem.placement.depth, self.weight)
