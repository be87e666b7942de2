"""Bodies moved as a whole: parameters in another frame."""

from __future__ import annotations

from torch import Tensor

from .model import BodyModel
from .rotations import axis_angle_to_matrix, matrix_to_axis_angle


def moved(body: BodyModel, params: Tensor, rotation: Tensor, translation: Tensor) -> Tensor:
    """Parameters (B, D) of the same bodies after ``x -> rotation @ x + translation``.

    A body turns about its pelvis joint, which ``transl`` does not know: that joint is moved, and taken off again.

    Args:
        body: the body model.
        params: (B, D); on any device, which the result is on.
        rotation: (B, 3, 3) or (3, 3). translation: (B, 3) or (3,) metres; on the parameters' device.
    """
    layout = body.layout
    # Sums written out: a matrix product of few rows rounds differently from one of many.
    mean, change = body.rest_joints_table
    root = (mean[0] + (change[0] * params[:, None, layout.betas].to(mean)).sum(-1)).to(params)
    turn = rotation.expand(len(params), 3, 3)
    at = params[:, layout.transl] + root
    result = params.clone()
    orient = axis_angle_to_matrix(params[:, layout.global_orient])
    result[:, layout.global_orient] = matrix_to_axis_angle((turn[..., None] * orient[:, None]).sum(2))
    result[:, layout.transl] = (turn * at[:, None]).sum(-1) + translation - root
    return result
