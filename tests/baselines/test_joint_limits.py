import math

import pytest
import torch
from lifting_problems import rotations  # type: ignore[import-not-found]

from anchorfit.body import SMPL_JOINTS, load_body
from anchorfit_baselines.joint_limits import BONE_NAMES, JointLimits, sphere_bins
from anchorfit_baselines.orthography import bone_lengths, skeleton_points
from anchorfit_baselines.pose_basis import training_shapes


@pytest.fixture(scope="module")
def shapes():
    return training_shapes(load_body(), 3000, seed=0)


@pytest.fixture(scope="module")
def limits(shapes):
    return JointLimits.learn(shapes[:, :24], load_body().rest_joints_table[0].double())


def bent(joint: str, degrees: float) -> torch.Tensor:
    """(1, 31, 3) someone standing, one joint turned about the body's x axis: positive brings what hangs on it back."""
    params = torch.zeros(1, 85, dtype=torch.float64)
    for side, sign in (("left", 1.0), ("right", -1.0)):  # arms down: in a T few people were recorded
        params[0, 3 * SMPL_JOINTS.index(f"{side}_shoulder") + 2] = -sign * 1.2
    params[0, 3 * SMPL_JOINTS.index(joint)] = math.radians(degrees)
    return skeleton_points(load_body()).to(dtype=torch.float64).points(params)


def test_training_poses_are_allowed_however_they_are_turned(shapes, limits):
    assert limits.allowed(shapes).all()
    assert limits.allowed(shapes[:50] @ rotations(50, 1).mT).all()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_knee_bends_back_and_not_forward(limits, side):
    shin = BONE_NAMES.index(f"{side}_knee-{side}_ankle")
    assert limits.allowed(bent(f"{side}_knee", 60.0))[0, shin]
    assert not limits.allowed(bent(f"{side}_knee", -60.0))[0, shin]


def test_a_bone_out_of_limits_is_turned_back_and_keeps_its_length(limits):
    wrong = bent("left_knee", -60.0)
    mended = limits.moved_inside(wrong)
    assert limits.allowed(mended).all()
    torch.testing.assert_close(bone_lengths(mended), bone_lengths(wrong))
    foot, hip = (SMPL_JOINTS.index(f"left_{name}") for name in ("foot", "hip"))
    assert (mended[0, foot] - wrong[0, foot]).norm() > 0.1  # hangs on the shin
    torch.testing.assert_close(mended[0, hip], wrong[0, hip])


def test_poses_inside_stay_as_they_are(shapes, limits):
    torch.testing.assert_close(limits.moved_inside(shapes[:40]), shapes[:40])


def test_whatever_comes_ends_inside(limits):
    joints = torch.randn(30, 31, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert limits.allowed(limits.moved_inside(joints)).all()


def test_limits_depend_on_the_parent(limits):
    """Of a forearm, what is allowed under one upper arm is not allowed under another."""
    elbow = limits.following[1][0]
    parents = elbow[elbow.any(1)].double()
    assert (parents @ (1 - parents).mT > 0).any()
    assert parents.mean() < 0.7 * elbow.any(0).double().mean()


def test_bins_are_spread_evenly():
    middles = sphere_bins(400)
    torch.testing.assert_close(middles.norm(dim=-1), torch.ones(400, dtype=torch.float64))
    nearest = (middles @ middles.mT - 2 * torch.eye(400)).amax(1).clamp(-1, 1).acos().rad2deg()
    assert 8 < nearest.min() < nearest.max() < 12


def test_joints_must_be_smpls():
    with pytest.raises(ValueError, match=r"joints: expected \(N, 24, 3\), got \(2, 17, 3\)"):
        JointLimits.learn(torch.zeros(2, 17, 3), torch.zeros(24, 3))
