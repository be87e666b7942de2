"""What a known height is worth for people in photographs: surface and distance, and what is the most it could be.

    python benchmarks/bench_height.py [--count 300]

Held-out poses, keypoints as a detector gives them, anchored fits. *Surface*: mean distance of vertices with the pelvis
laid onto the true one; *in space*: where they are, distance from the camera included. The last row knows the shape.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import torch
from torch import Tensor

import anchorfit
from anchorfit.body import BodyModel, load_body, measure
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import make_people
from anchorfit.fitting import FitConfig, anchored_config
from anchorfit.fitting.terms import Anchor, KnownSize

SEED = 4


@dataclass(frozen=True, kw_only=True)
class Error:
    """(B,) metres, and shares of the true distance."""

    surface: Tensor
    in_space: Tensor
    distance: Tensor


def error(body: BodyModel, params: Tensor, truth: Tensor) -> Error:
    own, true = body.from_params(params), body.from_params(truth)
    away = own.vertices - true.vertices
    apart = (own.joints - true.joints)[:, :1]
    there, here = (one.joints[:, 0].norm(dim=-1) for one in (true, own))
    surface, in_space = ((part.norm(dim=-1).mean(1)) for part in (away - apart, away))
    return Error(surface=surface, in_space=in_space, distance=(here / there - 1).abs())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    library = load_pose_library(split="heldout", mirrored=False)
    weights = library.subject_balanced_weights(300)
    chosen = torch.multinomial(weights, options.count, generator=torch.Generator().manual_seed(SEED))
    people = make_people(body, library.poses[chosen].numpy(), options.count, seed=SEED)
    seen, truth = people.observations, people.params
    guess = anchorfit.predict(seen, body).params
    betas = body.layout.betas
    told = guess.clone()
    told[:, betas] = truth[:, betas]
    sizes = measure(body, truth[:, betas])
    heights = {name: {"height": float(value)} for name, value in zip(seen.names, sizes.height, strict=True)}
    more = {
        name: {"height": float(tall), "waist_girth": float(waist), "leg_length": float(leg)}
        for name, tall, waist, leg in zip(seen.names, sizes.height, sizes.waist_girth, sizes.leg_length, strict=True)
    }
    config = anchored_config()
    holds = Anchor(name="anchor_betas", part="betas", weight=1000.0, sigma=100.0)
    ways: dict[str, tuple[FitConfig, Tensor]] = {
        "keypoints alone": (config, guess),
        "and the height": (config.with_term(KnownSize(given=heights)), guess),
        "and height, waist, leg length": (config.with_term(KnownSize(given=more)), guess),
        "and the true shape": (config.with_term(holds), told),
    }
    for name, (one, start) in ways.items():
        found = error(body, anchorfit.fit(seen, body, init=start, config=one).params, truth)
        print(
            f"{name:30s} surface {1000 * float(found.surface.mean()):6.1f} mm   "
            f"in space {1000 * float(found.in_space.mean()):6.1f} mm   "
            f"distance {100 * float(found.distance.mean()):4.1f} % "
            f"(median {100 * float(found.distance.median()):4.1f} %)",
            flush=True,
        )


if __name__ == "__main__":
    main()
