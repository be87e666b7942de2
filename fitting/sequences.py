"""More than one row of a person: betas shared by a group of rows, poses that change smoothly along a video.

Rows are solved apart, so what couples them goes round by turns: each row is fitted anew, with all terms of its
schedule, while what the others say is held fixed (`terms.SharedShape`, `terms.Smoothness`). Both start from a finished
fit.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ..camera import standing_height
from ..observations.person_size import person_size, stature
from .diagnostics import mean_error
from .problem import FitProblem, Placement
from .results import FitResult
from .stages import Starts, run_stages
from .terms.smoothness import neighbours_of

LOST = 0.08  # of the person's size: a frame whose joints lie so far from its keypoints on average draws no other


def couple(problem: FitProblem, result: FitResult) -> FitResult:
    """Goes on from fits of rows apart through the stages in which rows of a person or a video see each other.

    A frame whose fit lies off its keypoints (a person who is leaving the picture, say) draws no other: it begins anew
    between the nearest frames that are not so, and these see past it.

    Args:
        problem: all B rows, with labels.
        result: of the stages before, rows in the same order. Rows that it does not trust have no say in shared shapes.
    """
    config, params = problem.config, result.params
    problem = replace(problem, sure=result.trusted, lost=torch.zeros_like(result.trusted))
    if problem.videos:
        seen = problem.observations
        size = person_size(problem.body, seen.keypoints, seen.confidence)
        lost = mean_error(result.reprojection_px.to(params), size) > LOST
        resumed = neighbours_of(problem.videos, lost, seen.time_s).resumed(params)
        params = torch.where(lost[:, None], resumed, params)
        problem = replace(problem, lost=lost, placement=_replaced(problem, resumed[:, problem.body.layout.depth], lost))
    found = run_stages(problem, Starts.one(params), [stage for stage in config.stages if stage.couples])
    rows = torch.arange(len(problem), device=params.device)
    # Rows that nobody is coupled to keep their fit to the bit; what was wrong with a row before stays wrong with it.
    kept = FitResult.concatenate([result, found]).rows(torch.where(found.steps == 0, rows, rows + len(rows)))
    return replace(
        kept,
        steps=found.steps + result.steps,
        status=torch.maximum(found.status, result.status),
        score=torch.minimum(kept.score, result.score),
        trusted=kept.trusted & result.trusted,
        reasons=tuple(new or old for new, old in zip(kept.reasons, result.reasons, strict=True)),
    )


def _replaced(problem: FitProblem, depth: torch.Tensor, lost: torch.Tensor) -> Placement:
    """The placement, with lost rows where they begin anew."""
    placement, height = problem.placement, problem.config.reference_height
    if height is None:
        return placement
    zoom = height / standing_height(problem.observations.intrinsics, depth, stature(problem.body))
    return replace(
        placement,
        depth=torch.where(lost, depth, placement.depth),
        zoom=torch.where(lost, zoom, placement.zoom),
    )
