"""Measures of a body against what was seen of it, and the result of a fit put together from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, wrap_axis_angle
from ..body.kinematics import compiled_points
from ..body.parameters import Layout
from ..body.uncertainty import PoseUncertainty
from ..camera import NEAREST_DEPTH, project
from ..observations.people import Observations
from ..observations.person_size import extent, person_size
from ..status import Status
from .contours import usable_mask
from .covariance import of_fit, of_prediction
from .energy import BodyState, Energy, Term
from .pose_prior import GaussianMixture
from .results import FitResult
from .terms.hinge import HINGES
from .terms.interpenetration import InterpenetrationTerm, interpenetration_term
from .trust import LIMBS, Evidence, Limits, weigh_evidence

if TYPE_CHECKING:
    from .problem import FitProblem

POINTS = tuple(dict.fromkeys((*CANONICAL_JOINTS, *InterpenetrationTerm.point_names)))
"""Body points that the measures look at: the canonical joints first."""

FARTHEST = 0.15  # of the person's size: a joint farther off than that is a lost joint, however far
NEAR_MASK = 0.05  # of the extent of the seen joints: so near to a mask a joint is on it
_ENDS = ("elbow", "wrist", "knee", "ankle")


class Reprojection(NamedTuple):
    """Errors (B, K) in pixels of the image, NaN where a joint was not seen; whether a seen joint is behind (B,)."""

    errors: Tensor
    behind: Tensor


def reprojection_errors(joints_cam: Tensor, observations: Observations) -> Reprojection:
    """Distances between projected canonical joints, of (B, K, 3) metres, and keypoints."""
    pixels = project(joints_cam, observations.intrinsics, nearest=NEAREST_DEPTH)
    seen = observations.confidence > 0
    errors = torch.where(seen, (pixels - observations.keypoints).norm(dim=-1), torch.nan)
    return Reprojection(errors, ((joints_cam[..., 2] < NEAREST_DEPTH) & seen).any(-1))


def mean_error(errors: Tensor, size: Tensor) -> Tensor:
    """(B,) mean of the errors (B, K) of the seen joints as a share of ``size`` (B,), none counted above `FARTHEST`."""
    shares = torch.where(errors.isinf(), FARTHEST, errors / size.clamp(min=1e-6)[:, None])
    return shares.clamp(max=FARTHEST).nan_to_num().sum(-1) / (~errors.isnan()).sum(-1).clamp(min=1)


def how_far_off(errors: Tensor, mean: Tensor) -> Tensor:
    """(B,) how far bodies of errors (B, K) are off, `mean_error` (B,); `FARTHEST` where no joint shows it."""
    return torch.where(errors.isnan().all(-1), FARTHEST, mean)


def off_keypoints(body: BodyModel, observations: Observations, params: Tensor) -> Tensor:
    """(B,) `how_far_off` the canonical joints of bodies (B, D) are, of the sizes that `person_size` gives."""
    points = compiled_points(body, POINTS).points(params)[:, : len(CANONICAL_JOINTS)]
    size = person_size(body, observations.keypoints, observations.confidence)
    errors = reprojection_errors(points, observations).errors
    return how_far_off(errors, mean_error(errors, size))


def limb_error(errors: Tensor, size: Tensor) -> Tensor:
    """(B,) the largest error of an elbow, wrist, knee or ankle as a share of ``size`` (B,)."""
    return errors[:, _joints(_ENDS)].nan_to_num().amax(-1) / size.clamp(min=1e-6)


def hinge_angles(params: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) radians that the worst knee or elbow is bent beyond straight, and that the most bent one is bent."""
    pose = params[:, Layout.of_size(params.shape[-1]).pose].unflatten(-1, (-1, 3))
    turns = wrap_axis_angle(pose).flatten(1)
    wrong = torch.stack([sign * turns[:, column] for column, sign in HINGES], -1)
    return wrong.amax(-1).clamp(min=0.0), (-wrong).amax(-1).clamp(min=0.0)


def penetration(body: BodyModel, params: Tensor, points: Tensor) -> Tensor:
    """(B,) metres, see `InterpenetrationTerm.depth`; ``points`` are the body's `POINTS`."""
    term = interpenetration_term(body, 1.0)
    columns = torch.tensor([POINTS.index(name) for name in term.point_names], device=points.device)
    return term.depth(BodyState(params, points.index_select(1, columns), None, body.layout))


def distance_from_prediction(points: Tensor, start: Tensor) -> Tensor:
    """(B,) metres between points (B, P, 3) and those of the prediction, mean over points, centre on centre."""
    apart = points - start
    return (apart - apart.mean(1, keepdim=True)).norm(dim=-1).mean(-1)


def mask_evidence(observations: Observations) -> tuple[Tensor, tuple[str, ...]]:
    """(B,) share of the seen joints in the image that lie on the mask, NaN where no mask can be used; why it cannot."""
    shares = observations.confidence.new_full((len(observations),), torch.nan)
    problems = []
    for row, mask in enumerate(observations.masks):
        if mask is None:
            problems.append("")
            continue
        width, height = observations.image_size[row].tolist()
        problem = usable_mask(mask, (width, height))
        problems.append(problem or "")
        if problem is None:
            seen = observations.keypoints[row][observations.confidence[row] > 0]
            shares[row] = _share_on(mask, seen.double().cpu().numpy())
    return shares, tuple(problems)


def _share_on(mask: np.ndarray, keypoints: np.ndarray) -> float:
    height, width = mask.shape
    inside = keypoints[((keypoints >= 0) & (keypoints < (width, height))).all(-1)]
    if not len(inside):
        return float("nan")
    reach = max(1, round(NEAR_MASK * float(np.ptp(keypoints, axis=0).max())))
    low = np.maximum(inside.astype(int) - reach, 0)
    high = inside.astype(int) + reach + 1
    return float(np.mean([mask[y0:y1, x0:x1].any() for (x0, y0), (x1, y1) in zip(low, high, strict=True)]))


def _joints(kinds: tuple[str, ...]) -> list[int]:
    return [CANONICAL_JOINTS.index(f"{side}_{kind}") for side in ("left", "right") for kind in kinds]


def gather_evidence(
    body: BodyModel,
    observations: Observations,
    pose_prior: GaussianMixture,
    params: Tensor,
    *,
    points: Tensor | None = None,
    predicted: Tensor | None = None,
    finite: Tensor | None = None,
    status: Tensor | None = None,
    told: Sequence[str] = (),
) -> tuple[Evidence, Tensor]:
    """Evidence about bodies, and their errors (B, K) as of `reprojection_errors`.

    Args:
        body, observations, pose_prior: what the bodies are held against.
        params: (B, D), finite.
        points: (B, P, 3) metres, the bodies' `POINTS`, where they are known.
        predicted: (B, P, 3) those of the prediction that an anchored fit was held near; None: there is none.
        finite, status: (B,) see `Evidence`; None: all are, and converged.
        told: B texts of what is known against a row already, "" for nothing.
    """
    layout, seen = Layout.of_size(params.shape[-1]), observations.confidence > 0
    if points is None:
        points = compiled_points(body, POINTS).points(params)
    errors, behind = reprojection_errors(points[:, : len(CANONICAL_JOINTS)], observations)
    size = person_size(body, observations.keypoints, observations.confidence)
    in_mask, mask_problems = mask_evidence(observations)
    wrong_way, bend = hinge_angles(params)
    told = told or ("",) * len(params)
    given = torch.isfinite(torch.where(seen[..., None], observations.keypoints, 0.0)).flatten(1).all(-1)
    given &= torch.isfinite(observations.intrinsics).flatten(1).all(-1)
    evidence = Evidence(
        finite=given if finite is None else given & finite,
        status=torch.full_like(seen.sum(-1), int(Status.CONVERGED)) if status is None else status,
        joints=seen.sum(-1),
        limbs=seen[:, _joints(LIMBS)].sum(-1),
        span=extent(observations.keypoints, seen),
        behind=behind,
        reprojection=mean_error(errors, size),
        limb=limb_error(errors, size),
        wrong_way=wrong_way,
        bend=bend,
        penetration=penetration(body, params, points),
        pose_prior=pose_prior.energy(params[:, layout.body_pose]),
        beta=params[:, layout.betas].abs().amax(-1),
        in_mask=in_mask,
        moved=torch.full_like(size, torch.nan) if predicted is None else distance_from_prediction(points, predicted),
        told=tuple("; ".join(filter(None, pair)) for pair in zip(told, mask_problems, strict=True)),
    )
    return evidence, errors


def diagnose(problem: FitProblem, terms: Sequence[Term], params: Tensor, *, steps: Tensor, status: Tensor) -> FitResult:
    """The result of a fit.

    Args:
        problem: as fitted.
        terms: of the last stage; terms of the configuration that are not among them have no energy.
        params: (B, D) found.
        steps, status: (B,) of the solver; the worst `Status` of all stages.
    """
    finite = torch.isfinite(params).all(-1)
    params = params.masked_fill(~finite[:, None], 0.0)
    sound = finite & problem.whole
    energy = Energy(problem.body, terms, observed=POINTS)
    both = energy.state(torch.cat((params, problem.start)) if problem.predicted else params)  # in one evaluation
    state = both._replace(params=params, points=both.points[: len(params)])
    found = energy.by_term(state, torch.arange(len(params), device=params.device))
    evidence, errors = gather_evidence(
        problem.body,
        problem.observations,
        problem.pose_prior,
        params,
        points=state.points[:, : len(POINTS)],
        predicted=both.points[len(params) :, : len(POINTS)] if problem.predicted else None,
        finite=sound,
        status=status,
    )
    off = how_far_off(errors, evidence.reprojection)
    covariance = of_fit(problem, terms, params, off)._asdict() if problem.config.covariance else {}
    return FitResult(
        params=params,
        reprojection_px=errors,
        energy={spec.name: found.get(spec.name, torch.zeros_like(params[:, 0])) for spec in problem.config.terms},
        steps=steps,
        status=torch.where(sound, status, int(Status.FAILED)),
        **weigh_evidence(evidence, "anchored" if problem.predicted else "free", problem.config.limits)._asdict(),
        **covariance,
    )


def diagnose_prediction(
    body: BodyModel,
    observations: Observations,
    pose_prior: GaussianMixture,
    params: Tensor,
    *,
    told: Sequence[str],
    uncertainty: PoseUncertainty | None = None,
    limits: Limits = Limits(),
) -> FitResult:
    """The same of bodies (B, D) that were predicted and not fitted.

    Args:
        told: B texts of what the predictor says.
        uncertainty: how sure it is, where covariances of the joints are wanted.
    """
    evidence, errors = gather_evidence(body, observations, pose_prior, params, told=told)
    off = how_far_off(errors, evidence.reprojection)
    return FitResult(
        params=params,
        reprojection_px=errors,
        energy={},
        steps=evidence.joints.new_zeros(len(params)),
        status=evidence.status,
        **weigh_evidence(evidence, "predicted", limits)._asdict(),
        **({} if uncertainty is None else of_prediction(body, params, uncertainty, off)._asdict()),
    )
