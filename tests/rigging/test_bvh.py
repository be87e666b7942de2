"""BVH read back by a plain parser is the body's skeleton."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rig_files import read_bvh  # type: ignore[import-not-found]  # its folder is on pytest's path

from anchorfit.body import SMPL_JOINTS, load_body
from anchorfit.rigging import export_bvh


@pytest.fixture(scope="module")
def body():
    return load_body()


def upright(estimate, body) -> np.ndarray:
    return estimate.bodies(body).joints.numpy() * [1, -1, -1]


@pytest.mark.parametrize(("count", "scale"), [(1, 1.0), (9, 100.0)])
def test_joints_come_back(some_estimate, body, tmp_path, count, scale):
    frames = some_estimate(count)
    frames = replace(frames, body_pose=5 * frames.body_pose, betas=frames.betas[:1].expand(count, 10))
    export_bvh(tmp_path / "a.bvh", frames, body, frames_per_second=25, scale=scale)
    found = read_bvh(tmp_path / "a.bvh")
    assert sorted(found.names) == sorted(SMPL_JOINTS)
    assert found.frame_time == pytest.approx(0.04)
    order = [found.names.index(name) for name in SMPL_JOINTS]
    np.testing.assert_allclose(found.positions[:, order], scale * upright(frames, body), atol=3e-6 * scale)


def test_offsets_are_the_rest_pose(some_estimate, body, tmp_path):
    one = some_estimate(1)
    export_bvh(tmp_path / "a.bvh", one, body)
    found = read_bvh(tmp_path / "a.bvh")
    rest = dict(zip(SMPL_JOINTS, body.rest_joints(one.betas)[0].numpy(), strict=True))
    for joint, parent in enumerate(found.parents):
        if parent >= 0:
            expected = rest[found.names[joint]] - rest[found.names[parent]]
            np.testing.assert_allclose(found.offsets[joint], expected, atol=2e-6)
    assert found.offsets[0].tolist() == [0, 0, 0]
    assert set(found.ends) == {"head", "left_hand", "right_hand", "left_foot", "right_foot"}
    assert found.ends["head"][1] > 0.1  # up to the top of the head
    assert found.ends["left_hand"][0] > 0.02 > -0.02 > found.ends["right_hand"][0]


def test_angles_do_not_jump_by_whole_turns(some_estimate, body, tmp_path):
    frames = some_estimate(40)
    spin = torch.zeros(40, 3)
    spin[:, 1] = torch.linspace(0, 12, 40)
    export_bvh(tmp_path / "a.bvh", replace(frames, global_orient=spin, body_pose=torch.zeros(40, 69)), body)
    lines = (tmp_path / "a.bvh").read_text().splitlines()
    motion = np.array([[float(v) for v in line.split()] for line in lines[lines.index("MOTION") + 3 :]])
    assert np.abs(np.diff(motion[:, 3:], axis=0)).max() < 20


@pytest.mark.parametrize("bend", [1.2, 2.6])
def test_between_two_frames_angles_lead_past_no_other_pose(some_estimate, body, tmp_path, bend):
    """Knees that bend about x, shoulders about z through the straight angle, each a little unsteady."""
    frames = some_estimate(60)
    pose = 0.02 * frames.body_pose
    for joint, axis, most in (("left_knee", 0, bend), ("left_shoulder", 2, 1.7), ("right_elbow", 1, bend)):
        pose[:, 3 * SMPL_JOINTS.index(joint) - 3 + axis] += most * torch.linspace(0, 1, 60)
    export_bvh(tmp_path / "a.bvh", replace(frames, body_pose=pose), body)
    head, _, motion = (tmp_path / "a.bvh").read_text().partition("Frame Time:")
    rows = np.array([[float(v) for v in line.split()] for line in motion.splitlines()[1:]])
    halfway = "\n".join(" ".join(f"{v:.6f}" for v in row) for row in (rows[1:] + rows[:-1]) / 2)
    between = head.replace("Frames: 60", "Frames: 59") + "Frame Time: 0.03\n" + halfway + "\n"
    (tmp_path / "between.bvh").write_text(between)
    apart = read_bvh(tmp_path / "between.bvh").positions
    frames_found = read_bvh(tmp_path / "a.bvh").positions
    assert np.abs(apart - (frames_found[1:] + frames_found[:-1]) / 2).max() < 0.01


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_straight_angle_is_no_trouble(some_estimate, body, tmp_path, axis):
    one = some_estimate(1)
    pose = torch.zeros(1, 69)
    pose[0, axis] = torch.pi / 2  # about x it is the middle one of the three
    one = replace(one, body_pose=pose)
    export_bvh(tmp_path / "a.bvh", one, body)
    found = read_bvh(tmp_path / "a.bvh")
    order = [found.names.index(name) for name in SMPL_JOINTS]
    np.testing.assert_allclose(found.positions[:, order], upright(one, body), atol=3e-6)


def test_bad_input_is_named(some_estimate, body, tmp_path):
    with pytest.raises(ValueError, match="scale: expected a positive number"):
        export_bvh(tmp_path / "a.bvh", some_estimate(1), body, scale=-1)


def test_frames_with_shapes_of_their_own_get_the_mean_and_stay_in_place(some_estimate, body, tmp_path):
    frames = some_estimate(3)
    export_bvh(tmp_path / "a.bvh", frames, body)
    found = read_bvh(tmp_path / "a.bvh")
    np.testing.assert_allclose(found.positions[:, 0], upright(frames, body)[:, 0], atol=2e-6)
    rest = body.rest_joints(frames.betas.mean(0, keepdim=True))[0].numpy()
    knee = found.names.index("left_knee")
    np.testing.assert_allclose(found.offsets[knee], rest[4] - rest[1], atol=2e-6)
