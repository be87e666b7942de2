"""Errors of direct prediction, SMPLify and the anchored fit on people nobody trained on.

    python scripts/evaluate_priors.py [--pose FILE] [--count 1000] [--fits] [--json FILE]

Poses of held-out subjects, none above 300; cameras, noise and missing joints: `anchorfit.evaluation.synthetic`.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch

from anchorfit.body import BodyModel, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import VIEWS, body_errors, image_errors, rarity_of, view_of
from anchorfit.evaluation.metrics.pose import mean_point_error, reconstruction_error
from anchorfit.evaluation.synthetic import SyntheticConfig, make_people
from anchorfit.fitting import anchored, load_pose_prior, smplify
from anchorfit.regressors import Networks, ShapePrior, load_networks, load_pose_prior_network, predict_params
from anchorfit.regressors.synthesis import Synthesis
from anchorfit.regressors.training.tasks import heldout_masks

SEED = 20
CLEAN = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)


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
            print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    return table


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
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(SEED).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    known = load_pose_library(split="train").poses
    table = []
    for name, config in (("clean", CLEAN), ("noisy", SyntheticConfig())):
        people = make_people(body, library.poses[chosen].numpy(), args.count, seed=SEED, config=config)
        view, rarity = view_of(people.params), rarity_of(people.params, known)
        thirds = torch.bucketize(rarity, torch.quantile(rarity, torch.tensor([1 / 3, 2 / 3])))
        groups = {"all": torch.ones_like(view, dtype=torch.bool)}
        groups |= {label: view == index for index, label in enumerate(VIEWS)}
        groups |= {label: thirds == index for index, label in enumerate(("common", "middling", "rare"))}
        start = time.perf_counter()
        guess = predict_params(people.observations, body, networks=networks).params
        results = {"direct": (guess, time.perf_counter() - start)}
        if args.fits:
            start = time.perf_counter()
            results["smplify"] = (smplify(body, people.observations, pose_prior).params, time.perf_counter() - start)
            start = time.perf_counter()
            fitted = anchored(body, people.observations, pose_prior, guess).params
            results["anchored"] = (fitted, time.perf_counter() - start)
        for method, (params, seconds) in results.items():
            errors = body_errors(body, params, people.params)._asdict()
            errors |= image_errors(body, params, people.params, people.observations)._asdict()
            for group, rows in groups.items():
                means = {key: round(float(value[rows].mean()), 3) for key, value in errors.items()}
                line = {"keypoints": name, "method": method, "people": group, "count": int(rows.sum()), **means}
                line["ms_a_body"] = round(1000 * seconds / args.count, 2)
                table.append(line)
                print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    for gender in () if args.pose else ("neutral", "male", "female"):
        own = load_body(gender=gender)
        table += shape_errors(own, networks.shapes[own.name])
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"seed": SEED, "torch": torch.__version__, "table": table}, file, indent=1)


if __name__ == "__main__":
    main()
