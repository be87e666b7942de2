"""Whether other depths of the same picture would better a direct prediction, and who could choose among them.

    python scripts/measure_hypotheses.py [--count 500] [--pictures 256]

Each limb's upper and lower part, and both together, are turned so that they point as far away from the camera as they
pointed towards it; likewise all four limbs at once. In a weak perspective these bodies look alike. Printed are the mean
reconstruction errors of the prediction, of the hypothesis that reprojects best, of the one of the best posterior
(`posterior`), and of the best one of all, which nobody could know; and of bodies whose limbs, along the tree, point to
that of the two depths on each keypoint's ray which is nearer the prediction (KITRO, CVPR 2024), as a start and fitted.

People: held-out ones by exact, noisy and a detector's keypoints, others kept aside likewise, and dressed ones in
pictures, seen by the detector in the package: of these alone there are limbs seen in space, which are a cue where the
prediction has been drawn to them and where not. Balance is a cue of those who stand, before a camera of which nothing
is known and before one whose pitch is given.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import (
    CANONICAL_JOINTS,
    BodyModel,
    Gravity,
    axis_angle_to_matrix,
    compile_points,
    load_body,
    matrix_to_axis_angle,
)
from anchorfit.body.joint_sets import SMPL_JOINTS, SMPL_PARENTS
from anchorfit.body.limbs import LIMBS, limb_confidence, limb_directions
from anchorfit.body.pose_library import Split, load_pose_library
from anchorfit.body.skinning import world_rotations
from anchorfit.body.standing import STANDING_POINTS, centre_over_support, standing, tilt_of
from anchorfit.body.uncertainty import turns_of
from anchorfit.camera import project, rays_of, standing_height
from anchorfit.detectors import load_embedded_detector
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.heldout_people import Keypoints, balanced_poses, people_with_keypoints
from anchorfit.evaluation.synthetic import SyntheticSet
from anchorfit.fitting import GaussianMixture, anchored, load_pose_prior
from anchorfit.fitting.terms.hinge import HINGES
from anchorfit.observations import observe
from anchorfit.regressors import Prediction, predict_params
from anchorfit.regressors.limb_cues import blend_limbs
from anchorfit.regressors.pose_prior import local_rotations
from anchorfit.regressors.synthesis.images import ImageSynthesis, SyntheticImages
from anchorfit.regressors.synthesis.poses import shipped_poses
from anchorfit.regressors.translation import translate_to_keypoints

PARTS = [
    [f"{side}_{joint}" for joint in joints]
    for side in ("left", "right")
    for joints in (("shoulder", "elbow"), ("hip", "knee"))
]
POSTERIORS = {
    "turns from the prediction": {"turns": 1.0},
    "keypoints and turns": {"keypoints": 1.0, "turns": 1.0},
    "keypoints, turns, mixture, joint ranges": {"keypoints": 1.0, "turns": 1.0, "mixture": 1.0, "ranges": 1.0},
    "keypoints and turns at a tenth": {"keypoints": 1.0, "turns": 0.1},
    "its own covariances": {"covariances": 1.0},
    "keypoints, covariances": {"keypoints": 1.0, "covariances": 1.0},
    "keypoints, turns, balance": {"keypoints": 1.0, "turns": 1.0, "balance": 1.0},
    "keypoints, turns, balance of a known pitch": {"keypoints": 1.0, "turns": 1.0, "known balance": 1.0},
}
"""Weights of the energies that `posterior` adds."""
SEEN = {
    "limbs seen": {"limbs": 1.0},
    "turns, limbs seen": {"turns": 1.0, "limbs": 1.0},
    "keypoints, turns, limbs seen": {"keypoints": 1.0, "turns": 1.0, "limbs": 1.0},
    "keypoints, turns, limbs seen, balance": {"keypoints": 1.0, "turns": 1.0, "limbs": 1.0, "balance": 1.0},
}
"""Likewise, where limbs were seen in space."""
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
LIMB_DEG = 30.0  # of a limb's direction as the detector sees it (docs/detectors.md)


class Cues(NamedTuple):
    """The prediction, what is known of gravity where nothing is and where the pitch is given, and the pose mixture."""

    guess: Prediction
    usual: Gravity
    known: Gravity
    prior: GaussianMixture


def energies(body: BodyModel, params: Tensor, people: SyntheticSet, cues: Cues) -> dict[str, Tensor]:
    """(B,) each: of keypoints (robust), of the turns from the prediction, in its usual errors and in its own
    covariances, of the pose mixture, of joints bent the wrong way, of limbs seen in space, and of standing people's
    balance."""
    seen, where, guess = people.observations, body.layout, cues.guess.params
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
    found = {
        "keypoints": (off / (1 + off / 9) * seen.confidence[..., None]).sum((1, 2)) / 2,
        "turns": (turns / turns.new_tensor([sigma for _, sigma in limbs])).square().sum(1) / 2,
        "mixture": cues.prior.energy(params[:, where.body_pose]),
        "ranges": (wrong / 0.1).square().sum(1) / 2,
    }
    if cues.guess.uncertainty is not None:
        known = cues.guess.uncertainty
        apart = matrix_to_axis_angle(turns_of(params[:, where.pose]).world @ turns_of(guess[:, where.pose]).world.mT)
        white = (known.whitening @ apart[..., None])[..., 0].flatten(1)
        found["covariances"] = (white @ known.correlation.inverse_root.mT).square().sum(1) / 2
    away = torch.rad2deg(torch.acos((limb_directions(points) * limb_directions(seen.world)).sum(-1).clamp(-1, 1)))
    cue = (away.nan_to_num(0.0) / LIMB_DEG).square()
    found["limbs"] = (cue / (1 + cue / 9) * limb_confidence(seen.confidence)).sum(1) / 2
    standing_points, at = (compile_points(body, STANDING_POINTS).points(some) for some in (guess, params))
    lean = tilt_of(centre_over_support(at))
    for name, gravity in (("balance", cues.usual), ("known balance", cues.known)):
        found[name] = standing(standing_points) * ((lean + gravity.pitch) / gravity.sigma).square() / 2
    return found


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


def drawn_people(
    body: BodyModel, split: Split, count: int, seed: int, keypoints: Keypoints
) -> tuple[SyntheticSet, Gravity]:
    """People of a part of the library, and the pitch of their cameras."""
    poses = balanced_poses(load_pose_library(split=split), seed)
    people = people_with_keypoints(body, poses, count, keypoints, seed=seed)
    drawn = np.random.default_rng(seed).integers(len(poses), size=count)  # as `make_people` draws them
    upright, turned = (axis_angle_to_matrix(torch.as_tensor(some)[:, :3]) for some in (poses[drawn], people.params))
    up = (turned.double() @ upright.double().mT)[:, :, 1]
    gravity = Gravity.known(torch.rad2deg(torch.atan2(-up[:, 2], -up[:, 1])).to(people.params))
    return people, gravity


def pictured_people(body: BodyModel, count: int) -> tuple[SyntheticSet, Gravity]:
    """Dressed people in held-out poses, seen in their boxes by the detector in the package."""
    size, at_once = 256, 32
    settings = ImageSynthesis(size=size)
    settings = replace(settings, people=replace(settings.people, variation=None))
    source = shipped_poses("heldout")
    data, detector = SyntheticImages(body, source, settings, seed=5), load_embedded_detector()
    people, cameras, truth = [], [], []
    for step in range(count // at_once):
        batch, params = data.batch(step, at_once), data.truth(step, at_once)
        pixels = project(compile_points(body).points(params), batch.intrinsics)
        low, high = pixels.amin(1), pixels.amax(1)
        margin = 0.1 * (high - low).amax(1, keepdim=True)
        low, high = (low - margin).clamp(0, size - 1), (high + margin).clamp(1, size)
        for row in range(at_once):
            picture = (255 * batch.picture[row].permute(1, 2, 0).clamp(0, 1)).byte().numpy()
            left, top, width, height = torch.cat((low[row], high[row] - low[row])).tolist()
            found = detector.in_boxes(picture, [(left, top, width, height)])[0]
            if found is not None:
                people.append(replace(found, person_id=f"{step}-{row}", image_size=(size, size)))
                cameras.append(batch.intrinsics[row])
                truth.append(params[row])
    observations = observe(people, cameras, masks=False)
    return SyntheticSet(observations, torch.stack(truth)), Gravity.usual(len(people))


def measure(body: BodyModel, prior: GaussianMixture, people: SyntheticSet, gravity: Gravity, *, blend: bool) -> None:
    """Print a line for each way of choosing; ``blend``: whether the prediction is drawn to limbs seen in space."""
    seen = people.observations
    blind = replace(seen, world=torch.full_like(seen.world, torch.nan))
    guess = predict_params(seen if blend else blind, body)
    cues = Cues(guess, Gravity.usual(len(seen)), gravity, prior)

    def error(params: Tensor) -> Tensor:
        return body_errors(body, params, people.params).reconstruction_mm

    bodies = [turned(body, guess.params, joints) for joints in CHOICES]
    errors = torch.stack([error(some) for some in bodies])
    found = [energies(body, some, people, cues) for some in bodies]
    table = {name: torch.stack([energy[name] for energy in found]) for name in found[0]}
    best = {"reprojection": torch.stack([reprojection(body, some, people) for some in bodies])}
    for label, weights in (POSTERIORS | (SEEN if bool(seen.world.isfinite().any()) else {})).items():
        best[label] = sum((weight * table[name] for name, weight in weights.items()), torch.zeros(()))
    print(f"  predicted {errors[0].mean():.1f} mm  best of {len(CHOICES)} {errors.amin(0).mean():.1f}")
    for label, energy in best.items():
        pick = energy.argmin(0, keepdim=True)
        others = 100 * (pick != 0).float().mean()
        chosen_mm = errors.gather(0, pick)[0].mean()
        print(f"  by {label}: {chosen_mm:.1f} mm, another than the predicted for {others:.0f} %")
    for weight in (0.0, 0.25, 0.5, 1.0):
        start = along_the_tree(body, guess.params, people, weight) if weight else guess.params
        fitted = anchored(body, seen, prior, start, doubted=guess.doubted).params
        start_mm, fitted_mm = error(start).mean(), error(fitted).mean()
        print(f"  along the tree, weight {weight}: start {start_mm:.1f} fitted {fitted_mm:.1f} mm", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500, help="people of each held-out set; of others three fifths")
    parser.add_argument("--pictures", type=int, default=256, help="dressed people in pictures")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, prior = load_body(), load_pose_prior()
    parts: tuple[tuple[Split, int, int], ...] = (("heldout", args.count, 20), ("aside", 3 * args.count // 5, 31))
    for split, count, seed in parts:
        for keypoints in ("clean", "noisy", "detected"):
            print(f"{split}, {keypoints}:", flush=True)
            measure(body, prior, *drawn_people(body, split, count, seed, keypoints), blend=True)
    people, gravity = pictured_people(body, args.pictures)
    for blend in (True, False):
        drawn = "drawn" if blend else "not drawn"
        print(f"{len(people.params)} people in pictures, the prediction {drawn} to limbs seen in space:", flush=True)
        measure(body, prior, people, gravity, blend=blend)


if __name__ == "__main__":
    main()
