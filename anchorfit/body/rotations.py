"""Rotations: axis-angle and matrices, their exact derivatives, the mirror of a pose.

With w the axis-angle vector, t = |w| and [w]x the cross-product matrix (Rodrigues; Sola, Deray & Atchuthan 2018,
"A micro Lie theory", eqs. 134 and 145):

    exp([w]x) = I + a [w]x + b [w]x^2                a = sin t / t,  b = (1 - cos t) / t^2
    J_l(w)    = I + b [w]x + c [w]x^2                c = (t - sin t) / t^3
    exp([w + dw]x) = exp([J_l(w) dw]x) exp([w]x) + O(|dw|^2)

a, b and c are smooth functions of t^2; below t = 1/2 they are summed as series, so nothing divides by a small angle
and automatic differentiation passes through zero.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from ..rows import rowwise_atan2
from .joint_sets import SMPL_JOINTS, mirror_permutation
from .parameters import NUM_BODY_POSE, NUM_POSE

_SERIES_BELOW = (
    0.25  # of t^2: there seven terms reach 1e-16, and closed forms lose no more than a few units in the last place
)


class RotationCoefficients(NamedTuple):
    """a = sin t / t, b = (1 - cos t) / t^2, c = (t - sin t) / t^3, each shaped like t^2."""

    a: Tensor
    b: Tensor
    c: Tensor


def _series(x: Tensor) -> Tensor:
    """1/n! - x/(n+2)! + x^2/(n+4)! - ... for n = 1, 2, 3, by Horner's rule: (..., 3)."""
    factorials = [[(-1) ** k / math.factorial(n + 2 * k) for n in (1, 2, 3)] for k in reversed(range(7))]
    total, *terms = x.new_tensor(factorials).unbind()
    x = x[..., None]
    for term in terms:
        total = total * x + term
    return total


def rotation_coefficients(squared_angle: Tensor) -> RotationCoefficients:
    """The coefficients of the exponential map and of its left Jacobian.

    Args:
        squared_angle: (...) t^2, radians squared, not negative.
    Returns:
        a, b, c of the module's formulas, each (...). Differentiable everywhere, at 0 as well.
    """
    small = squared_angle < _SERIES_BELOW
    inside = torch.where(small, squared_angle, torch.zeros_like(squared_angle))
    outside = torch.where(small, torch.ones_like(squared_angle), squared_angle)
    angle = outside.sqrt()
    half_sine = torch.sin(0.5 * angle)
    a = torch.sin(angle) / angle
    b = 2.0 * half_sine * half_sine / outside
    c = (1.0 - a) / outside
    found = torch.where(small[..., None], _series(inside), torch.stack((a, b, c), -1))
    return RotationCoefficients(*found.unbind(-1))


def _check_vectors(axis_angle: Tensor) -> None:
    if axis_angle.ndim == 0 or axis_angle.shape[-1] != 3:
        raise ValueError(f"axis_angle: expected (..., 3), got {tuple(axis_angle.shape)}")


def _check_matrices(matrix: Tensor) -> None:
    if matrix.shape[-2:] != (3, 3):
        raise ValueError(f"matrix: expected (..., 3, 3), got {tuple(matrix.shape)}")


@lru_cache(maxsize=8)
def skew_table(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """The matrix [v]x, row by row, as entries of v and their signs, (9,) each: for derivatives written out.

    Not for what is differentiated or traced: tensors that last would then be the tracer's.
    """
    entries, signs = (0, 2, 1, 2, 0, 0, 1, 0, 0), (0, -1, 1, 1, 0, -1, -1, 1, 0)
    with torch.inference_mode(False):  # tensors that last: of use in any mode
        return torch.tensor(entries, device=device), torch.tensor(signs, dtype=dtype, device=device)


def cross_matrix(vector: Tensor) -> Tensor:
    """The matrix [v]x with [v]x y = v x y.

    Args:
        vector: (..., 3).
    Returns:
        (..., 3, 3), skew-symmetric.
    """
    _check_vectors(vector)
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), dim=-1).unflatten(-1, (3, 3))


def _combine(identity: Tensor, skew: Tensor, outer: Tensor, vector: Tensor) -> Tensor:
    """identity * I + skew * [v]x + outer * v v^T."""
    eye = torch.eye(3, dtype=vector.dtype, device=vector.device)
    products = vector[..., :, None] * vector[..., None, :]
    return (
        identity[..., None, None] * eye
        + skew[..., None, None] * cross_matrix(vector)
        + outer[..., None, None] * products
    )


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Rotation matrices from axis-angle vectors; angles beyond pi are welcome.

    Args:
        axis_angle: (..., 3) radians.
    Returns:
        (..., 3, 3), acting on column vectors.
    Raises:
        ValueError: the last dimension is not 3.
    Source: Rodrigues' formula, in the form cos t I + a [w]x + b w w^T.
    """
    _check_vectors(axis_angle)
    squared = (axis_angle * axis_angle).sum(-1)
    a, b, _ = rotation_coefficients(squared)
    return _combine(1.0 - b * squared, a, b, axis_angle)


def left_jacobian(axis_angle: Tensor) -> Tensor:
    """J_l of SO(3): exp([w + dw]x) = exp([J_l dw]x) exp([w]x) to first order.

    Args:
        axis_angle: (..., 3) radians.
    Returns:
        (..., 3, 3). Singular where |w| is a positive multiple of 2 pi: axis-angle itself is.
    Raises:
        ValueError: the last dimension is not 3.
    Source: Sola et al. 2018, eq. 145, in the form a I + b [w]x + c w w^T.
    """
    _check_vectors(axis_angle)
    a, b, c = rotation_coefficients((axis_angle * axis_angle).sum(-1))
    return _combine(a, b, c, axis_angle)


def right_jacobian(axis_angle: Tensor) -> Tensor:
    """J_r of SO(3): exp([w + dw]x) = exp([w]x) exp([J_r dw]x) to first order; J_r(w) = J_l(-w).

    Args:
        axis_angle: (..., 3) radians.
    Returns:
        (..., 3, 3).
    """
    return left_jacobian(-axis_angle)


def axis_angle_to_matrix_with_derivative(axis_angle: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation matrices and their exact derivative.

    Args:
        axis_angle: (..., 3) radians.
    Returns:
        matrices (..., 3, 3) and derivatives (..., 3, 3, 3): the last index is the component of ``axis_angle``.
    Raises:
        ValueError: the last dimension is not 3.
    Source: dR/dw_d = [J_l e_d]x R.
    """
    matrix = axis_angle_to_matrix(axis_angle)
    columns = left_jacobian(axis_angle).transpose(-1, -2)  # (..., d, 3)
    derivative = cross_matrix(columns) @ matrix[..., None, :, :]  # (..., d, 3, 3)
    return matrix, derivative.movedim(-3, -1)


def matrix_to_axis_angle(matrix: Tensor) -> Tensor:
    """Axis-angle vectors of rotation matrices, with angles in [0, pi].

    By way of the unit quaternion's largest component, so that it is exact at angle 0 and at pi, where the usual
    arc-cosine formula has neither angle nor axis.

    Args:
        matrix: (..., 3, 3) rotations.
    Returns:
        (..., 3) radians.
    Raises:
        ValueError: the last dimensions are not (3, 3).
    Source: Shepperd 1978, "Quaternion from rotation matrix".
    """
    _check_matrices(matrix)
    signs = matrix.new_tensor(((1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1)))
    m00, m11, m22 = torch.diagonal(matrix, dim1=-2, dim2=-1).unsqueeze(-1).unbind(-2)
    squares = 1 + m00 * signs[0] + m11 * signs[1] + m22 * signs[2]  # 4 (w^2, x^2, y^2, z^2)
    # Row r is 4 q_r q for q = (w, x, y, z): of the squares, of M + M^T (from 4 on) and of M - M^T (from 13 on).
    places = (0, 20, 15, 16, 20, 1, 5, 6, 15, 5, 2, 9, 16, 6, 9, 3)
    transposed = matrix.mT
    known = torch.cat((squares, (matrix + transposed).flatten(-2), (matrix - transposed).flatten(-2)), -1)
    rows = known.index_select(-1, torch.tensor(places, device=matrix.device)).unflatten(-1, (4, 4))
    largest = squares.argmax(-1, keepdim=True)
    quaternion = torch.gather(rows, -2, largest[..., None].expand(*largest.shape, 4)).squeeze(-2)
    quaternion = quaternion / torch.linalg.vector_norm(quaternion, dim=-1, keepdim=True)
    quaternion = torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
    real, imaginary = quaternion[..., 0], quaternion[..., 1:]
    squared = (imaginary * imaginary).sum(-1)
    tiny = squared < torch.finfo(matrix.dtype).eps ** 2
    norm = torch.where(tiny, torch.ones_like(squared), squared).sqrt()
    scale = torch.where(tiny, 2.0 / real.clamp_min(0.5), 2.0 * rowwise_atan2(norm, real) / norm)
    return scale[..., None] * imaginary


SIX_D_LAYOUTS = ("columns", "rows", "interleaved")
"""Ways in which six numbers stand for a rotation, see `rotation_from_6d`."""


def rotation_from_6d(values: Tensor, layout: str) -> Tensor:
    """Rotation matrices of two vectors each, the first normalised, the second made perpendicular to it.

    Args:
        values: (..., 6).
        layout: "columns": the first three numbers are the first column, the next the second (HMR2, TokenHMR, TRAM);
            "rows": likewise the rows (PyTorch3D; PromptHMR, WHAM); "interleaved": numbers 0, 2, 4 are the first column
            (SPIN, CLIFF, ROMP).
    Returns:
        (..., 3, 3).
    Raises:
        ValueError: the last dimension is not 6, or an unknown layout.
    Source: Zhou et al. 2019, "On the continuity of rotation representations in neural networks".
    """
    if values.ndim == 0 or values.shape[-1] != 6:
        raise ValueError(f"expected (..., 6) numbers of rotations, got {tuple(values.shape)}")
    if layout not in SIX_D_LAYOUTS:
        raise ValueError(f"layout: expected one of {', '.join(SIX_D_LAYOUTS)}, got {layout!r}")
    pairs = values.unflatten(-1, (3, 2)).mT if layout == "interleaved" else values.unflatten(-1, (2, 3))
    first, second = pairs.unbind(-2)
    x = first / torch.linalg.vector_norm(first, dim=-1, keepdim=True)
    second = second - (x * second).sum(-1, keepdim=True) * x
    y = second / torch.linalg.vector_norm(second, dim=-1, keepdim=True)
    matrix = torch.stack((x, y, torch.linalg.cross(x, y)), -1)
    return matrix.mT if layout == "rows" else matrix


def wrap_axis_angle(axis_angle: Tensor) -> Tensor:
    """The same rotations with angles in [0, pi]: the angle is taken modulo 2 pi and, past pi, turned the other way.

    Args:
        axis_angle: (..., 3) radians.
    Returns:
        (..., 3) radians; vectors of angle up to pi come back unchanged.
    Raises:
        ValueError: the last dimension is not 3.
    """
    _check_vectors(axis_angle)
    angle = torch.linalg.vector_norm(axis_angle, dim=-1, keepdim=True)
    turned = angle - 2 * math.pi * torch.round(angle / (2 * math.pi))
    inside = angle <= math.pi
    factor = torch.where(inside, torch.ones_like(angle), turned / torch.where(inside, torch.ones_like(angle), angle))
    return axis_angle * factor


def mirror_pose(pose: Tensor) -> Tensor:
    """The pose seen in a mirror: left and right change places, the plane x = 0 reflects.

    Args:
        pose: (..., 72), or (..., 69) without the global orientation; axis-angle, SMPL's joint order.
    Returns:
        The same shape.
    Raises:
        ValueError: the last dimension is neither 72 nor 69.
    Source: a reflection F = diag(-1, 1, 1) takes R to F R F, and so (wx, wy, wz) to (wx, -wy, -wz).
    """
    if pose.ndim == 0 or pose.shape[-1] not in (NUM_BODY_POSE, NUM_POSE):
        raise ValueError(f"pose: expected (..., {NUM_POSE}) or (..., {NUM_BODY_POSE}), got {tuple(pose.shape)}")
    names = SMPL_JOINTS if pose.shape[-1] == NUM_POSE else SMPL_JOINTS[1:]
    order = torch.tensor(mirror_permutation(names), device=pose.device)
    signs = pose.new_tensor((1.0, -1.0, -1.0))
    return (pose.unflatten(-1, (len(names), 3)).index_select(-2, order) * signs).flatten(-2)
