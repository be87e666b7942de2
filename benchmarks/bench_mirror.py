"""Whether fits to mirrored keypoints are the mirrored fits, and how many people come out front to back.

    python benchmarks/bench_mirror.py                  # a minute on one core

Held-out synthetic people: as `bench_fit` has them (coco17); in LSP's convention, which has no face; the same with most
joints of the far side hidden in side views, as a body hides them; and with more noise. Each line: distance of the fit
from the mirrored fit to the mirror image (joints, after Procrustes alignment and with pelvises laid together), share of
people turned round (chest off by more than 90 degrees) among those seen from the side and among all, errors, time.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace

import torch
from bench_fit import heldout_people
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, BodyModel, load_body
from anchorfit.evaluation.body_errors import VIEWS, body_errors, view_of
from anchorfit.evaluation.mirror_symmetry import mirror_errors, turned_round
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet
from anchorfit.fitting import anchored, load_pose_prior, smplify
from anchorfit.observations import Observations
from anchorfit.regressors.prediction import predict_params

LSP = SyntheticConfig(convention="lsp14")
NOISY = SyntheticConfig(noise=0.02, outliers=0.08, outlier_noise=0.2, missing=0.25)


def far_side_hidden(body: BodyModel, people: SyntheticSet, *, share: float = 0.7, seed: int = 3) -> SyntheticSet:
    """People seen from the side of whom so large a share of the joints on the far side is not seen."""
    joints = body.from_params(people.params).joints
    left, right = (joints[:, SMPL_JOINTS.index(f"{side}_hip"), 2] for side in ("left", "right"))
    further = torch.where(left > right, 0, 1)
    sides = torch.tensor([[name.startswith(side) for name in CANONICAL_JOINTS] for side in ("left_", "right_")])
    hidden = sides[further] & (view_of(people.params) == VIEWS.index("side"))[:, None]
    hidden &= torch.rand(hidden.shape, generator=torch.Generator().manual_seed(seed)) < share
    confidence = people.observations.confidence.masked_fill(hidden, 0.0)
    return people._replace(observations=replace(people.observations, confidence=confidence))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=250)
    parser.add_argument("--json", help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, prior = load_body(), load_pose_prior()
    lsp = heldout_people(body, args.people, LSP)
    sets = {
        "coco17": heldout_people(body, args.people),
        "lsp14": lsp,
        "lsp14, far side hidden": far_side_hidden(body, lsp),
        "coco17, noisy": heldout_people(body, args.people, NOISY),
    }

    def predicted(some: Observations) -> Tensor:
        return predict_params(some, body).params

    fits = {
        "smplify": lambda some: smplify(body, some, prior).params,
        "anchored": lambda some: anchored(body, some, prior, predicted(some)).params,
        "direct": predicted,
    }
    table = []
    for name, people in sets.items():
        side = view_of(people.params) == VIEWS.index("side")
        for method, fit in fits.items():
            fit(people.observations)
            cpu = time.process_time()
            params = fit(people.observations)
            cpu = (time.process_time() - cpu) / len(params)
            mirror = mirror_errors(body, fit, people.observations)
            errors = body_errors(body, params, people.params)
            turned = turned_round(params, people.params).float()
            row = {
                "people": name,
                "fit": method,
                "mirror_pa_mm": float(mirror.reconstruction_mm.mean()),
                "mirror_mm": float(mirror.joints_mm.mean()),
                "mirror_within_1mm": float((mirror.reconstruction_mm < 1).float().mean()),
                "mirror_beyond_60mm": float((mirror.reconstruction_mm > 60).float().mean()),
                "turned_side": float(turned[side].mean()),
                "turned": float(turned.mean()),
                "pve_mm": float(errors.surface_mm.mean()),
                "mpjpe_mm": float(errors.joints_mm.mean()),
                "pa_mpjpe_mm": float(errors.reconstruction_mm.mean()),
                "cpu_ms_a_body": 1000 * cpu,
            }
            table.append(row)
            print(
                f"{name:23s} {method:9s} mirror: reconstruction {row['mirror_pa_mm']:6.2f} joints "
                f"{row['mirror_mm']:6.2f} mm, within 1 mm {row['mirror_within_1mm']:.3f}, beyond 60 "
                f"{row['mirror_beyond_60mm']:.3f}  turned: side {row['turned_side']:.3f} all {row['turned']:.3f}  "
                f"per-vertex {row['pve_mm']:.1f} mpjpe {row['mpjpe_mm']:.1f} reconstruction {row['pa_mpjpe_mm']:.1f} mm"
                f"  cpu {row['cpu_ms_a_body']:.2f} ms",
                flush=True,
            )
    if args.json:
        with open(args.json, "w") as file:
            json.dump(table, file, indent=1)


if __name__ == "__main__":
    main()
