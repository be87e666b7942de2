"""Gauges of posture: people who stand or sit upright, seen from all round, exact keypoints; how far they come out bent.

Mean errors hide what a view from the side shows at once: that people who stand squat, and lean towards the camera.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import (
    CANONICAL_JOINTS,
    SMPL_JOINTS,
    BodyModel,
    axis_angle_to_matrix,
    compile_points,
    matrix_to_axis_angle,
)
from ..body.pose_library import Split, load_pose_library
from ..camera import intrinsics_matrix, project
from ..observations.conventions import CONVENTIONS
from ..observations.people import Observations
from ..regressors.synthesis import DetectorNoise, camera_rotations
from ..regressors.synthesis.upright import HANGING, stands
from .synthetic import SyntheticConfig, SyntheticSet, as_detected, make_people

HEADINGS = 12
PITCHES_DEG = (0.0, 20.0)  # the camera level, and looking down
STANDING_PITCH_DEG = (-5.0, 25.0)
DISTANCE = 4.5  # metres
IMAGE_SIZE, FOCAL = (640, 480), 960.0  # pixels


class Bends(NamedTuple):
    """(B,) degrees.

    knees: bend of the knees, 0 where thigh and shin are one line; hips: between trunk and thighs, likewise; both means
        of the two sides.
    lean: of the trunk, pelvis to neck, against the truth's.
    """

    knees: Tensor
    hips: Tensor
    lean: Tensor


def standing_pose() -> Tensor:
    """(72,) the rest pose with hanging arms."""
    pose = torch.zeros(24, 3)
    pose[SMPL_JOINTS.index("left_shoulder"), 2] = -HANGING
    pose[SMPL_JOINTS.index("right_shoulder"), 2] = HANGING
    return pose.flatten()


def sitting_pose() -> Tensor:
    """(72,) upright on a chair: hips and knees turned by right angles, hands towards the lap."""
    pose = standing_pose().view(24, 3)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        pose[SMPL_JOINTS.index(f"{side}_hip"), 0] = -math.pi / 2
        pose[SMPL_JOINTS.index(f"{side}_knee"), 0] = math.pi / 2
        pose[SMPL_JOINTS.index(f"{side}_elbow"), 1] = 0.6 * sign
    return pose.flatten()


def seen_all_round(body: BodyModel, pose: Tensor, pitch_deg: float) -> SyntheticSet:
    """The mean body in a pose (72,) with exact COCO keypoints at `HEADINGS` headings, the camera's pitch in degrees."""
    yaw = torch.arange(HEADINGS) * (2 * math.pi / HEADINGS)
    pitch = torch.full_like(yaw, math.radians(pitch_deg))
    params = body.layout.join(
        global_orient=matrix_to_axis_angle(camera_rotations(yaw, pitch, torch.zeros_like(yaw))),
        body_pose=pose[3:].expand(HEADINGS, -1),
        betas=torch.zeros(HEADINGS, body.num_betas),
        transl=torch.tensor([0.0, 0.0, DISTANCE]).expand(HEADINGS, 3),
    ).to(body.v_template)
    width, height = IMAGE_SIZE
    intrinsics = intrinsics_matrix(torch.full((HEADINGS,), FOCAL), (width / 2, height / 2)).to(params)
    known = torch.tensor([name in CONVENTIONS["coco17"] for name in CANONICAL_JOINTS], device=params.device)
    pixels = project(compile_points(body, CANONICAL_JOINTS).points(params), intrinsics)
    observations = Observations(
        keypoints=torch.where(known[:, None], pixels, 0.0),
        confidence=known.to(params).expand(HEADINGS, -1).clone(),
        intrinsics=intrinsics,
        image_size=torch.tensor([[width, height]]).expand(HEADINGS, 2).to(params),
        names=tuple(f"heading {360 * index // HEADINGS}" for index in range(HEADINGS)),
    )
    return SyntheticSet(observations, params)


class StandingPeople(NamedTuple):
    """Observations of B people, their true parameters (B, D), and the cameras' pitch (B,) in degrees."""

    observations: Observations
    params: Tensor
    pitch_deg: Tensor


def standing_people(
    body: BodyModel,
    count: int,
    *,
    seed: int,
    split: Split = "train",
    noise: DetectorNoise | None = DetectorNoise(clean=0.0),
) -> StandingPeople:
    """People who stand as recorded, before cameras that look down by -5 to 25 degrees, with a detector's keypoints.

    Args:
        body: the body they have.
        count: B.
        seed: everything random comes from it.
        split: the part of the pose library whose standing people are drawn.
        noise: the detector's; None: exact joints of COCO.
    """
    library = load_pose_library(split=split)
    poses = library.poses[stands(library.poses)]
    exact = SyntheticConfig(
        pitch_deg=STANDING_PITCH_DEG, noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0
    )
    people = make_people(body, poses.numpy(), count, seed=seed, config=exact)
    drawn = np.random.default_rng(seed).integers(len(poses), size=count)  # as `make_people` draws them
    upright, turned = (axis_angle_to_matrix(some[:, :3].double().cpu()) for some in (poses[drawn], people.params))
    up = (turned @ upright.mT)[:, :, 1]
    pitch_deg = torch.rad2deg(torch.atan2(-up[:, 2], -up[:, 1])).to(people.params)
    if noise is not None:
        people = as_detected(body, people, noise, seed=seed)
    return StandingPeople(people.observations, people.params, pitch_deg)


def bends(body: BodyModel, params: Tensor, truth: Tensor) -> Bends:
    """How bodies (B, D) are bent, beside the true ones (B, D)."""
    joints, true_joints = (body.from_params(some).joints for some in (params, truth))

    def between(where: Tensor, start: str, end: str) -> Tensor:
        return where[:, SMPL_JOINTS.index(end)] - where[:, SMPL_JOINTS.index(start)]

    def mean_angle(*pairs: tuple[Tensor, Tensor]) -> Tensor:
        angles = [torch.atan2(torch.linalg.cross(a, b).norm(dim=1), (a * b).sum(1)) for a, b in pairs]
        return torch.rad2deg(torch.stack(angles).mean(0))

    trunk = between(joints, "pelvis", "neck")
    thighs = [between(joints, f"{side}_hip", f"{side}_knee") for side in ("left", "right")]
    shins = [between(joints, f"{side}_knee", f"{side}_ankle") for side in ("left", "right")]
    return Bends(
        knees=mean_angle(*zip(thighs, shins, strict=True)),
        hips=mean_angle(*((-trunk, thigh) for thigh in thighs)),
        lean=mean_angle((trunk, between(true_joints, "pelvis", "neck"))),
    )
