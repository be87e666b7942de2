from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from anchorfit.fitting.least_squares import Dogleg, LevenbergMarquardt, NormalEquations, Stopping, minimise
from anchorfit.status import Status

RULES = [LevenbergMarquardt(), Dogleg()]
STRICT = Stopping(rtol=1e-10, max_steps=400)


class Rosenbrock:
    """r = [10 (y - x^2), a - x], a different in each row."""

    def __init__(self, offsets: Tensor) -> None:
        self.offsets = offsets

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        x, y = params.unbind(-1)
        values = torch.stack([10 * (y - x * x), self.offsets[rows] - x], -1)
        jacobian = torch.zeros(len(x), 2, 2, dtype=params.dtype)
        jacobian[:, 0, 0], jacobian[:, 0, 1], jacobian[:, 1, 0] = -20 * x, 10, -1
        return _normal(values, jacobian)


class Decay:
    """y = a exp(-b t) + c seen at 30 times; rows differ in the truth."""

    def __init__(self, count: int, dtype: torch.dtype = torch.float64) -> None:
        generator = torch.Generator().manual_seed(3)
        self.times = torch.linspace(0, 4, 30, dtype=dtype)
        self.truth = torch.rand(count, 3, generator=generator, dtype=dtype) + 0.5
        self.data = self._model(self.truth) + 0.01 * torch.randn(count, 30, generator=generator, dtype=dtype)

    def _model(self, params: Tensor) -> Tensor:
        a, b, c = (params[:, i : i + 1] for i in range(3))
        return a * torch.exp(-b * self.times) + c

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        fall = torch.exp(-params[:, 1:2] * self.times)
        jacobian = torch.stack([fall, -params[:, :1] * self.times * fall, torch.ones_like(fall)], -1)
        return _normal(self._model(params) - self.data[rows], jacobian)


def _normal(values: Tensor, jacobian: Tensor) -> NormalEquations:
    gradient = (jacobian.mT @ values[..., None])[..., 0]
    return NormalEquations(values.square().sum(-1), gradient, jacobian.mT @ jacobian)


@pytest.mark.parametrize("rule", RULES)
def test_rosenbrock_valley_is_followed_to_its_end(rule):
    offsets = torch.tensor([1.0, 0.3, -1.2], dtype=torch.float64)
    start = torch.tensor([[-1.2, 1.0]] * 3, dtype=torch.float64)
    solution = minimise(Rosenbrock(offsets), start, rule, STRICT)
    torch.testing.assert_close(solution.params, torch.stack([offsets, offsets**2], -1), atol=1e-5, rtol=0)
    assert solution.converged.all()


@pytest.mark.parametrize("rule", RULES)
def test_the_minimum_is_the_one_scipy_finds(rule):
    problem = Decay(4)
    solution = minimise(problem, torch.ones(4, 3, dtype=torch.float64), rule, STRICT)
    for row in range(4):
        data = problem.data[row].numpy()
        times = problem.times.numpy()
        found = scipy.optimize.least_squares(
            lambda p, data=data, times=times: p[0] * np.exp(-p[1] * times) + p[2] - data, np.ones(3), xtol=1e-12
        )
        np.testing.assert_allclose(solution.params[row].numpy(), found.x, atol=1e-5)
        assert float(solution.cost[row]) == pytest.approx(2 * found.cost, rel=1e-8)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fitting_a_batch_is_fitting_each_row(rule, dtype):
    problem = Decay(6, dtype)
    start = torch.ones(6, 3, dtype=dtype)
    whole = minimise(problem, start, rule)
    pairs = [minimise(problem, start[[i, j]], rule, rows=torch.tensor([i, j])) for i, j in ((0, 3), (4, 1), (2, 5))]
    for pair, rows in zip(pairs, ((0, 3), (4, 1), (2, 5)), strict=True):
        assert torch.equal(whole.params[list(rows)], pair.params)
        assert torch.equal(whole.steps[list(rows)], pair.steps)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
def test_a_bad_row_fails_alone(rule, bad):
    problem = Decay(5)
    start = torch.ones(5, 3, dtype=torch.float64)
    good = minimise(problem, start, rule)
    start[2] = bad
    mixed = minimise(problem, start, rule)
    others = [0, 1, 3, 4]
    assert torch.equal(mixed.params[others], good.params[others])
    if bad != 1e30:
        assert bool(mixed.failed[2])
        assert not bool(mixed.converged[2])


class Flat:
    """Residuals that do not depend on the second unknown: the normal equations are singular."""

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        jacobian = torch.zeros(len(params), 1, 2, dtype=params.dtype)
        jacobian[:, 0, 0] = 1
        return _normal(params[:, :1] - 3, jacobian)


@pytest.mark.parametrize("rule", RULES)
def test_an_unknown_that_nothing_sees_stays_where_it_is(rule):
    solution = minimise(Flat(), torch.tensor([[0.0, 7.0], [9.0, -1.0]]), rule, STRICT)
    torch.testing.assert_close(solution.params, torch.tensor([[3.0, 7.0], [3.0, -1.0]]), atol=1e-4, rtol=0)
    assert torch.isfinite(solution.params).all()


def test_the_step_limit_is_kept_and_told():
    problem = Rosenbrock(torch.ones(2, dtype=torch.float64))
    solution = minimise(problem, torch.full((2, 2), -5.0, dtype=torch.float64), stopping=Stopping(max_steps=2))
    assert solution.steps.tolist() == [2, 2]
    assert not solution.converged.any()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-50, 50) | st.sampled_from([float("nan"), float("inf"), 1e200]), min_size=6, max_size=6),
    st.sampled_from(RULES),
)
def test_whatever_the_start_no_row_touches_another(values, rule):
    problem = Rosenbrock(torch.ones(5, dtype=torch.float64))
    clean = torch.tensor([[0.5, 0.5], [-1.0, 2.0]], dtype=torch.float64)
    wild = torch.tensor(values, dtype=torch.float64).view(3, 2)
    alone = minimise(problem, clean, rule)
    mixed = minimise(problem, torch.cat([clean, wild]), rule)
    assert torch.equal(mixed.params[:2], alone.params)
    assert torch.isfinite(mixed.params[2:][torch.isfinite(wild).all(-1)]).all()


class _WrongSlope:
    """A bowl whose gradient points uphill: every step fails, however short."""

    def normal_equations(self, params, rows):
        hessian = torch.eye(2, dtype=params.dtype).expand(len(params), 2, 2).clone()
        return NormalEquations(params.square().sum(-1), -params, hessian)


@pytest.mark.parametrize("rule", [LevenbergMarquardt(), Dogleg()])
def test_a_row_whose_steps_all_fail_is_stuck_and_not_converged(rule):
    """Rejected steps become so short that they promise less than the tolerance: that is no convergence."""
    start = torch.tensor([[2.0, 2.0], [0.0, 4.0]])
    found = minimise(_WrongSlope(), start, rule, Stopping(max_steps=200))
    assert torch.equal(found.params, start)
    assert (found.status == Status.STUCK).all()


def test_the_last_step_takes_the_cost_alone_and_nothing_changes():
    """A problem that offers costs ends where one without does, with fewer derivatives."""

    class Counted(Decay):
        derived = 0

        def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
            self.derived += len(params)
            return super().normal_equations(params, rows)

    class Cheap(Counted):
        def costs(self, params: Tensor, rows: Tensor) -> Tensor:
            return Decay.normal_equations(self, params, rows).cost

    plain, cheap = Counted(40), Cheap(40)
    start = torch.ones(40, 3, dtype=torch.float64)
    one, other = minimise(plain, start), minimise(cheap, start)
    torch.testing.assert_close(one.params, other.params, rtol=0, atol=1e-12)
    torch.testing.assert_close((one.steps, one.status), (other.steps, other.status))
    assert cheap.derived < plain.derived
