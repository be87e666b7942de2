"""The data term of further views: the same body in other calibrated cameras, all unknowns shared.

A row's parameters are in the frame of its main camera, whose keypoints `Keypoints` has; here are those of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...body import CANONICAL_JOINTS
from ...body.moving import moved
from ...camera import NEAREST_DEPTH, project, project_with_jacobian, standing_height
from ...observations.people import Observations
from ...observations.person_size import stature
from ...rows import Rows
from ..energy import BodyState, Energy, Residuals, Term
from ..least_squares import NormalEquations
from ..robust import geman_mcclure
from .keypoints import default_joint_weights
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem


class ViewTerm(Term):
    """conf * w * GM(projection - keypoint) in each of V views, x and y apart, as `KeypointTerm` has it for one.

    Args:
        names: P body points.
        keypoints: (B, V, P, 2) pixels of each view's reference frame.
        weights: (B, V, P) confidence times base weight; 0 takes a joint out, in the views that have not seen it.
        intrinsics: (B, V, 3, 3) of those frames.
        rotations: (B, V, 3, 3), translations: (B, V, 3) metres: view from the frame of the parameters.
        sigma: the kernel's scale, pixels of those frames.
    """

    name = "views"

    def __init__(
        self,
        names: Sequence[str],
        keypoints: Tensor,
        weights: Tensor,
        intrinsics: Tensor,
        rotations: Tensor,
        translations: Tensor,
        *,
        sigma: float = 20.0,
    ) -> None:
        count, views, points = weights.shape
        given = (keypoints, intrinsics, rotations, translations)
        expected = [(count, views, *last) for last in ((points, 2), (3, 3), (3, 3), (3,))]
        if len(names) != points or [tuple(part.shape) for part in given] != expected:
            raise ValueError(f"views: expected {expected}, got {[tuple(part.shape) for part in given]}")
        self.point_names = tuple(names)
        self.evidence = (weights > 0).flatten(1).any(1)
        self._parts = (keypoints, weights, intrinsics, rotations, translations)
        self._sigma = sigma

    def _seen(self, state: BodyState, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Residuals (B, V, P, 2), their derivative (B, V, P, 2, 3) by the points, and where one is behind (B,)."""
        keypoints, weights, intrinsics, rotations, translations = (part.index_select(0, rows) for part in self._parts)
        points = _in_views(state.points, rotations, translations)
        pixels, by_point, behind = project_with_jacobian(points, intrinsics)
        rho, slope = geman_mcclure(pixels - keypoints, self._sigma)
        pull = by_point * (slope * weights[..., None])[..., None]
        pull = (pull[..., None] * rotations[:, :, None, None]).sum(-2)
        return rho * weights[..., None], pull, (behind & (weights > 0)).flatten(1).any(-1)

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        values, pull, behind = self._seen(state, rows)
        along = (pull[..., None] * state.jacobian[:, None, :, None]).sum(-2)  # (B, V, P, 2, D)
        return Residuals(values.flatten(1).masked_fill(behind[:, None], torch.inf), along.flatten(1, 3))

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        keypoints, weights, intrinsics, rotations, translations = (part.index_select(0, rows) for part in self._parts)
        points = _in_views(state.points, rotations, translations)
        rho, _ = geman_mcclure(project(points, intrinsics, nearest=NEAREST_DEPTH) - keypoints, self._sigma)
        behind = ((points[..., 2] < NEAREST_DEPTH) & (weights > 0)).flatten(1).any(-1)
        return (rho * weights[..., None]).square().flatten(1).sum(-1).masked_fill(behind, torch.inf)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        """The same normal equations, by the 3 x 3 matrix that all views together make of each point."""
        values, pull, behind = self._seen(state, rows)
        slope = torch.zeros_like(state.points)  # (B, P, 3)
        curvature = slope.new_zeros(*slope.shape, 3)
        for view in range(values.shape[1]):
            for axis in range(2):
                one = pull[:, view, :, axis]
                slope = slope + one * values[:, view, :, axis, None]
                curvature = curvature + one[..., :, None] * one[..., None, :]
        along = curvature[..., :1] * state.jacobian[:, :, None, 0]
        for axis in (1, 2):
            along.addcmul_(curvature[..., axis : axis + 1], state.jacobian[:, :, None, axis])
        transposed = state.jacobian.flatten(1, 2).transpose(1, 2)
        normal.cost.add_(values.square().flatten(1).sum(-1).masked_fill(behind, torch.inf))
        normal.gradient.add_(torch.bmm(transposed, slope.flatten(1)[..., None])[..., 0])
        normal.hessian.baddbmm_(transposed, along.flatten(1, 2))


def _in_views(points: Tensor, rotations: Tensor, translations: Tensor) -> Tensor:
    """Points (B, P, 3) of the parameters' frame in V views (B, V, P, 3), elementwise: rows do not see their batch."""
    return (points[:, None, :, None, :] * rotations[:, :, None]).sum(-1) + translations[:, :, None]


@dataclass(frozen=True, kw_only=True)
class View(Rows):
    """What one more camera saw of B rows.

    Attributes:
        observations: B rows, named as the main camera's; confidence 0 where it has not seen the person.
        rotation: (B, 3, 3), translation: (B, 3) metres: this camera from the frame of the rows' parameters.
    """

    observations: Observations
    rotation: Tensor
    translation: Tensor

    def __len__(self) -> int:
        return len(self.observations)

    def of(self, names: Sequence[str]) -> View:
        """The rows of those names; what has another name was seen by no other camera.

        Raises:
            ValueError: a name is none of the rows'.
        """
        places = {name: row for row, name in enumerate(self.observations.names)}
        missing = next((name for name in names if name not in places), None)
        if missing is not None:
            raise ValueError(f"views: expected rows of the main camera's names; {missing} is not among them")
        return self.rows([places[name] for name in names])


def problem_in(view: View, problem: FitProblem) -> FitProblem:
    """The problem as a view has it: its observations, and start and placement moved into its frame."""
    from ..problem import Placement

    own = view.of(problem.observations.names).to(problem.start.device, problem.start.dtype)
    start = moved(problem.body, problem.start, own.rotation, own.translation)
    depth = start[:, problem.body.layout.depth]
    height = problem.config.reference_height
    intrinsics = own.observations.intrinsics
    zoom = torch.ones_like(depth)
    if height is not None:
        zoom = height / standing_height(intrinsics, depth, stature(problem.body))
    far = torch.full_like(depth, torch.inf)
    return replace(
        problem,
        observations=own.observations,
        start=start,
        placement=Placement(depth=depth, zoom=zoom, shoulders=far),
        skeleton=CANONICAL_JOINTS,
    )


@dataclass(frozen=True, kw_only=True)
class Views(TermSpec):
    """Spec of `ViewTerm`: keypoints of further calibrated cameras, beside those of the main one."""

    name: str = "views"
    views: tuple[View, ...] = ()
    joints: tuple[str, ...] = CANONICAL_JOINTS  # those that some view may have seen
    joint_weights: Mapping[str, float] = field(default_factory=default_joint_weights)
    sigma: float = 20.0  # reference pixels, Geman-McClure

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        names = [name for name in self.joints if self.joint_weights.get(name, 0.0) > 0]
        if not self.views or not names:
            return None
        index = torch.tensor([CANONICAL_JOINTS.index(name) for name in names], device=problem.start.device)
        own = [view.of(problem.observations.names).to(problem.start.device, problem.start.dtype) for view in self.views]
        seen = [problem_in(view, problem) for view in own]
        base = problem.start.new_tensor([self.joint_weights[name] for name in names])
        ahead = [(one.placement.depth > NEAREST_DEPTH).to(base) for one in seen]
        weights = [
            one.observations.confidence[:, index] * base * there[:, None]
            for one, there in zip(seen, ahead, strict=True)
        ]
        return ViewTerm(
            names,
            torch.stack([one.reference_keypoints[:, index] for one in seen], 1),
            torch.stack(weights, 1),
            torch.stack([one.reference_intrinsics for one in seen], 1),
            torch.stack([one.rotation for one in own], 1),
            torch.stack([one.translation for one in own], 1),
            sigma=self.sigma,
        )


class SeenFrom(Term):
    """A term of another camera: one that looks at points alone (outlines, limb directions), in that camera's frame.

    Args:
        term: as the other camera has it.
        body: the body model.
        rotation: (B, 3, 3), translation: (B, 3): that camera from the frame of the parameters.
    """

    def __init__(self, term: Term, body: object, rotation: Tensor, translation: Tensor) -> None:
        self.name, self.point_names, self.evidence = term.name, term.point_names, term.evidence
        self._term, self._body, self._rotation, self._translation = term, body, rotation, translation

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        return self._term.residuals(self._seen(state, rows), rows)

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        return self._term.energy(self._seen(state, rows), rows)

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        there = moved(self._body, params, self._rotation, self._translation)  # type: ignore[arg-type]
        self._term.refresh(there, energy)
        return params

    def _seen(self, state: BodyState, rows: Tensor) -> BodyState:
        rotation = self._rotation.index_select(0, rows)
        points = (state.points[:, :, None] * rotation[:, None]).sum(-1)
        points = points + self._translation.index_select(0, rows)[:, None]
        derivative = state.derivative
        if derivative is not None:
            derivative = (rotation[:, None, :, :, None] * derivative[:, :, None]).sum(-2)
        return state._replace(points=points, derivative=derivative)


@dataclass(frozen=True, kw_only=True)
class InView(TermSpec):
    """Spec of `SeenFrom`: another spec's term (`Silhouette`, `LimbDirections`) as one of the views has it."""

    view: View
    spec: TermSpec

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        own = self.view.of(problem.observations.names).to(problem.start.device, problem.start.dtype)
        term = self.spec.build(problem_in(own, problem), stage)
        return None if term is None else SeenFrom(term, problem.body, own.rotation, own.translation)
