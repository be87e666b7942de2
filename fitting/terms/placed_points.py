"""Points in space whose frame is not the camera's: they settle the body's pose and size, not its place.

Where the points' axes stand to the camera's is eliminated at each evaluation (variable projection, Golub and Pereyra
1973, with Kaufman's derivative): the best similarity, turn or shift lays them onto the body's points, and what is left
is the residual. The derivative is that of the body's points less what a change of the placement takes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ...body.kinematics import compiled_points
from ..energy import BodyState, Energy, Residuals, Term

Frame = Literal["camera", "centred", "turned", "similar"]
_SIZE = 0.45  # metres, root mean square distance of a person's points from their middle
FRAMES: tuple[Frame, ...] = ("camera", "centred", "turned", "similar")


class _Laid(NamedTuple):
    """Points of the body (B, P, 3) and the given ones laid onto them, both centred, and root weights (B, P, 1).

    Where the unit is free the body's are of one size, too: else the body would shrink, and the residuals with it.
    ``scale``: (B,) how many times as large as they are.
    """

    own: Tensor
    given: Tensor
    weights: Tensor
    scale: Tensor


class PlacedPointTerm(Term):
    """w (x - T y) of each body point x and the place y where it was measured, T the best of a kind of placement.

    Args:
        names: P body points.
        positions: (B, P, 3) metres in a frame of their own; not looked at where the weight is 0.
        weights: (B, P) one over metres; 0 takes a point out. Rows with fewer than 4 points have no say.
        frame: ``"centred"``: the camera's axes, another origin; ``"turned"``: other axes, too; ``"similar"``: and
            another unit, or a body of another size.
        sigma: metres, scale of Geman-McClure's weights, chosen anew in ``refresh``; None: none.
    """

    name = "points"

    def __init__(
        self, names: Sequence[str], positions: Tensor, weights: Tensor, *, frame: Frame, sigma: float | None = None
    ) -> None:
        if frame not in FRAMES[1:]:
            raise ValueError(f"frame: expected one of {', '.join(FRAMES[1:])}, got {frame!r}")
        enough = (weights > 0).sum(-1) >= 4
        self.point_names = tuple(names)
        self.evidence = enough
        self._weights = torch.where(enough[:, None], weights, 0.0)
        self._positions = torch.where((self._weights > 0)[..., None], positions, 0.0)
        self._robust = torch.ones_like(self._weights)
        self._frame: Frame = frame
        self._sigma = sigma

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        if self._sigma is not None:
            rows = torch.arange(len(params), device=params.device)
            laid = self._laid(compiled_points(energy.body, self.point_names).points(params), rows)
            away = (laid.own - laid.given).square().sum(-1)
            self._robust = torch.rsqrt(1.0 + away / self._sigma**2)
        return params

    def _laid(self, points: Tensor, rows: Tensor) -> _Laid:
        weights = (self._weights * self._robust).index_select(0, rows)[..., None]
        given = self._positions.index_select(0, rows)
        own, given = (part - self._mean(part, weights) for part in (points, given))
        pulled = weights.square()
        scale = torch.ones_like(own[:, 0, 0])
        if self._frame == "centred":
            return _Laid(own, given, weights, scale)
        if self._frame == "similar":
            squared = (pulled * own.square()).sum((1, 2)) / pulled.sum((1, 2)).clamp_min(1e-12)
            scale = _SIZE * (squared + 1e-12).rsqrt()
            own = own * scale[:, None, None]
        covariance = (pulled * own).mT @ given
        left, _, right = torch.linalg.svd(covariance + 1e-9 * torch.eye(3, dtype=own.dtype, device=own.device))
        sign = torch.det(left @ right).sign()
        turn = torch.cat((left[..., :2], left[..., 2:] * sign[:, None, None]), -1) @ right
        given = given @ turn.mT
        if self._frame == "similar":
            both = (pulled * own * given).sum((1, 2)) / (pulled * given.square()).sum((1, 2)).clamp_min(1e-9)
            given = given * both[:, None, None]
        return _Laid(own, given, weights, scale)

    @staticmethod
    def _mean(values: Tensor, weights: Tensor) -> Tensor:
        """Mean (B, 1, ...) of values (B, P, ...) by squared weights (B, P, 1)."""
        pulled = weights.square().reshape(*weights.shape[:2], *[1] * (values.dim() - 2))
        return (pulled * values).sum(1, keepdim=True) / pulled.sum(1, keepdim=True).clamp_min(1e-12)

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        laid = self._laid(state.points, rows)
        values = (laid.weights * (laid.own - laid.given)).flatten(1)
        moved = state.jacobian - self._mean(state.jacobian, laid.weights)
        if self._frame == "similar":
            pulled = laid.weights.square() * laid.own
            along = (pulled[..., None] * moved).sum((1, 2)) / (pulled * laid.own).sum((1, 2)).clamp_min(1e-12)[:, None]
            moved = laid.scale[:, None, None, None] * (moved - laid.own[..., None] * along[:, None, None])
        moved = (laid.weights[..., None] * moved).flatten(1, 2)  # (B, 3 P, D)
        if self._frame == "centred":
            return Residuals(values, moved)
        turns = torch.linalg.cross(torch.eye(3).to(moved)[:, None, None], laid.given[None], dim=-1)  # (3, B, P, 3)
        kinds = [*turns, laid.given] if self._frame == "similar" else [*turns]
        taken = torch.stack([(laid.weights * kind).flatten(1) for kind in kinds], -1)  # (B, 3 P, 3 or 4)
        inner = taken.mT @ taken
        torch.diagonal(inner, dim1=-2, dim2=-1).add_(1e-9)
        return Residuals(values, moved - taken @ torch.linalg.solve(inner, taken.mT @ moved))

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        laid = self._laid(state.points, rows)
        return (laid.weights * (laid.own - laid.given)).square().sum((1, 2))
