"""The loop over stages: builds the terms of each, refreshes them, minimises their sum, and diagnoses the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import wrap_axis_angle
from ..rows import filled
from ..status import Status
from .config import Stage
from .diagnostics import diagnose
from .energy import Energy, Term
from .least_squares import Solution, minimise
from .problem import FitProblem
from .results import FitResult
from .runaways import caught


class Starts(NamedTuple):
    """Where the stages begin: params (B, C, D), C candidates a row; which of them are fitted, (B, C) bool."""

    params: Tensor
    worth: Tensor

    @classmethod
    def one(cls, params: Tensor) -> Starts:
        """A single start (B, D) for each row."""
        return cls(params[:, None], torch.ones_like(params[:, :1], dtype=torch.bool))


def run_stages(problem: FitProblem, starts: Starts, stages: Sequence[Stage]) -> FitResult:
    """Minimises the energies of stages one after the other.

    Args:
        problem: B rows.
        starts: where they begin; of several candidates the better one is kept after ``config.candidate_stages`` stages
            or the last.
        stages: of ``problem.config``.
    Returns:
        B results; ``energy`` has every term of the configuration, 0 where a row had no evidence for it.
    """
    config = problem.config
    rows, which = torch.nonzero(starts.worth, as_tuple=True)
    params = starts.params[rows, which]
    status = torch.full_like(rows, int(Status.CONVERGED))
    steps = torch.zeros(len(problem), dtype=torch.long, device=params.device)
    terms: list[Term] = []
    for number, stage in enumerate(stages, start=1):
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
        last = number == len(stages) or stages[number].only_evidence
        if len(rows) > len(problem) and (last or number == config.candidate_stages):
            pick = _better(solution.cost, rows, which, problem)
            params, rows, which, status = params[pick], rows[pick], which[pick], status[pick]
    if problem.predicted:
        params, lost = caught(params, problem.start, problem.observations)
        status = torch.where(lost, status.clamp_min(int(Status.STUCK)), status)
    return diagnose(problem, terms, params, steps=steps, status=status)


def _active(problem: FitProblem, stage: Stage, terms: Sequence[Term]) -> Tensor | None:
    """The rows (A,) that a stage is for; None for all of them."""
    if not stage.only_evidence:
        return None
    new = [spec.name for spec in problem.config.terms_of(stage) if spec.from_stage == stage.name]
    found = [term.evidence for term in terms if term.name in new]
    sparse = [evidence for evidence in found if evidence is not None]
    if len(sparse) < len(found):
        return None
    return torch.nonzero(torch.stack(sparse).any(0))[:, 0] if sparse else torch.zeros(0, dtype=torch.long)


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
    some = torch.arange(len(rows), device=rows.device) if active is None else filled(active)
    with torch.inference_mode():  # a twentieth faster; what lasts, as the terms and the body's tables, is there already
        found = minimise(energy, start[some], config.rule, stage.stopping, rows=rows[some])
    if active is None:
        return found.params, found
    solution = Solution(*(part[: len(active)] for part in found))
    return params.index_copy(0, active, solution.params), solution


def _better(cost: Tensor, rows: Tensor, which: Tensor, problem: FitProblem) -> Tensor:
    """(B,) for each row the candidate of least cost, of candidates (A,) that are number ``which`` of ``rows``."""
    table = cost.new_full((len(problem), problem.config.candidates), torch.inf)
    table[rows, which] = cost.nan_to_num(nan=torch.inf)
    if problem.config.only_side_views is not None:
        frontal = problem.placement.shoulders >= problem.config.only_side_views
        table[:, 1:] = torch.where(frontal[:, None], torch.inf, table[:, 1:])
    place = torch.zeros_like(table, dtype=torch.long)
    place[rows, which] = torch.arange(len(rows), device=rows.device)
    return place.gather(1, table.argmin(-1, keepdim=True))[:, 0]
