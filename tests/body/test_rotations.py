from __future__ import annotations

import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from anchorfit.body import (
    axis_angle_to_matrix,
    axis_angle_to_matrix_with_derivative,
    left_jacobian,
    matrix_to_axis_angle,
    mirror_pose,
    right_jacobian,
    wrap_axis_angle,
)
from anchorfit.body.rotations import rotation_coefficients

ANGLES = (0.0, 1e-12, 1e-6, 1e-3, 0.3, 0.4999, 0.5001, 2.0, math.pi - 1e-7, math.pi, math.pi + 1e-7, 4.0, 6.0, 9.0)


def vectors_of_angle(angle: float, dtype: torch.dtype = torch.float64, count: int = 20) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    axes = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    axes[:6] = torch.cat((torch.eye(3), -torch.eye(3))).double()
    return (torch.nn.functional.normalize(axes, dim=-1) * angle).to(dtype)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 2e-6)])
def test_matrices_are_scipys(angle, dtype, tolerance):
    vectors = vectors_of_angle(angle, dtype)
    expected = torch.from_numpy(Rotation.from_rotvec(vectors.double().numpy()).as_matrix())
    torch.testing.assert_close(axis_angle_to_matrix(vectors).double(), expected, atol=tolerance, rtol=0)


def test_a_quarter_turn_about_z_takes_x_to_y():
    matrix = axis_angle_to_matrix(torch.tensor([0.0, 0.0, math.pi / 2], dtype=torch.float64))
    torch.testing.assert_close(matrix @ torch.tensor([1.0, 0, 0]).double(), torch.tensor([0.0, 1, 0]).double())


@pytest.mark.parametrize("angle", ANGLES)
def test_automatic_derivatives_pass_gradcheck(angle):
    vectors = vectors_of_angle(angle, count=8).requires_grad_()
    assert torch.autograd.gradcheck(axis_angle_to_matrix, vectors)
    assert torch.autograd.gradcheck(left_jacobian, vectors)


@pytest.mark.parametrize("angle", ANGLES)
def test_the_written_derivative_is_autograds(angle):
    vectors = vectors_of_angle(angle)
    matrix, derivative = axis_angle_to_matrix_with_derivative(vectors)
    torch.testing.assert_close(matrix, axis_angle_to_matrix(vectors))
    for vector, row in zip(vectors, derivative, strict=True):
        twin = torch.autograd.functional.jacobian(axis_angle_to_matrix, vector)
        torch.testing.assert_close(row, twin, atol=1e-13, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 1e-4, 1.0, math.pi, 4.0])
def test_jacobians_predict_a_small_turn(angle):
    vectors = vectors_of_angle(angle)
    step = 1e-6 * torch.randn(3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turned = axis_angle_to_matrix(vectors + step)
    start = axis_angle_to_matrix(vectors)
    from_left = axis_angle_to_matrix(left_jacobian(vectors) @ step) @ start
    from_right = start @ axis_angle_to_matrix(right_jacobian(vectors) @ step)
    torch.testing.assert_close(from_left, turned, atol=1e-11, rtol=0)  # second order: |step|^2
    torch.testing.assert_close(from_right, turned, atol=1e-11, rtol=0)


def test_coefficients_in_float32_agree_with_float64():
    squared = torch.logspace(-14, 2, 2000, dtype=torch.float64)
    exact = rotation_coefficients(squared)
    for rough, reference in zip(rotation_coefficients(squared.float()), exact, strict=True):
        torch.testing.assert_close(rough.double(), reference, atol=1e-6, rtol=2e-6)


@pytest.mark.parametrize("angle", [a for a in ANGLES if a <= math.pi])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-7), (torch.float32, 1e-3)])
def test_axis_angle_survives_the_round_trip(angle, dtype, tolerance):
    vectors = vectors_of_angle(angle, dtype)
    back = matrix_to_axis_angle(axis_angle_to_matrix(vectors))
    if angle > math.pi - tolerance:  # both signs of the axis are the same rotation at pi
        back = torch.where((back * vectors).sum(-1, keepdim=True) < 0, -back, back)
    torch.testing.assert_close(back, vectors, atol=tolerance * 1e-1, rtol=0)
    assert (torch.linalg.vector_norm(back, dim=-1) <= math.pi + 1e-6).all()


def test_wrapping_keeps_the_rotation_and_shortens_the_angle():
    for angle in ANGLES:
        vectors = vectors_of_angle(angle)
        wrapped = wrap_axis_angle(vectors)
        torch.testing.assert_close(axis_angle_to_matrix(wrapped), axis_angle_to_matrix(vectors), atol=1e-13, rtol=0)
        assert (torch.linalg.vector_norm(wrapped, dim=-1) <= math.pi + 1e-12).all()
        if angle < math.pi:
            assert torch.equal(wrapped, vectors)


def test_the_mirror_of_the_mirror_is_the_pose():
    pose = torch.randn(5, 72, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mirror_pose(mirror_pose(pose)), pose)
    assert torch.equal(mirror_pose(pose)[:, 3:], mirror_pose(pose[:, 3:]))


def test_mirroring_moves_the_left_elbow_to_the_right_one():
    pose = torch.zeros(72)
    pose[3 * 18 : 3 * 19] = torch.tensor([0.1, -1.0, 0.2])
    mirrored = mirror_pose(pose)
    assert torch.equal(mirrored[3 * 19 : 3 * 20], torch.tensor([0.1, 1.0, -0.2]))
    assert mirrored.count_nonzero() == 3


@pytest.mark.parametrize(
    ("function", "shape", "message"),
    [
        (axis_angle_to_matrix, (4,), r"axis_angle: expected \(\.\.\., 3\), got \(4,\)"),
        (wrap_axis_angle, (2, 2), r"axis_angle: expected"),
        (matrix_to_axis_angle, (3, 4), r"matrix: expected"),
        (mirror_pose, (2, 70), r"pose: expected"),
    ],
)
def test_wrong_shapes_are_named(function, shape, message):
    with pytest.raises(ValueError, match=message):
        function(torch.zeros(shape))
