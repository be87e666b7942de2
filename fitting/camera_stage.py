"""The camera stage: where the body stands and which way it faces, with pose and shape held.

With pose and shape held the body is rigid, so this stage has six unknowns [global_orient 3 | transl 3] and needs no
body model in its loop. SMPLify guesses depth from the torso's length in the image, which fails when the torso points at
the camera: foreshortening makes it short and the person seems far away. A limb can only look shorter than it is, so we
take the depth from the limbs that look longest. Several orientations are tried for each person, as extra rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.rotations import axis_angle_to_matrix, cross_matrix, left_jacobian, matrix_to_axis_angle
from ..observations.people import Observations
from .energy import BODY_POSE, GLOBAL_ORIENT, TRANSL, compiled_points
from .least_squares import LevenbergMarquardt, NormalEquations, Stopping, minimise
from .robust import geman_mcclure
from .terms.keypoints import NEAREST

TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "neck", "head_top")
Span = tuple[tuple[str, str], ...]


def _spans(side: str) -> tuple[Span, ...]:
    torso, thigh = (f"{side}_shoulder", f"{side}_hip"), (f"{side}_hip", f"{side}_knee")
    shin, arm = (f"{side}_knee", f"{side}_ankle"), (f"{side}_shoulder", f"{side}_elbow")
    forearm = (f"{side}_elbow", f"{side}_wrist")
    chains: tuple[Span, ...] = ((torso, thigh), (thigh, shin), (torso, thigh, shin), (arm, forearm))
    return ((torso,), (thigh,), (shin,), *chains)


TORSO_SIDES: tuple[Span, ...] = ((("left_shoulder", "left_hip"),), (("right_shoulder", "right_hip"),))
SPANS: tuple[Span, ...] = (*_spans("left"), *_spans("right"))
"""Limbs and chains of limbs whose lengths are compared: long ones, since noise makes short ones look long."""
SHORT_SPANS: tuple[Span, ...] = (
    *((("left_shoulder", "right_shoulder"),), (("left_shoulder", "left_elbow"),), (("right_shoulder", "right_elbow"),)),
    *((("left_elbow", "left_wrist"),), (("right_elbow", "right_wrist"),)),
)
"""Where too few of those are seen."""
HEAD_SPANS: tuple[Span, ...] = (
    *((("left_ear", "right_ear"),), (("left_eye", "right_eye"),), (("neck", "head_top"),)),
    *((("nose", "left_ear"),), (("nose", "right_ear"),)),
)
"""Where nothing else is seen."""

STATURE = 1.7  # metres, of the person that reference_height stands for


def _default_weights() -> dict[str, float]:
    weights = dict.fromkeys(TORSO, 1.0)
    weights.update(dict.fromkeys(FACE, 0.5))
    weights.update({"left_knee": 0.2, "right_knee": 0.2, "left_elbow": 0.1, "right_elbow": 0.1})
    return weights


@dataclass(frozen=True, kw_only=True)
class CameraStage:
    """How the camera stage works; pixels are those of the reference frame (see `schedules`)."""

    weights: Mapping[str, float] = field(default_factory=_default_weights)  # by canonical joint
    depth_from: str = "limbs"  # "limbs": the longest-looking limbs; "torso": SMPLify's guess
    longest: int = 4  # how many of the longest-looking limbs are averaged
    limb_noise: float = 0.05  # metres added to a limb's length: the longest-looking ones are those that noise made long
    yaws_deg: tuple[float, ...] = (0.0, 90.0, 180.0, 270.0)  # orientations tried: turns about the body's own axis,
    pitches_deg: tuple[float, ...] = (-40.0, 0.0, 40.0)  # times tilts towards (+) and away from the camera
    sigma: float = 100.0  # pixels, Geman-McClure
    depth_weight: float = 100.0  # pixels for a relative change of depth by 1
    depth_absolute: bool = False  # SMPLify: pixels for a change of depth by a metre
    upright_weight: float = 15.0  # pixels for a body's axis at 90 degrees to the image's upright: breaks ties
    stopping: Stopping = Stopping(rtol=1e-3, max_steps=20)


class CameraFit(NamedTuple):
    """For each of B rows, H hypotheses, best first.

    Attributes:
        params: (B, H, 6) global_orient and transl.
        cost: (B, H), infinite where a hypothesis failed.
        zoom: (B,) pixels of the reference frame in one of the image.
        depth: (B,) the first guess, metres.
        shoulders: (B,) distance of the shoulders in the image, reference pixels; infinite where one is not seen.
    """

    params: Tensor
    cost: Tensor
    zoom: Tensor
    depth: Tensor
    shoulders: Tensor


class _Rigid:
    """A rigid point cloud against keypoints: six unknowns a row; a `least_squares.Problem`.

    The unknowns are [turn 3 | transl 3], the turn on from the orientation that a row starts at. The orientation itself
    would not do: of a body seen from behind it is a turn by pi, which an axis-angle vector and its negative both write,
    and a step from one is not the mirror image of a step from the other.
    """

    def __init__(self, cloud: Tensor, pelvis: Tensor, targets: Tensor, weights: Tensor, focal: Tensor) -> None:
        self.cloud = cloud  # (B, P + 1, 3) about the pelvis, before the turn; the body's axis comes last
        self.pelvis = pelvis  # (B, 3)
        self.targets = targets  # (B, P, 2) reference pixels from the principal point
        self.weights = weights  # (B, P)
        self.focal = focal  # (B, 2) reference pixels
        self.depth = torch.ones(len(cloud))
        self.settings = CameraStage()

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        values, jacobian = self.residuals(params, rows)
        transposed = jacobian.transpose(1, 2)
        gradient = torch.bmm(transposed, values[..., None])[..., 0]
        return NormalEquations(values.square().sum(-1), gradient, torch.bmm(transposed, jacobian))

    def residuals(self, params: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        settings = self.settings
        turn, transl = params[:, :3], params[:, 3:]
        rotation = axis_angle_to_matrix(turn)
        jacobian_of_rotation = left_jacobian(turn)
        turned = torch.bmm(self.cloud[rows], rotation.mT)
        turned, up = turned[:, :-1], turned[:, -1]  # (A, P, 3), (A, 3)
        points = turned + (self.pelvis[rows] + transl)[:, None]
        depth = points[..., 2].clamp(min=NEAREST)
        weights = self.weights[rows]
        behind = ((points[..., 2] < NEAREST) & (weights > 0)).any(-1)
        ratio = points[..., :2] / depth[..., None]
        focal = self.focal[rows][:, None]
        rho, slope = geman_mcclure(ratio * focal - self.targets[rows], settings.sigma)
        pull = slope * weights[..., None] * focal / depth[..., None]  # (A, P, 2)
        count, number = depth.shape
        by_point = torch.zeros(count, number, 2, 3, dtype=params.dtype, device=params.device)
        by_point[:, :, 0, 0] = pull[..., 0]
        by_point[:, :, 1, 1] = pull[..., 1]
        by_point[..., 2] = -pull * ratio
        moved = -torch.matmul(cross_matrix(turned), jacobian_of_rotation[:, None])  # (A, P, 3, 3) d turned / d turn
        of_points = torch.cat([torch.matmul(by_point, moved), by_point], -1).flatten(1, 2)  # (A, 2P, 6)
        of_depth = params.new_zeros(count, 1, 6)
        unit = torch.ones_like(self.depth[rows]) if settings.depth_absolute else self.depth[rows]
        scale = settings.depth_weight / unit
        of_depth[:, 0, 5] = scale
        of_up = params.new_zeros(count, 3, 6)
        of_up[:, :, :3] = -settings.upright_weight * cross_matrix(up) @ jacobian_of_rotation
        upright = params.new_tensor([0.0, -1.0, 0.0])
        values = [
            (rho * weights[..., None]).flatten(1),
            ((transl[:, 2] + self.pelvis[rows][:, 2] - self.depth[rows]) * scale)[:, None],
            settings.upright_weight * (up - upright),
        ]
        residual = torch.cat(values, -1)
        residual = torch.where(behind[:, None], torch.inf, residual)
        return residual, torch.cat([of_points, of_depth, of_up], 1)


def _index(name: str) -> int:
    return CANONICAL_JOINTS.index(name)


def _looks(span: Span, body_points: Tensor, observations: Observations, slack: float) -> Tensor:
    """(B,) a span's length in the image over its length, pixels a metre; -1 where an end is not seen."""
    first, second = [_index(a) for a, _ in span], [_index(b) for _, b in span]
    seen = ((observations.confidence[:, first] > 0) & (observations.confidence[:, second] > 0)).all(-1)
    length = (body_points[:, first] - body_points[:, second]).norm(dim=-1).sum(-1)
    looks = (observations.keypoints[:, first] - observations.keypoints[:, second]).norm(dim=-1).sum(-1)
    return torch.where(seen, looks / (length + slack), -1.0)


def depth_guess(body_points: Tensor, observations: Observations, settings: CameraStage) -> Tensor:
    """Each person's distance from the camera, metres, from how long limbs look against how long they are.

    Args:
        body_points: (B, K, 3) canonical joints of the body in its initial pose.
        observations: B people.
        settings: ``depth_from``, ``longest``.
    Returns:
        (B,) metres; where nothing can be measured, a person half as high as the image is long.
    """
    focal = observations.intrinsics[:, [0, 1], [0, 1]].mean(-1)
    guess = 2.0 * STATURE * focal / observations.image_size.amax(-1).to(focal.dtype)
    groups = [HEAD_SPANS, SHORT_SPANS, SPANS] if settings.depth_from == "limbs" else [TORSO_SIDES]
    slack = settings.limb_noise if settings.depth_from == "limbs" else 0.0
    for spans in groups:
        scale = torch.stack([_looks(span, body_points, observations, slack) for span in spans], -1)  # pixels a metre
        count = settings.longest if settings.depth_from == "limbs" else len(spans)
        top = scale.topk(min(count, len(spans)), dim=-1).values
        used = (top > 0).sum(-1)
        mean = top.clamp(min=0.0).sum(-1) / used.clamp(min=1)
        enough = (used >= (2 if spans is SPANS else 1)) & (mean > 1e-6)
        guess = torch.where(enough, focal / mean.clamp(min=1e-6), guess)
    return guess.clamp(0.3, 1000.0)


def _roll(observations: Observations) -> Tensor:
    """(B,) the angle by which the person leans in the image, 0 upright, from hips to shoulders or shoulders to head."""
    keypoints, seen = observations.keypoints, (observations.confidence > 0).to(observations.keypoints.dtype)

    def middle(names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        index = [_index(name) for name in names]
        count = seen[:, index].sum(-1)
        return (keypoints[:, index] * seen[:, index, None]).sum(1) / count.clamp(min=1.0)[:, None], count > 0

    hips, has_hips = middle(TORSO[2:])
    shoulders, has_shoulders = middle(TORSO[:2])
    head, has_head = middle(FACE)
    spine = torch.where((has_hips & has_shoulders)[:, None], shoulders - hips, 0.0)
    neck = torch.where((has_head & has_shoulders & ~has_hips)[:, None], head - shoulders, 0.0)
    up = spine + neck
    return torch.where(up.norm(dim=-1) > 1e-6, torch.atan2(up[:, 0], -up[:, 1]), 0.0)


def _turn(axis: int, angle: Tensor) -> Tensor:
    vector = angle.new_zeros(*angle.shape, 3)
    vector[..., axis] = angle
    return axis_angle_to_matrix(vector)


def _orientations(observations: Observations, settings: CameraStage) -> Tensor:
    """(B, H, 3, 3) body-to-camera rotations to start from."""
    roll = _roll(observations)
    yaws = roll.new_tensor(settings.yaws_deg) * (math.pi / 180)
    pitches = roll.new_tensor(settings.pitches_deg) * (math.pi / 180)
    tilts = _turn(0, math.pi + pitches)[:, None] @ _turn(1, yaws)[None]  # (pitches, yaws, 3, 3)
    return _turn(2, roll)[:, None] @ tilts.flatten(0, 1)[None]


def place(
    body: BodyModel,
    observations: Observations,
    start: Tensor,
    settings: CameraStage,
    *,
    reference_height: float | None,
    orientations: Tensor | None = None,
) -> CameraFit:
    """Finds translation and orientation for bodies whose pose and shape are given.

    Args:
        body: the body model.
        observations: B people.
        start: (B, 85) pose and betas to hold; its global orientation and translation are not looked at.
        settings: the stage's constants.
        reference_height: a person of 1.7 m is taken as so many pixels high by all pixel constants; None: image pixels.
        orientations: (B, H, 3, 3) body-to-camera rotations to start from, instead of those of the settings.
    Returns:
        The hypotheses of each row, best first.
    """
    canonical = compiled_points(body, (*CANONICAL_JOINTS, "joint:pelvis"))
    rest = torch.zeros_like(start)
    rest[:, BODY_POSE] = start[:, BODY_POSE]
    rest[:, TRANSL.start - 10 : TRANSL.start] = start[:, TRANSL.start - 10 : TRANSL.start]
    points = canonical.points(rest)
    points, pelvis = points[:, :-1], points[:, -1]
    depth = depth_guess(points, observations, settings)
    intrinsics = observations.intrinsics
    focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)
    if reference_height is None:
        zoom = torch.ones_like(depth)
    else:
        zoom = reference_height * depth / (STATURE * focal.mean(-1))
    names = [name for name in CANONICAL_JOINTS if settings.weights.get(name, 0.0) > 0]
    index = [_index(name) for name in names]
    base = start.new_tensor([settings.weights[name] for name in names])
    targets = (observations.keypoints[:, index] - intrinsics[:, None, :2, 2]) * zoom[:, None, None]
    weights = base * observations.confidence[:, index]
    rotations = _orientations(observations, settings) if orientations is None else orientations
    hypotheses = rotations.shape[1]

    def spread(values: Tensor) -> Tensor:
        return values.repeat_interleave(hypotheses, 0)

    rotations = rotations.flatten(0, 1)
    problem = _Rigid(
        torch.cat([spread(points[:, index] - pelvis[:, None]) @ rotations.mT, rotations[:, None, :, 1]], 1),
        spread(pelvis),
        spread(targets),
        spread(weights),
        spread(focal * zoom[:, None]),
    )
    problem.depth, problem.settings = spread(depth), settings
    share = problem.weights / problem.weights.sum(-1, keepdim=True).clamp(min=1e-6)
    centre = (problem.cloud[:, :-1] * share[..., None]).sum(1)
    aim = (problem.targets * share[..., None]).sum(1) / problem.focal * problem.depth[:, None]
    transl = torch.cat([aim, problem.depth[:, None]], -1) - problem.pelvis
    transl[:, :2] -= centre[:, :2]
    first = torch.cat([torch.zeros_like(transl), transl], -1)
    solution = minimise(problem, first, LevenbergMarquardt(), settings.stopping)
    cost = torch.nan_to_num(solution.cost, nan=torch.inf).unflatten(0, (-1, hypotheses))
    order = cost.argsort(dim=-1, stable=True)
    turns, transl = solution.params[:, :3], solution.params[:, 3:]
    orient = matrix_to_axis_angle(axis_angle_to_matrix(turns) @ rotations)
    params = torch.cat([orient, transl], -1).unflatten(0, (-1, hypotheses))
    params = params.gather(1, order[..., None].expand_as(params))
    return CameraFit(params, cost.gather(1, order), zoom, depth, _shoulders(observations) * zoom)


def _shoulders(observations: Observations) -> Tensor:
    left, right = _index("left_shoulder"), _index("right_shoulder")
    seen = (observations.confidence[:, left] > 0) & (observations.confidence[:, right] > 0)
    distance = (observations.keypoints[:, left] - observations.keypoints[:, right]).norm(dim=-1)
    return torch.where(seen, distance, torch.inf)


class Candidates(NamedTuple):
    """Placements that the body stages start from: params (B, C, 6), best first; which of them are worth it, (B, C)."""

    params: Tensor
    worth: Tensor


def choose(fit: CameraFit, count: int, margin: float) -> Candidates:
    """The best placement, and the next best ones that face elsewhere by more than a radian.

    Args:
        fit: what `place` found.
        count: C, placements of a row.
        margin: square pixels between a placement's cost and the best one's; beyond it the best is certain.
    """
    rows = torch.arange(len(fit.cost), device=fit.cost.device)
    chosen = [fit.params[:, 0]]
    worth = [torch.ones_like(rows, dtype=torch.bool)]
    for _ in range(count - 1):
        apart = torch.stack([_angle_between(fit.params[..., :3], one[:, None, :3]) for one in chosen]).amin(0)
        cost, index = torch.where(apart > 1.0, fit.cost, torch.inf).min(-1)
        worth.append(torch.isfinite(cost) & (cost <= fit.cost[:, 0] + margin))
        chosen.append(fit.params[rows, torch.where(worth[-1], index, 0)])
    return Candidates(torch.stack(chosen, 1), torch.stack(worth, 1))


def _angle_between(first: Tensor, second: Tensor) -> Tensor:
    """Radians between orientations given as axis-angle, (...)."""
    turn = axis_angle_to_matrix(first).mT @ axis_angle_to_matrix(second)
    trace = torch.diagonal(turn, dim1=-2, dim2=-1).sum(-1)
    return torch.acos(((trace - 1.0) / 2.0).clamp(-1.0, 1.0))


def apply(start: Tensor, placed: Tensor) -> Tensor:
    """``start`` (B, 85) with orientation and translation (B, 6) put in."""
    out = start.clone()
    out[:, GLOBAL_ORIENT] = placed[:, :3]
    out[:, TRANSL] = placed[:, 3:]
    return out
