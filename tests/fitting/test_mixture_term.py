"""The soft minimum over the pose prior's components: its gradient, its limits, its ties."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from anchorfit.body import mirror_pose
from anchorfit.fitting.energy import BodyState, Term
from anchorfit.fitting.least_squares import NormalEquations
from anchorfit.fitting.pose_prior import load_pose_prior
from anchorfit.fitting.terms import MixtureTerm

PRIOR = load_pose_prior(dtype=torch.float64)
ROWS = torch.arange(6)


@pytest.fixture
def params() -> Tensor:
    values = torch.zeros(6, 85, dtype=torch.float64)
    values[1:, 3:72] = 0.3 * torch.randn(5, 69, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values[2:4, 3:72] += PRIOR.means[:2]
    return values  # row 0: the rest pose, where components tie in pairs


def _state(params: Tensor) -> BodyState:
    return BodyState.of(params)


def _normal(term: MixtureTerm, params: Tensor, accumulate=MixtureTerm.accumulate) -> NormalEquations:
    normal = NormalEquations.zeros(len(params), params.shape[1], params)
    accumulate(term, _state(params), ROWS[: len(params)], normal)
    return normal


@pytest.mark.parametrize("temperature", [1.0, 20.0, 200.0])
def test_the_gradient_is_the_energys(params, temperature):
    term = MixtureTerm(PRIOR, 4.78, temperature=temperature)
    point = params.clone().requires_grad_()
    (twin,) = torch.autograd.grad(term.energy(_state(point), ROWS).sum(), point)
    torch.testing.assert_close(_normal(term, params).gradient, twin / 2)


@pytest.mark.parametrize("temperature", [0.0, 20.0, 200.0])
def test_the_residuals_come_to_the_same_normal_equations(params, temperature):
    term = MixtureTerm(PRIOR, 4.78, temperature=temperature)
    short, long = _normal(term, params), _normal(term, params, Term.accumulate)
    for one, other in zip(short, long, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(term.energy(_state(params), ROWS), long.cost)


def test_no_temperature_is_the_best_components_energy(params):
    term = MixtureTerm(PRIOR, 2.0)
    torch.testing.assert_close(term.energy(_state(params), ROWS), 4.0 * PRIOR.energy(params[:, 3:72]))


def test_a_low_temperature_comes_near_the_minimum_and_a_high_one_near_the_mean(params):
    away = params[None, :, 3:72] - PRIOR.means[:, None]
    energies = 0.5 * torch.bmm(away, PRIOR.precisions_cholesky).square().sum(-1) + PRIOR.neg_log_weights[:, None]
    soft = {t: MixtureTerm(PRIOR, 1.0, temperature=t).energy(_state(params), ROWS) for t in (1e-3, 1e6)}
    torch.testing.assert_close(soft[1e-3], energies.amin(0), atol=0.01, rtol=0)
    torch.testing.assert_close(soft[1e6], energies.mean(0), atol=0.01, rtol=0)


def test_at_the_rest_pose_nothing_pulls_to_one_side(params):
    """What a single component does there: it pulls the same way for every image."""
    soft, hard = (_normal(MixtureTerm(PRIOR, 4.78, temperature=t), params[:1]).gradient[:, 3:72] for t in (20.0, 0.0))
    scale = float(soft.abs().max())
    torch.testing.assert_close(mirror_pose(soft), soft, atol=1e-6 * scale, rtol=0)
    assert (mirror_pose(hard) - hard).abs().max() > 0.1 * scale
