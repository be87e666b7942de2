"""Says what refining another program's bodies is worth: reconstruction errors before and after, on synthetic people.

    python benchmarks/bench_refine.py            # 500 held-out people, three kinds of errors, exact and noisy keypoints
    python benchmarks/bench_refine.py --profile  # PosePrior's errors by joint: the profile of usual_errors
    python benchmarks/bench_refine.py --choose   # the anchor's constants tried on the training subjects' poses

A start is the true body with errors: every joint's rotation relative to the camera is off by a random turn (``apart``),
or every joint's relative to its parent is (``along limbs``: errors add up towards hands and feet); betas are drawn; of
the place nothing is known. ``times`` scales the errors so that the starts are about as far off as published networks
are on 3DPW: 45 mm (HMR2), 60 mm (SPIN). The third kind (``a network's``) are starts that PosePrior predicts from
another detection of the people, errors that 2D keypoints show less.
Errors are joints' after a similarity alignment, millimetres, all 24 joints.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

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
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.skinning import world_rotations
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.heldout_people import CLEAN
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, as_detected, make_people
from anchorfit.fitting import FitConfig, anchored, load_pose_prior
from anchorfit.fitting.terms import Anchor, JointAnchor
from anchorfit.observations import Observations
from anchorfit.pipeline import fit
from anchorfit.refining import refine_config
from anchorfit.regressors import predict_params
from anchorfit.regressors.synthesis import DetectorNoise
from anchorfit.regressors.translation import translate_to_keypoints
from anchorfit.results import BodyEstimate

SEED = 23
KEYPOINTS = {"exact": CLEAN, "noisy": SyntheticConfig()}
WORLD_DEG = (
    7.0, 10.7, 10.7, 7.9, 11.1, 11.1, 6.8, 16.0, 16.0, 6.9, 19.7, 19.7,
    8.5, 7.6, 7.6, 10.2, 18.6, 18.6, 19.8, 19.8, 27.0, 27.0, 26.9, 26.9,
)  # fmt: skip
"""Degrees about an axis, each joint relative to the camera: PosePrior's, measured (``--profile``)."""
LOCAL_DEG = (
    10.0, 9.0, 9.0, 5.0, 9.0, 9.0, 5.0, 14.0, 14.0, 5.0, 12.0, 12.0,
    8.0, 6.0, 6.0, 10.0, 11.0, 11.0, 12.0, 12.0, 15.0, 15.0, 5.0, 5.0,
)  # fmt: skip
"""Degrees about an axis, each joint relative to its parent; chosen, and not those that the anchor goes by."""
PROGRAMS = {0.55: "HMR2", 0.8: "SPIN"}
"""By how much errors are scaled, and whose results such starts stand for."""
NETWORK = "a network's"
"""Starts that PosePrior predicts from another detection of the same people: errors as networks make them."""


def local_rotations(world: Tensor) -> Tensor:
    """(B, 24, 3, 3) relative to parents."""
    parents = list(SMPL_PARENTS[1:])
    return torch.cat([world[:, :1], world[:, parents].mT @ world[:, 1:]], 1)


def started(body: BodyModel, truth: Tensor, kind: str, times: float, seed: int) -> Tensor:
    """Parameters of true bodies as another program might have them."""
    generator = torch.Generator().manual_seed(seed)
    degrees = torch.tensor(WORLD_DEG if kind == "apart" else LOCAL_DEG, dtype=torch.float64)
    noise = torch.randn(len(truth), 24, 3, generator=generator, dtype=torch.float64)
    error = axis_angle_to_matrix(times * torch.deg2rad(degrees)[:, None] * noise)
    local = axis_angle_to_matrix(truth[:, body.layout.pose].double().unflatten(1, (-1, 3)))
    wrong = local_rotations(error @ world_rotations(local, SMPL_PARENTS)) if kind == "apart" else local @ error
    start = torch.zeros_like(truth)
    start[:, body.layout.pose] = matrix_to_axis_angle(wrong).flatten(1).to(truth)
    start[:, body.layout.betas] = 0.7 * torch.randn(len(truth), body.num_betas, generator=generator).to(truth)
    return start


def as_given(body: BodyModel, start: Tensor, seen: Observations) -> BodyEstimate:
    """Starts as `anchorfit.refining` hands them to `fit`: placed where their joints fall nearest to the keypoints."""
    free = start.clone()
    free[:, body.layout.transl] = 0
    points = compile_points(body, CANONICAL_JOINTS).points(free)
    found = translate_to_keypoints(points, seen.keypoints, seen.confidence, seen.intrinsics)
    free[:, body.layout.transl] = found.translation
    parts = body.layout.split(free)._asdict()
    return BodyEstimate.from_smplx(parts, intrinsics=seen.intrinsics, image_size=(0, 0), names=seen.names)


def people_of(body: BodyModel, split: str, keypoints: str, count: int) -> SyntheticSet:
    """Synthetic people in poses of a split's subjects, none of whom is many."""
    library = load_pose_library(split=split)
    chosen = np.random.default_rng(SEED).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    return make_people(body, library.poses[chosen].numpy(), count, seed=SEED, config=KEYPOINTS[keypoints])


class Case(NamedTuple):
    """People with starts, and what kind they are."""

    keypoints: str
    kind: str
    times: float
    people: SyntheticSet
    start: Tensor


def cases(body: BodyModel, split: str, count: int) -> Iterator[Case]:
    """All kinds of keypoints and of starts."""
    for keypoints in KEYPOINTS:
        people = people_of(body, split, keypoints, count)
        for kind in ("apart", "along limbs"):
            for times in PROGRAMS:
                yield Case(keypoints, kind, times, people, started(body, people.params, kind, times, SEED))
        seen = as_detected(body, people, DetectorNoise(), seed=SEED + 1).observations
        yield Case(keypoints, NETWORK, 1.0, people, predict_params(seen, body).params)


def profile(body: BodyModel, count: int) -> None:
    """Deviations of PosePrior's errors about an axis, degrees, by joint: two people in three lie within."""
    people = people_of(body, "heldout", "noisy", count)
    found = predict_params(people.observations, body).params
    local = [
        axis_angle_to_matrix(params[:, body.layout.pose].double().unflatten(1, (-1, 3)))
        for params in (found, people.params)
    ]
    world = [world_rotations(turns, SMPL_PARENTS) for turns in local]
    of_three_axes = 1.87  # deviations of a normal distribution that hold two thirds
    columns = [
        torch.rad2deg(matrix_to_axis_angle(ours @ true.mT).norm(dim=-1).quantile(0.68, 0) / of_three_axes).tolist()
        for ours, true in (local, world)
    ]
    for name, to_parent, to_camera in zip(SMPL_JOINTS, *columns, strict=True):
        print(f"{name:16} relative to its parent {to_parent:5.1f}, to the camera {to_camera:5.1f}")


def tried_config(times: float, weight: float, sigma: float) -> FitConfig:
    """A refinement with other constants, its errors scaled as the start's are."""
    config = refine_config(PROGRAMS.get(times, "anchorfit"))
    anchor = next(spec for spec in config.terms if isinstance(spec, JointAnchor))
    root = next(spec for spec in config.terms if isinstance(spec, Anchor) and spec.name == "anchor_orient")
    scaled = replace(root, weight=root.weight * weight / anchor.weight, sigma=sigma)
    return config.with_term(replace(anchor, weight=weight, sigma=sigma)).with_term(scaled)


def choose(body: BodyModel, count: int) -> None:
    """Mean errors for several constants, on poses of training subjects."""
    prior = load_pose_prior()
    for case in cases(body, "train", count):

        def error(params: Tensor, truth: Tensor = case.people.params) -> str:
            return f"{float(body_errors(body, params, truth).reconstruction_mm.mean()):.1f}"

        seen = case.people.observations
        line = [f"{case.keypoints:6} {case.kind:12} {case.times:4}", f"start {error(case.start)}"]
        line.append(f"usual {error(anchored(body, seen, prior, case.start).params)}")
        for weight in (200.0, 280.0, 400.0, 560.0):
            for sigma in (0.7, 1.0):
                found = anchored(body, seen, prior, case.start, tried_config(case.times, weight, sigma)).params
                line.append(f"{weight:g}/{sigma:g} {error(found)}")
        print("  ".join(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--profile", action="store_true", help="print PosePrior's errors by joint")
    parser.add_argument("--choose", action="store_true", help="try the anchor's constants on training subjects")
    parser.add_argument("--only", help="one kind of errors")
    parser.add_argument("--json", help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    if args.profile or args.choose:
        (profile if args.profile else choose)(body, args.count)
        return
    table = []
    for case in cases(body, "heldout", args.count):
        if args.only not in (None, case.kind):
            continue
        truth, seen = case.people.params, case.people.observations
        given = as_given(body, case.start, seen)
        begun = time.process_time()
        refined = fit(seen, body, init=given, config=refine_config(PROGRAMS.get(case.times, "anchorfit")))
        seconds = time.process_time() - begun
        methods = {
            "start": case.start,
            "anchor of the usual fit": fit(seen, body, init=given).params,
            "refined": refined.params,
            "fitted from our prediction": fit(seen, body).params,
        }
        for method, params in methods.items():
            errors = body_errors(body, params, truth)
            line: dict[str, object] = {"keypoints": case.keypoints, "errors": case.kind, "times": case.times}
            line |= {"method": method, "count": len(truth)}
            line |= {"reconstruction_mm": round(float(errors.reconstruction_mm.mean()), 1)}
            line |= {"joints_mm": round(float(errors.joints_mm.mean()), 1)}
            better = body_errors(body, case.start, truth).reconstruction_mm > errors.reconstruction_mm
            line |= {"better_than_start": round(float(better.double().mean()), 3)}
            line |= {"cpu_ms": round(1000 * seconds / len(truth), 2)} if method == "refined" else {}
            table.append(line)
            print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(table, file, indent=1)


if __name__ == "__main__":
    main()
