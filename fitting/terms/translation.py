"""A weak hold on the translation, so that a camera left free cannot run away from the camera stage's depth."""

from __future__ import annotations

import torch
from torch import Tensor

from ..energy import NUM_PARAMS, TRANSL, BodyState, Residuals, Term
from ..least_squares import NormalEquations


class TranslationTerm(Term):
    """w * (t_z - t_z0) / t_z0: the relative change of depth.

    Args:
        target: (B, 85) parameters after the camera stage.
        weight: w, in reference pixels.
    """

    name = "depth"

    def __init__(self, target: Tensor, weight: float) -> None:
        self._depth = target[:, TRANSL.stop - 1]
        self._weight = weight

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        depth = self._depth[rows]
        slope = self._weight / depth
        values = (state.params[:, TRANSL.stop - 1] - depth) * slope
        jacobian = values.new_zeros(len(values), 1, NUM_PARAMS)
        jacobian[:, 0, TRANSL.stop - 1] = slope
        return Residuals(values[:, None], jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> NormalEquations:
        depth = self._depth[rows]
        slope = self._weight / depth
        values = (state.params[:, TRANSL.stop - 1] - depth) * slope
        normal.gradient[:, TRANSL.stop - 1] += values * slope
        normal.hessian[:, TRANSL.stop - 1, TRANSL.stop - 1] += slope.square()
        return normal._replace(cost=normal.cost + torch.square(values))
