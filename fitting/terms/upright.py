"""A weak belief that people hold themselves upright in pictures: it breaks the tie between leaning in and leaning back.

Joints seen by one camera leave each limb's tilt open to its mirror image, and a slightly wrong depth is explained by
leaning the whole body. This term holds the axis of the pelvis near the image's upright direction; it is robust, so that
a person who bends or lies pays a bounded price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...body import axis_angle_to_matrix, left_jacobian
from ...body.rotations import cross_matrix
from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from ..robust import geman_mcclure
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class UprightTerm(Term):
    """w * GM(R e_y - up), component by component, up = (0, -1, 0) in the camera's frame.

    Args:
        weight: w, in reference pixels.
        sigma: the kernel's scale; the residual is about the sine of the lean.
    """

    name = "upright"

    def __init__(self, weight: float, *, sigma: float = 0.5) -> None:
        self._weight = weight
        self._sigma = sigma

    def _residuals(self, state: BodyState) -> tuple[Tensor, Tensor]:
        orient = state.params[:, state.layout.global_orient]
        axis = axis_angle_to_matrix(orient)[:, :, 1]
        rho, slope = geman_mcclure(axis - axis.new_tensor([0.0, -1.0, 0.0]), self._sigma)
        turned = -torch.bmm(cross_matrix(axis), left_jacobian(orient))
        return self._weight * rho, (self._weight * slope)[..., None] * turned

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, turned = self._residuals(state)
        jacobian = values.new_zeros(len(values), 3, state.layout.size)
        jacobian[:, :, state.layout.global_orient] = turned
        return Residuals(values, jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        values, turned = self._residuals(state)
        where = state.layout.global_orient
        normal.gradient[:, where].add_(torch.bmm(turned.mT, values[..., None])[..., 0])
        normal.hessian[:, where, where].add_(torch.bmm(turned.mT, turned))
        normal.cost.add_(values.square().sum(-1))


@dataclass(frozen=True, kw_only=True)
class Upright(TermSpec):
    """Spec of `UprightTerm`."""

    name: str = "upright"
    weight: float = 40.0  # reference pixels
    sigma: float = 0.5  # about the sine of the lean, Geman-McClure

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        return UprightTerm(self.weight, sigma=self.sigma)
