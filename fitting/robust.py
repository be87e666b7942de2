"""The Geman-McClure kernel in residual form.

SMPLify's data term is a sum of squares of rho(r) = s r / sqrt(s^2 + r^2), so that rho^2 = s^2 r^2 / (s^2 + r^2).
We keep that form and differentiate it exactly: rho'(r) = s^3 / (s^2 + r^2)^(3/2). The gradient rho rho' is the energy's
own; the Gauss-Newton curvature rho'^2 = (s^2 / (s^2 + r^2))^3 is positive everywhere and fades faster for outliers than
iterative reweighting's (s^2 / (s^2 + r^2))^2. ``docs/fitting.md`` says what was measured.
"""

from __future__ import annotations

import torch
from torch import Tensor


def geman_mcclure(residual: Tensor, sigma: float | Tensor) -> tuple[Tensor, Tensor]:
    """The kernel's residual form and its derivative.

    Args:
        residual: any shape.
        sigma: the scale, in the residual's unit; broadcasts.
    Returns:
        rho = s r / sqrt(s^2 + r^2) and d rho / d r = (s^2 / (s^2 + r^2))^(3/2), both of the residual's shape.
    Source: Geman and McClure 1987, in the scaling of Bogo et al. 2016 (SMPLify).
    """
    share = torch.rsqrt(1.0 + (residual / sigma) ** 2)  # s / sqrt(s^2 + r^2)
    return residual * share, share**3
