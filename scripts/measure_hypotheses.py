"""Whether other depths of the same picture would better a direct prediction, and who could choose among them.

    python scripts/measure_hypotheses.py [--count 500]

Each limb's upper and lower part, and both together, are turned so that they point as far away from the camera as they
pointed towards it; likewise all four limbs at once. In a weak perspective these bodies look alike. Printed are the mean
reconstruction errors of the prediction, of the hypothesis that reprojects best, of the one of the best posterior
(`posterior`), and of the best one of all, which nobody could know; and of bodies whose limbs, along the tree, point to
that of the two depths on each keypoint's ray which is nearer the prediction (KITRO, CVPR 2024), as a start and fitted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import (
    CANONICAL_JOINTS,
    BodyModel,
    axis_angle_to_matrix,
    compile_points,
    load_body,
    matrix_to_axis_angle,
)
from anchorfit.body.joint_sets import SMPL_JOINTS, SMPL_PARENTS
from anchorfit.body.limbs import LIMBS
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.skinning import world_rotations
from anchorfit.camera import project, rays_of, standing_height
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import GaussianMixture, anchored, load_pose_prior
from anchorfit.fitting.terms.hinge import HINGES
from anchorfit.regressors import predict_params
from anchorfit.regressors.limb_cues import blend_limbs
from anchorfit.regressors.pose_prior import local_rotations
from anchorfit.regressors.translation import translate_to_keypoints

CLEAN = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
PARTS = [
    [f"{side}_{joint}" for joint in joints]
    for side in ("left", "right")
    for joints in (("shoulder", "elbow"), ("hip", "knee"))
]
POSTERIORS = {
    "turns from the prediction": (0.0, 1.0, 0.0, 0.0),
    "keypoints and turns": (1.0, 1.0, 0.0, 0.0),
    "keypoints, turns, mixture, joint ranges": (1.0, 1.0, 1.0, 1.0),
    "keypoints and turns at a tenth": (1.0, 0.1, 0.0, 0.0),
}
"""Weights of the energies that `posterior` adds."""
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


SIGMA_DEG = {"hip": 16, "knee": 13, "ankle": 17, "shoulder": 26, "elbow": 23, "wrist": 18}
"""Root mean square error of the predicted rotations on 1,200 people in training poses, clean, noisy and detected."""
OFF_PERCENT = 2.0  # of a person's height, standard deviation of a keypoint


def posterior(
    body: BodyModel,
    params: Tensor,
    guess: Tensor,
    people: SyntheticSet,
    prior: GaussianMixture,
    weights: Sequence[float],
) -> Tensor:
    """(B,) energy of bodies: weights times those of keypoints (robust), of the turns from the prediction, of the pose
    mixture and of joints bent the wrong way."""
    seen, where = people.observations, body.layout
    points = compile_points(body).points(params)
    moved = translate_to_keypoints(points, seen.keypoints, seen.confidence, seen.intrinsics).translation[:, None]
    pixels = project(points + moved, seen.intrinsics) - seen.keypoints
    height = standing_height(seen.intrinsics, (points + moved)[..., 2].mean(1))
    off = (100 / OFF_PERCENT * pixels / height[:, None, None]).square()
    mine, predicted = (axis_angle_to_matrix(some[:, where.pose].unflatten(1, (-1, 3))) for some in (params, guess))
    cosine = (torch.diagonal(mine.mT @ predicted, dim1=-2, dim2=-1).sum(-1) - 1) / 2
    limbs = [
        (SMPL_JOINTS.index(f"{side}_{kind}"), sigma) for side in ("left", "right") for kind, sigma in SIGMA_DEG.items()
    ]
    turns = torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))[:, [joint for joint, _ in limbs]]
    wrong = torch.stack([sign * params[:, column] for column, sign in HINGES], 1).clamp_min(0)
    energies = (
        (off / (1 + off / 9) * seen.confidence[..., None]).sum((1, 2)) / 2,
        (turns / turns.new_tensor([sigma for _, sigma in limbs])).square().sum(1) / 2,
        prior.energy(params[:, where.body_pose]),
        (wrong / 0.1).square().sum(1) / 2,
    )
    return sum(weight * energy for weight, energy in zip(weights, energies, strict=True))


def along_the_tree(body: BodyModel, params: Tensor, people: SyntheticSet, weight: float) -> Tensor:
    """Bodies (B, D) whose limbs point to their keypoints, at the depth nearer the prediction; upper limbs first."""
    seen, where = people.observations, body.layout
    rays = rays_of(seen.keypoints, seen.intrinsics)
    rays = torch.nn.functional.normalize(torch.cat((rays, torch.ones_like(rays[..., :1])), -1), dim=-1)
    rest = body.from_params(where.zeros(1, params)).joints[0]
    bones = torch.stack([rest[j] - (rest[SMPL_PARENTS[j]] if j else 0 * rest[0]) for j in range(len(SMPL_JOINTS))])
    for limbs in (range(4), range(4, 8)):
        at = body.from_params(params).joints
        directions = params.new_full((len(params), len(LIMBS), 3), torch.nan)
        for limb in limbs:
            start, end = (at[:, SMPL_JOINTS.index(name)] for name in LIMBS[limb])
            keypoint = CANONICAL_JOINTS.index(LIMBS[limb][1])
            along = (rays[:, keypoint] * start).sum(-1)
            half = (along.square() - start.square().sum(-1) + (end - start).square().sum(-1)).clamp_min(0).sqrt()
            both = torch.stack([(along + sign * half)[:, None] * rays[:, keypoint] - start for sign in (1, -1)], 1)
            both = torch.nn.functional.normalize(both, dim=-1)
            nearer = (both * (end - start)[:, None]).sum(-1).argmax(1)
            directions[:, limb] = both[torch.arange(len(both)), nearer]
            directions[seen.confidence[:, keypoint] <= 0, limb] = torch.nan
        world = world_rotations(axis_angle_to_matrix(params[:, where.pose].unflatten(1, (-1, 3))), SMPL_PARENTS)
        turned_limbs = blend_limbs(world, bones, directions, torch.full(directions.shape[:2], weight))
        params = params.clone()
        params[:, where.pose] = matrix_to_axis_angle(local_rotations(turned_limbs)).flatten(1)
    return params


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(20).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    prior = load_pose_prior()

    def error(params: Tensor) -> Tensor:
        return body_errors(body, params, people.params).reconstruction_mm

    for name, config in (("clean", CLEAN), ("noisy", SyntheticConfig())):
        people = make_people(body, library.poses[chosen].numpy(), args.count, seed=20, config=config)
        guess = predict_params(people.observations, body).params
        bodies = [turned(body, guess, joints) for joints in CHOICES]
        errors = torch.stack([error(some) for some in bodies])
        best = {"reprojection": torch.stack([reprojection(body, some, people) for some in bodies])}
        for label, weights in POSTERIORS.items():
            best[label] = torch.stack([posterior(body, some, guess, people, prior, weights) for some in bodies])
        print(f"{name}: predicted {errors[0].mean():.1f} mm  best of {len(CHOICES)} {errors.amin(0).mean():.1f}")
        for label, energy in best.items():
            pick = energy.argmin(0, keepdim=True)
            others = 100 * (pick != 0).float().mean()
            chosen_mm = errors.gather(0, pick)[0].mean()
            print(f"  by {label}: {chosen_mm:.1f} mm, another than the predicted for {others:.0f} %")
        for weight in (0.0, 0.25, 0.5, 1.0):
            start = along_the_tree(body, guess, people, weight) if weight else guess
            fitted = anchored(body, people.observations, prior, start).params
            start_mm, fitted_mm = error(start).mean(), error(fitted).mean()
            print(f"  along the tree, weight {weight}: start {start_mm:.1f} fitted {fitted_mm:.1f} mm", flush=True)


if __name__ == "__main__":
    main()
