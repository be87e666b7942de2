"""The anchor weighed by joint: rotations stay near those a network predicted, each as far as the network is sure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ...body import matrix_to_axis_angle
from ...body.joint_sets import SMPL_PARENTS
from ...body.skinning import ancestor_rows
from ...body.uncertainty import inverse_left_jacobian, turns_of
from ..energy import BodyState, Residuals, Term
from ..least_squares import NormalEquations
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class _Apart(NamedTuple):
    """Residuals (B, 24, 3), their derivatives (B, 24, 3, 3) by small turns of the joint in the camera's frame, and how
    a joint and all below it turn with its parameters (B, 24, 3, 3)."""

    values: Tensor
    slopes: Tensor
    rates: Tensor


class WeighedAnchorTerm(Term):
    """w * GM(|W_j log(R_j R_j^T predicted)|) for the rotation R_j of each joint relative to the camera.

    Geman and McClure's kernel of a length: the residual is m / sqrt(1 + |m|^2 / s^2) with m = W log(...).

    Args:
        predicted: (B, 72) poses.
        whitening: (B, 24, 3, 3) W, see `PoseUncertainty`.
        weight: w.
        sigma: s, the kernel's scale, in standard deviations.
    """

    name = "weighed_anchor"

    def __init__(self, predicted: Tensor, whitening: Tensor, weight: float, *, sigma: float) -> None:
        self._predicted = turns_of(predicted).world.mT.contiguous()
        self._whitening = whitening
        self._weight, self._sigma = weight, sigma

    def _apart(self, state: BodyState, rows: Tensor) -> _Apart:
        world, rates = turns_of(state.params[:, state.layout.pose])
        apart = matrix_to_axis_angle(world @ self._predicted.index_select(0, rows))
        whitening = self._whitening.index_select(0, rows)
        length = (whitening * apart[..., None, :]).sum(-1)
        share = torch.rsqrt(1 + length.square().sum(-1, keepdim=True) / self._sigma**2)
        values = length * share  # shorter than sigma
        slopes = whitening @ inverse_left_jacobian(apart)
        along = (values[..., None] * slopes).sum(-2, keepdim=True) / self._sigma**2
        slopes = share[..., None] * (slopes - values[..., None] * along)
        return _Apart(self._weight * values, self._weight * slopes, rates)

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, slopes, rates = self._apart(state, rows)
        above = _above(values.dtype, values.device)
        blocks = (slopes[:, :, None] @ rates[:, None]) * above[..., None, None]  # (B, 24 joints, 24 turned, 3, 3)
        jacobian = values.new_zeros(len(values), values[0].numel(), state.layout.size)
        jacobian[:, :, state.layout.pose] = blocks.transpose(2, 3).flatten(3).flatten(1, 2)
        return Residuals(values.flatten(1), jacobian)

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._apart(state, rows).values.square().sum((1, 2))

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        """With sums over the joints at and below b: H_ab = rates_a^T (sum slopes^T slopes) rates_b, a at or above b."""
        values, slopes, rates = self._apart(state, rows)
        pulls = torch.cat((slopes.mT @ slopes, slopes.mT @ values[..., None]), -1)  # (B, 24, 3, 4)
        below = _above(values.dtype, values.device).mT
        summed = (below @ pulls.flatten(2)).unflatten(-1, (3, 4))
        normal.gradient[:, state.layout.pose].add_((rates.mT @ summed[..., 3:]).flatten(1))
        pairs = _pairs(state.layout.size, values.device)
        turned = (summed[..., :3] @ rates).index_select(1, pairs.low)
        blocks = (rates.index_select(1, pairs.high).mT @ turned).flatten(2)
        whole = normal.hessian.flatten(1)
        whole.index_add_(1, pairs.places, torch.cat((blocks, blocks[:, pairs.apart]), 1).flatten(1))
        normal.cost.add_(values.square().sum((1, 2)))


class _Pairs(NamedTuple):
    """Pairs of a joint and one at or above it, and where the entries of their blocks, and then those of blocks of two
    joints transposed, stand in a flat matrix."""

    low: Tensor
    high: Tensor
    apart: Tensor
    places: Tensor


@lru_cache(maxsize=8)
def _above(dtype: torch.dtype, device: torch.device) -> Tensor:
    """(24, 24), entry [j, k] whether k is j or above j."""
    with torch.inference_mode(False):  # tensors that last: of use in any mode
        return torch.tensor(ancestor_rows(SMPL_PARENTS), dtype=dtype, device=device)


@lru_cache(maxsize=8)
def _pairs(size: int, device: torch.device) -> _Pairs:
    with torch.inference_mode(False):
        low, high = torch.tensor(ancestor_rows(SMPL_PARENTS)).nonzero(as_tuple=True)
        apart = (low != high).nonzero()[:, 0]
        axes = torch.arange(3)
        rows = (3 * high[:, None, None] + axes[:, None]).expand(-1, 3, 3)
        columns = (3 * low[:, None, None] + axes).expand(-1, 3, 3)
        places = torch.cat(((size * rows + columns).flatten(), (size * columns + rows)[apart].flatten()))
        return _Pairs(*(part.to(device) for part in (low, high, apart, places)))


@dataclass(frozen=True, kw_only=True)
class WeighedAnchor(TermSpec):
    """Spec of `WeighedAnchorTerm`, in the place of `Anchor`'s where the prediction says how sure it is."""

    name: str = "weighed_anchor"
    weight: float = 10.0
    sigma: float = 2.0  # standard deviations; Geman-McClure

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        known = problem.uncertainty
        if known is None:
            return None
        pose = problem.start[:, problem.body.layout.pose]
        return WeighedAnchorTerm(pose, known.whitening.to(pose), self.weight, sigma=self.sigma)
