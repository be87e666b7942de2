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
    Gravity,
    centre_over_support,
    standing,
    tilt_of,
    upright_turn,
)
from anchorfit.evaluation.gauges import sitting_pose, standing_pose
from anchorfit.evaluation.mirror_symmetry import mirrored_params
from anchorfit.regressors.synthesis.upright import stands
from anchorfit.rows import rowwise_atan2

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


WINTER = {  # table 4.1: share of the mass of one segment, of the way from its proximal end; how many there are
    ("ear", "ear"): (0.081, None, 1),
    ("hip", "shoulder"): (0.497, 0.5, 1),
    ("shoulder", "elbow"): (0.028, 0.436, 2),
    ("elbow", "wrist"): (0.016, 0.430, 2),
    ("wrist", "wrist"): (0.006, None, 2),
    ("hip", "knee"): (0.100, 0.433, 2),
    ("knee", "ankle"): (0.0465, 0.433, 2),
    ("ankle", "foot"): (0.0145, 0.5, 2),
}


def test_segments_weigh_what_they_weigh_in_winters_table():
    assert len(SEGMENTS_OF_MASS) == len(WINTER)
    for start, end, mass, place in SEGMENTS_OF_MASS:
        share, way, count = WINTER[start, end]
        assert mass == pytest.approx(count * share), (start, end)
        assert way is None or place == way, (start, end)


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


@pytest.mark.parametrize("pitch_deg", [-20.0, 12.0])
def test_what_stands_before_a_pitched_camera_is_turned_upright(pitch_deg):
    turn = torch.tensor([math.radians(pitch_deg), 0.0, 0.0])
    level, pitched = (_points(standing_pose()[None], turned=t) for t in (None, turn))
    back = upright_turn(torch.tensor(pitch_deg))
    between = [centre_over_support(points) for points in (level, pitched)]
    torch.testing.assert_close(between[1] @ back.mT, between[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(back @ back.mT, torch.eye(3), atol=1e-6, rtol=0)
    assert float(torch.linalg.det(back)) == pytest.approx(1.0)


def test_only_a_pitch_that_is_known_is_told():
    told = Gravity.known(torch.tensor([-8.0, 12.0])).pitch_deg
    torch.testing.assert_close(told, torch.tensor([-8.0, 12.0]))
    assert bool(torch.cat([Gravity.usual(2).pitch_deg, Gravity.unknown(1).pitch_deg]).isnan().all())


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


def _ramp(value: torch.Tensor, start: float, end: float) -> torch.Tensor:
    return ((end - value) / (end - start)).clamp(0.0, 1.0)


def _angle_deg(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    sine = torch.linalg.cross(first, second).norm(dim=-1)
    return rowwise_atan2(sine, (first * second).sum(-1)) * (180.0 / math.pi)


def _standing_measure_by_measure(points: torch.Tensor, pitch: torch.Tensor | float) -> torch.Tensor:
    """The law of `standing`, one measure after the other."""
    where = dict(zip(STANDING_POINTS, points.unbind(-2), strict=True))
    middle = {kind: (where[f"left_{kind}"] + where[f"right_{kind}"]) / 2 for kind in ("hip", "shoulder")}
    axis = centre_over_support(points)
    apart = where["left_ankle"] - where["right_ankle"]
    drop = (apart * axis).sum(-1) / axis.norm(dim=-1).clamp_min(1e-6)
    found = _ramp(torch.rad2deg(rowwise_atan2(axis[..., 0].abs(), -axis[..., 1])), 15.0, 30.0)
    found = found * _ramp(torch.rad2deg(tilt_of(axis) + pitch).abs(), 35.0, 55.0)
    found = found * _ramp(_angle_deg(middle["shoulder"] - middle["hip"], axis), 20.0, 40.0)
    for side in ("left", "right"):
        thigh = where[f"{side}_hip"] - where[f"{side}_knee"]
        found = found * _ramp(_angle_deg(thigh, axis), 20.0, 40.0)
        found = found * _ramp(_angle_deg(thigh, where[f"{side}_knee"] - where[f"{side}_ankle"]), 25.0, 50.0)
    return found * _ramp(drop.abs(), 0.08, 0.2) * _ramp(apart.norm(dim=-1), 0.5, 0.8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [1, 3, 4, 17, 128])
def test_all_measures_at_once_are_each_by_itself_to_the_bit(dtype, count):
    points = _points(load_pose_library(split="train").poses[::300][:count]).to(dtype)
    for pitch in (0.0, torch.linspace(-0.3, 0.3, count, dtype=dtype)):
        assert torch.equal(standing(points, pitch), _standing_measure_by_measure(points, pitch))


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
