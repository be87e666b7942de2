"""Numbers about a finished fit, and whether it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..camera import NEAREST_DEPTH, project, standing_height
from ..observations.people import Observations
from .contours import usable_mask
from .energy import BodyState, compiled_points
from .least_squares import Status
from .results import FitResult
from .terms.interpenetration import interpenetration_term

if TYPE_CHECKING:
    from .problem import FitProblem


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond these a fit is not trusted."""

    min_joints: int = 6  # seen joints
    max_reprojection: float = 0.08  # mean error over seen joints, as a share of the person's height in pixels
    min_span: float = 10.0  # pixels of the image that seen joints extend over
    max_pose_prior: float = 200.0  # the mixture's total of the best component, unweighted; people in photographs: ~100
    max_penetration: float = 0.05  # metres that two spheres of different parts lie in each other
    max_beta: float = 4.0  # standard deviations


def reprojection_errors(body: BodyModel, observations: Observations, params: Tensor) -> tuple[Tensor, Tensor]:
    """Errors (B, K) in pixels of the image, NaN where a joint was not seen; whether a seen joint is behind (B,)."""
    points = compiled_points(body, CANONICAL_JOINTS).points(params)
    pixels = project(points, observations.intrinsics, nearest=NEAREST_DEPTH)
    errors = (pixels - observations.keypoints).norm(dim=-1)
    seen = observations.confidence > 0
    behind = ((points[..., 2] < NEAREST_DEPTH) & seen).any(-1)
    return torch.where(seen, errors, torch.nan), behind


def relative_error(observations: Observations, params: Tensor, errors: Tensor) -> Tensor:
    """(B,) mean of the errors (B, K) over seen joints, as a share of the person's height in pixels."""
    joints = (observations.confidence > 0).sum(-1)
    height = standing_height(observations.intrinsics, params[:, -1])
    return errors.nan_to_num().sum(-1) / joints.clamp(min=1) / height


def _penetration(body: BodyModel, params: Tensor) -> Tensor:
    """(B,) metres, see `InterpenetrationTerm.depth`."""
    term = interpenetration_term(body, 1.0)
    return term.depth(BodyState.of(params, compiled_points(body, term.point_names)))


def _span(observations: Observations) -> Tensor:
    """(B,) the longer side of the box around the seen joints, pixels of the image."""
    seen = (observations.confidence > 0)[..., None]
    high = torch.where(seen, observations.keypoints, -torch.inf).amax(1)
    low = torch.where(seen, observations.keypoints, torch.inf).amin(1)
    return (high - low).amax(-1)


def diagnose(
    problem: FitProblem, params: Tensor, energy: dict[str, Tensor], *, steps: Tensor, status: Tensor
) -> FitResult:
    """Puts the result together.

    Args:
        problem: as fitted.
        params: (B, D) found.
        energy: name of a term -> (B,) its energy there.
        steps, status: (B,) of the solver; the worst `Status` of all stages.
    """
    body, observations, limits = problem.body, problem.observations, problem.config.limits
    finite = torch.isfinite(params).all(-1)
    params = torch.where(finite[:, None], params, 0.0)
    sound = finite & problem.whole
    errors, in_image = _image_checks(body, observations, params, limits)
    parts = body.layout.split(params)
    checks = [
        (~sound, "its input is not finite"),
        *in_image,
        (
            problem.pose_prior.energy(parts.body_pose) > limits.max_pose_prior,
            "a pose that the prior finds out of range",
        ),
        (_penetration(body, params) > limits.max_penetration, "parts of the body lie inside each other"),
        (
            parts.betas.abs().amax(-1) > limits.max_beta,
            f"a shape parameter beyond {limits.max_beta:g} standard deviations",
        ),
        *((status == one, f"the solver ended {one.says}") for one in Status if one != Status.CONVERGED),
    ]
    reasons = _reasons(checks, observations)
    return FitResult(
        params=params,
        reprojection=errors,
        energy=energy,
        steps=steps,
        status=torch.where(sound, status, int(Status.FAILED)),
        trusted=torch.tensor([not reason for reason in reasons], device=params.device),
        reasons=reasons,
    )


def image_reasons(
    body: BodyModel, observations: Observations, params: Tensor, limits: Limits = Limits()
) -> tuple[str, ...]:
    """Why bodies (B, 85) that nobody fitted are not to be trusted, from the image alone; "" where nothing says so."""
    return _reasons(_image_checks(body, observations, params, limits)[1], observations)


def _image_checks(
    body: BodyModel, observations: Observations, params: Tensor, limits: Limits
) -> tuple[Tensor, list[tuple[Tensor, str]]]:
    """Errors as of `reprojection_errors`, and what speaks against rows: (B,) bool with a reason each."""
    errors, behind = reprojection_errors(body, observations, params)
    joints = (observations.confidence > 0).sum(-1)
    return errors, [
        (joints < limits.min_joints, f"fewer than {limits.min_joints} joints seen"),
        (_span(observations) < limits.min_span, f"the seen joints span less than {limits.min_span:g} pixels"),
        (behind, "a seen joint lies behind the camera"),
        (
            relative_error(observations, params, errors) > limits.max_reprojection,
            f"mean error above {limits.max_reprojection:.0%} of the person's height",
        ),
    ]


def _reasons(checks: list[tuple[Tensor, str]], observations: Observations) -> tuple[str, ...]:
    """What speaks against each row, its mask included."""
    reasons: list[str] = []
    table = torch.stack([flag for flag, _ in checks]).cpu().tolist()
    for row, mask in enumerate(observations.masks):
        found = [text for column, (_, text) in zip(table, checks, strict=True) if column[row]]
        width, height = observations.image_size[row].tolist()
        useless = None if mask is None else usable_mask(mask, (width, height))
        reasons.append("; ".join(found if useless is None else [*found, useless]))
    return tuple(reasons)
