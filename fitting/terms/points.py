"""Body points lie where they were measured in space: triangulated or tracked joints, markers, depth cameras' joints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from .placed_points import FRAMES, Frame, PlacedPointTerm
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class PointTerm(Term):
    """w * GM(|x - y|) along x - y, of each body point x and the place y where it was measured.

    The kernel takes the distance, not its components, so a turn of the axes changes nothing.

    Args:
        names: P body points (see `anchorfit.body.compile_points`).
        positions: (B, P, 3) metres, frame of the parameters; not looked at where the weight is 0.
        weights: (B, P) one over metres; 0 takes a point out.
        sigma: the kernel's scale in metres, or (B,) one for each row; None: plain least squares.
    """

    name = "points"
    by_blocks = True

    def __init__(
        self, names: Sequence[str], positions: Tensor, weights: Tensor, *, sigma: float | Tensor | None = None
    ) -> None:
        expected = (len(weights), len(names), 3)
        if tuple(positions.shape) != expected or tuple(weights.shape) != expected[:2]:
            raise ValueError(
                f"positions, weights: expected {expected} and {expected[:2]}, "
                f"got {tuple(positions.shape)} and {tuple(weights.shape)}"
            )
        self.point_names = tuple(names)
        self.evidence = (weights > 0).any(-1)
        self._positions = torch.where((weights > 0)[..., None], positions, 0.0)
        self._weights = weights
        self._sigma = None if sigma is None else torch.as_tensor(sigma).to(weights).expand(len(weights))

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        weights = self._weights.index_select(0, rows)[..., None]  # (B, P, 1)
        away = state.points - self._positions.index_select(0, rows)
        if self._sigma is None:
            return Residuals((weights * away).flatten(1), (weights[..., None] * state.jacobian).flatten(1, 2))
        scaled = away / self._sigma.index_select(0, rows)[:, None, None]
        share = torch.rsqrt(1.0 + scaled.square().sum(-1, keepdim=True))  # s / sqrt(s^2 + |r|^2)
        # d(share r)/dr = share (I - u u^T), u = r / sqrt(s^2 + |r|^2).
        unit = (scaled * share)[..., None]
        along = unit[:, :, 0] * state.jacobian[:, :, 0]
        for axis in (1, 2):
            along.addcmul_(unit[:, :, axis], state.jacobian[:, :, axis])
        moved = torch.addcmul(state.jacobian, unit, along[:, :, None], value=-1.0).mul_((weights * share)[..., None])
        return Residuals((weights * share * away).flatten(1), moved.flatten(1, 2))

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        away = state.points - self._positions.index_select(0, rows)
        squared = away.square().sum(-1)
        if self._sigma is not None:
            squared = squared / (1.0 + squared / self._sigma.index_select(0, rows)[:, None].square())
        return (self._weights.index_select(0, rows).square() * squared).sum(-1)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        """The same gradient; the curvature is iterative reweighting's, which takes one pass over the Jacobian less."""
        away = state.points - self._positions.index_select(0, rows)
        scale = self._weights.index_select(0, rows)[..., None]
        energy = (scale * away).square()
        if self._sigma is not None:
            scaled = away / self._sigma.index_select(0, rows)[:, None, None]
            share = 1.0 / (1.0 + scaled.square().sum(-1, keepdim=True))
            energy = energy * share
            scale = scale * share
        normal.cost.add_(energy.flatten(1).sum(-1))
        if state.blocks is not None:
            table, blocks = state.blocks
            blocks.accumulate(table, away, scale[..., 0], normal.gradient, normal.hessian)
            return
        pulled = (state.jacobian * scale[..., None]).flatten(1, 2)
        transposed = pulled.transpose(1, 2)
        normal.gradient.add_(torch.bmm(transposed, (scale * away).flatten(1)[..., None])[..., 0])
        normal.hessian.baddbmm_(transposed, pulled)


@dataclass(frozen=True, kw_only=True)
class Points(TermSpec):
    """Spec of `PointTerm` and, in another frame than the camera's, `PlacedPointTerm`: 3D points beside keypoints.

    Rows that are not named have no evidence.
    """

    name: str = "points"
    names: tuple[str, ...] = ()  # P body points
    positions: Mapping[str, Tensor] = field(default_factory=dict)  # name of a row -> (P, 3) metres; NaN: not measured
    frame: Frame = (
        "camera"  # of the positions: "centred", another origin; "turned", other axes, too; "similar", and unit
    )
    weight: float = 300.0  # reference pixels for a metre
    sigma: float | None = 0.1  # metres, Geman-McClure

    def __post_init__(self) -> None:
        if self.frame not in FRAMES:
            raise ValueError(f"frame: expected one of {', '.join(FRAMES)}, got {self.frame!r}")
        for row, given in self.positions.items():
            if tuple(given.shape) != (len(self.names), 3):
                wanted = f"({len(self.names)}, 3), a place for each of names"
                raise ValueError(f"positions: {row}: expected {wanted}, got {tuple(given.shape)}")

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        like = problem.start
        nothing = like.new_full((len(self.names), 3), torch.nan)
        given = [self.positions.get(name, nothing).to(like) for name in problem.observations.names]
        positions = torch.stack(given)
        weights = self.weight * torch.isfinite(positions).all(-1).to(like)
        if not bool(weights.any()):
            return None
        if self.frame == "camera":
            return PointTerm(self.names, positions, weights, sigma=self.sigma)
        return PlacedPointTerm(self.names, positions, weights, frame=self.frame, sigma=self.sigma)
