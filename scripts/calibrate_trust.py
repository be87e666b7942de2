"""The constants of `fitting/trust.py`, and how well the score and the flag do on people that they were not made from.

    python scripts/calibrate_trust.py [--count 300] [--only judge]     # a quarter of an hour on one core

Calibrated on people in poses of the library's ``train`` and ``aside`` parts, judged on ``heldout`` ones (other
subjects), seen as detectors of several kinds would see them. Right: less than 120 mm off, a vertex, pelvis on pelvis;
wrong: more than 200; those between are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize

from anchorfit.body import BodyModel, load_body
from anchorfit.body.pose_library import Split, load_pose_library
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import FitResult, anchored, load_pose_prior, smplify
from anchorfit.fitting.diagnostics import diagnose_prediction, gather_evidence
from anchorfit.fitting.trust import Calibration
from anchorfit.observations.doubts import doubted_keypoints
from anchorfit.regressors import predict_params

RIGHT, WRONG = 120.0, 200.0  # mm
FLAGGED = {"predicted": 0.008, "anchored": 0.008, "free": 0.015}
"""Share of ordinary people that lie beyond the limit. The network knows these people's poses; of people whose poses it
does not know about twice as many lie beyond it."""
PEOPLE = {
    "ordinary": SyntheticConfig(),
    "exact": SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0),
    "half seen": SyntheticConfig(noise=0.015, missing=0.5),
    "noisy": SyntheticConfig(noise=0.05, outliers=0.0),
    "outliers": SyntheticConfig(noise=0.02, outliers=0.2, outlier_noise=0.3),
    "in between": SyntheticConfig(noise=0.025, outliers=0.08, outlier_noise=0.25, missing=0.25),
    "heavy": SyntheticConfig(noise=0.04, outliers=0.15, outlier_noise=0.3, missing=0.4),
}
CONVENTIONS = ("coco17", "lsp14", "body25")


class Sample(NamedTuple):
    """Of B bodies: mean reprojection and limb joints seen; mm off; the score and whether it is trusted."""

    reprojection: np.ndarray
    limbs: np.ndarray
    error: np.ndarray
    score: np.ndarray
    trusted: np.ndarray


def bodies(body: BodyModel, people: SyntheticSet) -> Iterator[tuple[str, FitResult]]:
    """The three ways a body comes about."""
    seen, pose_prior = people.observations, load_pose_prior()
    guess = predict_params(seen, body)
    start = guess.params.clone()
    yield "predicted", diagnose_prediction(body, seen, pose_prior, start, told=guess.reasons)
    yield "anchored", anchored(body, seen, pose_prior, start, doubted=doubted_keypoints(body, start, seen))
    yield "free", smplify(body, seen, pose_prior)


def samples(body: BodyModel, split: Split, looks: dict[str, SyntheticConfig], count: int, seed: int) -> dict:
    """(look, way) -> `Sample` of ``count`` people in each convention."""
    library = load_pose_library(split=split)
    chosen = np.random.default_rng(seed).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    found: dict[tuple[str, str], list[Sample]] = {}
    for look, config in looks.items():
        for convention in CONVENTIONS:
            config = replace(config, convention=convention)
            people = make_people(body, library.poses[chosen].numpy(), count, seed=seed, config=config)
            for way, result in bodies(body, people):
                evidence, _ = gather_evidence(body, people.observations, load_pose_prior(), result.params)
                error = body_errors(body, result.params, people.params).surface_mm
                parts = (evidence.reprojection, evidence.limbs, error, result.score, result.trusted)
                found.setdefault((look, way), []).append(Sample(*(part.numpy() for part in parts)))
    return {key: Sample(*map(np.concatenate, zip(*some, strict=True))) for key, some in found.items()}


def logs(sample: Sample) -> np.ndarray:
    """(B, 2) what the regression weighs."""
    few = 12 / np.maximum(sample.limbs, Calibration.fewest)
    return np.log(np.stack([np.maximum(sample.reprojection, Calibration.floor), few], 1))


def calibrate(found: dict[tuple[str, str], Sample], way: str) -> str:
    """The regression of one way, its limit put where `FLAGGED` ordinary people lie beyond it."""
    pooled = Sample(*map(np.concatenate, zip(*(some for key, some in found.items() if key[1] == way), strict=True)))
    sure = (pooled.error < RIGHT) | (pooled.error > WRONG)
    x = logs(pooled)[sure]
    sign = np.where(pooled.error[sure] > WRONG, -1.0, 1.0)

    def loss(weights: np.ndarray) -> float:
        bias, far, ratio = weights
        return float(np.logaddexp(0, sign * (bias + x @ (far, far * ratio))).mean())

    # A missing joint counts at most like an error as many times larger as there are joints to one seen joint.
    _, far, ratio = minimize(loss, np.ones(3), method="L-BFGS-B", bounds=[(None, None), (0, None), (0, 1)]).x
    limit = np.exp(np.quantile(logs(found["ordinary", way]) @ (1.0, ratio), 1 - FLAGGED[way]))
    return f'"{way}": Calibration(limit={limit:.4f}, far={far:.2f}, few={far * ratio:.2f}),'


def verdict(sample: Sample) -> str:
    """Shares of wrong and right people that are not trusted, and of all; how well the score sorts."""
    right, wrong = sample.error < RIGHT, sample.error > WRONG
    pairs = sample.score[right][:, None] - sample.score[wrong]
    sorts = ((pairs > 0) + 0.5 * (pairs == 0)).mean() if pairs.size else np.nan
    shares = " | ".join(f"{100 * (~sample.trusted[some]).mean():.1f} % of {some.sum()}" for some in (wrong, right))
    return f"{shares} | {100 * (~sample.trusted).mean():.1f} % | {sorts:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="people of each look, in each of three conventions")
    parser.add_argument("--only", choices=("calibrate", "judge"), help="half of it")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    if args.only != "judge":
        known, more = (samples(body, split, PEOPLE, args.count, seed=11) for split in ("train", "aside"))
        both = {key: Sample(*map(np.concatenate, zip(known[key], more[key], strict=True))) for key in known}
        for way in ("predicted", "anchored", "free"):
            print(calibrate(both, way), flush=True)
    if args.only == "calibrate":
        return
    print("| people | way | not trusted, of wrong ones | of right ones | of all | area under the curve |")
    for (look, way), sample in samples(body, "heldout", PEOPLE, args.count, seed=21).items():
        print(f"| {look} | {way} | {verdict(sample)} |", flush=True)


if __name__ == "__main__":
    main()
