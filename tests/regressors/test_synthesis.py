"""Synthetic people and masks: reproducible, within limits, and what detections they come with."""

import math

import numpy as np
import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, axis_angle_to_matrix, compile_points, load_body
from anchorfit.body.joint_sets import SMPL_JOINTS, SMPL_PARENTS
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import project
from anchorfit.regressors.synthesis import (
    DetectorNoise,
    MaskNoise,
    PoseVariation,
    Synthesis,
    Synthesizer,
    camera_rotations,
    detector_hips,
    shipped_poses,
    simulate_detections,
)
from anchorfit.regressors.synthesis.poses import LIMIT_MARGIN, LIMIT_QUANTILE, rareness, training_poses
from anchorfit.regressors.synthesis.silhouettes import render_masks, simple_poses, spoil
from anchorfit.regressors.synthesis.upright import KNEE_DEG, LEG_DEG, TRUNK_DEG, stands

PERFECT = DetectorNoise(
    clean=1.0,
    missing=0.0,
    truncated=0.0,
    hidden_limbs=0.0,
    hips_up=0.0,
    hips_out=0.0,
    conventions=(("canonical", 1.0),),
)


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def library():
    return load_pose_library(split="train")


@pytest.fixture(scope="module")
def source():
    return shipped_poses("train")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_librarys_poses_are_made_ready_once(source, library):
    """Limits and who stands, each against a plain computation from all joints."""
    assert shipped_poses("train") is source
    poses = library.poses
    assert torch.equal(source.poses, poses)
    ordered = poses[:, 3:].numpy().copy()
    ordered.sort(axis=0)
    beyond = int(LIMIT_QUANTILE * len(poses))
    assert torch.equal(source.low, torch.from_numpy(ordered[beyond]) - LIMIT_MARGIN)
    assert torch.equal(source.high, torch.from_numpy(ordered[-1 - beyond]) + LIMIT_MARGIN)
    some = poses[::10]
    up: dict[int, torch.Tensor] = {}
    for joint, rotations in enumerate(axis_angle_to_matrix(some.unflatten(1, (24, 3))).unbind(1)):
        up[joint] = up[SMPL_PARENTS[joint]] @ rotations if joint else rotations
    within = {name: up[SMPL_JOINTS.index(name)][:, 1, 1].acos().rad2deg() for name in SMPL_JOINTS}
    expected = (within["pelvis"] < TRUNK_DEG) & (within["spine3"] < TRUNK_DEG)
    for side in ("left", "right"):
        hip, knee = (up[SMPL_JOINTS.index(f"{side}_{name}")] for name in ("hip", "knee"))
        expected &= within[f"{side}_hip"] < LEG_DEG
        expected &= (hip.mT @ knee)[:, 1, 1].acos().rad2deg() < KNEE_DEG
    assert 100 < expected.sum() < 1000
    assert torch.equal(stands(some), expected)


def test_a_batch_is_a_function_of_seed_and_step(body, source):
    first, again = (Synthesizer(body, source, seed=3).people(7, 16) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
    for seed, step in ((3, 8), (4, 7)):
        assert not torch.equal(first.params, Synthesizer(body, source, seed=seed).people(step, 16).params)


def test_masks_are_a_function_of_seed_and_step_and_look_like_masks(body, source):
    first, again = (Synthesizer(body, source, seed=3).masks(7, 8) for _ in range(2))
    assert torch.equal(first.masks, again.masks)
    assert first.masks.shape == (8, 64, 64)
    assert first.masks.min() >= 0
    assert first.masks.max() == 1
    assert (first.masks.mean((1, 2)) > 0.03).all()


def test_a_perfect_detector_sees_the_projected_joints(body, source):
    people = Synthesizer(body, source, Synthesis(detector=PERFECT)).people(0, 16)
    points = compile_points(body).points(people.params)
    torch.testing.assert_close(people.keypoints, project(points, people.intrinsics))
    assert (people.confidence > 0).all()


def test_cameras_stand_upright_around_people():
    zero = torch.zeros(1)
    facing = camera_rotations(zero, zero, zero)[0]
    torch.testing.assert_close(facing, torch.diag(torch.tensor([1.0, -1.0, -1.0])), atol=1e-6, rtol=0)
    down = camera_rotations(zero, zero + 0.3, zero)[0]
    assert (down @ torch.tensor([0.0, 1.0, 0.0]))[2] < 0  # a camera above, looking down, is nearer to the head


def test_hips_move_up_and_out(body):
    points = compile_points(body).points(torch.zeros(2, 85))
    turn = torch.eye(3).expand(2, 3, 3)
    moved = detector_hips(points, turn, up=0.04, out=torch.tensor([0.0, 0.03])) - points
    left, right = (CANONICAL_JOINTS.index(f"{side}_hip") for side in ("left", "right"))
    expected = torch.tensor([[0.0, 0.04, 0.0], [0.03, 0.04, 0.0]])
    torch.testing.assert_close(moved[:, left], expected)
    torch.testing.assert_close(moved[:, right], expected * torch.tensor([-1.0, 1.0, 1.0]))
    assert moved[:, CANONICAL_JOINTS.index("nose")].abs().max() == 0


def test_noise_has_the_stated_size():
    pixels = torch.zeros(4000, len(CANONICAL_JOINTS), 2)
    noisy = DetectorNoise(clean=0.0, outliers=0.0, swaps=0.0, missing=0.0, truncated=0.0, hidden_limbs=0.0)
    found = simulate_detections(pixels, torch.full((4000,), 200.0), seeded(), noisy)
    seen = found.confidence > 0
    spread = found.keypoints[seen].std()
    # Standard deviations uniform in 0..0.02 of 200 px: root mean square 0.02 * 200 / sqrt(3); 100,000 draws.
    assert float(spread) == pytest.approx(0.02 * 200 / math.sqrt(3), rel=0.03)


def test_conventions_limbs_and_truncation_leave_joints_out():
    pixels = torch.rand(500, len(CANONICAL_JOINTS), 2, generator=seeded())
    found = simulate_detections(pixels, torch.ones(500), seeded(1), DetectorNoise())
    seen = found.confidence > 0
    assert (seen.sum(1) >= 6).all()
    assert not seen.all(1).any() or seen.all(1).float().mean() < 0.1
    assert (found.keypoints[~seen] == 0).all()
    assert (found.confidence <= 1).all()


def test_swapped_sides_exchange_arms_or_legs():
    pixels = torch.arange(len(CANONICAL_JOINTS) * 2.0).view(1, -1, 2).expand(200, -1, -1)
    always = DetectorNoise(
        clean=0.0, noise=0.0, outliers=0.0, swaps=1.0, missing=0.0, truncated=0.0, hidden_limbs=0.0,
        conventions=(("canonical", 1.0),),
    )  # fmt: skip
    found = simulate_detections(pixels, torch.ones(200), seeded(), always).keypoints
    knees, elbows = (
        [CANONICAL_JOINTS.index(f"{side}_{part}") for side in ("left", "right")] for part in ("knee", "elbow")
    )
    legs = (found[:, knees] == pixels[:, knees[::-1]]).all((1, 2))
    arms = (found[:, elbows] == pixels[:, elbows[::-1]]).all((1, 2))
    assert (legs ^ arms).all()
    assert 0.3 < legs.float().mean() < 0.7
    nose = CANONICAL_JOINTS.index("nose")
    assert torch.equal(found[:, nose], pixels[:, nose])


def test_varied_poses_stay_within_limits_or_where_the_library_was(source):
    varied = source.draw(500, seeded(), PoseVariation(turned=1.0, turn_deg=60.0))[:, 3:]
    lowest = torch.minimum(source.low, source.poses[:, 3:].amin(0))
    highest = torch.maximum(source.high, source.poses[:, 3:].amax(0))
    assert (varied >= lowest - 1e-6).all()
    assert (varied <= highest + 1e-6).all()


def test_no_variation_gives_library_poses(source):
    plain = source.draw(20, seeded())
    assert all((source.poses == pose).all(1).any() for pose in plain)


def test_rendered_masks_fill_their_crop(body):
    params = torch.zeros(3, 85)
    params[:, 0], params[:, 84] = math.pi, 4.0
    params[:, 3:72] = simple_poses(3, seeded())
    intrinsics = torch.tensor([[700.0, 0, 320], [0, 700, 240], [0, 0, 1]]).expand(3, 3, 3)
    masks = render_masks(body, params, intrinsics)
    for mask in masks:
        rows, columns = (mask > 0.5).any(1).nonzero(), (mask > 0.5).any(0).nonzero()
        longest = max(rows.max() - rows.min(), columns.max() - columns.min()) + 1
        assert abs(int(longest) - 64 / 1.2) <= 2


def test_clean_masks_stay_and_spoiled_ones_keep_most():
    mask = torch.zeros(64, 64, 64)
    mask[:, 10:54, 20:44] = 1
    assert torch.equal(spoil(mask, seeded(), MaskNoise(clean=1.0)), mask)
    spoiled = spoil(mask, seeded(), MaskNoise(clean=0.0))
    assert not torch.equal(spoiled, mask)
    agreement = (spoiled == mask).float().mean((1, 2))
    assert agreement.mean() > 0.9


def shares(source, library):
    weights = source.cumulative.diff(prepend=torch.zeros(1, dtype=torch.float64))
    weights = (weights / weights.sum()).numpy()
    subjects, who = np.unique(library.subjects, return_inverse=True)
    return weights, dict(zip(subjects, np.bincount(who, weights), strict=True))


def test_rare_poses_are_drawn_more_often_for_training_and_no_subject_gains_too_much(source, library):
    plain, before = shares(source, library)
    rare, after = shares(training_poses(), library)
    assert rare.min() > 0
    assert 1.9 < max(after[name] / before[name] for name in after) < 2.4  # twice, before all were added up again
    assert after["idle-009"] < 0.3 * before["idle-009"]  # who just stands, as many do
    far = rareness(library.poses.float(), torch.from_numpy(plain))
    assert 0.3 <= float(far.min()) < 0.5 < 2.0 < float(far.max()) <= 3.0
    drawn = far @ torch.from_numpy(rare)
    assert float(drawn) > 1.3 * float(far @ torch.from_numpy(plain))


def test_a_pose_is_as_rare_as_its_mirror_image(library):
    weights = library.subject_balanced_weights().double()
    far = rareness(library.poses.float(), weights)
    half = len(far) // 2  # mirror images stand behind
    apart = (far[:half] / far[half:]).log().abs()
    assert float(apart.median()) < 0.15  # the thousand that all are compared with are drawn by chance
