"""Gauges of posture: the truth measures as it was made, and a bent body as it was bent."""

import math

import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, load_body
from anchorfit.evaluation.gauges import HEADINGS, bends, seen_all_round, sitting_pose, standing_pose


@pytest.fixture(scope="module")
def body():
    return load_body()


def test_people_are_seen_upright_from_all_round(body):
    people = seen_all_round(body, standing_pose(), 0.0)
    joints = body.from_params(people.params).joints
    assert (joints[:, SMPL_JOINTS.index("head"), 1] < joints[:, SMPL_JOINTS.index("pelvis"), 1]).all()  # y down
    left = joints[:, SMPL_JOINTS.index("left_hip")] - joints[:, SMPL_JOINTS.index("right_hip")]
    headings = torch.atan2(left[:, 2], left[:, 0]).sort().values
    torch.testing.assert_close(headings.diff(), torch.full((HEADINGS - 1,), 2 * math.pi / HEADINGS), atol=1e-4, rtol=0)
    seen = people.observations.confidence > 0
    assert seen.sum(1).tolist() == [17] * HEADINGS
    assert not seen[:, CANONICAL_JOINTS.index("neck")].any()
    nose = people.observations.keypoints[:, CANONICAL_JOINTS.index("nose")]
    assert ((nose > 0) & (nose < torch.tensor([640.0, 480.0]))).all()


def test_a_camera_that_looks_down_sees_the_head_nearer(body):
    joints = body.from_params(seen_all_round(body, standing_pose(), 20.0).params).joints
    assert (joints[:, SMPL_JOINTS.index("head"), 2] < joints[:, SMPL_JOINTS.index("left_ankle"), 2]).all()


def test_bends_are_those_of_the_pose(body):
    standing, sitting = (seen_all_round(body, pose, 20.0).params for pose in (standing_pose(), sitting_pose()))
    at_rest, seated = bends(body, standing, standing), bends(body, sitting, standing)
    assert at_rest.knees.max() < 12
    assert at_rest.hips.max() < 12
    assert at_rest.lean.max() < 0.1
    torch.testing.assert_close(seated.knees, torch.full_like(seated.knees, 95.0), atol=7, rtol=0)
    torch.testing.assert_close(seated.hips, torch.full_like(seated.hips, 95.0), atol=7, rtol=0)
    pose = standing_pose().view(24, 3)
    for side in ("left", "right"):
        pose[SMPL_JOINTS.index(f"{side}_knee"), 0] = math.radians(40)
    pose[SMPL_JOINTS.index("spine1"), 0] = math.radians(15)
    squatting = bends(body, seen_all_round(body, pose.flatten(), 20.0).params, standing)
    torch.testing.assert_close(squatting.knees - at_rest.knees, torch.full((HEADINGS,), 40.0), atol=2, rtol=0)
    assert ((squatting.lean > 10) & (squatting.lean < 15)).all()
