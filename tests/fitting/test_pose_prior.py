"""The Gaussian mixture as residuals, against scipy's densities; the shipped prior."""

import math
import pickle

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from anchorfit.body.pose_library import load_pose_library
from anchorfit.fitting.pose_prior import DEFAULT_PATH, GaussianMixture, load_pose_prior


def _random_mixture(components: int = 3) -> tuple[GaussianMixture, np.ndarray]:
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(components, 69, 80)) * rng.uniform(0.02, 0.1, size=(components, 1, 1))
    covariances = factors @ np.swapaxes(factors, 1, 2)
    weights = np.arange(1.0, components + 1) / np.arange(1.0, components + 1).sum()
    mixture = GaussianMixture.from_precisions_cholesky(
        torch.from_numpy(rng.normal(scale=0.3, size=(components, 69))),
        torch.from_numpy(np.linalg.cholesky(np.linalg.inv(covariances))),
        torch.from_numpy(weights),
    )
    return mixture, covariances


def _log_densities(mixture: GaussianMixture, covariances: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """log(pi_k N(x; m_k, C_k)): (N, K)."""
    columns = [
        math.log(weight) + multivariate_normal(mean, covariance).logpdf(poses)
        for mean, covariance, weight in zip(mixture.means.numpy(), covariances, mixture.weights.tolist(), strict=True)
    ]
    return np.stack(columns, axis=1)


def test_the_energy_is_the_best_components_negative_log_density_up_to_a_constant():
    mixture, covariances = _random_mixture()
    poses = np.random.default_rng(1).normal(scale=0.4, size=(40, 69))
    log_densities = _log_densities(mixture, covariances, poses)
    found = mixture.residuals(torch.from_numpy(poses))
    energies = found.residuals.square().sum(dim=1).numpy()
    constant = min(np.linalg.slogdet(covariance)[1] / 2 for covariance in covariances)
    np.testing.assert_allclose(energies, -log_densities.max(axis=1) - constant, rtol=1e-9)
    np.testing.assert_array_equal(found.component.numpy(), log_densities.argmax(axis=1))
    assert len(set(found.component.tolist())) > 1
    np.testing.assert_allclose(mixture.energy(torch.from_numpy(poses)).numpy(), energies)


def test_neg_log_weights_are_smplifys():
    mixture, covariances = _random_mixture()
    roots = np.array([math.sqrt(np.linalg.det(covariance * 100)) for covariance in covariances])  # scaled: no underflow
    expected = -np.log(mixture.weights.numpy() / ((2 * np.pi) ** (69 / 2) * roots / roots.min()))
    np.testing.assert_allclose(mixture.neg_log_weights.numpy(), expected, rtol=1e-10)
    assert (mixture.neg_log_weights > 0).all()


def test_the_jacobian_is_the_scaled_transposed_factor():
    mixture, _ = _random_mixture()
    pose = torch.from_numpy(np.random.default_rng(2).normal(scale=0.4, size=(1, 69)))
    component = int(mixture.residuals(pose).component)
    jacobian = torch.autograd.functional.jacobian(lambda x: mixture.residuals(x).residuals[0], pose)[:, 0]
    torch.testing.assert_close(jacobian[:69], math.sqrt(0.5) * mixture.precisions_cholesky[component].T)
    assert (jacobian[69] == 0).all()


def test_a_batch_is_its_rows():
    mixture, _ = _random_mixture()
    poses = torch.from_numpy(np.random.default_rng(3).normal(scale=0.4, size=(7, 69)))
    whole = mixture.residuals(poses)
    for row in range(7):
        alone = mixture.residuals(poses[row : row + 1])
        torch.testing.assert_close(alone.residuals[0], whole.residuals[row])
        assert alone.component[0] == whole.component[row]
    poses[3] = math.nan
    spoilt = mixture.residuals(poses).residuals
    keep = [0, 1, 2, 4, 5, 6]
    torch.testing.assert_close(spoilt[keep], whole.residuals[keep])


def test_float32_agrees_with_float64():
    pose = torch.zeros(1, 69, dtype=torch.float64)
    exact = load_pose_prior(dtype=torch.float64).energy(pose)
    single = load_pose_prior(dtype=torch.float32).energy(pose.float())
    torch.testing.assert_close(single.double(), exact, rtol=1e-4, atol=0)  # 70 squares in float32


def test_the_shipped_prior_is_eight_components_and_mirror_symmetric():
    """The mirror image of a pose has the same energy: fitting a mirrored picture gives the mirrored fit."""
    prior = load_pose_prior(dtype=torch.float64)
    assert prior.num_components == 8
    poses = load_pose_library(split="heldout", dtype=torch.float64).poses[:, 3:]
    recorded, mirrored = prior.energy(poses).chunk(2)
    torch.testing.assert_close(recorded, mirrored, rtol=1e-8, atol=1e-8)
    assert "mocap.cs.cmu.edu" in str(np.load(DEFAULT_PATH)["meta"])
    assert DEFAULT_PATH.stat().st_size < 500_000


def test_the_shipped_prior_tells_poses_from_scrambled_ones():
    prior = load_pose_prior(dtype=torch.float64)
    poses = load_pose_library(split="heldout", mirrored=False, dtype=torch.float64).poses[:, 3:]
    typical = prior.energy(poses).median()
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(200, 69, generator=rng, dtype=torch.float64)
    scrambled = noise * poses.std(dim=0)  # joints of the right size that know nothing of each other
    assert (prior.energy(scrambled) > typical).double().mean() > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"means": np.zeros((8, 72))}, r"means: expected \(8, 69\), got \(8, 72\)"),
        ({"weights": np.full(8, 0.5)}, "weights: expected positive numbers that sum to one"),
        ({"weights": None}, "weights missing"),
        ({"means": np.full((8, 69), np.nan)}, "means: expected finite numbers"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, change, message):
    arrays = {**np.load(DEFAULT_PATH), **change}
    np.savez(tmp_path / "wrong.npz", **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(ValueError, match=message) as caught:
        load_pose_prior(tmp_path / "wrong.npz")
    assert "wrong.npz" in str(caught.value)


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz: no such pose prior"):
        load_pose_prior(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.npz: expected a pose prior"):
        load_pose_prior(tmp_path / "text.npz")


@pytest.mark.parametrize("protocol", [0, 2])
def test_smplifys_own_pickle_is_read(tmp_path, protocol):
    mixture, covariances = _random_mixture(8)
    data = {"means": mixture.means.numpy(), "covars": covariances, "weights": mixture.weights.numpy()}
    path = tmp_path / "gmm_08.pkl"
    path.write_bytes(pickle.dumps(data, protocol=protocol))
    found = load_pose_prior(path, dtype=torch.float64)
    poses = torch.from_numpy(np.random.default_rng(4).normal(scale=0.4, size=(5, 69)))
    torch.testing.assert_close(found.energy(poses), mixture.energy(poses), rtol=1e-7, atol=0)


def test_a_pickle_that_runs_something_is_refused(tmp_path):
    path, canary = tmp_path / "gmm_08.pkl", tmp_path / "ran"
    path.write_bytes(f"cos\nsystem\n(S'touch {canary}'\ntR.".encode())
    with pytest.raises(ValueError, match=r"gmm_08.pkl"):
        load_pose_prior(path)
    assert not canary.exists()


def test_a_wrong_pose_shape_is_named():
    with pytest.raises(ValueError, match=r"body_pose: expected \(B, 69\), got \(2, 72\)"):
        load_pose_prior().residuals(torch.zeros(2, 72))
