"""Poses written down by hand: kicks, dance, sports, riding."""

import math
import re
from pathlib import Path

import pytest
import torch

from anchorfit.body import axis_angle_to_matrix, load_body
from anchorfit.body.joint_sets import SMPL_JOINTS
from anchorfit.body.rotations import mirror_pose
from anchorfit.regressors.synthesis import PoseVariation, shipped_poses
from anchorfit.regressors.synthesis.acts import _TABLE, ACTS, _mirrored, acting_poses, pose_of


@pytest.fixture(scope="module")
def joints():
    """Act -> joint -> (3,) metres, a world with y up, the person facing +z."""
    body = load_body()
    pose = pose_of(_TABLE)
    blank = torch.zeros(len(pose), body.layout.num_betas)
    params = body.layout.join(
        global_orient=pose[:, :3], body_pose=pose[:, 3:], betas=blank, transl=torch.zeros(len(pose), 3)
    )
    places = body.from_params(params).joints
    return {act: dict(zip(SMPL_JOINTS, rows, strict=True)) for act, rows in zip(ACTS, places, strict=True)}


def direction(places, start, end):
    return torch.nn.functional.normalize(places[end] - places[start], dim=0)


def test_acts_are_what_their_names_say(joints):
    up, ahead, left = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0])
    kick = joints["front kick"]
    assert direction(kick, "right_hip", "right_ankle") @ ahead > 0.9
    assert direction(kick, "left_hip", "left_ankle") @ up < -0.95
    side = joints["side kick"]
    assert direction(side, "right_hip", "right_ankle") @ left < -0.8
    assert direction(side, "left_hip", "left_ankle") @ up < -0.9
    horse = joints["horse stance"]
    for name, sign in (("left", 1.0), ("right", -1.0)):
        assert direction(horse, f"{name}_knee", f"{name}_ankle") @ up < -0.9  # shins upright
        assert sign * (horse[f"{name}_knee"] - horse["pelvis"]) @ left > 0.25
    assert direction(horse, "left_shoulder", "left_wrist") @ ahead > 0.9
    assert direction(joints["arabesque"], "right_hip", "right_ankle") @ -ahead > 0.7
    hand = joints["handstand"]
    assert hand["head"][1] < hand["pelvis"][1] < hand["left_ankle"][1]
    assert hand["left_wrist"][1] < hand["head"][1]
    triangle = joints["triangle"]
    for name in ("left", "right"):
        assert direction(triangle, f"{name}_hip", f"{name}_ankle") @ up < -0.8
    dog = joints["down dog"]
    assert dog["pelvis"][1] > max(dog["head"][1], dog["left_ankle"][1], dog["left_wrist"][1]) + 0.3
    crossed = joints["arms crossed"]
    assert (crossed["left_wrist"] - crossed["left_elbow"]) @ left < -0.1
    for act in ("serve", "reach up", "umbrella", "wave"):
        assert joints[act]["right_wrist"][1] > joints[act]["right_elbow"][1]


def test_pages_say_how_many_acts_there_are():
    page = (Path(__file__).resolve().parents[2] / "docs" / "prediction.md").read_text()
    assert set(re.findall(r"(\d+)(?= acts\b| poses of that kind)", page)) == {str(len(ACTS))}


def test_mirrored_angles_are_the_mirrored_pose():
    own, wanted = (
        axis_angle_to_matrix(pose.unflatten(1, (24, 3)))  # half a turn has two axis-angles
        for pose in (pose_of(_mirrored(_TABLE)), mirror_pose(pose_of(_TABLE)))
    )
    torch.testing.assert_close(own, wanted, rtol=0, atol=1e-5)


def test_knees_and_elbows_bend_as_they_can_and_seeds_repeat():
    pose = acting_poses(500, torch.Generator().manual_seed(4))
    assert torch.equal(pose, acting_poses(500, torch.Generator().manual_seed(4)))
    own = pose.unflatten(1, (24, 3))
    knees = own[:, [SMPL_JOINTS.index("left_knee"), SMPL_JOINTS.index("right_knee")], 0]
    elbows = own[:, [SMPL_JOINTS.index("left_elbow"), SMPL_JOINTS.index("right_elbow")], 1] * torch.tensor([-1.0, 1.0])
    for bends in (knees, elbows):
        assert 0 <= float(bends.min()) <= float(bends.max()) <= math.radians(151)
    assert float(own.norm(dim=-1).max()) < math.pi + 1e-4


def test_a_share_of_training_people_acts_and_the_others_are_drawn_as_without():
    source = shipped_poses("train")
    drawn = [
        source.draw(400, torch.Generator().manual_seed(0), PoseVariation(recorded=0.4, acting=share))
        for share in (0.0, 0.25)
    ]
    same = (drawn[0] == drawn[1]).all(1).float().mean()
    assert float(same) == pytest.approx(0.75, abs=0.07)
    with pytest.raises(ValueError, match=r"shares of 1 in all, got 1\.1"):  # others would have lost theirs in silence
        PoseVariation(recorded=0.8, sitting=0.1, acting=0.2)
