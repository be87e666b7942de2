"""Gauge of the pitch that people show: cameras pitched as told, people as asked for, errors as reckoned by hand."""

import math

import numpy as np
import pytest
import torch

from anchorfit.body import Gravity, axis_angle_to_matrix, compile_points, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.standing import STANDING_POINTS, standing
from anchorfit.evaluation.pitch_scenes import KINDS, SCENE_PITCH_DEG, PitchScenes, pitch_errors, pitch_scenes
from anchorfit.evaluation.synthetic import SyntheticConfig

BODY = load_body()
ASIDE = load_pose_library(split="aside")
EXACT = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, roll_deg=0.0)


def _scenes(kind, count=12, people=3, seed=1) -> PitchScenes:
    return pitch_scenes(BODY, ASIDE, count, people, kind=kind, seed=seed, config=EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_all_of_a_scene_stand_before_one_camera(kind):
    found = _scenes(kind)
    assert found.scenes.tolist() == [scene for scene in range(12) for _ in range(3)]
    assert torch.equal(found.pitch_deg[::3], found.pitch_deg[1::3])
    assert float(found.pitch_deg.min()) >= SCENE_PITCH_DEG[0]
    assert float(found.pitch_deg.max()) <= SCENE_PITCH_DEG[1]
    points = compile_points(BODY, STANDING_POINTS).points(found.params)
    stand = standing(points, torch.deg2rad(found.pitch_deg)) > 0.5
    share = float(stand.float().mean())  # of bodies of other proportions than those that were chosen by it
    assert 0.3 < share < 0.7 if kind == "half stand" else share < 0.1


def test_who_faces_the_camera_faces_it_as_the_camera_is_pitched():
    found = _scenes("alike, to the camera")
    turned = axis_angle_to_matrix(found.params[:, :3])
    pitch = torch.deg2rad(found.pitch_deg)
    down = torch.stack((torch.zeros_like(pitch), pitch.cos(), pitch.sin()), -1)
    left = turned[:, :, 0]
    level = left - (left * down).sum(-1, keepdim=True) * down
    off = torch.rad2deg(torch.acos((level[:, 0] / level.norm(dim=-1)).clamp(-1, 1)))
    assert float(off.max()) < 30.5


def test_people_alike_are_in_poses_of_one_recording():
    poses = _scenes("alike", people=2).params[:, 3:72].double()
    rows = torch.cdist(poses, ASIDE.poses[:, 3:].double()).argmin(1).numpy()
    takes = ASIDE.takes[rows].reshape(-1, 2)
    assert bool(np.all(takes[:, 0] == takes[:, 1]))
    assert len(set(takes[:, 0])) > 1


def test_errors_are_those_of_scenes_and_their_sigmas():
    scenes = _scenes("half stand", count=4, people=2)
    off = torch.tensor([1.0, 4.0, 11.0, 12.0]).repeat_interleave(2)
    sigma = torch.tensor([3.0, 2.0, 8.0, 7.0]).repeat_interleave(2)  # those of 8 and 7 are not told further
    told = Gravity(pitch=torch.deg2rad(scenes.pitch_deg + off), sigma=torch.deg2rad(sigma))
    assert pitch_errors(told, scenes) == pytest.approx((7.0, 50.0, 50.0, 2.5, 50.0), abs=0.01)
    nobody = pitch_errors(Gravity.usual(8), scenes)
    assert (nobody.shown, math.isnan(nobody.shown_off_deg)) == (0.0, True)
