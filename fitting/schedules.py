"""Schedules: which energies are minimised one after the other.

`smplify` fits from keypoints alone: camera stage, several orientations, four stages of falling prior weights.
`anchored` starts from a prediction: camera stage, the last stage alone, and a term that holds the pose near the prediction.

Constants in pixels are those of a person ``reference_height`` pixels high: each person's errors are scaled to that
frame by the depth that the camera stage found, so neither resolution nor distance changes how a fit weighs its terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, BodyModel
from anchorfit.body.rotations import axis_angle_to_matrix, wrap_axis_angle
from anchorfit.observations.people import Observations

from . import camera_stage
from .camera_stage import CameraStage
from .diagnostics import Limits, diagnose
from .energy import BETAS, BODY_POSE, GLOBAL_ORIENT, NUM_PARAMS, TRANSL, Energy, Term
from .least_squares import LevenbergMarquardt, StepRule, Stopping, minimise
from .pose_prior import GaussianMixture
from .results import FitResult
from .terms import AnchorTerm, HingeTerm, KeypointTerm, MixtureTerm, ShapeTerm, TranslationTerm, UprightTerm


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the body fit: the weights of the pose and shape priors, and when it is over."""

    pose_weight: float
    shape_weight: float
    stopping: Stopping = Stopping()


SMPLIFY_STAGES = (
    Stage(pose_weight=404.0, shape_weight=100.0, stopping=Stopping(rtol=1e-3, max_steps=30)),
    Stage(pose_weight=404.0, shape_weight=50.0, stopping=Stopping(rtol=1e-3, max_steps=30)),
    Stage(pose_weight=57.4, shape_weight=10.0, stopping=Stopping(rtol=1e-3, max_steps=30)),
    Stage(pose_weight=4.78, shape_weight=5.0, stopping=Stopping(rtol=1e-4, max_steps=60)),
)
"""Weights of the public code (Bogo et al. 2016)."""


def default_joint_weights() -> dict[str, float]:
    """Base weight of each canonical joint that is used; see `docs/fitting.md` for what was measured.

    Limbs weigh 1 as in SMPLify. Points that a detector gives several of for one rigid part (face, feet) share a weight.
    Detectors' hips lie higher and wider than SMPL's hip joints, so they and what is made from them weigh little.
    """
    weights = {name: 1.0 for name in CANONICAL_JOINTS if name.split("_")[-1] in ("knee", "ankle", "elbow", "wrist")}
    weights.update(left_shoulder=1.0, right_shoulder=1.0, neck=0.5, head_top=0.7, thorax=0.3, jaw=0.3)
    weights.update(nose=0.5, left_eye=0.3, right_eye=0.3, left_ear=0.5, right_ear=0.5)
    weights.update(left_hip=0.5, right_hip=0.5, pelvis=0.3, spine=0.1)
    weights.update({f"{side}_{toe}": 0.4 for side in ("left", "right") for toe in ("big_toe", "small_toe", "heel")})
    weights.update(dict.fromkeys(("left_hand", "right_hand", "left_foot", "right_foot"), 0.3))
    return weights


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything a schedule can be told."""

    stages: tuple[Stage, ...] = SMPLIFY_STAGES
    joint_weights: Mapping[str, float] = field(default_factory=default_joint_weights)  # by canonical joint
    sigma: float = 100.0  # pixels of the reference frame, Geman-McClure
    reference_height: float | None = 300.0  # pixels of a 1.7 m person in the reference frame; None: image pixels
    camera: CameraStage = CameraStage()
    camera_moves_from: int = 3  # the first body stage that moves the translation too; beyond the last: frozen
    depth_weight: float = 60.0  # pixels for a relative change of depth by 1, where the camera moves
    upright_weight: float = 40.0  # pixels; see `terms.upright`
    upright_sigma: float = 0.5
    candidates: int = 2  # orientations that enter the body stages, as extra rows
    candidate_stages: int = 1  # after so many stages the better candidate goes on alone
    anchor_pose: float = 0.0  # weight of the anchor on the body pose
    anchor_pose_sigma: float = 0.5  # radians
    anchor_betas: float = 0.0
    anchor_betas_sigma: float = 2.0
    rule: StepRule = LevenbergMarquardt()
    limits: Limits = Limits()


def anchored_config() -> FitConfig:
    """The default of `anchored`: the last stage alone, and the anchor."""
    return FitConfig(stages=SMPLIFY_STAGES[-1:], candidates=1, camera_moves_from=0, anchor_pose=20.0)


def smplify(
    body: BodyModel,
    observations: Observations,
    prior: GaussianMixture,
    *,
    init: Tensor | None = None,
    config: FitConfig | None = None,
) -> FitResult:
    """Fits bodies to keypoints: camera stage, candidate orientations, stages of falling prior weights.

    Args:
        body: the body model; its device and type are the fit's.
        observations: B people.
        prior: the pose prior.
        init: (B, 85) parameters whose body pose and betas to start from; the rest pose by default.
        config: the constants.
    Raises:
        ValueError: ``init`` is not (B, 85).
    """
    config = config or FitConfig()
    observations = observations.to(body.v_template.device, body.v_template.dtype)
    start = _rest_start(len(observations), prior) if init is None else _checked_init(init, observations)
    return _run(body, observations, prior, start.to(body.v_template), None, config)


def anchored(
    body: BodyModel,
    observations: Observations,
    prior: GaussianMixture,
    init: Tensor,
    config: FitConfig | None = None,
) -> FitResult:
    """Fits bodies from a prediction and holds them near it.

    Args:
        body: the body model; its device and type are the fit's.
        observations: B people.
        prior: the pose prior.
        init: (B, 85) predicted parameters; the translation is not looked at, the camera stage finds it.
        config: the constants, `anchored_config` by default.
    Raises:
        ValueError: ``init`` is not (B, 85).
    """
    config = config or anchored_config()
    observations = observations.to(body.v_template.device, body.v_template.dtype)
    start = _checked_init(init, observations).to(body.v_template)
    orientations = axis_angle_to_matrix(start[:, None, GLOBAL_ORIENT])
    return _run(body, observations, prior, start, orientations, config)


def _checked_init(init: Tensor, observations: Observations) -> Tensor:
    if tuple(init.shape) != (len(observations), NUM_PARAMS):
        raise ValueError(f"init: expected ({len(observations)}, {NUM_PARAMS}), got {tuple(init.shape)}")
    return init


def _rest_start(count: int, prior: GaussianMixture) -> Tensor:
    """The zero pose, a T.

    The public code meant to start at the mixture's mean pose and, by a quirk of its weights (they add up to 1e-29),
    starts here. It is the better start: from the mean pose more fits end in local minima.
    """
    return prior.means.new_zeros(count, NUM_PARAMS)


def _usable(observations: Observations, start: Tensor) -> tuple[Observations, Tensor, Tensor]:
    """Rows that hold anything not finite are emptied; says which rows were whole (B,)."""
    seen = observations.confidence > 0
    keypoints_fine = torch.isfinite(observations.keypoints).all(-1) | ~seen
    sane = torch.nan_to_num(observations.keypoints).abs().amax(-1) < 1e6
    confidence = torch.where(
        seen & torch.isfinite(observations.confidence) & keypoints_fine & sane, observations.confidence, 0.0
    )
    whole = torch.isfinite(start).all(-1) & torch.isfinite(observations.intrinsics).flatten(1).all(-1)
    whole &= (observations.intrinsics[:, [0, 1], [0, 1]] > 0).all(-1)
    confidence = torch.where(whole[:, None], confidence, 0.0).clamp(0.0, 1.0)
    keypoints = torch.where((confidence > 0)[..., None], observations.keypoints, 0.0)
    default = torch.eye(3).to(observations.intrinsics) * 1000.0
    default[2, 2] = 1.0
    intrinsics = torch.where(whole[:, None, None], observations.intrinsics, default)
    clean = replace(observations, keypoints=keypoints, confidence=confidence, intrinsics=intrinsics)
    return clean, torch.where(whole[:, None], start, 0.0), whole


def _angle_between(first: Tensor, second: Tensor) -> Tensor:
    """Radians between two orientations given as axis-angle, (...)."""
    turn = axis_angle_to_matrix(first).mT @ axis_angle_to_matrix(second)
    trace = torch.diagonal(turn, dim1=-2, dim2=-1).sum(-1)
    return torch.acos(((trace - 1.0) / 2.0).clamp(-1.0, 1.0))


def _candidates(fit: camera_stage.CameraFit, count: int) -> Tensor:
    """(B, C, 6): the best placement and the best that faces elsewhere (by more than 60 degrees)."""
    best = fit.params[:, :1]
    chosen = [best[:, 0]]
    cost = fit.cost.clone()
    for _ in range(count - 1):
        apart = torch.stack([_angle_between(fit.params[..., :3], one[:, None, :3]) for one in chosen]).amin(0)
        usable = torch.where(apart > 1.0, cost, torch.inf)
        # Where no other placement is left the best goes twice: that costs time and changes nothing.
        index = torch.where(torch.isfinite(usable.amin(-1)), usable.argmin(-1), 0)
        chosen.append(fit.params[torch.arange(len(index), device=index.device), index])
    return torch.stack(chosen, 1)


def _run(
    body: BodyModel,
    observations: Observations,
    prior: GaussianMixture,
    start: Tensor,
    orientations: Tensor | None,
    config: FitConfig,
) -> FitResult:
    with torch.inference_mode():
        observations, start, whole = _usable(observations, start)
        prior = prior.to(start.device, start.dtype)
        placed = camera_stage.place(
            body,
            observations,
            start,
            config.camera,
            reference_height=config.reference_height,
            orientations=orientations,
        )
        anchor = start
        count = config.candidates
        candidates = _candidates(placed, count)
        params = camera_stage.apply(start.repeat_interleave(count, 0), candidates.flatten(0, 1))
        rows = torch.arange(len(start), device=start.device).repeat_interleave(count)
        data = _keypoint_term(observations, placed.zoom, config)
        depths = camera_stage.apply(start, candidates[:, 0])
        steps = torch.zeros(len(start), dtype=torch.long, device=start.device)
        converged = torch.ones_like(steps, dtype=torch.bool)
        frozen = torch.zeros(NUM_PARAMS, dtype=torch.bool, device=start.device)
        frozen[TRANSL] = True
        energy = None
        for number, stage in enumerate(config.stages):
            terms = _terms(stage, prior, data, depths, anchor, config)
            energy = Energy(body, terms, frozen=frozen if number < config.camera_moves_from else None)
            params[:, GLOBAL_ORIENT] = wrap_axis_angle(params[:, GLOBAL_ORIENT])
            solution = minimise(energy, params, config.rule, stage.stopping, rows=rows)
            params = solution.params
            if count > 1:
                steps += solution.steps.unflatten(0, (-1, count)).sum(-1)
            else:
                steps += solution.steps
                converged &= solution.converged
            if count > 1 and (number + 1 == config.candidate_stages or number + 1 == len(config.stages)):
                best = solution.cost.nan_to_num(nan=torch.inf).unflatten(0, (-1, count)).argmin(-1)
                pick = torch.arange(len(best), device=best.device) * count + best
                params, rows, count = params[pick], rows[pick], 1
                converged &= solution.converged[pick]
        assert energy is not None
        params[:, GLOBAL_ORIENT] = wrap_axis_angle(params[:, GLOBAL_ORIENT])
        return diagnose(
            body, observations, energy, params, steps=steps, converged=converged, whole=whole, limits=config.limits
        )


def _keypoint_term(observations: Observations, zoom: Tensor, config: FitConfig) -> KeypointTerm:
    seen = (observations.confidence > 0).any(0)
    names = [
        name for index, name in enumerate(CANONICAL_JOINTS) if config.joint_weights.get(name, 0.0) > 0 and seen[index]
    ]
    names = names or ["left_shoulder"]
    index = [CANONICAL_JOINTS.index(name) for name in names]
    base = observations.confidence.new_tensor([config.joint_weights[name] for name in names])
    return KeypointTerm(
        names,
        observations.keypoints[:, index],
        observations.confidence[:, index] * base,
        observations.intrinsics,
        zoom=zoom,
        sigma=config.sigma,
    )


def _terms(
    stage: Stage, prior: GaussianMixture, data: KeypointTerm, depths: Tensor, anchor: Tensor, config: FitConfig
) -> list[Term]:
    terms: list[Term] = [
        data,
        MixtureTerm(prior, stage.pose_weight),
        HingeTerm(stage.pose_weight),
        ShapeTerm(stage.shape_weight),
    ]
    terms.append(TranslationTerm(depths, config.depth_weight))
    if config.upright_weight > 0:
        terms.append(UprightTerm(config.upright_weight, sigma=config.upright_sigma))
    if config.anchor_pose > 0:
        terms.append(AnchorTerm(anchor, BODY_POSE, config.anchor_pose, sigma=config.anchor_pose_sigma))
    if config.anchor_betas > 0:
        terms.append(
            AnchorTerm(anchor, BETAS, config.anchor_betas, sigma=config.anchor_betas_sigma, name="anchor_betas")
        )
    return terms
