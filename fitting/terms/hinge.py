"""The hinge prior: elbows and knees do not bend the wrong way."""

from __future__ import annotations

import torch
from torch import Tensor

from ..energy import NUM_PARAMS, BodyState, Residuals, Term
from ..least_squares import NormalEquations

HINGES: tuple[tuple[int, float], ...] = ((55, 1.0), (58, -1.0), (12, -1.0), (15, -1.0))
"""Entry of the pose and sign that grows when bent the wrong way: left and right elbow, left and right knee."""

SHARE_OF_POSE_WEIGHT = 0.317  # the public code's ratio of this term's weight to the pose prior's
GAIN = 10.0


class HingeTerm(Term):
    """0.317 w * 10 exp(a) for each hinge's wrong-way angle a (Bogo et al. 2016, eq. 3 as the public code has it).

    Args:
        pose_weight: w, the pose prior's weight.
    """

    name = "hinge"

    def __init__(self, pose_weight: float) -> None:
        self._scale = SHARE_OF_POSE_WEIGHT * pose_weight * GAIN

    def _values(self, params: Tensor) -> tuple[Tensor, list[int], Tensor]:
        columns = [column for column, _ in HINGES]
        signs = params.new_tensor([sign for _, sign in HINGES])
        return self._scale * torch.exp(params[:, columns] * signs), columns, signs

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, columns, signs = self._values(state.params)
        jacobian = values.new_zeros(len(values), len(columns), NUM_PARAMS)
        jacobian[:, range(len(columns)), columns] = values * signs
        return Residuals(values, jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> NormalEquations:
        values, columns, signs = self._values(state.params)
        squares = values.square()
        normal.gradient[:, columns] += squares * signs
        torch.diagonal(normal.hessian, dim1=-2, dim2=-1)[:, columns] += squares
        return normal._replace(cost=normal.cost + squares.sum(-1))
