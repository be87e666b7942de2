from __future__ import annotations

import torch

from anchorfit.fitting.robust import geman_mcclure


def test_the_square_is_smplifys_kernel():
    residual = torch.linspace(-500, 500, 101, dtype=torch.float64)
    rho, _ = geman_mcclure(residual, 100.0)
    expected = 100.0**2 * residual**2 / (100.0**2 + residual**2)
    torch.testing.assert_close(rho**2, expected)


def test_the_derivative_is_exact():
    residual = torch.linspace(-500, 500, 101, dtype=torch.float64, requires_grad=True)
    rho, slope = geman_mcclure(residual, 70.0)
    (gradient,) = torch.autograd.grad(rho.sum(), residual)
    torch.testing.assert_close(slope, gradient)


def test_an_outlier_costs_no_more_than_sigma():
    rho, slope = geman_mcclure(torch.tensor([1e6]), 100.0)
    assert float(rho) < 100.001
    assert float(slope) < 1e-9
