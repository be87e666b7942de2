"""Weighted expectation-maximisation of a mirror-symmetric Gaussian mixture over body poses.

Every pose counts together with its mirror image. Components come as pairs that mirror each other, or mirror
themselves; started so, expectation-maximisation keeps it so, and a fit of a mirrored picture is the mirrored fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from .retarget import MIRROR_JOINTS

MIRROR_INDEX = np.array([3 * (joint - 1) + axis for joint in MIRROR_JOINTS[1:] for axis in range(3)])
_EMPTY = 1e-9  # poses: keeps a component that lost all its poses finite
MIRROR_SIGN = np.tile([1.0, -1.0, -1.0], 23)


def mirror_vectors(vectors: np.ndarray) -> np.ndarray:
    """Mirror images of body poses (..., 69)."""
    return vectors[..., MIRROR_INDEX] * MIRROR_SIGN


def mirror_matrices(matrices: np.ndarray) -> np.ndarray:
    """Mirror images of covariances (..., 69, 69)."""
    return mirror_vectors(np.swapaxes(mirror_vectors(matrices), -1, -2))


@dataclass(frozen=True, kw_only=True)
class MixtureSettings:
    """How the mixture is fitted."""

    components: int = 8
    symmetric: int = 0  # components that mirror themselves; the others come in pairs
    pooling: float = 300.0  # covariances are drawn to their pooled mean as if it were seen on this many poses
    floor: np.ndarray  # (69,) standard deviation in radians that is added (in variance) to each angle
    seed: int = 0
    max_steps: int = 200
    rtol: float = 1e-5  # stop when the mean log-likelihood improves by a smaller share


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Means (K, D), covariances (K, D, D), weights (K,) that sum to one."""

    means: np.ndarray
    covariances: np.ndarray
    weights: np.ndarray

    def log_densities(self, poses: np.ndarray) -> np.ndarray:
        """log(weight x density) of each component at poses (N, D): (N, K)."""
        columns = []
        for mean, covariance, weight in zip(self.means, self.covariances, self.weights, strict=True):
            lower = np.linalg.cholesky(covariance)
            white = solve_triangular(lower, (poses - mean).T, lower=True)
            constant = np.log(weight) - np.log(np.diag(lower)).sum() - 0.5 * len(mean) * np.log(2 * np.pi)
            columns.append(constant - 0.5 * (white**2).sum(axis=0))
        return np.stack(columns, axis=1)

    def log_likelihood(self, poses: np.ndarray) -> np.ndarray:
        """Log density at poses (N, D): (N,)."""
        return logsumexp(self.log_densities(poses), axis=1)

    def marginal(self, index: np.ndarray) -> Mixture:
        """The mixture of some of the coordinates."""
        return Mixture(
            means=self.means[:, index], covariances=self.covariances[:, index][:, :, index], weights=self.weights
        )


def partners(settings: MixtureSettings) -> np.ndarray:
    """For each component the one that mirrors it: the symmetric ones first, then pairs."""
    pairs = np.arange(settings.symmetric, settings.components)
    if len(pairs) % 2:
        raise ValueError(f"symmetric: expected {settings.components} less an even number, got {settings.symmetric}")
    swapped = settings.symmetric + ((pairs - settings.symmetric) ^ 1)
    return np.concatenate([np.arange(settings.symmetric), swapped])


def fit_mixture(poses: np.ndarray, counts: np.ndarray, settings: MixtureSettings) -> Mixture:
    """Fit the mixture.

    Args:
        poses: (N, 69), not mirrored.
        counts: (N,) how many poses each one stands for.
        settings: the number of components, how they are drawn together, the seed.
    """
    both = np.concatenate([poses, mirror_vectors(poses)])
    weights = np.concatenate([counts, counts]) / 2
    responsibilities = _start(poses, counts, settings)
    mixture = _maximise(both, weights, responsibilities, settings)
    previous = -np.inf
    for _ in range(settings.max_steps):
        log_densities = mixture.log_densities(both)
        totals = logsumexp(log_densities, axis=1)
        mean = float(np.average(totals, weights=weights))
        mixture = _maximise(both, weights, np.exp(log_densities - totals[:, None]), settings)
        if mean - previous < settings.rtol * abs(mean):
            break
        previous = mean
    return mixture


def _start(poses: np.ndarray, counts: np.ndarray, settings: MixtureSettings) -> np.ndarray:
    """Hard responsibilities (2N, K) from k-means that mirrors its centres: poses first, then their mirror images."""
    rng = np.random.default_rng(settings.seed)
    partner = partners(settings)
    both = np.concatenate([poses, mirror_vectors(poses)])
    weights = np.concatenate([counts, counts])
    centres = np.empty((settings.components, poses.shape[1]))
    distance = np.ones(len(both))
    for component in range(settings.components):
        if partner[component] < component:
            centres[component] = mirror_vectors(centres[partner[component]])
        else:
            share = distance * weights
            centres[component] = both[rng.choice(len(both), p=share / share.sum())]
            if partner[component] == component:
                centres[component] = (centres[component] + mirror_vectors(centres[component])) / 2
        nearest = ((both - centres[component]) ** 2).sum(axis=1)
        distance = nearest if component == 0 else np.minimum(distance, nearest)
    labels = np.zeros(len(both), dtype=np.int64)
    for _ in range(30):
        half = _nearest(poses, centres)
        labels = np.concatenate([half, partner[half]])
        for component in range(settings.components):
            mine = labels == component
            if mine.any():
                centres[component] = np.average(both[mine], axis=0, weights=weights[mine])
    return np.eye(settings.components)[labels]


def _nearest(poses: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((centres**2).sum(axis=1) - 2 * poses @ centres.T).argmin(axis=1)


def _maximise(
    poses: np.ndarray, weights: np.ndarray, responsibilities: np.ndarray, settings: MixtureSettings
) -> Mixture:
    """Means, covariances and weights of the responsibilities, drawn to the pooled covariance, with the floor added."""
    shares = responsibilities * weights[:, None]
    totals = shares.sum(axis=0) + _EMPTY
    means = (shares.T @ poses + _EMPTY * poses.mean(axis=0)) / totals[:, None]
    scatters = np.stack(
        [(poses - mean).T @ ((poses - mean) * share[:, None]) for mean, share in zip(means, shares.T, strict=True)]
    )
    pooled = scatters.sum(axis=0) / totals.sum()
    covariances = (scatters + settings.pooling * pooled) / (totals + settings.pooling)[:, None, None]
    covariances = covariances + np.diag(settings.floor**2)
    return _symmetrised(means, covariances, totals / totals.sum(), partners(settings))


def _symmetrised(means: np.ndarray, covariances: np.ndarray, weights: np.ndarray, partner: np.ndarray) -> Mixture:
    """Take the rounding out of the symmetry: average each component with its partner's mirror image."""
    means = (means + mirror_vectors(means[partner])) / 2
    covariances = (covariances + mirror_matrices(covariances[partner])) / 2
    covariances = (covariances + np.swapaxes(covariances, 1, 2)) / 2
    return Mixture(means=means, covariances=covariances, weights=(weights + weights[partner]) / 2)
