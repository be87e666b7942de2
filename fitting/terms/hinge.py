"""The hinge prior: elbows and knees do not bend the wrong way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

HINGES: tuple[tuple[int, float], ...] = ((55, 1.0), (58, -1.0), (12, -1.0), (15, -1.0))
"""Entry of the pose and sign that grows when bent the wrong way: left and right elbow, left and right knee."""

SHARE_OF_POSE_WEIGHT = 0.317  # the public code's ratio of this term's weight to the pose prior's


@lru_cache(maxsize=8)
def _hinges(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """`HINGES` as tensors: columns and signs."""
    columns, signs = zip(*HINGES, strict=True)
    with torch.inference_mode(False):  # tensors that last: of use in any mode
        return torch.tensor(columns, device=device), torch.tensor(signs, dtype=dtype, device=device)


class HingeTerm(Term):
    """0.317 w * gain * exp(steepness * a) for each hinge's wrong-way angle a.

    Bogo et al. 2016, eq. 3, as the public code has it, with a gain of 10 and a steepness of 1. That pushes straight
    joints, too: with our pose prior knees then come out 11 degrees too bent on average (docs/fitting.md), so the
    default is a lower and steeper wall.

    Args:
        pose_weight: w, the pose prior's weight.
        gain: the residual's size at a straight joint, over 0.317 w.
        steepness: 1 over the radians in which the residual grows e-fold.
    """

    name = "hinge"

    def __init__(self, pose_weight: float, *, gain: float = 10.0, steepness: float = 1.0) -> None:
        self._scale = SHARE_OF_POSE_WEIGHT * pose_weight * gain
        self._steepness = steepness

    def _values(self, params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        columns, signs = _hinges(params.dtype, params.device)
        slopes = self._steepness * signs
        return self._scale * torch.exp(params.index_select(1, columns) * slopes), columns, slopes

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, columns, slopes = self._values(state.params)
        jacobian = values.new_zeros(len(values), len(columns), state.layout.size)
        jacobian[:, range(len(columns)), columns] = values * slopes
        return Residuals(values, jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        values, columns, slopes = self._values(state.params)
        squares = values.square()
        normal.gradient.index_add_(1, columns, squares * slopes)
        torch.diagonal(normal.hessian, dim1=-2, dim2=-1).index_add_(1, columns, squares * slopes.square())
        normal.cost.add_(squares.sum(-1))


@dataclass(frozen=True, kw_only=True)
class Hinge(TermSpec):
    """Spec of `HingeTerm`."""

    name: str = "hinge"
    weight: float = 2.0  # the gain, times the stage's ``pose_weight``; the public code: 10
    steepness: float = 4.0  # one over radians; the public code: 1

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        return HingeTerm(stage.pose_weight, gain=self.weight, steepness=self.steepness)
