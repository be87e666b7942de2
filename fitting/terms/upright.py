"""A weak belief that people hold themselves upright in pictures: it breaks the tie between leaning in and leaning back.

Joints seen by one camera leave each limb's tilt open to its mirror image, and a slightly wrong depth is explained by
leaning the whole body. This term holds the axis of the pelvis near the image's upright direction; it is robust, so that
a person who bends or lies pays a bounded price.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...body import axis_angle_to_matrix, left_jacobian
from ...body.rotations import cross_matrix
from ..energy import GLOBAL_ORIENT, NUM_PARAMS, BodyState, Residuals, Term
from ..least_squares import NormalEquations
from ..robust import geman_mcclure


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

    def _residuals(self, params: Tensor) -> tuple[Tensor, Tensor]:
        orient = params[:, GLOBAL_ORIENT]
        axis = axis_angle_to_matrix(orient)[:, :, 1]
        rho, slope = geman_mcclure(axis - axis.new_tensor([0.0, -1.0, 0.0]), self._sigma)
        turned = -torch.bmm(cross_matrix(axis), left_jacobian(orient))
        return self._weight * rho, (self._weight * slope)[..., None] * turned

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, turned = self._residuals(state.params)
        jacobian = values.new_zeros(len(values), 3, NUM_PARAMS)
        jacobian[:, :, GLOBAL_ORIENT] = turned
        return Residuals(values, jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> NormalEquations:
        values, turned = self._residuals(state.params)
        normal.gradient[:, GLOBAL_ORIENT].add_(torch.bmm(turned.mT, values[..., None])[..., 0])
        normal.hessian[:, GLOBAL_ORIENT, GLOBAL_ORIENT].add_(torch.bmm(turned.mT, turned))
        return normal._replace(cost=normal.cost + values.square().sum(-1))
