"""Errors of direct prediction, SMPLify and the anchored fit on people nobody trained on; and how straight people stand.

    python scripts/evaluate_priors.py [--pose FILE] [--count 1000] [--fits] [--json FILE]

Poses of held-out subjects, none above 300; cameras, noise and missing joints: `anchorfit.evaluation.synthetic`; the
sets ``clean``, ``noisy`` and ``detected``: `anchorfit.evaluation.heldout_people`. Before them the gauges: people who
stand and sit, exact keypoints (`anchorfit.evaluation.gauges`); after them people at the acts of
`regressors.synthesis.acts`, which training draws as well.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from anchorfit.body import BodyModel, Gravity, load_body
from anchorfit.body.pose_library import PoseLibrary, load_pose_library
from anchorfit.body.uncertainty import INSIDE
from anchorfit.evaluation.body_errors import VIEWS, body_errors, image_errors, rarity_of, view_of
from anchorfit.evaluation.coverage import misses, rotations_inside
from anchorfit.evaluation.gauges import (
    PITCHES_DEG,
    bends,
    seen_all_round,
    sitting_pose,
    standing_people,
    standing_pose,
)
from anchorfit.evaluation.heldout_people import CLEAN, DETECTED, KEYPOINTS, SEED, balanced_poses, people_with_keypoints
from anchorfit.evaluation.metrics.pose import mean_point_error, reconstruction_error
from anchorfit.evaluation.synthetic import SyntheticSet, make_people
from anchorfit.fitting import FitConfig, FitResult, GaussianMixture, anchored, anchored_config, load_pose_prior, smplify
from anchorfit.fitting.covariance import of_prediction
from anchorfit.fitting.diagnostics import off_keypoints
from anchorfit.observations.doubts import doubted_keypoints
from anchorfit.observations.people import Observations
from anchorfit.regressors import (
    Networks,
    Prediction,
    ShapePrior,
    load_networks,
    load_pose_prior_network,
    predict_params,
)
from anchorfit.regressors.synthesis import DetectorNoise, Synthesis
from anchorfit.regressors.synthesis.acts import acting_poses
from anchorfit.regressors.training.tasks import heldout_masks
from anchorfit.regressors.training.uncertainty_task import JUDGING

Method = Callable[[Observations], torch.Tensor]
ACTIVITIES = {"13": "exercise", "14": "chores", "135": "martial arts", "131": "dance"}
"""What held-out subjects do; the unnumbered ones dance, and one turns a somersault."""


def show(line: dict[str, object]) -> None:
    print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)


def shape_errors(body: BodyModel, network: ShapePrior) -> list[dict[str, object]]:
    """Mean per-vertex error of bodies at rest, millimetres: the mean shape's and the prediction's."""
    table: list[dict[str, object]] = []
    for name, (params, masks) in heldout_masks(body, Synthesis()).items():
        with torch.inference_mode():
            betas = body.layout.fit_betas(torch.cat([network(some) for some in masks.split(32)]))
        truth = body(betas=body.layout.split(params).betas).vertices
        for method, guess in (("mean shape", torch.zeros_like(betas)), ("predicted", betas)):
            vertices = body(betas=guess).vertices
            error = mean_point_error(vertices - vertices.mean(1, keepdim=True), truth - truth.mean(1, keepdim=True))
            line: dict[str, object] = {"body": body.name, "silhouettes": name, "method": method, "count": len(masks)}
            line["surface_mm"] = round(1000 * float(error.mean()), 1)
            line["up_to_size_mm"] = round(1000 * float(reconstruction_error(vertices, truth).mean()), 1)
            table.append(line)
            show(line)
    return table


def subjects_of(body: BodyModel, params: torch.Tensor, library: PoseLibrary) -> np.ndarray:
    """(B,) whose poses of the library bodies (B, D) are in."""
    found = torch.cdist(body.layout.split(params).body_pose.double(), library.poses[:, 3:].double()).argmin(1)
    return library.subjects[found.numpy()]


def coverage_lines(
    body: BodyModel, people: SyntheticSet, guess: Prediction, fits: dict[str, FitResult]
) -> list[dict[str, object]]:
    """Percent of true joints in the regions for nine in ten: of all joints, and of those that fewest and most are in.

    ``rotations`` are PosePrior's, relative to the camera; places are relative to the pelvis, its own to the camera.
    """
    if guess.uncertainty is None:
        return []
    pose = body.layout.pose
    inside = {"rotations": rotations_inside(guess.params[:, pose], guess.uncertainty, people.params[:, pose])}
    off = off_keypoints(body, people.observations, guess.params)
    direct = of_prediction(body, guess.params, guess.uncertainty, off).joint_covariance_mm2
    measured = {"direct": misses(body, guess.params, direct, people.params)}
    for name, fit in fits.items():
        measured[name] = misses(body, fit.params, fit.joint_covariance_mm2, people.params)
    for name, miss in measured.items():
        inside |= {f"{name}, joints": miss.inside[:, 1:], f"{name}, pelvis": miss.inside[:, :1]}
        inside[f"{name}, in the image"] = (miss.across < INSIDE[2])[:, 1:]
        inside[f"{name}, depth"] = (miss.along < INSIDE[1])[:, 1:]
    table: list[dict[str, object]] = []
    for name, found in inside.items():
        share = 100 * found.double().mean(0)
        numbers = {"all": share.mean(), "fewest": share.min(), "most": share.max()}
        line: dict[str, object] = {"regions": name, "count": len(found)}
        line |= {key: round(float(value), 1) for key, value in numbers.items()}
        table.append(line)
    return table


def gauge_lines(body: BodyModel, methods: dict[str, Method]) -> list[dict[str, object]]:
    """For standing and sitting people: knees', hips' and trunk's degrees off the truth's, the mean and the worst."""
    table: list[dict[str, object]] = []
    for posture, pose in (("standing", standing_pose()), ("sitting", sitting_pose())):
        for pitch in PITCHES_DEG:
            people = seen_all_round(body, pose, pitch)
            true = bends(body, people.params, people.params)
            for name, method in methods.items():
                found = bends(body, method(people.observations), people.params)
                line: dict[str, object] = {"posture": posture, "pitch_deg": pitch, "method": name}
                for part, value in (
                    ("knees", found.knees - true.knees),
                    ("hips", found.hips - true.hips),
                    ("lean", found.lean),
                ):
                    line[f"{part}_deg"] = round(float(value.mean()), 1)
                    line[f"{part}_worst_deg"] = round(float(value[value.abs().argmax()]), 1)
                table.append(line)
                show(line)
    return table


def lean_lines(body: BodyModel, pose_prior: GaussianMixture, networks: Networks) -> list[dict[str, object]]:
    """For people who stand before pitched cameras: degrees that trunks are off, by what is known of the pitch."""
    table: list[dict[str, object]] = []
    for split, count in (("train", 400), ("heldout", 400)):
        for name, noise in (("exact", None), ("training's noise", DetectorNoise(clean=0.0)), ("detected", DETECTED)):
            people = standing_people(body, count, seed=SEED, split=split, noise=noise)
            told = {"not used": Gravity.unknown(count), "usual": None, "known": Gravity.known(people.pitch_deg)}
            for pitch, gravity in told.items():
                start = predict_params(people.observations, body, networks=networks, gravity=gravity).params
                known = gravity if pitch == "known" else None
                seen = people.observations
                doubted = doubted_keypoints(body, start, seen)
                fitted = anchored(body, seen, pose_prior, start, gravity=known, doubted=doubted).params
                for method, params in (("direct", start), ("anchored", fitted)):
                    lean = bends(body, params, people.params).lean
                    line: dict[str, object] = {"posture": f"standing, {split}", "keypoints": name, "pitch": pitch}
                    line |= {"method": method, "lean_deg": round(float(lean.mean()), 1)}
                    line |= {"lean_worst_tenth_deg": round(float(lean.quantile(0.9)), 1)}
                    line |= {"lean_worst_deg": round(float(lean.max()), 1)}
                    line["surface_mm"] = round(float(body_errors(body, params, people.params).surface_mm.mean()), 1)
                    table.append(line)
                    show(line)
    return table


def bound_lines(
    body: BodyModel, poses: np.ndarray, count: int, pose_prior: GaussianMixture, networks: Networks
) -> list[dict[str, object]]:
    """What is left of the errors of noisy people if one thing were known that is not: their keypoints without noise in
    the anchored fit, which begins at the prediction from noisy ones; or their true shapes."""
    noisy, exact = (
        people_with_keypoints(body, poses, count, "noisy"),
        people_with_keypoints(body, poses, count, "clean"),
    )
    start = predict_params(noisy.observations, body, networks=networks).params
    fitted = {"noisy": near(body, noisy.observations, pose_prior, start).params}
    fitted["exact"] = near(body, exact.observations, pose_prior, start).params
    table: list[dict[str, object]] = []
    for method, params in (("direct", start), *((f"anchored, {name}", some) for name, some in fitted.items())):
        shaped = params.clone()
        shaped[:, body.layout.betas] = noisy.params[:, body.layout.betas]
        for shape, bodies in (("found", params), ("true", shaped)):
            errors = body_errors(body, bodies, noisy.params)
            line: dict[str, object] = {"predicted from": "noisy", "fitted to": method, "shape": shape}
            line |= {"surface_mm": round(float(errors.surface_mm.mean()), 1)}
            line |= {"reconstruction_mm": round(float(errors.reconstruction_mm.mean()), 1)}
            table.append(line)
            show(line)
    return table


def near(body: BodyModel, seen: Observations, pose_prior: GaussianMixture, start: torch.Tensor) -> FitResult:
    """The anchored fit from a prediction, to the keypoints that it does not make doubtful."""
    return anchored(body, seen, pose_prior, start, doubted=doubted_keypoints(body, start, seen))


class Judged(NamedTuple):
    """A set of people, and what is the same for every method: whose poses they are in, and groups of rows by name."""

    name: str
    people: SyntheticSet
    subjects: np.ndarray
    groups: dict[str, torch.Tensor]


def judged_sets(body: BodyModel, count: int) -> Iterator[Judged]:
    """The sets of held-out people, of ``count`` people each."""
    library = load_pose_library(split="heldout")
    chosen, known = balanced_poses(library), load_pose_library(split="train").poses
    sets: dict[str, SyntheticSet] = {name: people_with_keypoints(body, chosen, count, name) for name in KEYPOINTS}
    for percent in (1, 2, 4):
        config = replace(CLEAN, noise=percent / 100)
        sets[f"noise {percent} %"] = make_people(body, chosen, count, seed=SEED, config=config)
    for name, people in sets.items():
        view, rarity = view_of(people.params), rarity_of(people.params, known)
        thirds = torch.bucketize(rarity, torch.quantile(rarity, torch.tensor([1 / 3, 2 / 3])))
        groups = {"all": torch.ones_like(view, dtype=torch.bool)}
        groups |= {label: view == index for index, label in enumerate(VIEWS)}
        groups |= {label: thirds == index for index, label in enumerate(("common", "middling", "rare"))}
        subjects = subjects_of(body, people.params, library)
        does = np.array([ACTIVITIES.get(subject, "dance") for subject in subjects])
        groups |= {label: torch.from_numpy(does == label) for label in sorted(set(ACTIVITIES.values()))}
        yield Judged(name, people, subjects, groups)


def acting_sets(body: BodyModel, count: int) -> Iterator[Judged]:
    """People at acts that training draws, too: other draws of the same acts."""
    poses = acting_poses(count, torch.Generator().manual_seed(SEED)).numpy()
    everybody = torch.ones(count, dtype=torch.bool)
    for name in KEYPOINTS[:2]:  # clean and noisy
        yield Judged(
            f"{name}, acts", people_with_keypoints(body, poses, count, name), np.full(count, ""), {"all": everybody}
        )


def error_lines(
    body: BodyModel, judged: Judged, method: str, params: torch.Tensor, ms_a_body: float
) -> list[dict[str, object]]:
    """Mean errors of bodies (B, D), a line a group of people."""
    errors = body_errors(body, params, judged.people.params)._asdict()
    errors |= image_errors(body, params, judged.people.params, judged.people.observations)._asdict()
    table: list[dict[str, object]] = []
    for group, rows in judged.groups.items():
        line: dict[str, object] = {
            "keypoints": judged.name,
            "method": method,
            "people": group,
            "count": int(rows.sum()),
        }
        line |= {key: round(float(value[rows].mean()), 3) for key, value in errors.items()}
        line["ms_a_body"] = round(ms_a_body, 2)
        table.append(line)
    return table


def region_lines(
    body: BodyModel, judged: Judged, prediction: Prediction, pose_prior: GaussianMixture, fits: bool
) -> list[dict[str, object]]:
    """`coverage_lines` of the people whom no scale has seen; of fits as well."""
    rows = torch.from_numpy(np.isin(judged.subjects, JUDGING))
    if not rows.any():
        return []
    some = SyntheticSet(judged.people.observations.rows(rows), judged.people.params[rows])
    own, seen = prediction.rows(rows), some.observations
    found: dict[str, FitResult] = {}
    if fits and own.uncertainty is not None:
        found["anchored"] = anchored(
            body,
            seen,
            pose_prior,
            own.params,
            replace(anchored_config(), covariance=True),
            uncertainty=own.uncertainty,
            doubted=doubted_keypoints(body, own.params, seen),
        )
        found["smplify"] = smplify(body, seen, pose_prior, config=FitConfig(covariance=True))
    return [{"keypoints": judged.name, **line} for line in coverage_lines(body, some, own, found)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pose", help="weights of a PosePrior; default: the one in the package")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--fits", action="store_true", help="SMPLify and the anchored fit as well")
    parser.add_argument("--json", help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, pose_prior = load_body(), load_pose_prior()
    networks = Networks(pose=load_pose_prior_network(args.pose)) if args.pose else load_networks()

    def direct(seen: Observations) -> torch.Tensor:
        return predict_params(seen, body, networks=networks).params

    methods: dict[str, Method] = {"direct": direct}
    if args.fits:
        methods["smplify"] = lambda seen: smplify(body, seen, pose_prior).params
        methods["anchored"] = lambda seen: near(body, seen, pose_prior, direct(seen)).params
    table = gauge_lines(body, methods)
    if args.fits:
        table += lean_lines(body, pose_prior, networks)
        table += bound_lines(body, balanced_poses(load_pose_library(split="heldout")), args.count, pose_prior, networks)
    for judged in (*judged_sets(body, args.count), *acting_sets(body, args.count)):
        seen = judged.people.observations
        clock = [time.perf_counter()]
        prediction = predict_params(seen, body, networks=networks)
        results = {"direct": prediction.params}
        clock.append(time.perf_counter())
        if args.fits:
            results["smplify"] = smplify(body, seen, pose_prior).params
            clock.append(time.perf_counter())
            results["anchored"] = near(body, seen, pose_prior, prediction.params).params
            clock.append(time.perf_counter())
        lines = region_lines(body, judged, prediction, pose_prior, args.fits)
        for (method, params), seconds in zip(results.items(), np.diff(clock), strict=True):
            lines += error_lines(body, judged, method, params, 1000 * seconds / args.count)
        for line in lines:
            show(line)
        table += lines
    for gender in () if args.pose else ("neutral", "male", "female"):
        own = load_body(gender=gender)
        table += shape_errors(own, networks.shapes[own.name])
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"seed": SEED, "torch": torch.__version__, "table": table}, file, indent=1)


if __name__ == "__main__":
    main()
