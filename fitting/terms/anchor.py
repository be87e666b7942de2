"""The anchor: parameters stay near those a network predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from ..robust import geman_mcclure
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class AnchorTerm(Term):
    """w * GM(theta_i - theta_i^init) for each chosen parameter (Pavlakos et al. 2018, section 5.5).

    Args:
        target: (B, D) where the row started.
        columns: which parameters are held, a slice of `anchorfit.body.Layout`.
        weight: w, or (B,) one for each row, or (B, P) one for each of its columns. The paper gives none;
            `docs/fitting.md` has the table ours come from.
        sigma: the kernel's scale, in the parameters' unit (radians for the pose); None: plain least squares.
        name: the term's name in the diagnostics.
        turn: the columns are one rotation as an axis-angle vector, which around an angle of pi is written in two ways:
            the nearer one is compared.
    """

    def __init__(
        self,
        target: Tensor,
        columns: slice,
        weight: float | Tensor,
        *,
        sigma: float | None,
        name: str = "anchor",
        turn: bool = False,
    ) -> None:
        self.name = name
        self._target = target[:, columns]
        self._columns = columns
        self._weight = _by_column(weight.to(target), len(target)) if isinstance(weight, Tensor) else weight
        self._sigma = sigma
        self._turn = _axis_and_angle(self._target) if turn else None

    def _values(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor]:
        values = state.params[:, self._columns]
        target = self._target.index_select(0, rows)
        if self._turn is not None:
            axis, angle = (part.index_select(0, rows) for part in self._turn)
            target = _nearer_turn(target, axis, angle, values)
        away = values - target
        weight = self._weight[rows] if isinstance(self._weight, Tensor) else self._weight
        if self._sigma is None:
            return away * weight, torch.ones_like(away) * weight
        rho, slope = geman_mcclure(away, self._sigma)
        return rho * weight, slope * weight

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, slopes = self._values(state, rows)
        jacobian = values.new_zeros(*values.shape, state.layout.size)
        torch.diagonal(jacobian[:, :, self._columns], dim1=-2, dim2=-1).copy_(slopes)
        return Residuals(values, jacobian)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        values, slopes = self._values(state, rows)
        normal.gradient[:, self._columns].add_(values * slopes)
        torch.diagonal(normal.hessian, dim1=-2, dim2=-1)[:, self._columns].add_(slopes.square())
        normal.cost.add_(values.square().sum(-1))


def _by_column(weight: Tensor, count: int) -> Tensor:
    """(B, 1) or (B, P)."""
    return (weight if weight.ndim == 2 else weight.expand(count)[:, None]).expand(count, -1)


def _axis_and_angle(turn: Tensor) -> tuple[Tensor, Tensor]:
    """Axes (B, 3), 0 where there is no turn, and angles (B, 1) of axis-angle vectors."""
    angle = turn.norm(dim=-1, keepdim=True)
    return torch.where(angle > 1e-9, turn / angle.clamp_min(1e-9), 0.0), angle


def _nearer_turn(target: Tensor, axis: Tensor, angle: Tensor, values: Tensor) -> Tensor:
    """The rotations ``target`` (B, 3) as axis-angle vectors: of the ways to write each, that nearest ``values``."""
    full = 2 * math.pi
    turns = torch.round(((values * axis).sum(-1, keepdim=True) - angle) / full)
    return target + full * turns * axis


@dataclass(frozen=True, kw_only=True)
class Anchor(TermSpec):
    """Spec of `AnchorTerm`: a part of the parameters is held near the start.

    Where `WeighedAnchor` is on and has something to go by, it holds the pose instead.
    """

    name: str = "anchor"
    part: Literal["body_pose", "global_orient", "betas"] = "body_pose"
    weight: float = 60.0
    sigma: float = 0.7  # radians, or standard deviations for betas; Geman-McClure

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        weighed = problem.uncertainty is not None and problem.config.term("weighed_anchor") is not None
        if weighed and self.part != "betas":
            return None
        columns: slice = getattr(problem.body.layout, self.part)
        turn = self.part == "global_orient"
        return AnchorTerm(problem.start, columns, self.weight, sigma=self.sigma, name=self.name, turn=turn)
