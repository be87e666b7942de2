"""Terms of further cameras: their derivatives, their short cuts, and that they are the same in any camera's frame."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from anchorfit.body import BodyModel, axis_angle_to_matrix, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.moving import moved
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import make_people
from anchorfit.fitting.config import FitConfig, Stage
from anchorfit.fitting.energy import BodyState, Energy
from anchorfit.fitting.least_squares import NormalEquations
from anchorfit.fitting.pose_prior import load_pose_prior
from anchorfit.fitting.problem import FitProblem, Placement
from anchorfit.fitting.terms import InView, Keypoints, LimbDirections, Silhouette, TermSpec, View, Views
from anchorfit.rendering import rasterize

COUNT = 3
ROWS = torch.tensor([2, 0])
STAGE = Stage(name="only", pose_weight=4.78, shape_weight=5.0)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body().to(dtype=torch.float64)


@pytest.fixture(scope="module")
def problem(body: BodyModel) -> FitProblem:
    """People before one camera; stages as of any schedule."""
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    people = make_people(body, poses, COUNT, seed=4)
    config = FitConfig(stages=(STAGE, replace(STAGE, name="outlines"))).without(
        "shared_shape", "smoothness", "silhouette"
    )
    return FitProblem(
        body=body,
        observations=people.observations.to(dtype=torch.float64),
        pose_prior=load_pose_prior(dtype=torch.float64),
        start=people.params.double(),
        whole=torch.ones(COUNT, dtype=torch.bool),
        predicted=True,
        placement=Placement(
            depth=people.params[:, -1].double(), zoom=torch.ones(COUNT).double(), shoulders=torch.ones(COUNT).double()
        ),
        skeleton=("nose", "left_wrist", "right_knee"),
        config=config,
    )


@pytest.fixture(scope="module")
def view(body: BodyModel, problem: FitProblem) -> View:
    """A second camera that looks at the same people from aside, with evidence of its own."""
    rotation = axis_angle_to_matrix(torch.tensor([[0.1, 0.7, -0.2]], dtype=torch.float64)).expand(COUNT, 3, 3).clone()
    at = problem.start[:, body.layout.transl]
    translation = at + torch.tensor([0.1, 0.0, 0.3]) - (rotation @ at[..., None])[..., 0]
    there = moved(body, problem.start, rotation, translation)
    seen = problem.observations
    world = compiled_points(body).points(there)
    pictures = rasterize(body.from_params(there).vertices, body.faces, seen.intrinsics, (480, 640)).face_ids
    observations = replace(
        seen,
        keypoints=seen.keypoints + 30.0,
        masks=tuple(picture.numpy() >= 0 for picture in pictures),
        world=world - world.mean(1, keepdim=True),
    )
    return View(observations=observations, rotation=rotation, translation=translation)


def specs(view: View) -> dict[str, TermSpec]:
    second = replace(view, translation=view.translation + 0.2)
    return {
        "views": Views(views=(view, second), joints=("nose", "left_wrist", "right_ankle", "left_shoulder")),
        "silhouette": InView(name="silhouette", view=view, spec=Silhouette(), from_stage="outlines"),
        "limbs": InView(name="limbs", view=view, spec=LimbDirections()),
    }


def state_at(body: BodyModel, names: tuple[str, ...], params: Tensor) -> BodyState:
    return BodyState.of(params, compiled_points(body, names), derivative=True)


@pytest.mark.parametrize("which", ["views", "silhouette", "limbs"])
def test_derivatives_and_short_cuts(which, problem, body, view):
    params = problem.start + 0.05
    term = specs(view)[which].build(problem, STAGE)
    assert term is not None
    assert torch.equal(term.refresh(params, Energy(body, [term])), params)
    points = compiled_points(body, term.point_names)

    def values(p: Tensor) -> Tensor:
        return term.residuals(BodyState.of(p, points), ROWS).values

    chosen = params[ROWS]
    state = state_at(body, term.point_names, chosen)
    found = term.residuals(state, ROWS)
    assert found.values.abs().max() > 0
    twin = torch.autograd.functional.jacobian(values, chosen)
    own = torch.stack([twin[row, :, row] for row in range(len(ROWS))])
    torch.testing.assert_close(found.jacobian, own, atol=1e-7 * float(own.abs().amax()), rtol=1e-6)
    normal = NormalEquations.zeros(len(ROWS), params.shape[1], params)
    term.accumulate(state, ROWS, normal)
    transposed = found.jacobian.mT
    torch.testing.assert_close(normal.hessian, transposed @ found.jacobian, atol=1e-6, rtol=1e-8)
    torch.testing.assert_close(normal.gradient, (transposed @ found.values[..., None])[..., 0], atol=1e-6, rtol=1e-8)
    torch.testing.assert_close(normal.cost, found.values.square().sum(-1))
    torch.testing.assert_close(term.energy(state, ROWS), normal.cost)


def test_a_view_in_the_rows_own_frame_is_the_keypoint_term(problem, body):
    same = View(
        observations=problem.observations,
        rotation=torch.eye(3, dtype=torch.float64).expand(COUNT, 3, 3).clone(),
        translation=torch.zeros(COUNT, 3, dtype=torch.float64),
    )
    zoomed = replace(problem, config=replace(problem.config, reference_height=None))
    term = Views(views=(same,), joints=problem.skeleton, sigma=100.0).build(zoomed, STAGE)
    other = Keypoints().build(zoomed, STAGE)
    assert term is not None
    for one in (term, other):
        assert set(one.point_names) == set(problem.skeleton)
    rows = torch.arange(COUNT)
    costs = [one.energy(state_at(body, one.point_names, problem.start + 0.03), rows) for one in (term, other)]
    torch.testing.assert_close(*costs)


def test_moved_bodies_lie_where_their_points_went(body, problem, view):
    there = moved(body, problem.start, view.rotation, view.translation)
    vertices = body.from_params(problem.start).vertices @ view.rotation.mT + view.translation[:, None]
    torch.testing.assert_close(body.from_params(there).vertices, vertices, atol=1e-9, rtol=1e-9)


def test_a_camera_that_the_person_is_behind_has_no_say(problem, body, view):
    behind = replace(view, translation=view.translation - torch.tensor([0.0, 0.0, 100.0], dtype=torch.float64))
    term = Views(views=(behind,)).build(problem, STAGE)
    assert term is not None
    assert float(term.energy(state_at(body, term.point_names, problem.start), torch.arange(COUNT)).abs().max()) == 0


def test_rows_are_told_by_name(problem, view):
    with pytest.raises(ValueError, match="is not among them"):
        view.of(["someone#0"])
    assert view.of([view.observations.names[1]] * 3).observations.names == (view.observations.names[1],) * 3
