"""The constants of `fitting/covariance.py`, from people whom no table judges.

    python scripts/calibrate_covariance.py [--pose FILE] [--count 300]     # minutes on one core

Seen are the people that the head of PosePrior was calibrated on, too (`training.uncertainty_task.CALIBRATING`). Each
way to get a body has factors, across the line of sight and along it, such that nine in ten true joints lie in the
regions, over all joints and ways to be seen, whether bodies lie on their keypoints or off them.
``scripts/evaluate_priors.py`` judges them on other people.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from typing import NamedTuple

import torch

from anchorfit.body import BodyModel, load_body
from anchorfit.body.uncertainty import INSIDE
from anchorfit.evaluation.coverage import misses
from anchorfit.fitting import FitConfig, anchored, anchored_config, load_pose_prior, smplify
from anchorfit.fitting.covariance import ANCHORED, FREE, HELD, PREDICTED, Trimming, of_prediction
from anchorfit.fitting.diagnostics import FARTHEST, off_keypoints
from anchorfit.observations.doubts import doubted_keypoints
from anchorfit.observations.people import Observations
from anchorfit.regressors import Networks, load_networks, load_pose_prior_network, predict_params
from anchorfit.regressors.synthesis import SyntheticPeople
from anchorfit.regressors.training.uncertainty_task import CALIBRATING, SHARE, people_of_part

GROUPS = 10  # of bodies that are off their keypoints alike


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
    """Bodies (B, D), their joints' covariances as they are, the truth (B, D), and (B,) percent of the person's size
    that each is off its keypoints."""

    params: torch.Tensor
    covariance_mm2: torch.Tensor
    truth: torch.Tensor
    percent: torch.Tensor


def found(body: BodyModel, seen: Observations, truth: torch.Tensor, networks: Networks) -> dict[str, Found]:
    """The bodies that each way makes of people."""
    pose_prior, guess = load_pose_prior(), predict_params(seen, body, networks=networks)
    start, known = guess.params.clone(), guess.uncertainty
    if known is None:
        raise ValueError("the network does not say how sure it is: anchorfit train priors --which uncertainty")
    config, doubted = replace(anchored_config(), covariance=True), doubted_keypoints(body, start, seen)
    off = off_keypoints(body, seen, start)
    bodies = {"PREDICTED": (start, of_prediction(body, start, known, off).joint_covariance_mm2)}
    for name, fit in {
        "ANCHORED": anchored(body, seen, pose_prior, start, config, uncertainty=known, doubted=doubted),
        "HELD": anchored(body, seen, pose_prior, start, config),
        "FREE": smplify(body, seen, pose_prior, config=replace(FitConfig(), covariance=True)),
    }.items():
        bodies[name] = fit.params, fit.joint_covariance_mm2
    return {name: Found(*one, truth, 100 * off_keypoints(body, seen, one[0])) for name, one in bodies.items()}


def line(squares: torch.Tensor, percent: torch.Tensor) -> tuple[float, float]:
    """Constant factor c and growth g such that nine in ten of squared distances (B, N) over ((1 + g p) c)^2 are inside.

    The factor that each of ten groups of like percents p needs, fitted by least squares.

    Raises:
        ValueError: the line falls to 0 before the farthest that a body can be off: too few people.
    """
    order = percent.argsort().chunk(GROUPS)
    needs = torch.stack([squares[rows].flatten().quantile(SHARE) / INSIDE[3] for rows in order]).sqrt()
    means = torch.stack([percent[rows].mean() for rows in order]).double()
    shown = torch.stack((torch.ones_like(means), means), 1)
    constant, slope = torch.linalg.lstsq(shown, needs[:, None].double()).solution[:, 0].tolist()
    if min(constant, constant + 100 * FARTHEST * slope) <= 0:
        raise ValueError(f"factors {constant:.3g} + {slope:.3g} p are no factors: of too few people; raise --count")
    return constant, slope / constant


def trimming(body: BodyModel, bodies: Found, by: Trimming) -> tuple[Trimming, float]:
    """The factors anew, and the percent of joints that are inside with those of today."""
    *some, percent = bodies
    now = misses(body, *some)
    plain = by.widening(percent.double() / 100)  # taken out again
    _, growth = line((now.space * plain.square())[:, 1:], percent)
    grown = (plain[:, 1:] / (1 + growth * percent[:, None])).square()

    def share(measure: torch.Tensor, dimensions: int) -> float:
        return float(((measure[:, 1:] * grown).flatten().quantile(SHARE) / INSIDE[dimensions]).sqrt())

    across, along = share(now.across, 2), share(now.along, 1)
    both = share(misses(body, *some, across=across, along=along).space, 3)
    across, along = across * both, along * both
    joints = misses(body, *some, across=across, along=along).space  # the pelvis's factor is on top of these
    pelvis, pelvis_growth = line((joints * plain.square())[:, :1], percent)
    anew = replace(
        by,
        across=by.across * across,
        along=by.along * along,
        growth=growth,
        pelvis=pelvis,
        pelvis_growth=pelvis_growth,
    )
    return anew, 100 * float(now.inside[:, 1:].double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pose", help="weights of a PosePrior; default: the one in the package")
    parser.add_argument("--count", type=int, default=300, help="people of each of six sets")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    networks = Networks(pose=load_pose_prior_network(args.pose)) if args.pose else load_networks()
    sets = [people for part in ("aside", "heldout") for people in people_of_part(body, part, CALIBRATING).values()]
    parts = [found(body, *observed(people, args.count), networks) for people in sets]
    for name, now in (("PREDICTED", PREDICTED), ("ANCHORED", ANCHORED), ("HELD", HELD), ("FREE", FREE)):
        bodies = Found(*(torch.cat(values) for values in zip(*(part[name] for part in parts), strict=True)))
        anew, inside = trimming(body, bodies, now)
        values = ", ".join(f"{key}={value:.3g}" for key, value in asdict(anew).items())
        print(f"{name} = Trimming({values})  # {inside:.1f} % inside as it is", flush=True)


if __name__ == "__main__":
    main()
