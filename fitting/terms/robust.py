"""A term under the Geman-McClure kernel."""

from __future__ import annotations

from torch import Tensor

from ..energy import BodyState, Energy, Residuals, Term
from ..robust import geman_mcclure


class Robust(Term):
    """w * GM(r) for each residual r of another term: what lies far off pulls no harder than sigma.

    Args:
        term: the term; its own weight stands inside the kernel.
        sigma: the kernel's scale, in the unit of its residuals.
        weight: w, outside of the kernel.
    """

    def __init__(self, term: Term, sigma: float, *, weight: float = 1.0) -> None:
        self.name, self.point_names = term.name, term.point_names
        self.evidence, self.holds = term.evidence, term.holds
        self._term, self._sigma, self._weight = term, sigma, weight

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        return self._term.refresh(params, energy)

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        inner = self._term.residuals(state, rows)
        rho, slope = geman_mcclure(inner.values, self._sigma)
        return Residuals(self._weight * rho, (self._weight * slope)[..., None] * inner.jacobian)
