"""Each term's Jacobian against autograd, its short cut against its residuals, the sum against SMPLify's formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from anchorfit.body import BodyModel, load_body
from anchorfit.fitting.energy import BETAS, BODY_POSE, NUM_PARAMS, BodyState, Energy, Term, compiled_points
from anchorfit.fitting.least_squares import NormalEquations
from anchorfit.fitting.pose_prior import GaussianMixture, load_pose_prior
from anchorfit.fitting.terms import (
    AnchorTerm,
    HingeTerm,
    KeypointTerm,
    MixtureTerm,
    ShapeTerm,
    TranslationTerm,
    UprightTerm,
)

NAMES = ("left_wrist", "right_knee", "nose", "left_shoulder", "head_top")
COUNT = 4


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body().to(dtype=torch.float64)


@pytest.fixture(scope="module")
def prior() -> GaussianMixture:
    return load_pose_prior(dtype=torch.float64)


@pytest.fixture(scope="module")
def params(prior: GaussianMixture) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    values = 0.3 * torch.randn(COUNT, NUM_PARAMS, generator=generator, dtype=torch.float64)
    values[:, BODY_POSE] += prior.means[:COUNT]
    values[:, 0] += math.pi
    values[:, 84] += 4.0
    return values


def _keypoints(weights: Tensor | None = None) -> KeypointTerm:
    generator = torch.Generator().manual_seed(2)
    intrinsics = torch.tensor([[800.0, 3.0, 320.0], [0.0, 780.0, 240.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    return KeypointTerm(
        NAMES,
        torch.rand(COUNT, len(NAMES), 2, generator=generator, dtype=torch.float64) * 400,
        torch.rand(COUNT, len(NAMES), generator=generator, dtype=torch.float64) if weights is None else weights,
        intrinsics.expand(COUNT, 3, 3),
        zoom=torch.tensor([1.0, 0.5, 2.0, 1.3], dtype=torch.float64),
        sigma=60.0,
    )


def _terms(prior: GaussianMixture, params: Tensor) -> list[Term]:
    target = params + 0.2
    return [
        _keypoints(),
        MixtureTerm(prior, 4.78),
        HingeTerm(4.78),
        HingeTerm(4.78, gain=2.0, steepness=4.0),
        ShapeTerm(5.0),
        AnchorTerm(target, BODY_POSE, 20.0, sigma=0.5),
        AnchorTerm(target, BETAS, torch.linspace(1, 2, COUNT, dtype=torch.float64), sigma=2.0, name="anchor_betas"),
        TranslationTerm(target, 60.0),
        UprightTerm(40.0),
    ]


def _state(body: BodyModel, term: Term, params: Tensor) -> BodyState:
    if not term.point_names:
        return BodyState(params, params.new_zeros(len(params), 0, 3), params.new_zeros(len(params), 0, 3, NUM_PARAMS))
    return BodyState(params, *compiled_points(body, term.point_names).points_and_jacobian(params))


@pytest.mark.parametrize("which", range(8))
def test_jacobian_is_the_derivative_of_the_residuals(which, body, prior, params):
    term = _terms(prior, params)[which]
    rows = torch.tensor([2, 0, 3])
    chosen = params[rows]

    def values(p: Tensor) -> Tensor:
        points = compiled_points(body, term.point_names).points(p) if term.point_names else p.new_zeros(len(p), 0, 3)
        blank = points.new_zeros(*points.shape, NUM_PARAMS)
        return term.residuals(BodyState(p, points, blank), rows).values

    twin = torch.autograd.functional.jacobian(values, chosen)  # (B, R, B, 85)
    ours = term.residuals(_state(body, term, chosen), rows).jacobian
    own = torch.stack([twin[i, :, i] for i in range(len(rows))])
    torch.testing.assert_close(ours, own, atol=1e-7 * float(own.abs().max()), rtol=1e-6)


@pytest.mark.parametrize("which", range(8))
def test_the_short_cut_comes_to_the_same_normal_equations(which, body, prior, params):
    term = _terms(prior, params)[which]
    rows = torch.arange(COUNT)
    state = _state(body, term, params)
    empty = NormalEquations(
        params.new_zeros(COUNT), params.new_zeros(COUNT, NUM_PARAMS), params.new_zeros(COUNT, NUM_PARAMS, NUM_PARAMS)
    )
    long = Term.accumulate(term, state, rows, NormalEquations(*(part.clone() for part in empty)))
    short = term.accumulate(state, rows, empty)
    for one, other in zip(short, long, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(term.energy(state, rows), long.cost)


def test_the_whole_energy_is_smplifys(body, prior, params):
    """A plain loop over joints and components, from the formulas of Bogo et al. 2016 and the public constants."""
    weight, shape_weight = 4.78, 5.0
    data = _keypoints()
    energy = Energy(body, [data, MixtureTerm(prior, weight), HingeTerm(weight), ShapeTerm(shape_weight)])
    points = compiled_points(body, NAMES).points(params).numpy()
    ours = energy.normal_equations(params, torch.arange(COUNT)).cost.numpy()
    covariances = np.linalg.inv((prior.precisions_cholesky @ prior.precisions_cholesky.mT).numpy())
    roots = (
        np.sqrt(np.linalg.det(covariances * 100.0)) / 100.0**34.5
    )  # det of 69 small numbers underflows less this way
    shares = prior.weights.numpy() / ((2 * np.pi) ** 34.5 * roots / roots.min())
    for row in range(COUNT):
        total = 0.0
        for joint in range(len(NAMES)):
            x, y, z = points[row, joint]
            pixel = np.array([800 * x / z + 3 * y / z + 320, 780 * y / z + 240])
            for error in (pixel - data._keypoints[row, joint].numpy()) * float(data._zoom[row]):
                kernel = 60.0**2 * error**2 / (60.0**2 + error**2)
                total += float(data._weights[row, joint]) ** 2 * kernel
        pose = params[row].numpy()[:72]
        candidates = []
        for k in range(len(shares)):
            away = pose[3:] - prior.means[k].numpy()
            candidates.append(0.5 * away @ np.linalg.inv(covariances[k]) @ away - np.log(shares[k]))
        total += weight**2 * min(candidates)
        for angle in (pose[55], -pose[58], -pose[12], -pose[15]):
            total += (0.317 * weight * 10 * np.exp(angle)) ** 2
        total += shape_weight**2 * float((params[row, 72:82] ** 2).sum())
        assert ours[row] == pytest.approx(total, rel=1e-6)


def test_a_used_joint_behind_the_camera_makes_the_energy_infinite(body, prior, params):
    behind = params.clone()
    behind[1, 84] = -3.0
    cost = Energy(body, [_keypoints()]).normal_equations(behind, torch.arange(COUNT)).cost
    assert torch.isinf(cost).tolist() == [False, True, False, False]
    unused = _keypoints(torch.zeros(COUNT, len(NAMES), dtype=torch.float64))
    assert torch.isfinite(Energy(body, [unused]).normal_equations(behind, torch.arange(COUNT)).cost).all()


def test_frozen_unknowns_take_no_part(body, prior, params):
    frozen = torch.zeros(NUM_PARAMS, dtype=torch.bool)
    frozen[BETAS] = True
    model = Energy(body, [_keypoints(), ShapeTerm(5.0)], frozen=frozen).normal_equations(params, torch.arange(COUNT))
    assert (model.gradient[:, BETAS] == 0).all()
    assert torch.equal(model.hessian[:, BETAS, BETAS], torch.eye(10, dtype=torch.float64).expand(COUNT, 10, 10))
    assert (model.hessian[:, BETAS, :72] == 0).all()
