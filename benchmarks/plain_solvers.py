"""Plain solvers on the energy of the last stage: PyTorch Adam over the whole mesh, and scipy's least squares.

They minimise the same terms from the same start as `anchorfit.fitting`, so their energies compare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, BodyModel
from anchorfit.fitting.energy import BodyState, Energy


@dataclass(frozen=True, kw_only=True)
class BaselineFit:
    """Parameters (B, D) and their energy (B,)."""

    params: Tensor
    energy: Tensor


def energy_through_mesh(body: BodyModel, energy: Energy, params: Tensor) -> Tensor:
    """(B,) the energy by way of all vertices, differentiable: what a fit without compiled points does each step."""
    joints = body.canonical_joints(body.from_params(params))
    rows = torch.arange(len(params))
    total = params.new_zeros(len(params))
    for term in energy.terms:
        points = joints[:, [CANONICAL_JOINTS.index(name) for name in term.point_names]]
        total = total + term.energy(BodyState.of(params)._replace(points=points), rows)
    return total


def adam(body: BodyModel, energy: Energy, start: Tensor, *, steps: int = 200, rate: float = 0.02) -> BaselineFit:
    """Adam on the whole batch, 0.02 a step (SPIN's SMPLify takes 0.01 and 100 steps)."""
    params = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([params], lr=rate, betas=(0.9, 0.999))
    for _ in range(steps):
        optimiser.zero_grad()
        energy_through_mesh(body, energy, params).sum().backward()
        optimiser.step()
    with torch.no_grad():
        return BaselineFit(params=params.detach(), energy=energy_through_mesh(body, energy, params))


def scipy_row(energy: Energy, start: Tensor, row: int) -> BaselineFit:
    """`scipy.optimize.least_squares` (trust region, our Jacobian) on one row; start (D,)."""
    rows = torch.tensor([row])

    def both(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        params = torch.as_tensor(values, dtype=start.dtype)[None]
        residuals = energy.residuals(params, rows)
        return residuals.values[0].double().numpy(), residuals.jacobian[0].double().numpy()

    found = scipy.optimize.least_squares(
        lambda x: both(x)[0], start.double().numpy(), jac=lambda x: both(x)[1], ftol=1e-4, max_nfev=200
    )
    return BaselineFit(params=torch.as_tensor(found.x)[None], energy=torch.tensor([2 * found.cost]))
