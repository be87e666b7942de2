"""The baselines of `anchorfit.evaluation.baselines`, direct prediction, SMPLify and the anchored fit in one table.

    python scripts/evaluate_baselines.py [--count 300] [--steps 1000] [--json FILE]

Trained on the pose library's training subjects, scored on people of held-out subjects whose COCO keypoints are clean or
noisy. Landmarks are as noisy as keypoints, silhouettes are true. About ten minutes on one idle core; times are
processor times of one thread, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.baselines.comparison import Effort, Score, observed, score, train_all
from anchorfit.evaluation.baselines.result import BaselineResult, of_params
from anchorfit.evaluation.synthetic import SyntheticPeople, make_people
from anchorfit.fitting import anchored, load_pose_prior, smplify
from anchorfit.regressors import predict

SEED = 20
CLEAN = SyntheticPeople(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)


def main() -> None:
    effort = Effort()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="people of each kind")
    parser.add_argument("--steps", type=int, default=effort.network_steps, help="of each silhouette network")
    parser.add_argument("--forest-people", type=int, default=effort.forest_people, help="that forests grow on")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument("--json", type=Path, help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, prior = load_body(), load_pose_prior()
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(SEED).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    people, seen = {}, {}
    for name, config in (("clean", CLEAN), ("noisy", SyntheticPeople())):
        people[name] = make_people(body, library.poses[chosen].numpy(), args.count, seed=SEED, config=config)
        seen[name] = observed(body, people[name], config, seed=SEED)
    table: list[dict[str, Any]] = []

    def add(method: str, sees: str, scores: dict[str, Score], seconds: float | None = None) -> None:
        table.append(
            {"method": method, "sees": sees, "training_s": seconds} | {k: s._asdict() for k, s in scores.items()}
        )
        print(table[-1], flush=True)

    effort = Effort(network_steps=args.steps, forest_people=args.forest_people)
    for method, sees, seconds in train_all(body, effort, seed=args.seed):
        scores = {k: score(body, partial(method.estimate, seen[k], body), people[k].params) for k in people}
        add(method.name, sees, scores, seconds)

    def ours(name: str, method: str) -> BaselineResult:
        observations = people[name].observations
        if method == "smplify":
            return of_params(smplify(body, observations, prior).params, body)
        guess = predict(observations, body).params
        return of_params(guess if method == "direct" else anchored(body, observations, prior, guess).params, body)

    for method in ("direct", "smplify", "anchored"):
        scores = {k: score(body, partial(ours, k, method), people[k].params) for k in people}
        add(method, "keypoints", scores)
    print_table(table)
    if args.json:
        settings = {name: str(value) for name, value in vars(args).items()}
        args.json.write_text(json.dumps({"settings": settings, "torch": torch.__version__, "table": table}, indent=1))


def print_table(table: list[dict[str, Any]]) -> None:
    """As Markdown; errors in millimetres, clean and noisy."""
    print("\n| method | sees | reconstruction | per-vertex | ms a person | training s |\n|---|---|---|---|---|---|")
    for line in table:
        clean, noisy = line["clean"], line["noisy"]
        errors = [
            "–" if clean[key] is None else f"{clean[key]:.0f} / {noisy[key]:.0f}"
            for key in ("reconstruction_mm", "surface_mm")
        ]
        seconds = "" if line["training_s"] is None else f"{line['training_s']:.0f}"
        print(f"| {line['method']} | {line['sees']} | {' | '.join(errors)} | {noisy['ms_a_person']:.1f} | {seconds} |")


if __name__ == "__main__":
    main()
