"""The constants of `fitting/covariance.py`, from people whom no table judges.

    python scripts/calibrate_covariance.py [--pose FILE] [--count 150]     # minutes on one core

Seen are the people that the head of PosePrior was calibrated on, too (`training.uncertainty_task.CALIBRATING`). Each
way to get a body has two factors, across the line of sight and along it, such that nine in ten true joints lie in the
regions, over all joints and ways to be seen. ``scripts/evaluate_priors.py`` judges them on other people.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import NamedTuple

import torch

from anchorfit.body import BodyModel, load_body
from anchorfit.body.uncertainty import INSIDE
from anchorfit.evaluation.coverage import misses
from anchorfit.fitting import FitConfig, anchored, anchored_config, load_pose_prior, smplify
from anchorfit.fitting.covariance import ANCHORED, FREE, HELD, PREDICTED, of_prediction
from anchorfit.observations.doubts import doubted_keypoints
from anchorfit.observations.people import Observations
from anchorfit.regressors import Networks, load_networks, load_pose_prior_network, predict_params
from anchorfit.regressors.synthesis import SyntheticPeople
from anchorfit.regressors.training.uncertainty_task import CALIBRATING, SHARE, people_of_part


def observed(people: SyntheticPeople, count: int) -> tuple[Observations, torch.Tensor]:
    """The first of the people, and their true parameters."""
    keypoints, confidence, intrinsics = (
        value[:count] for value in (people.keypoints, people.confidence, people.intrinsics)
    )
    names = tuple(f"person#{index}" for index in range(len(keypoints)))
    size = (2 * intrinsics[:, :2, 2]).round()
    seen = Observations(keypoints=keypoints, confidence=confidence, intrinsics=intrinsics, image_size=size, names=names)
    return seen, people.params[:count]


class Found(NamedTuple):
    """Bodies (B, D), their joints' covariances as they are, and the truth (B, D)."""

    params: torch.Tensor
    covariance_mm2: torch.Tensor
    truth: torch.Tensor


def found(body: BodyModel, seen: Observations, truth: torch.Tensor, networks: Networks) -> dict[str, Found]:
    """The bodies that each way makes of people."""
    pose_prior, guess = load_pose_prior(), predict_params(seen, body, networks=networks)
    start, known = guess.params.clone(), guess.uncertainty
    if known is None:
        raise ValueError("the network does not say how sure it is: anchorfit train priors --which uncertainty")
    config, doubted = replace(anchored_config(), covariance=True), doubted_keypoints(body, start, seen)
    fits = {
        "ANCHORED": anchored(body, seen, pose_prior, start, config, uncertainty=known, doubted=doubted),
        "HELD": anchored(body, seen, pose_prior, start, config),
        "FREE": smplify(body, seen, pose_prior, config=replace(FitConfig(), covariance=True)),
    }
    predicted = Found(start, of_prediction(body, start, known).joint_covariance_mm2, truth)
    return {"PREDICTED": predicted} | {
        name: Found(fit.params, fit.joint_covariance_mm2, truth) for name, fit in fits.items()
    }


def factors(body: BodyModel, bodies: Found) -> tuple[float, float, float]:
    """Across and along the line of sight, and the percent of joints that were inside before."""

    def shares(measure: torch.Tensor, dimensions: int) -> float:
        return float((measure[:, 1:].flatten().quantile(SHARE) / INSIDE[dimensions]).sqrt())

    before = misses(body, *bodies)
    across, along = shares(before.across, 2), shares(before.along, 1)
    both = shares(misses(body, *bodies, across=across, along=along).space, 3)
    return both * across, both * along, 100 * float(before.inside[:, 1:].double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pose", help="weights of a PosePrior; default: the one in the package")
    parser.add_argument("--count", type=int, default=150, help="people of each of six sets")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    networks = Networks(pose=load_pose_prior_network(args.pose)) if args.pose else load_networks()
    sets = [people for part in ("aside", "heldout") for people in people_of_part(body, part, CALIBRATING).values()]
    parts = [found(body, *observed(people, args.count), networks) for people in sets]
    for name, now in (("PREDICTED", PREDICTED), ("ANCHORED", ANCHORED), ("HELD", HELD), ("FREE", FREE)):
        bodies = Found(*(torch.cat(values) for values in zip(*(part[name] for part in parts), strict=True)))
        across, along, inside = factors(body, bodies)
        print(
            f"{name}: across {now.across * across:.2f}, along {now.along * along:.2f}; {inside:.1f} % inside as it is"
        )


if __name__ == "__main__":
    main()
