"""The anchor weighed by joint: derivatives, short cut, angles of pi, mirror images, rows."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from anchorfit.body import axis_angle_to_matrix, load_body, matrix_to_axis_angle, mirror_pose
from anchorfit.body.uncertainty import inverse_left_jacobian
from anchorfit.fitting.energy import BodyState
from anchorfit.fitting.least_squares import NormalEquations
from anchorfit.fitting.terms import WeighedAnchorTerm

LAYOUT = load_body().layout
COUNT = 5


@pytest.fixture
def whitening() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    factor = 0.5 * torch.randn(COUNT, 24, 3, 3, generator=generator, dtype=torch.float64)
    return factor + 3 * torch.eye(3, dtype=torch.float64)


@pytest.fixture
def params() -> Tensor:
    return 0.5 * torch.randn(COUNT, LAYOUT.size, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


@pytest.fixture
def term(params: Tensor, whitening: Tensor) -> WeighedAnchorTerm:
    generator = torch.Generator().manual_seed(5)
    predicted = params[:, LAYOUT.pose] + 0.2 * torch.randn(COUNT, 72, generator=generator, dtype=torch.float64)
    predicted[0] = params[0, LAYOUT.pose]  # nothing apart
    return WeighedAnchorTerm(predicted, whitening, 7.0, sigma=2.0)


def test_the_derivative_is_autograds(term, params):
    rows = torch.arange(COUNT)
    found = term.residuals(BodyState.of(params), rows)
    for row in range(1, COUNT):
        some = rows[row : row + 1]
        twin = torch.autograd.functional.jacobian(
            lambda own, some=some: term.residuals(BodyState.of(own), some).values[0], params[row : row + 1]
        )
        torch.testing.assert_close(found.jacobian[row], twin[:, 0], rtol=1e-8, atol=1e-8)


def test_the_short_cut_comes_to_the_residuals(term, params):
    rows, state = torch.arange(COUNT), BodyState.of(params)
    found, normal = term.residuals(state, rows), NormalEquations.zeros(COUNT, LAYOUT.size, params)
    term.accumulate(state, rows, normal)
    torch.testing.assert_close(normal.hessian, found.jacobian.mT @ found.jacobian, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(normal.gradient, (found.jacobian.mT @ found.values[..., None])[..., 0])
    torch.testing.assert_close(normal.cost, term.energy(state, rows))


@pytest.mark.parametrize("angle", [0.0, 1e-4, 0.05, 1.0, 3.0, math.pi - 1e-6])
def test_the_inverse_of_the_left_jacobian(angle):
    axis = torch.nn.functional.normalize(torch.tensor([[0.3, -0.7, 0.5]], dtype=torch.float64), dim=1)
    start, step = angle * axis, torch.tensor([[1.0, 2.0, -0.5]], dtype=torch.float64)

    def moved(size: float) -> Tensor:
        return matrix_to_axis_angle(axis_angle_to_matrix(size * step) @ axis_angle_to_matrix(start))

    size = 1e-7  # small enough to stay on this side of pi
    sign = -1.0 if angle > 3.1 else 1.0
    wanted = sign * (moved(sign * size) - start) / size
    torch.testing.assert_close((inverse_left_jacobian(start) @ step[..., None])[..., 0], wanted, rtol=1e-5, atol=1e-5)


def test_a_joint_turned_by_pi_is_held_back_by_a_finite_pull():
    params = torch.zeros(1, LAYOUT.size, dtype=torch.float64)
    params[0, 3] = math.pi
    term = WeighedAnchorTerm(
        torch.zeros(1, 72, dtype=torch.float64), torch.eye(3, dtype=torch.float64).expand(1, 24, 3, 3), 1.0, sigma=2.0
    )
    normal = NormalEquations.zeros(1, LAYOUT.size, params)
    term.accumulate(BodyState.of(params), torch.arange(1), normal)
    assert torch.isfinite(normal.hessian).all()
    # the hip, knee, ankle and foot are turned alike: four residuals of pi
    torch.testing.assert_close(normal.cost, torch.tensor([4 * 4 * math.pi**2 / (4 + math.pi**2)]).double())


def test_a_mirror_image_has_the_same_energy(params, whitening):
    from anchorfit.body.joint_sets import SMPL_JOINTS, mirror_permutation

    predicted = params[:, LAYOUT.pose].flip(0)
    turned = params.clone()
    turned[:, LAYOUT.pose] = mirror_pose(params[:, LAYOUT.pose])
    signs = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
    image = signs @ whitening[:, list(mirror_permutation(SMPL_JOINTS))] @ signs
    rows = torch.arange(COUNT)
    own = WeighedAnchorTerm(predicted, whitening, 7.0, sigma=2.0).energy(BodyState.of(params), rows)
    theirs = WeighedAnchorTerm(mirror_pose(predicted), image, 7.0, sigma=2.0).energy(BodyState.of(turned), rows)
    torch.testing.assert_close(own, theirs)
