"""Bodies from points in space alone: start in closed form, then the solver that fits keypoints, without a camera.

Residuals are in standard deviations of the measured points, so that all weights of priors are those of their own
likelihoods. How exact the points are is found for each row, from how far a first fit leaves them off.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..body import BodyModel, wrap_axis_angle
from ..body.kinematics import compiled_points
from ..rows import Rows, filled
from .energy import CostedEnergy, Energy, Term
from .grounds import Grounds
from .least_squares import LevenbergMarquardt, Solution, Stopping, minimise
from .point_start import point_start
from .pose_prior import GaussianMixture
from .terms.floor import FloorTerm
from .terms.hinge import HingeTerm
from .terms.known_size import KnownSize
from .terms.mixture import MixtureTerm
from .terms.points import PointTerm
from .terms.shape import ShapeTerm
from .terms.shared_shape import SharedShapeTerm
from .terms.smoothness import SmoothnessTerm, neighbours_of


@dataclass(frozen=True, kw_only=True)
class PointConfig:
    """Constants of a fit to points in space."""

    noise: float | None = None  # metres, standard deviation of a coordinate; None: found for each row
    first_noise: float = 0.003  # metres, of the first stage
    least_noise: float = 0.001  # metres; and what is found is never more than
    most_noise: float = 0.04
    noise_found: float = 2.0  # times the residuals of the first stage: much of the noise goes into the fit
    reach: float = 0.15  # metres, Geman-McClure: what lies farther off hardly pulls
    pose_weight: float = 1.4  # the root of 2: the mixture's own likelihood
    hinge_gain: float = 2.0
    hinge_steepness: float = 4.0  # one over radians
    mixture_temperature: float = 20.0
    shape_weight: float = 1.0
    first: Stopping = Stopping(rtol=0.5, max_steps=8)
    second: Stopping = Stopping(rtol=0.03, max_steps=30)
    exact: Stopping = Stopping(rtol=0.3, max_steps=30)  # in place of it, of rows whose noise is found to be at most
    exact_noise: float = 0.003  # metres, which is twice that of the points
    shared: Stopping = Stopping(rtol=1e-3, max_steps=10)
    smooth_pose: float = 30.0  # one over radians: how far a joint is from the middle of its neighbours in time
    smooth_transl: float = 200.0  # one over metres
    smooth_rounds: int = 6
    floor: float = 300.0  # one over metres: below the floor, and from where a foot stands
    floor_reach: float = 0.1  # metres, Geman-McClure
    fewest_joints: int = 12  # so many points that no corrective moves are a first stage of their own
    rule: LevenbergMarquardt = LevenbergMarquardt()


@dataclass(frozen=True, kw_only=True)
class PointSolution(Rows):
    """B rows: params (B, D), noise (B,) metres, steps (B,), status (B,); distances (B, P) metres, NaN: not measured."""

    params: Tensor
    noise: Tensor
    steps: Tensor
    status: Tensor
    distances: Tensor

    def __len__(self) -> int:
        return len(self.params)


def fit_positions(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: Sequence[str],
    positions: Tensor,
    confidence: Tensor,
    config: PointConfig = PointConfig(),
    *,
    sizes: KnownSize | None = None,
    labels: Sequence[str] = (),
) -> PointSolution:
    """Fits bodies to points, row by row.

    Args:
        body: the body model; its device and type are the fit's.
        pose_prior: the mixture.
        names: P points of the body, vertices last.
        positions: (B, P, 3) metres; finite where measured. A row's numbers are best small: centred on itself.
        confidence: (B, P) in [0, 1], 0 where not measured.
        config: the constants.
        sizes: heights and measurements that are known, for rows of the
        labels: B names of the rows; none: those for all.
    """
    count = len(positions)
    rows = _in_vectors(torch.arange(count, device=positions.device))
    with torch.inference_mode():
        named = tuple(labels[row] for row in rows.tolist()) if labels else ("",) * len(rows)
        fit = _Fit(body, pose_prior, tuple(names), positions[rows], confidence[rows], config, sizes, named)
        return fit.run().rows(slice(0, count))


def _in_vectors(rows: Tensor) -> Tensor:
    """Row numbers filled up to whole vectors of 16: those left over at the end of an array are rounded otherwise."""
    return filled(rows, -(-len(rows) // 16) * 16)


@dataclass(frozen=True, eq=False)
class _Fit:
    body: BodyModel
    pose_prior: GaussianMixture
    names: tuple[str, ...]
    positions: Tensor
    confidence: Tensor
    config: PointConfig
    sizes: KnownSize | None
    labels: tuple[str, ...]

    def run(self) -> PointSolution:
        config, count = self.config, len(self.positions)
        first = self._joints_alone()
        start = point_start(self.body, self.names[first], self.positions[:, first], self.confidence[:, first])
        found = self._solve(start, config.first, start.new_full((count,), config.first_noise), first)
        noise = self._noise(found.params, first)
        steps = found.steps
        found = self._settle(found.params, noise)
        away = compiled_points(self.body, self.names).points(found.params) - self.positions
        return PointSolution(
            params=found.params,
            noise=noise,
            steps=steps + found.steps,
            status=found.status,
            distances=away.norm(dim=-1).masked_fill(self.confidence <= 0, torch.nan),
        )

    def _joints_alone(self) -> slice:
        """Points that no corrective moves, if they alone settle the pose; they come first."""
        surface = [name for name in self.names if name.startswith("vertex:")]
        count = len(self.names) - len(surface)
        return slice(0, count if surface and count >= self.config.fewest_joints else None)

    def _noise(self, params: Tensor, some: slice) -> Tensor:
        """(B,) metres, from the middle half of a row's residuals: outliers do not count."""
        config = self.config
        if config.noise is not None:
            return params.new_full((len(params),), config.noise)
        away = compiled_points(self.body, self.names[some]).points(params) - self.positions[:, some]
        squared = away.square().sum(-1).masked_fill(self.confidence[:, some] <= 0, torch.nan)
        typical = squared.nanmedian(1).values.div(2.4).sqrt()  # the median of chi squared with 3 degrees is 2.4
        return (config.noise_found * typical).clamp(config.least_noise, config.most_noise).nan_to_num(config.most_noise)

    def _solve(self, start: Tensor, stopping: Stopping, noise: Tensor, some: slice) -> Solution:
        energy = CostedEnergy(self.body, point_terms(self, noise, some, start), rigid=True)
        return minimise(energy, start, self.config.rule, stopping)

    def _settle(self, start: Tensor, noise: Tensor) -> Solution:
        """The second stage. Where points are exact a step goes nearly all the way, so fewer of them do."""
        config = self.config
        energy = CostedEnergy(self.body, point_terms(self, noise, slice(None), start), rigid=True)
        exact = noise <= config.exact_noise
        nothing = torch.zeros_like(noise, dtype=torch.long)
        found = Solution(start.clone(), torch.zeros_like(noise), nothing, nothing.clone())
        for chosen, stopping in ((exact, config.exact), (~exact, config.second)):
            rows = _in_vectors(torch.nonzero(chosen)[:, 0])
            if len(rows):
                solved = minimise(energy, start[rows], config.rule, stopping, rows=rows)
                for whole, part in zip(found, solved, strict=True):
                    whole.index_copy_(0, rows, part)
        return found


def point_terms(fit: _Fit, noise: Tensor, some: slice, start: Tensor) -> list[Term]:
    """The energy of one stage that begins at ``start`` (B, D)."""
    config = fit.config
    weights = fit.confidence[:, some].clamp(0, 1).sqrt() / noise[:, None]
    known = fit.sizes and fit.sizes.term(fit.body, fit.labels, start, weight=config.shape_weight)
    return [
        PointTerm(fit.names[some], fit.positions[:, some], weights, sigma=config.reach),
        MixtureTerm(fit.pose_prior, config.pose_weight, temperature=config.mixture_temperature),
        HingeTerm(config.pose_weight, gain=config.hinge_gain, steepness=config.hinge_steepness),
        ShapeTerm(config.shape_weight),
        *([known] if known else []),
    ]


def couple_positions(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: Sequence[str],
    positions: Tensor,
    confidence: Tensor,
    found: PointSolution,
    config: PointConfig = PointConfig(),
    *,
    persons: Sequence[Hashable] = (),
    videos: Sequence[Hashable] = (),
    lost: Tensor,
    sizes: KnownSize | None = None,
    labels: Sequence[str] = (),
    grounds: Grounds | None = None,
) -> PointSolution:
    """Goes on from fits of rows apart: one shape for all rows of a person, smooth motion along a recording.

    Args:
        body, pose_prior, names, confidence, config, sizes, labels: as for `fit_positions`.
        positions: (B, P, 3) metres, all rows in one frame, that of ``found.params``.
        found: of the rows apart.
        persons: B labels, or none; rows of one label get one shape.
        videos: B labels, or none; neighbouring rows of one label are smoothed.
        lost: (B,) bool, rows whose points fit no body: they have no say, and follow their neighbours.
        grounds: what rows stand on; None: nothing is known.
    """
    confidence = torch.where(lost[:, None], 0.0, confidence)
    named = tuple(labels) or ("",) * len(lost)
    fit = _Fit(body, pose_prior, tuple(names), positions, confidence, config, sizes, named)
    terms = point_terms(fit, found.noise, slice(None), found.params)
    params, steps, status = found.params, found.steps, found.status
    if persons:
        groups: dict[Hashable, list[int]] = {}
        for row, label in enumerate(persons):
            groups.setdefault(label, []).append(row)
        several = [rows for rows in groups.values() if len(rows) > 1]
        if several:
            terms.append(SharedShapeTerm(several, ~lost, config.shape_weight, body.layout.betas))
    rounds = 1
    if videos and len(params) > 1:
        neighbours = neighbours_of(videos, lost)
        params = torch.where(lost[:, None], neighbours.resumed(params), params)
        weights = {"pose_weight": config.smooth_pose, "transl_weight": config.smooth_transl}
        terms.append(SmoothnessTerm(neighbours, body.layout, **weights))
        rounds = config.smooth_rounds
    if grounds is not None and bool(grounds.floors.known.any()):
        weights = {"weight": config.floor, "contact_weight": config.floor, "sigma": config.floor_reach}
        terms.append(FloorTerm(grounds.names, grounds.floors.planes, grounds.held, grounds.runs, **weights))
        rounds = config.smooth_rounds
    energy = Energy(body, terms)
    rows = filled(torch.arange(len(params), device=params.device), 16)
    for _ in range(rounds):
        for term in terms:
            params = term.refresh(params, energy)
        with torch.inference_mode():
            solved = minimise(energy, wrapped(body, params)[rows], config.rule, config.shared, rows=rows)
        params = solved.params[: len(params)].clone()
        steps = steps + solved.steps[: len(params)]
        status = torch.maximum(status, solved.status[: len(params)])
    away = compiled_points(body, tuple(names)).points(params) - positions
    distances = torch.where(found.distances.isnan(), torch.nan, away.norm(dim=-1))
    return PointSolution(params=params, noise=found.noise, steps=steps, status=status, distances=distances)


def wrapped(body: BodyModel, params: Tensor) -> Tensor:
    """The same with the orientation's angle below a turn."""
    start = params.clone()
    where = body.layout.global_orient
    start[:, where] = wrap_axis_angle(start[:, where])
    return start
