"""One shape for all rows of a person, pooled by what each row knows of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ...rows import filled
from ..energy import BodyState, Energy, Residuals, Term
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class SharedShapeTerm(Term):
    """Betas of all rows of a person are equal: a condition, not a weight, so its energy is 0.

    Each row's energy around where it stands is (b - b_i)^T S_i (b - b_i) in its betas, S_i the Schur complement of its
    normal equations after eliminating all other unknowns; the pooled betas minimise the sum, with the shape prior
    once. They are set in ``refresh``, and the solver leaves them alone.

    Args:
        groups: for each person of several rows, those rows.
        sure: (B,) bool, rows that have a say; where a person has none, all have.
        shape_weight: of the shape prior that each row's energy holds.
        columns: the betas.
    """

    name = "shared_shape"

    def __init__(self, groups: Sequence[Sequence[int]], sure: Tensor, shape_weight: float, columns: slice) -> None:
        self._groups = groups
        self._sure = sure
        self._weight = shape_weight
        self.holds = (columns,)
        self.evidence = torch.zeros_like(sure)
        self.evidence[[row for rows in groups for row in rows]] = True

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        blank = state.params.new_zeros(len(state.params), 0)
        return Residuals(blank, blank.new_zeros(*blank.shape, state.layout.size))

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        where = self.holds[0]
        apart = [rows for rows in self._groups if bool((params[rows][:, where] != params[rows[:1]][:, where]).any())]
        if not apart:
            return params
        others = Energy(energy.body, [term for term in energy.terms if term is not self])
        pooled = params.clone()
        for rows in apart:
            sure = [row for row in rows if bool(self._sure[row])] or list(rows)
            index = filled(torch.tensor(sure, device=params.device))
            known = _shape_information(others, params[index], index)[: len(sure)]
            pooled[rows, where] = self._pooled(known, params[sure][:, where]).to(params)
        return pooled

    def _pooled(self, known: Tensor, betas: Tensor) -> Tensor:
        """(S,) float64 the betas that agree best with rows of betas (R, S) of information (R, S, S)."""
        prior = self._weight**2
        eye = torch.eye(known.shape[-1], dtype=known.dtype, device=known.device)
        right = (known @ betas[..., None].double()).sum(0)
        # The Gauss-Newton model may know a little less than the prior says once; never less than the prior.
        values, vectors = torch.linalg.eigh(known.sum(0) - (len(known) - 1) * prior * eye)
        return (vectors @ ((vectors.mT @ right) / values.clamp(min=prior)[:, None]))[:, 0]


def _shape_information(energy: Energy, params: Tensor, rows: Tensor) -> Tensor:
    """(B, S, S) float64 information on betas in each row's energy, all other unknowns eliminated."""
    hessian = energy.normal_equations(params, rows).hessian.double()
    columns = torch.arange(energy.layout.size, device=params.device)
    shape = columns[energy.layout.betas]
    rest = columns[~torch.isin(columns, shape)]
    cross = hessian[:, rest][:, :, shape]
    inner = hessian[:, rest][:, :, rest]
    torch.diagonal(inner, dim1=-2, dim2=-1).add_(1e-6)
    return hessian[:, shape][:, :, shape] - cross.mT @ torch.linalg.solve(inner, cross)


@dataclass(frozen=True, kw_only=True)
class SharedShape(TermSpec):
    """Spec of `SharedShapeTerm`, where rows are labelled by person."""

    name: str = "shared_shape"
    from_stage: str = "shared shape"
    couples: ClassVar[bool] = True

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        groups: dict[Hashable, list[int]] = {}
        for row, label in enumerate(problem.persons):
            groups.setdefault(label, []).append(row)
        several = [rows for rows in groups.values() if len(rows) > 1]
        if not several:
            return None
        return SharedShapeTerm(several, problem.sure, stage.shape_weight, problem.body.layout.betas)
