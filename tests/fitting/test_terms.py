"""Each term's Jacobian against autograd, its short cut against its residuals, the sum against SMPLify's formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from anchorfit.body import BodyModel, Gravity, load_body
from anchorfit.body.floor import Floors, heights
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.soles import soles
from anchorfit.body.uncertainty import Correlation, PoseUncertainty
from anchorfit.evaluation.synthetic import make_people
from anchorfit.fitting import terms as all_terms
from anchorfit.fitting.config import TERMS, FitConfig, Stage
from anchorfit.fitting.energy import BodyState, Energy, Residuals, Term
from anchorfit.fitting.grounds import Grounds
from anchorfit.fitting.least_squares import NormalEquations
from anchorfit.fitting.pose_prior import GaussianMixture, load_pose_prior
from anchorfit.fitting.problem import FitProblem, Placement
from anchorfit.fitting.schedules import SKELETONS
from anchorfit.fitting.terms import (
    AnchorTerm,
    AutogradTerm,
    Hinge,
    HingeTerm,
    Interpenetration,
    InterpenetrationTerm,
    InView,
    JointAnchor,
    Keypoints,
    KeypointTerm,
    KnownSize,
    MixtureTerm,
    Points,
    Robust,
    ShapeTerm,
    TermSpec,
    Views,
)
from anchorfit.fitting.terms.interpenetration import interpenetration_term
from anchorfit.rendering import rasterize

NAMES = ("left_wrist", "right_knee", "nose", "left_shoulder", "head_top")
COUNT = 4
STAGE = Stage(name="only", pose_weight=4.78, shape_weight=5.0)
LAYOUT = load_body().layout


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body().to(dtype=torch.float64)


@pytest.fixture(scope="module")
def prior() -> GaussianMixture:
    return load_pose_prior(dtype=torch.float64)


@pytest.fixture(scope="module")
def params(prior: GaussianMixture) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    values = 0.3 * torch.randn(COUNT, LAYOUT.size, generator=generator, dtype=torch.float64)
    values[:, LAYOUT.body_pose] += prior.means[:COUNT]
    values[:, 0] += math.pi
    values[:, LAYOUT.depth] += 4.0
    return values


@pytest.fixture(scope="module")
def problem(body: BodyModel, prior: GaussianMixture, params: Tensor) -> FitProblem:
    """Four people with masks, joints in space, skewed cameras and labels: evidence for every term there is."""
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    observations = make_people(body, poses, COUNT, seed=4).observations.to(dtype=torch.float64)
    intrinsics = observations.intrinsics.clone()
    intrinsics[:, 0, 1] = 30.0
    intrinsics[:, 1, 1] *= 1.1
    world = compiled_points(body).points(params)
    world = world + 0.1 * torch.randn(world.shape, generator=torch.Generator().manual_seed(2), dtype=world.dtype)
    pictures = rasterize(body.from_params(params).vertices, body.faces, intrinsics, (480, 640)).face_ids
    return FitProblem(
        body=body,
        observations=replace(
            observations,
            intrinsics=intrinsics,
            masks=tuple(picture.numpy() >= 0 for picture in pictures),
            world=world,
        ),
        pose_prior=prior,
        start=params + 0.2,
        whole=torch.ones(COUNT, dtype=torch.bool),
        predicted=True,
        placement=Placement(
            depth=torch.linspace(3, 5, COUNT, dtype=torch.float64),
            zoom=torch.tensor([1.0, 0.5, 2.0, 1.3], dtype=torch.float64),
            shoulders=torch.ones(COUNT, dtype=torch.float64),
        ),
        skeleton=SKELETONS[0],
        config=FitConfig(terms=TERMS, stages=tuple(replace(STAGE, name=name) for name in stage_names())),
        persons=("a", "a", "b", "b"),
        videos=("v",) * COUNT,
        sure=torch.ones(COUNT, dtype=torch.bool),
        lost=torch.zeros(COUNT, dtype=torch.bool),
    )


def stage_names() -> list[str]:
    return ["only", *dict.fromkeys(spec.from_stage for spec in TERMS if spec.from_stage)]


class _Own(TermSpec):
    """A term by automatic differentiation, and one under a kernel, among the package's own."""

    def build(self, problem: FitProblem, stage: Stage) -> Term:
        def level(row, points, told):
            return told * (points[0, 1:2] - points[1, 1:2]) + row.betas[:1].square()

        data = torch.linspace(1, 2, COUNT, dtype=torch.float64)[:, None]
        term = AutogradTerm(self.name, level, point_names=("left_ankle", "right_ankle"), data=data)
        return Robust(term, 0.3, weight=7.0) if self.name == "robust" else term


VARIANTS = (
    *TERMS,
    Keypoints(name="keypoints", dead_zone=4.0),
    Hinge(name="hinge", weight=10.0, steepness=1.0),
    JointAnchor(errors_deg=tuple(range(2, 25))),
    _Own(name="autograd"),
    _Own(name="robust"),
)


def test_an_anchor_takes_one_weight_as_a_number_or_a_tensor(params):
    rows, state = torch.arange(COUNT), BodyState.of(params)
    terms = [
        AnchorTerm(params + 0.1, LAYOUT.betas, w, sigma=None)
        for w in (3.0, torch.tensor(3.0), torch.full((COUNT,), 3.0))
    ]
    values = [term.residuals(state, rows).values for term in terms]
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[0], values[2])
    each = torch.linspace(1.0, 5.0, LAYOUT.num_betas, dtype=torch.float64).expand(COUNT, -1)
    apart = AnchorTerm(params + 0.1, LAYOUT.betas, each, sigma=None).residuals(state, rows).values
    torch.testing.assert_close(apart, values[0] / 3.0 * each)


def test_every_term_of_the_package_is_in_the_list():
    kinds = {one for one in vars(all_terms).values() if isinstance(one, type) and issubclass(one, TermSpec)}
    given = {
        InView,
        JointAnchor,
        KnownSize,
        Points,
        Views,
    }  # evidence of their own: not by name
    assert kinds - {TermSpec} - given == {type(spec) for spec in TERMS}
    assert len({spec.name for spec in TERMS}) == len(TERMS)


def _upright(problem: FitProblem) -> FitProblem:
    """The same people before cameras whose pitch is known, and by their prediction they stand."""
    start = torch.zeros_like(problem.start)
    start[:, 0] = math.pi
    return replace(problem, start=start, gravity=Gravity.known(start.new_tensor([0.0, 10.0, 20.0, -5.0])))


def _sure(problem: FitProblem) -> FitProblem:
    """The same people, predicted by a network that says how sure it is; the weighed anchor takes the other's place."""
    eye = torch.eye(3, dtype=torch.float64)
    turned = torch.linalg.cholesky(30 * eye + torch.rand(COUNT, 24, 3, 1, dtype=torch.float64))
    known = PoseUncertainty(
        whitening=turned, pelvis=0.1 * eye.expand(COUNT, 3, 3), correlation=Correlation(torch.eye(72))
    )
    return replace(problem, uncertainty=known)


def _grounded(problem: FitProblem) -> FitProblem:
    """The same people, through whose feet the floor goes; one point of each stands, and two rows' left heels at one
    place."""
    names = soles(problem.body).names
    points = compiled_points(problem.body, names).points(problem.start - 0.2)
    planes = problem.start.new_tensor([[0.1, -0.9, -0.3, 0.0]]).repeat(COUNT, 1)
    planes /= planes[:, :3].norm(dim=1, keepdim=True)
    planes[:, 3] = -heights(points, planes).median(1).values
    runs = torch.full((COUNT, len(names)), -1)
    runs[:, 0], runs[:, 4] = torch.tensor([0, 0, 1, 2]), torch.arange(COUNT) + 3
    floors = Floors(planes=planes)
    return replace(
        problem,
        grounds=Grounds(
            floors=floors,
            runs=runs,
            scale=planes[:, 3] * 0 + 1,
            held=torch.linspace(1.0, 0.1, COUNT).to(planes),
            names=names,
        ),
    )


def _built(spec: TermSpec, problem: FitProblem, params: Tensor) -> Term:
    asked = {"balance": _upright, "weighed_anchor": _sure, "floor": _grounded}.get(spec.name, lambda same: same)
    term = spec.build(asked(problem), STAGE)
    assert term is not None
    assert torch.isfinite(term.refresh(params, Energy(problem.body, [term]))).all()
    return term


def _state(body: BodyModel, term: Term, params: Tensor) -> BodyState:
    points = compiled_points(body, term.point_names) if term.point_names else None
    return BodyState.of(params, points, derivative=True)


@pytest.mark.parametrize("spec", VARIANTS, ids=lambda spec: spec.name)
def test_jacobian_is_the_derivative_of_the_residuals(spec, problem, body, params):
    term = _built(spec, problem, params)
    rows = torch.tensor([2, 0, 3])
    chosen = params[rows]

    def values(p: Tensor) -> Tensor:
        points = compiled_points(body, term.point_names) if term.point_names else None
        return term.residuals(BodyState.of(p, points), rows).values

    if term.residuals(_state(body, term, chosen), rows).values.shape[1] == 0:  # a condition, not a weight
        assert term.holds
        return
    twin = torch.autograd.functional.jacobian(values, chosen)  # (B, R, B, D)
    ours = term.residuals(_state(body, term, chosen), rows).jacobian
    own = torch.stack([twin[i, :, i] for i in range(len(rows))])
    if spec.name == "interpenetration":  # by design not by betas and translation: see the term
        own[..., LAYOUT.pose.stop :] = 0
    assert own.shape == ours.shape
    torch.testing.assert_close(ours, own, atol=1e-7 * float(own.abs().amax() if own.numel() else 0), rtol=1e-6)


@pytest.mark.parametrize("spec", VARIANTS, ids=lambda spec: spec.name)
def test_the_short_cut_comes_to_the_same_normal_equations(spec, problem, body, params):
    term = _built(spec, problem, params)
    rows = torch.arange(COUNT)
    state = _state(body, term, params)
    long, short = (NormalEquations.zeros(COUNT, LAYOUT.size, params) for _ in range(2))
    Term.accumulate(term, state, rows, long)
    term.accumulate(state, rows, short)
    for one, other in zip(short, long, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(term.energy(state, rows), long.cost)
    torch.testing.assert_close(term.energy(state._replace(derivative=None), rows), long.cost)


class _Misshapen(Term):
    """What a beginner's first term gives: one residual a row, without the dimension of residuals."""

    point_names = ("left_ankle",)

    def residuals(self, state, rows):
        return Residuals(state.points[:, 0, 1], state.jacobian[:, 0, 1])


def test_residuals_of_a_wrong_shape_are_named(body, params):
    energy = Energy(body, [_Misshapen()])
    with pytest.raises(ValueError, match=r"_Misshapen: expected residuals \(B, R\).* got \(4,\) and \(4, 85\)"):
        energy.normal_equations(params, torch.arange(COUNT))


def test_an_automatic_term_may_give_a_single_number(body, params):
    points = ("nose",)
    one = AutogradTerm("level", lambda row, points, _: points[0, 1], point_names=points)
    several = AutogradTerm("level", lambda row, points, _: points[:, 1], point_names=points)
    found, wanted = (Energy(body, [term]).normal_equations(params, torch.arange(COUNT)) for term in (one, several))
    torch.testing.assert_close(found, wanted)


def test_terms_go_by_the_names_of_their_specs(problem):
    usual = [spec for spec in TERMS if spec.name != "weighed_anchor"]  # which stands where `anchor` does
    twice = replace(problem.config, terms=(*usual, Interpenetration(name="second", weight=1.0), _Own(name="own")))
    terms = {term.name: term for term in replace(_upright(_grounded(problem)), config=twice).terms(twice.stages[-1])}
    assert list(terms) == [spec.name for spec in twice.terms]
    assert InterpenetrationTerm.name == "interpenetration"
    assert terms["interpenetration"] is interpenetration_term(problem.body, Interpenetration().weight)


@pytest.mark.parametrize("angle", [0.0, 3.0, math.pi, 3.3])
def test_the_anchor_of_a_turn_is_differentiated_on_either_side_of_half_a_turn(angle, body, params):
    target = params.clone()
    target[:, LAYOUT.global_orient] = angle * torch.nn.functional.normalize(params[:, :3], dim=1)
    term = AnchorTerm(target, LAYOUT.global_orient, 100.0, sigma=0.7, turn=True)
    near = target.clone()
    near[:, LAYOUT.global_orient] += 0.1
    near[2:, LAYOUT.global_orient] *= 1 - 2 * math.pi / near[2:, :3].norm(dim=1, keepdim=True)  # written the other way
    rows = torch.arange(COUNT)
    twin = torch.autograd.functional.jacobian(lambda p: term.residuals(BodyState.of(p), rows).values, near)
    own = torch.stack([twin[i, :, i] for i in range(COUNT)])
    torch.testing.assert_close(term.residuals(BodyState.of(near), rows).jacobian, own)


def _keypoints(weights: Tensor | None = None) -> KeypointTerm:
    generator = torch.Generator().manual_seed(2)
    intrinsics = torch.tensor([[800.0, 3.0, 320.0], [0.0, 780.0, 240.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    return KeypointTerm(
        NAMES,
        torch.rand(COUNT, len(NAMES), 2, generator=generator, dtype=torch.float64) * 400,
        torch.rand(COUNT, len(NAMES), generator=generator, dtype=torch.float64) if weights is None else weights,
        intrinsics.expand(COUNT, 3, 3),
        sigma=60.0,
    )


def test_the_whole_energy_is_smplifys(body, prior, params):
    """A plain loop over joints and components, from the formulas of Bogo et al. 2016 and the public constants."""
    weight, shape_weight = 4.78, 5.0
    data = _keypoints()
    energy = Energy(body, [data, MixtureTerm(prior, weight), HingeTerm(weight), ShapeTerm(shape_weight)])
    points = compiled_points(body, NAMES).points(params).numpy()
    ours = energy.normal_equations(params, torch.arange(COUNT)).cost.numpy()
    covariances = np.linalg.inv((prior.precisions_cholesky @ prior.precisions_cholesky.mT).numpy())
    roots = (
        np.sqrt(np.linalg.det(covariances * 100.0)) / 100.0**34.5
    )  # det of 69 small numbers underflows less this way
    shares = prior.weights.numpy() / ((2 * np.pi) ** 34.5 * roots / roots.min())
    for row in range(COUNT):
        total = 0.0
        for joint in range(len(NAMES)):
            x, y, z = points[row, joint]
            pixel = np.array([800 * x / z + 3 * y / z + 320, 780 * y / z + 240])
            for error in pixel - data._keypoints[row, joint].numpy():
                kernel = 60.0**2 * error**2 / (60.0**2 + error**2)
                total += float(data._weights[row, joint]) ** 2 * kernel
        pose = params[row].numpy()[:72]
        candidates = []
        for k in range(len(shares)):
            away = pose[3:] - prior.means[k].numpy()
            candidates.append(0.5 * away @ np.linalg.inv(covariances[k]) @ away - np.log(shares[k]))
        total += weight**2 * min(candidates)
        for angle in (pose[55], -pose[58], -pose[12], -pose[15]):
            total += (0.317 * weight * 10 * np.exp(angle)) ** 2
        total += shape_weight**2 * float((params[row, 72:82] ** 2).sum())
        assert ours[row] == pytest.approx(total, rel=1e-6)


def test_a_used_joint_behind_the_camera_makes_the_energy_infinite(body, prior, params):
    behind = params.clone()
    behind[1, LAYOUT.depth] = -3.0
    cost = Energy(body, [_keypoints()]).normal_equations(behind, torch.arange(COUNT)).cost
    assert torch.isinf(cost).tolist() == [False, True, False, False]
    unused = _keypoints(torch.zeros(COUNT, len(NAMES), dtype=torch.float64))
    assert torch.isfinite(Energy(body, [unused]).normal_equations(behind, torch.arange(COUNT)).cost).all()


def test_frozen_unknowns_take_no_part(body, prior, params):
    betas = LAYOUT.betas
    model = Energy(body, [_keypoints(), ShapeTerm(5.0)], frozen=(betas,)).normal_equations(params, torch.arange(COUNT))
    assert (model.gradient[:, betas] == 0).all()
    assert torch.equal(model.hessian[:, betas, betas], torch.eye(10, dtype=torch.float64).expand(COUNT, 10, 10))
    assert (model.hessian[:, betas, :72] == 0).all()
