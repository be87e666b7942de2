"""Whether other depths of the same picture, ranked by reprojection, would better a direct prediction.

    python scripts/measure_hypotheses.py [--count 500]

Each limb's upper and lower part, and both together, are turned so that they point as far away from the camera as they
pointed towards it; likewise all four limbs at once. In a weak perspective these bodies look alike.
Printed are the mean reconstruction errors of the prediction, of the hypothesis that reprojects best, and of the best
one of all, which nobody could know.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import BodyModel, axis_angle_to_matrix, compile_points, load_body, matrix_to_axis_angle
from anchorfit.body.joint_sets import SMPL_JOINTS, SMPL_PARENTS
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.skinning import world_rotations
from anchorfit.camera import project
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.regressors import predict_params
from anchorfit.regressors.pose_prior import local_rotations
from anchorfit.regressors.translation import translate_to_keypoints

CLEAN = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
PARTS = [
    [f"{side}_{joint}" for joint in joints]
    for side in ("left", "right")
    for joints in (("shoulder", "elbow"), ("hip", "knee"))
]
CHOICES = [[], *([joint] for limb in PARTS for joint in limb), *PARTS, [joint for limb in PARTS for joint in limb]]


def turned(body: BodyModel, params: Tensor, joints: list[str]) -> Tensor:
    """Parameters (B, D) with the bones below the given joints pointing the other way along the view."""
    where = body.layout
    world = world_rotations(axis_angle_to_matrix(params[:, where.pose].unflatten(1, (-1, 3))), SMPL_PARENTS)
    at = body.from_params(params).joints
    view = torch.nn.functional.normalize(at.mean(1), dim=-1)
    changed = world.clone()
    for name in joints:
        joint = SMPL_JOINTS.index(name)
        child = SMPL_PARENTS.index(joint)
        bone = torch.nn.functional.normalize(at[:, child] - at[:, joint], dim=-1)
        axis = torch.cross(bone, view, dim=-1)
        sine, cosine = axis.norm(dim=-1), (bone * view).sum(-1)
        angle = 2 * torch.atan2(cosine, sine)  # from the bone to the plane of the image and as far beyond it
        turn = axis_angle_to_matrix(-angle[:, None] * axis / sine[:, None].clamp_min(1e-9))
        below = [k for k in range(24) if k == joint or (k > joint and SMPL_PARENTS[k] == joint and k not in _BENDING)]
        changed[:, below] = turn[:, None] @ world[:, below]
    bent = params.clone()
    bent[:, where.pose] = matrix_to_axis_angle(local_rotations(changed)).flatten(1)
    return bent


_BENDING = {SMPL_JOINTS.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "elbow")}


def reprojection(body: BodyModel, params: Tensor, people: SyntheticSet) -> Tensor:
    """(B,) mean squared pixels, the body placed where it fits best."""
    seen = people.observations
    points = compile_points(body).points(params)
    moved = (
        points + translate_to_keypoints(points, seen.keypoints, seen.confidence, seen.intrinsics).translation[:, None]
    )
    error = (project(moved, seen.intrinsics) - seen.keypoints).square().sum(-1)
    return (error * seen.confidence).sum(1) / seen.confidence.sum(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(20).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    for name, config in (("clean", CLEAN), ("noisy", SyntheticConfig())):
        people = make_people(body, library.poses[chosen].numpy(), args.count, seed=20, config=config)
        guess = predict_params(people.observations, body).params
        bodies = [turned(body, guess, joints) for joints in CHOICES]
        errors = torch.stack([body_errors(body, some, people.params).reconstruction_mm for some in bodies])
        fits = torch.stack([reprojection(body, some, people) for some in bodies])
        picked = errors.gather(0, fits.argmin(0, keepdim=True))[0]
        print(f"{name}: predicted {errors[0].mean():.1f} mm  best reprojection {picked.mean():.1f} mm  ", end="")
        print(f"best of {len(CHOICES)} {errors.amin(0).mean():.1f} mm", flush=True)


if __name__ == "__main__":
    main()
