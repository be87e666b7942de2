"""Batched non-linear least squares: every row of the batch is a problem of its own.

A problem gives, for chosen rows, its cost (the sum of squared residuals) and its normal equations. One loop drives two
step rules, Levenberg-Marquardt and Powell's dogleg. Each row has its own damping or trust radius, its own convergence
and its own failure; a row that is done is frozen at once, and leaves the batch when others are done with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..rows import FEWEST_ROWS, filled
from ..status import Status


class NormalEquations(NamedTuple):
    """The local quadratic model of B rows with N unknowns: cost(x + d) ~ cost + 2 g.d + d.H.d.

    Attributes:
        cost: (B,) sum of squared residuals; infinite or NaN where a point cannot be evaluated.
        gradient: (B, N) J^T r.
        hessian: (B, N, N) J^T J, the Gauss-Newton approximation.
    """

    cost: Tensor
    gradient: Tensor
    hessian: Tensor

    @classmethod
    def zeros(cls, count: int, size: int, like: Tensor) -> NormalEquations:
        """Those of no residual at all, to be added to."""
        return cls(like.new_zeros(count), like.new_zeros(count, size), like.new_zeros(count, size, size))


class Problem(Protocol):
    """What the solver minimises."""

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        """The model at ``params`` (A, N), which belong to the rows (A,) of the whole problem."""
        ...


@runtime_checkable
class CheapCosts(Protocol):
    """A problem whose cost takes far less time than its normal equations: a row's last step takes the cost alone."""

    def costs(self, params: Tensor, rows: Tensor) -> Tensor:
        """(A,) the cost at ``params`` (A, N), which belong to the rows (A,) of the whole problem."""
        ...


class Proposal(NamedTuple):
    """Steps of B rows.

    Attributes:
        step: (B, N).
        predicted: (B,) the cost reductions that the model predicts for them; not positive where no step was found.
        length: (B,) of the steps in scaled unknowns.
    """

    step: Tensor
    predicted: Tensor
    length: Tensor


class StepRule(Protocol):
    """How a step is chosen from the local model and how its control adapts; the control is a (B, C) tensor."""

    def init(self, params: Tensor) -> Tensor: ...

    def propose(self, model: NormalEquations, control: Tensor) -> Proposal:
        """A step of each row."""
        ...

    def update(self, control: Tensor, length: Tensor, gain: Tensor) -> Tensor:
        """The next control, from the step's length and the ratio of actual to predicted reduction, (B,) each."""
        ...

    def stuck(self, control: Tensor) -> Tensor:
        """(B,) bool: the control has run to its end, no further step can help."""
        ...


_ALIGNED = 8
"""Matrices are filled up to a multiple of so many unknowns, so that all of a batch lie alike in memory: MKL's solution
of triangular systems rounds by their address, and a row would depend on its place in the batch."""
_PIECE = 32  # matrices factored at a time on a CPU: a third faster than hundreds, which leave the cache
_TINY_DIAGONAL = 1e-9  # of the largest diagonal entry: unknowns that no residual sees stay where they are


def _scaling(hessian: Tensor) -> Tensor:
    """1 / sqrt(diag H) with a floor: the scaled matrix has a unit diagonal, which keeps float32 Cholesky safe."""
    diagonal = torch.diagonal(hessian, dim1=-2, dim2=-1)
    floor = diagonal.amax(-1, keepdim=True) * _TINY_DIAGONAL + torch.finfo(hessian.dtype).tiny
    return torch.rsqrt(torch.maximum(diagonal, floor))  # (B, N)


def _solve_scaled(model: NormalEquations, scaling: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Solves (S H S + shift I) y = -S g. Returns y (B, N) and whether the matrix was positive definite (B,)."""
    count = len(shift)
    size = _PIECE if shift.device.type == "cpu" else max(1, count)
    pieces = [
        _solve_piece(model.gradient[rows], model.hessian[rows], scaling[rows], shift[rows])
        for rows in (slice(start, start + size) for start in range(0, max(1, count), size))
    ]
    if len(pieces) == 1:
        return pieces[0]
    steps, definite = zip(*pieces, strict=True)
    return torch.cat(steps), torch.cat(definite)


def _solve_piece(gradient: Tensor, hessian: Tensor, scaling: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    count, size = scaling.shape
    room = -(-size // _ALIGNED) * _ALIGNED
    matrix = scaling.new_empty(count, room, room)
    matrix[:, size:] = matrix[:, :, size:] = 0
    torch.diagonal(matrix, dim1=-2, dim2=-1)[:, size:] = 1
    inner = matrix[:, :size, :size]
    torch.mul(hessian, scaling[:, :, None], out=inner).mul_(scaling[:, None, :])
    torch.diagonal(inner, dim1=-2, dim2=-1).add_(shift[:, None])
    right = scaling.new_zeros(count, room, 1)
    torch.mul(gradient, -scaling, out=right[:, :size, 0])
    factor, info = torch.linalg.cholesky_ex(matrix, upper=True)  # a sixth faster than lower (MKL)
    return torch.cholesky_solve(right, factor, upper=True)[:, :size, 0], info == 0


def _reduction(model: NormalEquations, step: Tensor) -> Tensor:
    """The cost reduction that the quadratic model predicts for a step, (B,)."""
    curved = torch.bmm(model.hessian, step[..., None])[..., 0]
    return -((2.0 * model.gradient + curved) * step).sum(-1)


@dataclass(frozen=True, kw_only=True)
class LevenbergMarquardt:
    """Marquardt's scaled damping with Nielsen's update (Madsen, Nielsen, Tingleff 2004, section 3.2)."""

    damping: float = 1e-3  # initial, relative to diag(J^T J)
    max_damping: float = 1e8  # a row whose damping passes this is done

    def init(self, params: Tensor) -> Tensor:
        control = params.new_full((len(params), 2), self.damping)
        control[:, 1] = 2.0
        return control

    def propose(self, model: NormalEquations, control: Tensor) -> Proposal:
        scaling, damping = _scaling(model.hessian), control[:, 0]
        scaled, definite = _solve_scaled(model, scaling, damping)
        step = scaled * scaling
        # With (H + l D) d = -g the model's reduction -2 g.d - d.H.d is -g.d + l d.D.d.
        squared = (scaled * scaled).sum(-1)
        predicted = damping * squared - (model.gradient * step).sum(-1)
        return Proposal(step, predicted.masked_fill(~definite, -1.0), squared.sqrt())

    def update(self, control: Tensor, length: Tensor, gain: Tensor) -> Tensor:
        good = gain > 0
        damping, growth = control.unbind(-1)
        smaller = damping * (1.0 - (2.0 * gain.clamp(0.0, 1.0) - 1.0) ** 3).clamp(min=1.0 / 5.0)
        damping = torch.where(good, smaller, damping * growth).clamp(min=1e-7)
        return torch.stack([damping, (growth * 2.0).masked_fill(good, 2.0)], -1)

    def stuck(self, control: Tensor) -> Tensor:
        return control[:, 0] > self.max_damping


@dataclass(frozen=True, kw_only=True)
class Dogleg:
    """Powell's dogleg in the metric of diag(J^T J) (Nocedal and Wright 2006, section 4.1; SMPLify's choice)."""

    radius: float = 10.0  # initial, in scaled unknowns (1 = one curvature unit of a single unknown)
    min_radius: float = 1e-7

    def init(self, params: Tensor) -> Tensor:
        return params.new_full((len(params), 1), -1.0)  # below zero: to be set from the first Gauss-Newton step

    def propose(self, model: NormalEquations, control: Tensor) -> Proposal:
        scaling = _scaling(model.hessian)
        ridge = torch.finfo(scaling.dtype).eps * 10.0 * scaling.shape[-1]
        newton, definite = _solve_scaled(model, scaling, torch.full_like(control[:, 0], ridge))
        slope = model.gradient * scaling
        descent = slope * scaling
        curvature = (descent * torch.bmm(model.hessian, descent[..., None])[..., 0]).sum(-1)
        cauchy = -slope * ((slope * slope).sum(-1) / curvature.clamp(min=torch.finfo(slope.dtype).tiny))[:, None]
        newton = torch.where(definite[:, None], newton, cauchy)
        radius = torch.where(control[:, 0] < 0, newton.norm(dim=-1).clamp(max=self.radius), control[:, 0])
        scaled = _dogleg_path(cauchy, newton, radius)
        step = scaled * scaling
        return Proposal(step, _reduction(model, step), scaled.norm(dim=-1))

    def update(self, control: Tensor, length: Tensor, gain: Tensor) -> Tensor:
        old = torch.where(control[:, 0] < 0, length, control[:, 0])
        grown = torch.maximum(old, 3.0 * length)
        radius = torch.where(gain > 0.75, grown, torch.where(gain > 0.25, old, 0.25 * torch.minimum(length, old)))
        return radius[:, None]

    def stuck(self, control: Tensor) -> Tensor:
        return (control[:, 0] >= 0) & (control[:, 0] < self.min_radius)


def _dogleg_path(cauchy: Tensor, newton: Tensor, radius: Tensor) -> Tensor:
    """The point where the path origin - Cauchy - Newton leaves the ball of the given radius, (B, N)."""
    to_cauchy = cauchy.norm(dim=-1)
    to_newton = newton.norm(dim=-1)
    leg = newton - cauchy
    a = (leg * leg).sum(-1).clamp(min=torch.finfo(leg.dtype).tiny)
    b = (cauchy * leg).sum(-1)
    c = (to_cauchy**2 - radius**2).clamp(max=0.0)
    share = ((-b + (b * b - a * c).clamp(min=0.0).sqrt()) / a).clamp(0.0, 1.0)
    bent = cauchy + share[:, None] * leg
    short = cauchy * (radius / to_cauchy.clamp(min=torch.finfo(leg.dtype).tiny)).clamp(max=1.0)[:, None]
    path = torch.where((to_cauchy >= radius)[:, None], short, bent)
    return torch.where((to_newton <= radius)[:, None], newton, path)


class Solution(NamedTuple):
    """What the solver found, in the order of the rows given.

    Attributes:
        params: (B, N) the best point of each row; the start where a row failed.
        cost: (B,) its cost.
        steps: (B,) int64 steps tried.
        status: (B,) int64, a `Status` each.
    """

    params: Tensor
    cost: Tensor
    steps: Tensor
    status: Tensor

    @property
    def converged(self) -> Tensor:
        """(B,) bool."""
        return self.status == Status.CONVERGED

    @property
    def failed(self) -> Tensor:
        """(B,) bool."""
        return self.status == Status.FAILED


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """When a row is done."""

    rtol: float = 1e-4  # an accepted step that lowers the cost by a smaller share ends the row (SMPLify's rule)
    max_steps: int = 60


class _State(NamedTuple):
    """The rows in the batch, A of the B. ``place``: (A,) which of the B. ``rows``: (A,) which of the problem's."""

    params: Tensor
    model: NormalEquations
    control: Tensor
    steps: Tensor
    status: Tensor  # OUT_OF_STEPS while a row is at work
    place: Tensor
    rows: Tensor

    @property
    def working(self) -> Tensor:
        return self.status == Status.OUT_OF_STEPS

    def take(self, index: Tensor) -> _State:
        model = NormalEquations(*(part.index_select(0, index) for part in self.model))
        rest = (self.control, self.steps, self.status, self.place, self.rows)
        return _State(self.params.index_select(0, index), model, *(part.index_select(0, index) for part in rest))


def _step(problem: Problem, rule: StepRule, state: _State, rtol: float) -> _State:
    """One step of every row that is at work."""
    working, old = state.working, state.model
    step, predicted, length = rule.propose(old, state.control)
    trial = state.params + step
    model = _models(problem, state, trial, predicted, rtol)
    reduction = old.cost - model.cost
    usable = _finite(model.cost, predicted, step) & (predicted > 0)
    gain = (reduction / predicted.clamp(min=torch.finfo(step.dtype).tiny)).masked_fill(~usable, -1.0)
    better = usable & (reduction > 0) & working
    control = torch.where(working[:, None], rule.update(state.control, length, gain), state.control)
    small = usable & (torch.maximum(reduction.abs(), predicted) < rtol * old.cost)
    if bool((small & ~better).any()):  # a rejected step may be small because so many before it were rejected
        small &= better | _flat(old, rtol)
    status = state.status.masked_fill(working & rule.stuck(control), int(Status.STUCK))
    status = status.masked_fill(working & small, int(Status.CONVERGED))
    worse = torch.nonzero(~better)[:, 0]
    if len(worse):  # few, as a rule: copying them alone saves a pass over all matrices
        pairs = zip((trial, *model), (state.params, *old), strict=True)
        trial, *kept = (new.index_copy(0, worse, before.index_select(0, worse)) for new, before in pairs)
        model = NormalEquations(*kept)
    return _State(trial, model, control, state.steps + working, status, state.place, state.rows)


def _models(problem: Problem, state: _State, trial: Tensor, predicted: Tensor, rtol: float) -> NormalEquations:
    """The models at ``trial`` (A, N); of rows that this step ends it is the cost alone, with the derivatives before."""
    old = state.model
    if not isinstance(problem, CheapCosts):
        return problem.normal_equations(trial, state.rows)
    least = rtol * old.cost
    ends = state.working & (predicted > 0) & (predicted < least)
    whole, cost = state.working & ~ends, old.cost
    some = torch.nonzero(ends)[:, 0]
    if len(some):
        some = filled(some)
        cost = cost.index_copy(0, some, problem.costs(trial.index_select(0, some), state.rows.index_select(0, some)))
        whole |= ends & (old.cost - cost >= least)  # more was gained than foreseen: the row goes on
    some = torch.nonzero(whole)[:, 0]
    model = NormalEquations(cost, old.gradient, old.hessian)
    if not len(some):
        return model
    if len(some) == len(trial):
        return problem.normal_equations(trial, state.rows)
    some = filled(some)
    found = problem.normal_equations(trial.index_select(0, some), state.rows.index_select(0, some))
    return NormalEquations(*(before.index_copy(0, some, new) for before, new in zip(model, found, strict=True)))


def _finite(*parts: Tensor) -> Tensor:
    """(B,) whether all numbers of a row, in parts (B,) or (B, N), are finite; one that is not a number stays so."""
    together = torch.cat([part if part.dim() > 1 else part[:, None] for part in parts], -1)
    return together.abs().amax(-1) < torch.inf


def _flat(model: NormalEquations, rtol: float) -> Tensor:
    """(A,) whether no step can gain a share ``rtol`` of the cost: the gain along each unknown alone, summed."""
    slope = model.gradient * _scaling(model.hessian)
    return slope.square().sum(-1) <= rtol * model.cost


def _write(state: _State, out: Solution, rtol: float) -> None:
    """Puts the rows of the batch into the solution; a row that is stuck where it is flat has converged."""
    place, status = state.place, state.status
    stuck = status == Status.STUCK
    if bool(stuck.any()):
        status = torch.where(stuck & _flat(state.model, rtol), int(Status.CONVERGED), status)
    for whole, part in zip(out, (state.params, state.model.cost, state.steps, status), strict=True):
        whole.index_copy_(0, place, part)


@torch.no_grad()
def minimise(
    problem: Problem,
    start: Tensor,
    rule: StepRule | None = None,
    stopping: Stopping | None = None,
    *,
    rows: Tensor | None = None,
) -> Solution:
    """Minimises every row's cost from its own start.

    Args:
        problem: gives cost and normal equations of chosen rows.
        start: (B, N) starting points, float32 or float64, on any device.
        rule: the step rule; Levenberg-Marquardt by default.
        stopping: when a row is done.
        rows: (B,) int64, which rows of the problem the starts belong to; 0..B-1 by default.
    Returns:
        The solution of each row. A row whose start cannot be evaluated comes back as it was, with status FAILED.
    """
    rule = rule or LevenbergMarquardt()
    stopping = stopping or Stopping()
    place = torch.arange(len(start), device=start.device)
    rows = place if rows is None else rows
    model = problem.normal_equations(start, rows)
    steps = torch.zeros_like(place)
    status = torch.full_like(place, int(Status.OUT_OF_STEPS))
    status = status.masked_fill(~_finite(model.cost, model.gradient, start), int(Status.FAILED))
    state = _State(start, model, rule.init(start), steps, status, place, rows)
    out = Solution(start.clone(), model.cost.clone(), steps.clone(), status.clone())
    for _ in range(stopping.max_steps):
        working = torch.nonzero(state.working)[:, 0]
        if len(working) <= 0.8 * len(state.place):
            _write(state, out, stopping.rtol)
            if not len(working):
                return out
            state = state.take(filled(working, min(FEWEST_ROWS, len(start))))
        state = _step(problem, rule, state, stopping.rtol)
    _write(state, out, stopping.rtol)
    return out
