"""People as photographs show them: some stand or sit upright, and keypoints err as detectors' and annotators' do."""

import math
from dataclasses import replace

import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, axis_angle_to_matrix, compile_points, load_body
from anchorfit.regressors.synthesis import (
    DetectorNoise,
    PoseVariation,
    Synthesis,
    Synthesizer,
    shipped_poses,
    simulate_detections,
)
from anchorfit.regressors.synthesis.upright import stands, upright_poses


@pytest.fixture(scope="module")
def source():
    return shipped_poses("train")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_people_who_stand_are_found_among_poses():
    pose = torch.zeros(5, 72)
    pose[1, 4 * 3] = math.radians(30)  # a bent knee
    pose[2, 0] = math.radians(20)  # a leaning body
    pose[3, 1 * 3] = pose[3, 2 * 3] = -math.pi / 2  # hips of somebody who sits
    pose[4, 1] = 2.0  # the heading does not matter
    assert stands(pose).tolist() == [True, False, False, False, True]


def test_upright_people_stand_straight_or_sit_square(source):
    seated = torch.arange(400) >= 200
    standing, others = (source._draw(sums, 400, seeded()) for sums in (source.standing, source.cumulative))
    assert stands(standing).all()
    pose = upright_poses(standing, others, seated, seeded(2))
    joints = pose.unflatten(1, (24, 3))
    knees = torch.rad2deg(joints[:200, 4:6].norm(dim=-1))
    assert knees.median() < 10
    assert knees.quantile(0.95) < 20
    bends = torch.rad2deg(torch.stack((-joints[200:, 1:3, 0], joints[200:, 4:6, 0])))
    assert float(bends.mean()) == pytest.approx(90, abs=2)
    assert float(bends.std()) == pytest.approx(11, abs=1.5)
    up = axis_angle_to_matrix(pose[:, :3])[:, 1, 1]
    assert float(torch.rad2deg(up[:200].acos()).quantile(0.95)) < 10
    assert torch.equal(pose, upright_poses(standing, others, seated, seeded(2)))


def test_shares_of_poses_are_recorded_or_upright(source):
    plain = PoseVariation(recorded=1.0)
    assert all((source.poses == pose).all(1).any() for pose in source.draw(20, seeded(), plain))
    upright = source.draw(300, seeded(), PoseVariation(standing=1.0))
    assert torch.rad2deg(upright.unflatten(1, (24, 3))[:, 4:6].norm(dim=-1)).median() < 10
    today, mixed = (source.draw(300, seeded(), PoseVariation(recorded=share)) for share in (0.0, 0.5))
    assert 0.4 < (today == mixed).all(1).float().mean() < 0.6  # the others are drawn as without


EXACT = DetectorNoise(
    clean=0.0,
    noise=0.0,
    outliers=0.0,
    swaps=0.0,
    missing=0.0,
    truncated=0.0,
    hidden_limbs=0.0,
    conventions=(("canonical", 1.0),),
)


@pytest.fixture
def standing_people():
    """(400, K, 2) one person who stands before a camera, 200 pixels tall in T pose, and the height."""
    points = compile_points(load_body()).points(torch.zeros(1, 85))[0, :, :2] * torch.tensor([120.0, -120.0]) + 300
    return points.expand(400, -1, -1), torch.full((400,), 200.0)


def of(name):
    return CANONICAL_JOINTS.index(name)


def test_habits_put_joints_where_annotators_put_them(standing_people):
    pixels, height = standing_people
    moved = (simulate_detections(pixels, height, seeded(), replace(EXACT, habits=1.0)).keypoints - pixels).mean(0)
    torso = 0.3 * 200
    width = float((pixels[0, of("left_shoulder")] - pixels[0, of("right_shoulder")]).norm())
    assert float(moved[of("left_ankle"), 1]) == pytest.approx(-0.035 * torso / 2, rel=0.15)  # up, half on average
    assert float(moved[of("right_hip"), 1]) == pytest.approx(0.04 * torso / 2, rel=0.15)
    for side, sign in (("left", 1), ("right", -1)):
        assert float(moved[of(f"{side}_ankle"), 0]) == pytest.approx(sign * 0.09 * width / 2, rel=0.15)
    assert moved[of("nose")].norm() < 1e-3


def test_noise_goes_along_limbs(standing_people):
    pixels, height = standing_people
    found = simulate_detections(pixels, height, seeded(), replace(EXACT, noise=0.05, along_limbs=0.6)).keypoints
    errors = found - pixels

    def correlation(one, other):
        return float(torch.corrcoef(torch.stack((errors[:, of(one), 0], errors[:, of(other), 0])))[0, 1])

    assert correlation("left_shoulder", "left_elbow") == pytest.approx(0.6, abs=0.1)
    assert correlation("left_knee", "left_ankle") == pytest.approx(0.6, abs=0.1)
    assert correlation("left_knee", "right_knee") == pytest.approx(0.0, abs=0.12)


def test_limbs_of_others_corners_and_guesses(standing_people):
    pixels, height = standing_people
    moved = (simulate_detections(pixels, height, seeded(), replace(EXACT, foreign=1.0)).keypoints != pixels).any(-1)
    assert moved.any(1).all()
    assert (moved.sum(1) <= 6).all()  # an arm or a leg
    assert not moved[:, [of("nose"), of("pelvis"), of("left_hip")]].any()
    cornered = simulate_detections(pixels, height, seeded(), replace(EXACT, cornered=1.0))
    there = cornered.keypoints.amax(-1) <= 1
    assert float(there.float().mean()) == pytest.approx(0.1, abs=0.02)
    assert (cornered.confidence[there] <= 0.3).all()
    footless = simulate_detections(pixels, height, seeded(), replace(EXACT, footless=1.0, headless=1.0))
    for name in ("left_ankle", "right_big_toe", "head_top", "nose"):
        assert (footless.confidence[:, of(name)] == 0).all()
    assert (footless.confidence[:, of("left_knee")] > 0).all()
    guessed = simulate_detections(pixels, height, seeded(), replace(EXACT, footless=1.0, guessed=1.0))
    sure = guessed.confidence[:, of("left_ankle")]
    assert (sure > 0).all()
    assert (sure <= 0.3).all()


def test_what_is_not_asked_for_draws_nothing():
    """Sets that figures are measured on were drawn before these errors and postures were known: same numbers since."""
    assert Synthesis().detector == DetectorNoise()
    assert Synthesis().variation == PoseVariation()
    pixels = torch.zeros(3, len(CANONICAL_JOINTS), 2)
    found = simulate_detections(pixels, torch.ones(3), seeded(9), DetectorNoise(clean=0.0))
    assert float(found.keypoints.sum()) == pytest.approx(-0.0628083, abs=1e-5)
    assert float(found.confidence.sum()) == pytest.approx(33.139091, abs=1e-4)
    heldout = shipped_poses("heldout")
    varied = heldout.draw(5, seeded(3), PoseVariation())
    assert float(varied.double().abs().sum()) == pytest.approx(125.9726, abs=1e-3)


def test_training_people_are_a_function_of_seed_and_step_and_finite(source):
    body = load_body()
    first, again = (Synthesizer(body, source, Synthesis.photographed(), seed=3).people(7, 64) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
        assert torch.isfinite(one).all()
