"""Fit the pose prior to the training part of the pose library.

    python scripts/fit_pose_prior.py -o anchorfit/assets/priors/pose_gmm.npz [--search]

Settings were chosen by cross-validation over the training subjects (--search prints the table); the held-out people
are looked at once, at the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from motion.mixture import Mixture, MixtureSettings, fit_mixture
from motion.prior import choices, cross_validate, floors, recorded_coordinates, save_prior

from anchorfit.body.pose_library import PoseLibrary, load_pose_library


def body_poses(library: PoseLibrary) -> np.ndarray:
    return library.poses[:, 3:].numpy().astype(np.float64)


def balanced_counts(library: PoseLibrary, cap: int) -> np.ndarray:
    """How many poses each one stands for, no subject for more than ``cap``."""
    _, counts = np.unique(library.subjects, return_counts=True)
    return library.subject_balanced_weights(cap).numpy() * np.minimum(counts, cap).sum()


def describe(mixture: Mixture, poses: np.ndarray, counts: np.ndarray, recorded: np.ndarray) -> dict[str, float]:
    """Mean log-likelihoods, over all coordinates and over the recorded ones."""
    return {
        "all_coordinates": float(np.average(mixture.log_likelihood(poses), weights=counts)),
        "recorded_coordinates": float(
            np.average(mixture.marginal(recorded).log_likelihood(poses[:, recorded]), weights=counts)
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("anchorfit/assets/priors/pose_gmm.npz"))
    parser.add_argument("--library", type=Path, help="a pose library; the shipped one if left out")
    parser.add_argument("--cap", type=int, default=3000, help="no subject counts for more poses than this")
    parser.add_argument("--symmetric", type=int, default=MixtureSettings.symmetric)
    parser.add_argument("--pooling", type=float, default=MixtureSettings.pooling)
    parser.add_argument("--floor-deg", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=MixtureSettings.seed)
    parser.add_argument("--search", action="store_true", help="print the cross-validation table and stop")
    arguments = parser.parse_args()

    train = load_pose_library(arguments.library, "train", mirrored=False)
    poses, counts = body_poses(train), balanced_counts(train, arguments.cap)
    if arguments.search:
        for settings in choices(arguments.seed):
            (score,) = cross_validate(poses, counts, train.subjects, [settings])
            floor_deg = np.rad2deg(settings.floor.min())
            print(f"symmetric {settings.symmetric} pooling {settings.pooling:5.0f} floor {floor_deg:.0f} {score:8.3f}")
        return
    settings = MixtureSettings(
        symmetric=arguments.symmetric,
        pooling=arguments.pooling,
        floor=floors(np.deg2rad(arguments.floor_deg)),
        seed=arguments.seed,
    )
    mixture = fit_mixture(poses, counts, settings)
    heldout = load_pose_library(arguments.library, "heldout", mirrored=False)
    recorded = recorded_coordinates(poses)
    facts: dict[str, object] = {
        "trained_on": {"poses": len(poses), "subjects": sorted(set(train.subjects.tolist())), "cap": arguments.cap},
        "recorded_coordinates": len(recorded),
        "log_likelihood_train": describe(mixture, poses, counts, recorded),
        "log_likelihood_heldout": describe(
            mixture, body_poses(heldout), balanced_counts(heldout, arguments.cap), recorded
        ),
    }
    save_prior(arguments.output, mixture, settings, facts)
    print({key: value for key, value in facts.items() if key != "trained_on"})
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB, weights {mixture.weights.round(3)}")


if __name__ == "__main__":
    main()
