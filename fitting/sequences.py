"""More than one row of a person: betas shared by a group of rows, poses that change smoothly along a video, a floor.

Rows are solved apart, so what couples them goes round by turns: each row is fitted anew, with all terms of its
schedule, while what the others say is held fixed (`terms.SharedShape`, `terms.Smoothness`, `terms.OnFloor`).
All start from a finished fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ..body import CANONICAL_JOINTS
from ..camera import standing_height
from ..observations.person_size import person_size, stature
from .config import Stage
from .contacts import sides_seen
from .diagnostics import mean_error
from .grounds import enlarged, find_grounds
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
    together = [stage for stage in config.stages if stage.couples]
    if problem.floor is None:
        return _gone_on(result, run_stages(problem, Starts.one(params), together))
    ground = config.term("floor")
    place = next(number for number, stage in enumerate(together) if ground and stage.name == ground.from_stage)
    if together[:place]:
        before = _gone_on(result, run_stages(problem, Starts.one(params), together[:place]))
        result, params = before, before.params
    return _on_floor(problem, result, params, together[place:])


def _on_floor(problem: FitProblem, result: FitResult, params: torch.Tensor, stages: Sequence[Stage]) -> FitResult:
    """Goes on from a fit with the floor that it shows, or that was given."""
    body, wish = problem.body, problem.floor
    assert wish is not None
    grounds = find_grounds(
        body,
        params,
        wish,
        seen_feet=sides_seen(problem.observations.confidence, CANONICAL_JOINTS, body),
        time_s=problem.observations.time_s,
        videos=problem.videos,
        persons=problem.persons,
        lost=problem.lost | ~problem.whole,
        gravity=problem.gravity,
    )
    params = enlarged(body, params, grounds.scale)
    found = run_stages(replace(problem, grounds=grounds), Starts.one(params), stages)
    return replace(_gone_on(result, found), floors=grounds.floors)


def _gone_on(result: FitResult, found: FitResult) -> FitResult:
    """What was found going on from a result, with what was said before."""
    rows = torch.arange(len(result), device=result.params.device)
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
