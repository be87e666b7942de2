"""Schedules: which energies are minimised one after the other.

`smplify` fits from keypoints alone: camera stage, several orientations, four stages of falling prior weights.
`anchored` starts from a prediction: camera stage, the last stage alone, and a term that holds the pose near it.

Constants in pixels are those of a person ``reference_height`` pixels high: each person's errors are scaled to that
frame by the depth that the camera stage found, so neither resolution nor distance changes how a fit weighs its terms.

Rows stay apart, bit for bit: people are fitted together with those whose keypoints follow the same convention (which
each row decides for itself), and never in a batch of one, for which the matrix products round differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, wrap_axis_angle
from ..observations.conventions import CONVENTIONS
from ..observations.people import Observations
from . import camera_stage
from .config import FitConfig, Stage, anchored_config
from .contours import Outline, mask_outline, match, surface_sample, usable_mask, vertices_in_sight
from .diagnostics import diagnose
from .energy import BETAS, BODY_POSE, GLOBAL_ORIENT, NUM_PARAMS, TRANSL, Energy, Term
from .least_squares import Solution, minimise
from .pose_prior import GaussianMixture
from .results import FitResult
from .terms import (
    AnchorTerm,
    HingeTerm,
    KeypointTerm,
    MixtureTerm,
    ShapeTerm,
    SilhouetteTerm,
    TranslationTerm,
    UprightTerm,
)
from .terms.interpenetration import interpenetration_term

SKELETONS = ("coco17", "lsp14", "body25", "canonical")
"""Sets of joints that the data term is built for, the smallest that holds all joints a row has seen."""

SURFACE_SAMPLE = 400  # vertices that may take part in an outline

LARGEST_PIXEL = 1e6  # a keypoint further out than this is taken as not seen


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
    # The zero pose, a T. The public code meant to start at the mixture's mean pose and, by a quirk of its weights (they
    # add up to 1e-29), starts here. It is the better start: from the mean pose more fits end in local minima.
    start = torch.zeros(len(observations), NUM_PARAMS) if init is None else _checked_init(init, observations)
    return _fit_groups(body, observations, prior, start, config or FitConfig(), keep_orientation=False)


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
    start = _checked_init(init, observations)
    return _fit_groups(body, observations, prior, start, config or anchored_config(), keep_orientation=True)


def _checked_init(init: Tensor, observations: Observations) -> Tensor:
    if tuple(init.shape) != (len(observations), NUM_PARAMS):
        raise ValueError(f"init: expected ({len(observations)}, {NUM_PARAMS}), got {tuple(init.shape)}")
    return init


@dataclass(frozen=True, kw_only=True)
class _Inputs:
    """What B rows are fitted from, checked: everything is finite. ``whole`` (B,): the row's input was, too."""

    body: BodyModel
    observations: Observations
    prior: GaussianMixture
    start: Tensor
    whole: Tensor
    config: FitConfig
    keep_orientation: bool
    names: tuple[str, ...]


def _fit_groups(
    body: BodyModel,
    observations: Observations,
    prior: GaussianMixture,
    start: Tensor,
    config: FitConfig,
    *,
    keep_orientation: bool,
) -> FitResult:
    with torch.no_grad():
        like = body.v_template
        observations, start, whole = sanitised(observations.to(like.device, like.dtype), start.to(like))
        groups = _skeleton_groups(observations)
        parts = []
        for skeleton, members in groups:
            rows = members if len(members) > 1 else members * 2
            index = torch.tensor(rows, device=like.device)
            inputs = _Inputs(
                body=body,
                observations=observations.rows(rows),
                prior=prior.to(like.device, like.dtype),
                start=start[index],
                whole=whole[index],
                config=config,
                keep_orientation=keep_orientation,
                names=_used_names(skeleton, config),
            )
            parts.append(_fit(inputs).rows(range(len(members))))
        order = [row for _, members in groups for row in members]
        return FitResult.concatenate(parts).rows(torch.tensor(order).argsort())


def _skeleton_groups(observations: Observations) -> list[tuple[str, list[int]]]:
    """Rows by the smallest skeleton that holds what they have seen, which is their own affair."""
    seen = (observations.confidence > 0).cpu()
    groups: dict[str, list[int]] = {name: [] for name in SKELETONS}
    inside = []
    for skeleton in SKELETONS:
        holds = torch.tensor([name in CONVENTIONS[skeleton] for name in CANONICAL_JOINTS])
        inside.append((~seen | holds).all(-1))
    for row, choice in enumerate(torch.stack(inside).int().argmax(0).tolist()):
        groups[SKELETONS[choice]].append(row)
    return [(skeleton, members) for skeleton, members in groups.items() if members]


def _used_names(skeleton: str, config: FitConfig) -> tuple[str, ...]:
    names = tuple(
        name for name in CANONICAL_JOINTS if name in CONVENTIONS[skeleton] and config.joint_weights.get(name, 0.0) > 0
    )
    if not names:
        raise ValueError(f"joint_weights: expected a joint of {skeleton} with a positive weight")
    return names


def sanitised(observations: Observations, start: Tensor) -> tuple[Observations, Tensor, Tensor]:
    """Empties what is not finite; says which rows were whole (B,)."""
    confidence, keypoints, intrinsics = observations.confidence, observations.keypoints, observations.intrinsics
    sane = torch.isfinite(keypoints).all(-1) & (torch.nan_to_num(keypoints).abs().amax(-1) < LARGEST_PIXEL)
    confidence = torch.where(sane & (confidence > 0), confidence.nan_to_num(), 0.0).clamp(0.0, 1.0)
    focal = intrinsics[:, [0, 1], [0, 1]]
    whole = torch.isfinite(start).all(-1) & torch.isfinite(intrinsics).flatten(1).all(-1) & (focal > 0).all(-1)
    confidence = torch.where(whole[:, None], confidence, 0.0)
    stand_in = torch.diag(intrinsics.new_tensor([1000.0, 1000.0, 1.0]))
    clean = replace(
        observations,
        keypoints=torch.where((confidence > 0)[..., None], keypoints, 0.0),
        confidence=confidence,
        intrinsics=torch.where(whole[:, None, None], intrinsics, stand_in),
    )
    return clean, torch.where(whole[:, None], start, 0.0), whole


def _fit(inputs: _Inputs) -> FitResult:
    """Camera stage, candidates, body stages, diagnostics."""
    config, start = inputs.config, inputs.start
    orientations = axis_angle_to_matrix(start[:, None, GLOBAL_ORIENT]) if inputs.keep_orientation else None
    placed = camera_stage.place(
        inputs.body,
        inputs.observations,
        start,
        config.camera,
        reference_height=config.reference_height,
        orientations=orientations,
    )
    data = keypoint_term(inputs.observations, inputs.names, placed.zoom, config)
    candidates = camera_stage.choose(placed, config.candidates, config.candidate_margin)
    if inputs.keep_orientation:
        # What the camera stage turned to find the place is forgotten: it sees the torso alone, the prediction saw all.
        candidates.params[..., :3] = start[:, None, GLOBAL_ORIENT]
    depths = camera_stage.apply(start, candidates.params[:, 0])
    rows, which = torch.nonzero(candidates.worth, as_tuple=True)
    params = camera_stage.apply(start[rows], candidates.params[rows, which])
    steps = torch.zeros(len(start), dtype=torch.long, device=start.device)
    converged = torch.ones_like(rows, dtype=torch.bool)
    for number, stage in enumerate(config.stages):
        terms = stage_terms(stage, inputs.prior, data, depths, start, config)
        if config.interpenetration > 0 and number >= config.interpenetration_from:
            terms.append(interpenetration_term(inputs.body, config.interpenetration))
        solution = run_stage(
            inputs.body, terms, params, rows, stage, config, hold_camera=number < config.camera_moves_from
        )
        params = solution.params
        steps = steps.index_add(0, rows, solution.steps)
        converged &= solution.converged
        last = number + 1 == len(config.stages)
        if len(rows) > len(start) and (last or number + 1 == config.candidate_stages):
            pick = _better(solution.cost, rows, which, placed, config)
            params, rows, which, converged = params[pick], rows[pick], which[pick], converged[pick]
    params, terms, more = _fit_outlines(inputs, terms, params, placed.zoom)
    return diagnose(
        inputs.body,
        inputs.observations,
        Energy(inputs.body, terms),
        inputs.prior,
        params,
        steps=steps + more,
        converged=converged,
        whole=inputs.whole,
        limits=config.limits,
    )


def _fit_outlines(
    inputs: _Inputs, terms: list[Term], params: Tensor, zoom: Tensor
) -> tuple[Tensor, list[Term], Tensor]:
    """Goes on from the last stage with the outlines of masks, where rows have any: params, terms, further steps."""
    config, observations, body = inputs.config, inputs.observations, inputs.body
    steps = torch.zeros(len(params), dtype=torch.long, device=params.device)
    usable = [
        config.silhouette > 0 and usable_mask(mask, (int(width), int(height))) is None
        for mask, (width, height) in zip(observations.masks, observations.image_size.tolist(), strict=True)
    ]
    chosen = [row for row, has in enumerate(usable) if has]
    if not chosen:
        return params, terms, steps
    blank = Outline(points=torch.zeros(0, 2), normals=torch.zeros(0, 2))
    outlines = [
        mask_outline(mask, config.silhouette_points) if has and mask is not None else blank
        for has, mask in zip(usable, observations.masks, strict=True)
    ]
    if len(chosen) == 1:  # never a batch of one (see above)
        chosen.append((chosen[0] + 1) % len(params))
    rows = torch.tensor(chosen, device=params.device)
    vertices = surface_sample(body, SURFACE_SAMPLE)
    sample = torch.tensor(vertices, device=params.device)
    in_sight = vertices_in_sight(body, observations.confidence, sample)
    params = params.clone()
    for _ in range(config.silhouette_rounds):
        matches = match(
            body.from_params(params).vertices,
            body.faces,
            observations.intrinsics,
            outlines,
            observations.image_size,
            sample,
            in_sight=in_sight,
            weight=config.silhouette,
            count=config.silhouette_points,
        )
        silhouette = SilhouetteTerm(
            vertices,
            matches.index,
            matches.target,
            matches.normal,
            matches.weights,
            observations.intrinsics,
            zoom=zoom,
            sigma=config.silhouette_sigma,
        )
        stage = replace(config.stages[-1], stopping=config.silhouette_stopping)
        solution = run_stage(body, [*terms, silhouette], params[rows], rows, stage, config)
        has_mask = torch.tensor(usable, device=params.device)[rows]
        params[rows] = torch.where(has_mask[:, None], solution.params, params[rows])
        steps[rows] += torch.where(has_mask, solution.steps, 0)
    return params, [*terms, silhouette], steps


def run_stage(
    body: BodyModel,
    terms: Sequence[Term],
    params: Tensor,
    rows: Tensor,
    stage: Stage,
    config: FitConfig,
    *,
    hold_camera: bool = False,
    hold_betas: bool = False,
) -> Solution:
    """Minimises the terms from ``params`` (A, 85), which belong to ``rows`` (A,) of the batch."""
    frozen = torch.zeros(NUM_PARAMS, dtype=torch.bool, device=params.device)
    frozen[TRANSL] = hold_camera
    frozen[BETAS] = hold_betas
    energy = Energy(body, terms, frozen=frozen if hold_camera or hold_betas else None)
    start = params.clone()
    start[:, GLOBAL_ORIENT] = wrap_axis_angle(start[:, GLOBAL_ORIENT])
    return minimise(energy, start, config.rule, stage.stopping, rows=rows)


def _better(cost: Tensor, rows: Tensor, which: Tensor, placed: camera_stage.CameraFit, config: FitConfig) -> Tensor:
    """(B,) for each person the candidate of least cost, of candidates (A,) that are number ``which`` of ``rows``."""
    count = len(placed.cost)
    table = cost.new_full((count, config.candidates), torch.inf)
    table[rows, which] = cost.nan_to_num(nan=torch.inf)
    if config.only_side_views is not None:
        frontal = placed.shoulders >= config.only_side_views
        table[:, 1:] = torch.where(frontal[:, None], torch.inf, table[:, 1:])
    place = torch.zeros_like(table, dtype=torch.long)
    place[rows, which] = torch.arange(len(rows), device=rows.device)
    return place.gather(1, table.argmin(-1, keepdim=True))[:, 0]


def keypoint_term(observations: Observations, names: tuple[str, ...], zoom: Tensor, config: FitConfig) -> KeypointTerm:
    """The data term of the given joints."""
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


def stage_terms(
    stage: Stage, prior: GaussianMixture, data: KeypointTerm, depths: Tensor, anchor: Tensor, config: FitConfig
) -> list[Term]:
    """The energy of one stage. ``depths`` and ``anchor`` are (B, 85): after the camera stage, and predicted."""
    terms: list[Term] = [
        data,
        MixtureTerm(prior, stage.pose_weight, temperature=config.pose_prior_temperature),
        HingeTerm(stage.pose_weight, gain=config.hinge_gain, steepness=config.hinge_steepness),
        ShapeTerm(stage.shape_weight),
    ]
    if config.depth_weight > 0:
        terms.append(TranslationTerm(depths, config.depth_weight))
    if config.upright_weight > 0:
        terms.append(UprightTerm(config.upright_weight, sigma=config.upright_sigma))
    if config.anchor_pose > 0:
        terms.append(AnchorTerm(anchor, BODY_POSE, config.anchor_pose, sigma=config.anchor_pose_sigma))
    if config.anchor_orient > 0:
        turn = AnchorTerm(
            anchor,
            GLOBAL_ORIENT,
            config.anchor_orient,
            sigma=config.anchor_pose_sigma,
            name="anchor_orient",
            turn=True,
        )
        terms.append(turn)
    if config.anchor_betas > 0:
        betas = AnchorTerm(anchor, BETAS, config.anchor_betas, sigma=config.anchor_betas_sigma, name="anchor_betas")
        terms.append(betas)
    return terms


@dataclass(frozen=True, kw_only=True)
class LastStage:
    """The last stage as a problem of its own, for those who compare solvers: its energy and start (B, 85)."""

    energy: Energy
    start: Tensor
    config: FitConfig

    def solve(self) -> Solution:
        return minimise(self.energy, self.start, self.config.rule, self.config.stages[-1].stopping)


def last_stage(
    body: BodyModel, observations: Observations, prior: GaussianMixture, init: Tensor, config: FitConfig | None = None
) -> LastStage:
    """What `anchored` minimises after its camera stage.

    Args:
        body, observations, prior, init: as for `anchored`; all finite.
        config: the constants, SMPLify's, without the anchors, by default.
    """
    config = config or replace(anchored_config(), anchor_pose=0.0, anchor_orient=0.0, sigma=FitConfig.sigma)
    with torch.no_grad():
        placed = camera_stage.place(
            body,
            observations,
            init,
            config.camera,
            reference_height=config.reference_height,
            orientations=axis_angle_to_matrix(init[:, None, GLOBAL_ORIENT]),
        )
        start = camera_stage.apply(init, placed.params[:, 0])
        data = keypoint_term(observations, _used_names("canonical", config), placed.zoom, config)
        terms = stage_terms(config.stages[-1], prior, data, start, init, config)
    return LastStage(energy=Energy(body, terms), start=start, config=config)
