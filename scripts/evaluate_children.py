"""Children fitted with the adult's body and with the child's: errors of shape, pose and distance.

    python scripts/evaluate_children.py [--count 500] [--json FILE]

Children of the open child body in poses of held-out subjects, shapes drawn from its betas; keypoints and cameras as in
`scripts/evaluate_priors.py`: ``clean`` and ``noisy``. Distance: of the pelvis from the camera, against the truth's.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch

from anchorfit.body import BodyModel, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import body_errors, image_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, make_people
from anchorfit.fitting import anchored, load_pose_prior
from anchorfit.observations.doubts import doubted_keypoints
from anchorfit.regressors import predict_params

SEED = 20
SETS = {"clean": SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)}
SETS["noisy"] = SyntheticConfig()


def distance(body: BodyModel, params: torch.Tensor) -> torch.Tensor:
    """(B,) metres from the camera to the pelvis joint."""
    betas, transl = body.layout.split(params).betas, body.layout.split(params).transl
    return (body.rest_joints(betas)[:, 0] + transl).norm(dim=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--json", help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    child, pose_prior = load_body(age="child"), load_pose_prior()
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(SEED).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    table = []
    for name, config in SETS.items():
        people = make_people(child, library.poses[chosen].numpy(), args.count, seed=SEED, config=config)
        for fitted in (load_body(), child):
            guess = predict_params(people.observations, fitted).params
            doubted = doubted_keypoints(fitted, guess, people.observations)
            near = anchored(fitted, people.observations, pose_prior, guess, doubted=doubted).params
            fits = {"direct": guess, "anchored": near}
            for method, params in fits.items():
                ratio = distance(fitted, params) / distance(child, people.params)
                errors = body_errors(fitted, params, people.params, true_body=child)._asdict()
                line: dict[str, object] = {"keypoints": name, "body": fitted.name, "method": method}
                line |= {key: round(float(value.mean()), 1) for key, value in errors.items()}
                line["distance_over_true_median"] = round(float(ratio.median()), 3)
                line["distance_off_percent"] = round(100 * float((ratio - 1).abs().mean()), 1)
                if fitted is child:
                    inside = image_errors(fitted, params, people.params, people.observations)
                    line["reprojection_percent"] = round(float(inside.reprojection_percent.mean()), 2)
                table.append(line)
                print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"seed": SEED, "count": args.count, "torch": torch.__version__, "table": table}, file, indent=1)


if __name__ == "__main__":
    main()
