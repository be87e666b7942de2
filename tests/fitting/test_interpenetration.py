from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from anchorfit.body import BodyModel, load_body
from anchorfit.body.joint_sets import SMPL_JOINTS
from anchorfit.body.kinematics import compiled_points
from anchorfit.fitting.capsules import COLLIDING, capsules_of, fit_capsules, load_capsules, save_capsules
from anchorfit.fitting.energy import BodyState
from anchorfit.fitting.terms import InterpenetrationTerm


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body().to(dtype=torch.float64)


def _hand_in_the_belly(count: int = 2) -> Tensor:
    params = torch.zeros(count, 85, dtype=torch.float64)
    params[:, 84] = 4.0
    shoulder, elbow = 3 * SMPL_JOINTS.index("left_shoulder"), 3 * SMPL_JOINTS.index("left_elbow")
    params[:, shoulder + 2] = -math.radians(30)
    params[:, elbow + 2] = -math.radians(120)  # the forearm folds in the plane of the chest
    return params + 0.02 * torch.randn(params.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _state(body: BodyModel, params: Tensor) -> BodyState:
    points = compiled_points(body, InterpenetrationTerm.point_names)
    return BodyState.of(params, points, derivative=True)


def test_the_points_are_smpls_joints(body):
    params = _hand_in_the_belly()
    torch.testing.assert_close(_state(body, params).points, body.from_params(params).joints)


def test_the_derivative_is_that_by_pose_alone(body):
    term = InterpenetrationTerm(body, capsules_of(body), 1e3)
    params, rows = _hand_in_the_belly(), torch.arange(2)
    ours = term.residuals(_state(body, params), rows)

    def values(pose: Tensor) -> Tensor:
        all_params = torch.cat([pose, params[:, 72:]], 1)
        return term.residuals(BodyState.of(all_params, compiled_points(body, term.point_names)), rows).values

    twin = torch.autograd.functional.jacobian(values, params[:, :72])
    own = torch.stack([twin[row, :, row] for row in range(2)])
    torch.testing.assert_close(ours.jacobian[..., :72], own)
    assert (ours.jacobian[..., 72:] == 0).all()
    torch.testing.assert_close(term.energy(_state(body, params), rows), ours.values.square().sum(-1))


def test_arms_at_rest_cost_nothing_and_a_hand_in_the_belly_does(body):
    term = InterpenetrationTerm(body, capsules_of(body), 1e3)
    resting = torch.zeros(1, 85, dtype=torch.float64)
    inside = _hand_in_the_belly(1)
    assert float(term.energy(_state(body, resting), torch.arange(1))) < 1e-3
    assert float(term.energy(_state(body, inside), torch.arange(1))) > 1e3
    assert float(term.depth(_state(body, resting))) == 0.0
    assert float(term.depth(_state(body, inside))) > 0.03


def test_capsules_are_symmetric_and_grow_with_the_body(body):
    capsules = fit_capsules(body)
    assert len(COLLIDING) == 23
    assert (capsules.radius > 0.02).all()
    assert (capsules.radius < 0.2).all()
    wide = capsules.radii(torch.eye(10, dtype=torch.float64) * 2)
    assert wide.std(0).max() > 0.003


def test_stored_capsules_are_those_the_script_makes(body, tmp_path):
    made = fit_capsules(load_body())
    stored = capsules_of(load_body())
    child = capsules_of(load_body(age="child"))
    torch.testing.assert_close(child.radius, fit_capsules(load_body(age="child")).radius, rtol=1e-4, atol=1e-5)
    assert (child.radius < stored.radius).all()
    torch.testing.assert_close(stored.radius, made.radius, atol=1e-5, rtol=0)
    torch.testing.assert_close(stored.radius_shape, made.radius_shape, atol=1e-5, rtol=0)
    save_capsules(made, tmp_path / "capsules.npz")
    torch.testing.assert_close(load_capsules(tmp_path / "capsules.npz").radius, made.radius)


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.npz: no such file"):
        load_capsules(tmp_path / "none.npz")
