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
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..body import CANONICAL_JOINTS, BodyModel, Layout
from ..body.kinematics import compiled_points, rotations_with_jacobians
from ..body.rotations import axis_angle_to_matrix, cross_matrix, matrix_to_axis_angle
from ..camera import NEAREST_DEPTH, STANDING_HEIGHT, project_with_jacobian, standing_height, unproject
from ..observations.people import Observations
from ..observations.person_size import stature
from ..rows import rowwise_atan2
from .least_squares import LevenbergMarquardt, NormalEquations, Stopping, minimise
from .reference_frame import ReferenceFrame
from .robust import geman_mcclure

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

    Args:
        cloud: (B, P + 1, 3) points about the pelvis, at the orientation of the start; the body's axis comes last.
        pelvis: (B, 3) metres, where it is without translation.
        targets: (B, P, 2) reference pixels. weights: (B, P). intrinsics: (B, 3, 3) of the reference frame.
        depth: (B,) metres, the first guess.
    """

    def __init__(
        self,
        cloud: Tensor,
        pelvis: Tensor,
        targets: Tensor,
        weights: Tensor,
        intrinsics: Tensor,
        depth: Tensor,
        settings: CameraStage,
    ) -> None:
        self.cloud, self.pelvis = cloud, pelvis
        self.targets, self.weights, self.intrinsics = targets, weights, intrinsics
        self.depth, self.settings = depth, settings
        self._depth_pull = settings.depth_weight / (torch.ones_like(depth) if settings.depth_absolute else depth)
        self._upright = cloud.new_tensor([0.0, -1.0, 0.0])

    def first(self) -> Tensor:
        """(B, 6) no turn, at the guessed depth, the weighted points about where they are seen."""
        share = self.weights / self.weights.sum(-1, keepdim=True).clamp(min=1e-6)
        centre = (self.cloud[:, :-1] * share[..., None]).sum(1)
        seen = (self.targets * share[..., None]).sum(1, keepdim=True)
        transl = unproject(seen, self.depth[:, None], self.intrinsics)[:, 0] - self.pelvis
        transl[:, :2] -= centre[:, :2]
        return torch.cat([torch.zeros_like(transl), transl], -1)

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        values, jacobian = self.residuals(params, rows)
        transposed = jacobian.transpose(1, 2)
        gradient = torch.bmm(transposed, values[..., None])[..., 0]
        return NormalEquations(values.square().sum(-1), gradient, torch.bmm(transposed, jacobian))

    def residuals(self, params: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Values (A, R) and Jacobian (A, R, 6) of the keypoints, the depth and the upright axis."""
        settings = self.settings
        whole = (self.cloud, self.pelvis, self.targets, self.weights, self.intrinsics, self.depth, self._depth_pull)
        cloud, pelvis, targets, weights, intrinsics, depth, depth_pull = (part.index_select(0, rows) for part in whole)
        rotation, turning = rotations_with_jacobians(params[:, :3])
        turned = torch.bmm(cloud, rotation.mT)
        turned, up = turned[:, :-1], turned[:, -1]  # (A, P, 3), (A, 3)
        place = pelvis + params[:, 3:]
        pixels, by_point, behind = project_with_jacobian(turned + place[:, None], intrinsics)
        rho, slope = geman_mcclure(pixels - targets, settings.sigma)
        pull = by_point * (slope * weights[..., None])[..., None]  # (A, P, 2, 3)
        # d turned / d turn = -[turned]x J_l, so a row j of the projection's Jacobian turns with (turned x j) J_l.
        of_turn = torch.linalg.cross(turned[:, :, None].expand_as(pull), pull).flatten(1, 2)
        jacobian = params.new_zeros(len(params), of_turn.shape[1] + 4, 6)
        jacobian[:, :-4, :3] = torch.bmm(of_turn, turning)
        jacobian[:, :-4, 3:] = pull.flatten(1, 2)
        jacobian[:, -4, 5] = depth_pull
        jacobian[:, -3:, :3] = torch.bmm(cross_matrix(up), turning).mul_(-settings.upright_weight)
        values = [
            (rho * weights[..., None]).flatten(1),
            ((place[:, 2] - depth) * depth_pull)[:, None],
            settings.upright_weight * (up - self._upright),
        ]
        behind = (behind & (weights > 0)).any(-1)
        return torch.cat(values, -1).masked_fill(behind[:, None], torch.inf), jacobian


def _index(name: str) -> int:
    return CANONICAL_JOINTS.index(name)


class _Spans(NamedTuple):
    """Groups of spans as tables: segments (2, S) of canonical joints; for each group the segments (N, 3) of its spans,
    S where a span has fewer."""

    segments: Tensor
    groups: tuple[Tensor, ...]

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, groups: tuple[tuple[Span, ...], ...]) -> _Spans:
        segments = list(dict.fromkeys(pair for spans in groups for span in spans for pair in span))
        tables = []
        for spans in groups:
            rows = [[segments.index(pair) for pair in span] for span in spans]
            tables.append(torch.tensor([row + [len(segments)] * (3 - len(row)) for row in rows]))
        return cls(torch.tensor([[_index(a), _index(b)] for a, b in segments]).t(), tuple(tables))


def depth_guess(body_points: Tensor, observations: Observations, settings: CameraStage) -> Tensor:
    """Each person's distance from the camera, metres, from how long limbs look against how long they are.

    Args:
        body_points: (B, K, 3) canonical joints of the body in its initial pose.
        observations: B people.
        settings: ``depth_from``, ``longest``.
    Returns:
        (B,) metres; where nothing can be measured, a person half as high as the image is long.
    """
    focal = torch.diagonal(observations.intrinsics[:, :2, :2], dim1=-2, dim2=-1).mean(-1)
    guess = 2.0 * STANDING_HEIGHT * focal / observations.image_size.amax(-1).to(focal.dtype)
    by_limbs = settings.depth_from == "limbs"
    groups = (HEAD_SPANS, SHORT_SPANS, SPANS) if by_limbs else (TORSO_SIDES,)
    spans = _Spans.of(groups)
    first, second = spans.segments.to(focal.device)

    def lengths(points: Tensor) -> Tensor:
        """(B, S + 1) of the segments, and 0."""
        return pad((points[:, first] - points[:, second]).norm(dim=-1), (0, 1))

    in_body, in_image = lengths(body_points), lengths(observations.keypoints)
    confidence = observations.confidence
    seen = pad((confidence[:, first] > 0) & (confidence[:, second] > 0), (0, 1), value=True)
    slack = settings.limb_noise if by_limbs else 0.0
    for group, table in zip(groups, spans.groups, strict=True):
        index = table.to(focal.device)
        scale = in_image[:, index].sum(-1) / (in_body[:, index].sum(-1) + slack)  # pixels a metre
        scale = torch.where(seen[:, index].all(-1), scale, -1.0)
        top = scale.topk(min(settings.longest, len(group)) if by_limbs else len(group), dim=-1).values
        used = (top > 0).sum(-1)
        mean = top.clamp(min=0.0).sum(-1) / used.clamp(min=1)
        enough = (used >= (2 if group is SPANS else 1)) & (mean > 1e-6)
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
    return torch.where(up.norm(dim=-1) > 1e-6, rowwise_atan2(up[:, 0], -up[:, 1]), 0.0)


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
    orientation: Tensor | None = None,
) -> CameraFit:
    """Finds translation and orientation for bodies whose pose and shape are given.

    Args:
        body: the body model.
        observations: B people.
        start: (B, D) pose and betas to hold; its global orientation and translation are not looked at.
        settings: the stage's constants.
        reference_height: a person of the body's stature is taken as so many pixels high by all pixel constants; None:
            image pixels.
        orientation: (B, 3) axis-angle to start from and to keep, instead of those of the settings: what was turned to
            find the place is forgotten, since this stage sees the torso alone.
    Returns:
        The hypotheses of each row, best first.
    """
    layout = body.layout
    rest = start.clone()
    rest[:, layout.global_orient] = 0
    rest[:, layout.transl] = 0
    points = compiled_points(body, (*CANONICAL_JOINTS, "joint:pelvis")).points(rest)
    points, pelvis = points[:, :-1], points[:, -1]
    depth = depth_guess(points, observations, settings)
    zoom = torch.ones_like(depth)
    if reference_height is not None:
        zoom = reference_height / standing_height(observations.intrinsics, depth, stature(body))
    kept = None if orientation is None else axis_angle_to_matrix(orientation)[:, None]
    rotations = _orientations(observations, settings) if kept is None else kept
    hypotheses = rotations.shape[1]
    problem = _rigid(points, pelvis, observations, rotations, zoom, depth, settings)
    with torch.inference_mode():  # nothing that lasts is made here
        solution = minimise(problem, problem.first(), LevenbergMarquardt(), settings.stopping)
    cost = torch.nan_to_num(solution.cost, nan=torch.inf).unflatten(0, (-1, hypotheses))
    order = cost.argsort(dim=-1, stable=True)
    orient = orientation
    if orient is None:
        orient = matrix_to_axis_angle(axis_angle_to_matrix(solution.params[:, :3]) @ rotations.flatten(0, 1))
    params = torch.cat([orient, solution.params[:, 3:]], -1).unflatten(0, (-1, hypotheses))
    params = params.gather(1, order[..., None].expand_as(params))
    return CameraFit(params, cost.gather(1, order), zoom, depth, _shoulders(observations) * zoom)


def _rigid(
    points: Tensor,
    pelvis: Tensor,
    observations: Observations,
    rotations: Tensor,
    zoom: Tensor,
    depth: Tensor,
    settings: CameraStage,
) -> _Rigid:
    """The bodies as rigid clouds against their keypoints, each at all of its H orientations: B * H rows.

    Args:
        points, pelvis: (B, K, 3), (B, 3) metres, canonical joints and pelvis of the bodies as they are.
        observations: B people.
        rotations: (B, H, 3, 3).
        zoom, depth: (B,) of the reference frame, and the first guess in metres.
        settings: the stage's constants.
    """
    names = [name for name in CANONICAL_JOINTS if settings.weights.get(name, 0.0) > 0]
    index = torch.tensor([_index(name) for name in names], device=points.device)
    frame = ReferenceFrame(intrinsics=observations.intrinsics, zoom=zoom)
    weights = points.new_tensor([settings.weights[name] for name in names])
    hypotheses, turns = rotations.shape[1], rotations.flatten(0, 1)

    def spread(values: Tensor) -> Tensor:
        return values.repeat_interleave(hypotheses, 0) if hypotheses > 1 else values

    cloud = spread(points.index_select(1, index) - pelvis[:, None]) @ turns.mT
    return _Rigid(
        torch.cat([cloud, turns[:, None, :, 1]], 1),
        spread(pelvis),
        spread(frame.pixels(observations.keypoints.index_select(1, index))),
        spread(weights * observations.confidence.index_select(1, index)),
        spread(frame.matrix),
        spread(depth),
        settings,
    )


def placed_already(
    body: BodyModel, observations: Observations, start: Tensor, *, reference_height: float | None
) -> CameraFit:
    """The placement of bodies (B, D) that stand where they are to stand: nothing is looked for."""
    layout = body.layout
    depth = start[:, layout.depth].clamp_min(NEAREST_DEPTH)
    zoom = torch.ones_like(depth)
    if reference_height is not None:
        zoom = reference_height / standing_height(observations.intrinsics, depth, stature(body))
    params = torch.cat((start[:, layout.global_orient], start[:, layout.transl]), -1)[:, None]
    return CameraFit(params, torch.zeros_like(depth)[:, None], zoom, depth, _shoulders(observations) * zoom)


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
    """``start`` (B, D) with orientation and translation (B, 6) put in."""
    layout = Layout.of_size(start.shape[-1])
    out = start.clone()
    out[:, layout.global_orient] = placed[:, :3]
    out[:, layout.transl] = placed[:, 3:]
    return out
