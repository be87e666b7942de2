"""Who stands, and where the centre of mass is over the feet."""

from __future__ import annotations

import math

import pytest
import torch

from anchorfit.body import SMPL_JOINTS, axis_angle_to_matrix, load_body, matrix_to_axis_angle
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.standing import (
    OFFSET,
    SEGMENTS_OF_MASS,
    STANDING_POINTS,
    centre_over_support,
    standing,
    tilt_of,
)
from anchorfit.evaluation.gauges import sitting_pose, standing_pose
from anchorfit.evaluation.mirror_symmetry import mirrored_params
from anchorfit.regressors.synthesis.upright import stands

BODY = load_body()
BEFORE_CAMERA = axis_angle_to_matrix(torch.tensor([math.pi, 0.0, 0.0]))


def _points(pose: torch.Tensor, *, turned: torch.Tensor | None = None) -> torch.Tensor:
    """(B, 16, 3) of poses (B, 72) in a world with y up, before a level camera; then turned by axis-angle (3,)."""
    params = BODY.layout.zeros(len(pose), BODY.v_template)
    params[:, :72] = pose
    into = BEFORE_CAMERA if turned is None else axis_angle_to_matrix(turned) @ BEFORE_CAMERA
    params[:, :3] = matrix_to_axis_angle(into @ axis_angle_to_matrix(pose[:, :3]))
    params[:, -1] = 4.0
    return compiled_points(BODY, STANDING_POINTS).points(params)


def _bent(joint: str, angle: float) -> torch.Tensor:
    pose = standing_pose().view(24, 3).clone()
    pose[SMPL_JOINTS.index(joint), 0] = angle
    return pose.flatten()


def test_the_segments_are_a_whole_body():
    assert sum(mass for _, _, mass, _ in SEGMENTS_OF_MASS) == pytest.approx(1.0)
    assert sum(OFFSET) == pytest.approx(0.0, abs=1e-9)  # a body elsewhere is off its support by as much


def test_recorded_people_who_stand_are_balanced():
    poses = load_pose_library(split="train").poses
    points = _points(poses[stands(poses)][::20])
    tilt = torch.rad2deg(tilt_of(centre_over_support(points)))
    assert abs(float(tilt.mean())) < 0.5
    assert float(tilt.std()) < 3.0
    assert float(standing(points).median()) > 0.95


@pytest.mark.parametrize("pitch_deg", [-20.0, 0.0, 20.0])
def test_a_camera_that_looks_down_sees_people_lean_towards_it(pitch_deg):
    turn = torch.tensor([math.radians(pitch_deg), 0.0, 0.0])
    level, pitched = (tilt_of(centre_over_support(_points(standing_pose()[None], turned=t))) for t in (None, turn))
    torch.testing.assert_close(pitched - level, torch.tensor([-math.radians(pitch_deg)]), atol=1e-5, rtol=0)
    assert float(standing(_points(standing_pose()[None], turned=turn))) == 1.0


def test_who_does_not_stand():
    level = torch.zeros(3)
    lying = {"on the back": [1.2, 0.0, 0.0], "on the side": [0.0, 0.0, 1.5], "on the hands": [0.0, 0.0, math.pi]}
    for how, turn in lying.items():
        assert float(standing(_points(standing_pose()[None], turned=torch.tensor(turn)))) == 0.0, how
    one_leg = _bent("left_knee", 1.5)  # the shin raised behind
    wide = standing_pose().view(24, 3).clone()
    wide[SMPL_JOINTS.index("left_hip"), 0], wide[SMPL_JOINTS.index("right_hip"), 0] = -0.6, 0.6
    for how, pose in {"sitting": sitting_pose(), "one leg": one_leg, "walking wide": wide.flatten()}.items():
        assert float(standing(_points(pose[None], turned=level))) == 0.0, how


def test_the_mirror_image_stands_as_well():
    poses = load_pose_library(split="train").poses[::900]
    params = BODY.layout.zeros(len(poses), BODY.v_template)
    params[:, :72] = poses
    params[:, :3] = matrix_to_axis_angle(BEFORE_CAMERA @ axis_angle_to_matrix(poses[:, :3]))
    ours, theirs = (compiled_points(BODY, STANDING_POINTS).points(some) for some in (params, mirrored_params(params)))
    assert 0.05 < float(standing(ours).mean()) < 0.95
    torch.testing.assert_close(standing(ours), standing(theirs), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        tilt_of(centre_over_support(ours)), tilt_of(centre_over_support(theirs)), atol=1e-4, rtol=0
    )
