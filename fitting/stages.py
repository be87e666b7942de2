"""The loop over stages: builds the terms of each, refreshes them, minimises their sum, and diagnoses the result."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..body import wrap_axis_angle
from ..rows import filled
from ..status import Status
from .config import FitConfig, Stage
from .diagnostics import diagnose
from .energy import Energy, Term
from .least_squares import Solution, minimise
from .problem import FitProblem
from .results import FitResult


def run_stages(problem: FitProblem, starts: Tensor, stages: Sequence[Stage]) -> FitResult:
    """Minimises the energies of stages one after the other.

    Args:
        problem: B rows.
        starts: (B, C, D) where they begin: C candidates a row, of which the better one is kept after
            ``config.candidate_stages`` stages or the last.
        stages: of ``problem.config``.
    Returns:
        B results; ``energy`` has every term of the configuration, 0 where a row had no evidence for it.
    """
    config, count = problem.config, starts.shape[1]
    params = starts.flatten(0, 1)
    rows = torch.arange(len(problem), device=params.device).repeat_interleave(count)
    status = torch.full_like(rows, int(Status.CONVERGED))
    steps = torch.zeros(len(problem), dtype=torch.long, device=params.device)
    terms: list[Term] = []
    for number, stage in enumerate(stages):
        built = problem.terms(stage)
        active = _active(problem, stage, built)
        if active is not None and not len(active):
            continue
        terms = built
        for _ in range(stage.rounds):
            params, solution = _solve(problem, stage, terms, params, rows, active)
            everybody = slice(None) if active is None else active
            status[everybody] = torch.maximum(status[everybody], solution.status)
            steps.index_add_(0, rows[everybody], solution.steps)
        done = number + 1
        if count > 1 and done in (config.candidate_stages, len(stages)):
            pick = _better(solution.cost, count, problem.placement.shoulders, config)
            params, rows, status, count = params[pick], rows[pick], status[pick], 1
    energy = _energies(problem, terms, params)
    return diagnose(problem, params, energy, steps=steps, status=status)


def _active(problem: FitProblem, stage: Stage, terms: Sequence[Term]) -> Tensor | None:
    """The rows (A,) that a stage is for; None for all of them."""
    if not stage.only_evidence:
        return None
    new = [spec.name for spec in problem.config.terms_of(stage) if spec.from_stage == stage.name]
    found = [term.evidence for term in terms if term.name in new and term.evidence is not None]
    if not found:
        return torch.zeros(0, dtype=torch.long)
    return torch.nonzero(torch.stack(found).any(0))[:, 0]


def _solve(
    problem: FitProblem, stage: Stage, terms: Sequence[Term], params: Tensor, rows: Tensor, active: Tensor | None
) -> tuple[Tensor, Solution]:
    """One round: all rows' parameters after it, and the solution of those that took part."""
    body, config = problem.body, problem.config
    energy = Energy(body, terms, frozen=(body.layout.transl,) if stage.holds_camera else ())
    if len(rows) == len(problem):  # while there are candidates nothing is refreshed
        for term in terms:
            params = term.refresh(params, energy)
    start = params.clone()
    where = body.layout.global_orient
    start[:, where] = wrap_axis_angle(start[:, where])
    if active is None:
        solution = minimise(energy, start, config.rule, stage.stopping, rows=rows)
        return solution.params, solution
    some = filled(active)
    found = minimise(energy, start[some], config.rule, stage.stopping, rows=rows[some])
    solution = Solution(*(part[: len(active)] for part in found))
    return params.index_copy(0, active, solution.params), solution


def _better(cost: Tensor, count: int, shoulders: Tensor, config: FitConfig) -> Tensor:
    """(B,) for each row its candidate of least cost (B C,)."""
    cost = cost.nan_to_num(nan=torch.inf).unflatten(0, (-1, count))
    if config.only_side_views is not None:
        frontal = shoulders >= config.only_side_views
        cost = torch.cat([cost[:, :1], torch.where(frontal[:, None], torch.inf, cost[:, 1:])], -1)
    return torch.arange(len(cost), device=cost.device) * count + cost.argmin(-1)


def _energies(problem: FitProblem, terms: Sequence[Term], params: Tensor) -> dict[str, Tensor]:
    """Each term's energy (B,), by the names of the configuration."""
    finite = torch.where(torch.isfinite(params).all(-1, keepdim=True), params, 0.0)
    found = Energy(problem.body, terms).by_term(finite, torch.arange(len(problem), device=params.device))
    return {spec.name: found.get(spec.name, torch.zeros_like(params[:, 0])) for spec in problem.config.terms}
