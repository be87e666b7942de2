"""The mirror-symmetric mixture: densities, symmetry, recovery of known components, folds by subject."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from scripts.motion.mixture import MixtureSettings, fit_mixture, mirror_matrices, mirror_vectors, partners
from scripts.motion.prior import cross_validate, floors, recorded_coordinates, save_prior


@pytest.fixture(scope="module")
def known():
    """Two clusters that mirror each other, seen once each as recorded: (poses, mean of the first)."""
    rng = np.random.default_rng(0)
    mean = rng.normal(scale=0.5, size=69)
    poses = mean + 0.1 * rng.normal(size=(600, 69))
    flip = rng.random(600) < 0.3
    poses[flip] = mirror_vectors(poses[flip])
    return poses, mean


@pytest.fixture(scope="module")
def settings():
    return MixtureSettings(components=2, symmetric=0, pooling=1.0, floor=floors(0.01))


@pytest.fixture(scope="module")
def fitted(known, settings):
    poses, _ = known
    return fit_mixture(poses, np.ones(len(poses)), settings)


def test_mirroring_twice_changes_nothing():
    vectors = np.random.default_rng(1).normal(size=(5, 69))
    np.testing.assert_array_equal(mirror_vectors(mirror_vectors(vectors)), vectors)
    outer = vectors[:, :, None] * vectors[:, None, :]
    mirrored = mirror_vectors(vectors)
    np.testing.assert_allclose(mirror_matrices(outer), mirrored[:, :, None] * mirrored[:, None, :])


def test_densities_are_scipys(fitted):
    poses = fitted.means[0] + np.random.default_rng(2).normal(scale=0.2, size=(6, 69))
    columns = [
        np.log(weight) + multivariate_normal(mean, covariance).logpdf(poses)
        for mean, covariance, weight in zip(fitted.means, fitted.covariances, fitted.weights, strict=True)
    ]
    np.testing.assert_allclose(fitted.log_likelihood(poses), logsumexp(columns, axis=0), rtol=1e-10)
    index = np.array([3, 10, 40])
    part = multivariate_normal(fitted.means[0, index], fitted.covariances[0][np.ix_(index, index)])
    found = fitted.marginal(index).log_densities(poses[:, index])[:, 0]
    np.testing.assert_allclose(found, np.log(fitted.weights[0]) + part.logpdf(poses[:, index]))


def test_known_clusters_are_found(fitted, known):
    _, mean = known
    first = np.abs(fitted.means - mean).max(axis=1).argmin()
    assert np.abs(fitted.means[first] - mean).max() < 0.02  # 600 poses of deviation 0.1: 0.004, five sigma
    np.testing.assert_allclose(fitted.weights, [0.5, 0.5])


@pytest.mark.parametrize("symmetric", [0, 2, 4])
def test_components_mirror_their_partners(known, symmetric):
    poses, _ = known
    settings = MixtureSettings(components=4, symmetric=symmetric, floor=floors(0.05), max_steps=5)
    mixture = fit_mixture(poses, np.ones(len(poses)), settings)
    partner = partners(settings)
    np.testing.assert_array_equal(partner[partner], range(4))
    assert (partner == np.arange(4)).sum() == symmetric
    np.testing.assert_allclose(mixture.means, mirror_vectors(mixture.means[partner]), atol=1e-12)
    np.testing.assert_allclose(mixture.covariances, mirror_matrices(mixture.covariances[partner]), atol=1e-12)
    np.testing.assert_allclose(mixture.weights, mixture.weights[partner])
    assert mixture.weights.sum() == pytest.approx(1)


def test_an_odd_rest_of_components_is_refused():
    with pytest.raises(ValueError, match="symmetric: expected 8 less an even number, got 3"):
        partners(MixtureSettings(symmetric=3, floor=floors(0.05)))


def test_counts_are_worth_repetitions(known, settings):
    poses, _ = known
    counts = np.where(np.arange(60) < 20, 2.0, 1.0)
    weighted = fit_mixture(poses[:60], counts, settings)
    repeated = fit_mixture(np.repeat(poses[:60], counts.astype(int), axis=0), np.ones(80), settings)
    np.testing.assert_allclose(np.sort(weighted.means, axis=0), np.sort(repeated.means, axis=0), atol=1e-6)


def test_coordinates_without_data_get_their_floor_and_no_likelihood():
    floor = floors(0.05)
    assert floor[3 * 12] == 0.1  # collars
    assert floor[3 * 21] == 0.15  # hands
    assert floor[0] == 0.05
    poses = np.random.default_rng(3).normal(scale=0.2, size=(50, 69))
    poses[:, 9] = 0.3
    recorded = recorded_coordinates(poses)
    assert len(recorded) == 69 - 12 - 1
    assert 9 not in recorded


def test_people_left_out_score_lower_than_the_same_people(known, settings):
    """Two subjects far apart: a mixture of one of them knows nothing of the other."""
    poses, _ = known
    subjects = np.array(["a"] * 300 + ["b"] * 300)
    apart = poses + np.where(subjects == "a", 0.0, 2.0)[:, None]
    (near,) = cross_validate(poses, np.ones(600), subjects, [settings], folds=2)
    (far,) = cross_validate(apart, np.ones(600), subjects, [settings], folds=2)
    assert far < near - 100


def test_the_same_mixture_gives_the_same_bytes(fitted, settings, tmp_path):
    for name in ("one.npz", "two.npz"):
        save_prior(tmp_path / name, fitted, settings, {"fact": 1})
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as data:
        lower = data["precisions_cholesky"]
        np.testing.assert_allclose(lower @ np.swapaxes(lower, 1, 2) @ fitted.covariances, [np.eye(69)] * 2, atol=1e-8)
        assert "mocap.cs.cmu.edu" in str(data["meta"])
