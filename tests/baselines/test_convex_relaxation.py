import numpy as np
import pytest
import torch
from lifting_problems import rotations, seen_from  # type: ignore[import-not-found]
from scipy.optimize import minimize

from anchorfit.body import load_body
from anchorfit.evaluation.metrics.pose import reconstruction_error
from anchorfit_baselines.convex_relaxation import (
    ConvexRelaxation,
    decomposed,
    solve_relaxation,
    spectral_prox,
)
from anchorfit_baselines.orthography import ImagePoints, bone_lengths, reduced
from anchorfit_baselines.pose_basis import non_negative_dictionary, training_shapes


@pytest.fixture(scope="module")
def atoms():
    return non_negative_dictionary(training_shapes(load_body(), 300, seed=3), atoms=8, sparsity=0.1, rounds=50, seed=0)


def by_slsqp(matrix: np.ndarray, weight: float) -> np.ndarray:
    """Y less its projection onto the nuclear norm's ball (Moreau), which is {A B^T : |A|^2 + |B|^2 <= 2 weight}."""

    def product(x: np.ndarray) -> np.ndarray:
        return x[:4].reshape(2, 2) @ x[4:].reshape(3, 2).T

    inside = {"type": "ineq", "fun": lambda x: 2 * weight - (x**2).sum()}
    start = np.random.default_rng(1).normal(size=10) * 0.3
    found = minimize(
        lambda x: ((product(x) - matrix) ** 2).sum(), start,
        constraints=inside, options={"ftol": 1e-15, "maxiter": 1000},
    )  # fmt: skip
    return matrix - product(found.x)


@pytest.mark.parametrize("weight", [0.1, 0.7, 2.0, 9.0])
def test_a_generic_solver_finds_the_same_proximal_point(weight):
    for seed in range(4):
        matrix = np.random.default_rng(seed).normal(size=(2, 3))
        ours = spectral_prox(torch.as_tensor(matrix), weight).numpy()
        np.testing.assert_allclose(ours, by_slsqp(matrix, weight), atol=1e-5)


def test_what_the_proximal_step_takes_away_is_in_the_dual_norms_ball():
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(200, 2, 3, generator=generator, dtype=torch.float64)
    taken = matrix - spectral_prox(matrix, 0.8)
    nuclear = torch.linalg.svdvals(taken).sum(-1)
    small = torch.linalg.svdvals(matrix).sum(-1) <= 0.8  # inside the ball everything is taken
    torch.testing.assert_close(taken[small], matrix[small])
    torch.testing.assert_close(nuclear[~small], torch.full_like(nuclear[~small], 0.8))


def test_the_proximal_step_at_zero_and_at_equal_singular_values():
    assert torch.equal(spectral_prox(torch.zeros(2, 3, dtype=torch.float64), 0.5), torch.zeros(2, 3).double())
    rows = 2.0 * rotations(1, 0)[0, :2]
    torch.testing.assert_close(spectral_prox(rows, 1.0), 0.75 * rows)  # 2, 2 less (1/2, 1/2)


def test_admm_reaches_the_optimality_conditions(atoms):
    pose = training_shapes(load_body(), 3, seed=8)
    image = seen_from(pose, rotations(3, 4))
    points = reduced(image.points, image.weights)
    basis = reduced(atoms.expand(3, -1, -1, -1), image.weights)
    found = solve_relaxation(points, basis, sparsity=0.3, penalty=1.0, steps=800)
    residual = points - torch.einsum("bkij,bkpj->bpi", found, basis)
    gradient = torch.einsum("bpi,bkpj->bkij", residual, basis)  # is in sparsity times the subdifferential of the norm
    nuclear = torch.linalg.svdvals(gradient).sum(-1)
    assert (nuclear <= 0.3 * 1.02).all()
    norms = torch.linalg.matrix_norm(found, 2)
    torch.testing.assert_close((gradient * found).sum((-2, -1)), 0.3 * norms, atol=5e-3, rtol=0.02)


def test_a_sum_of_two_atoms_is_recovered_from_any_side(atoms):
    pose = (0.9 * atoms[2] + 0.5 * atoms[5]).expand(6, -1, -1)
    turns = rotations(6, 1)
    relaxed = ConvexRelaxation(
        atoms=atoms, total_length=float(bone_lengths(pose[0]).sum()), sparsity=0.003, steps=300, rounds=150
    )
    error = reconstruction_error(relaxed.turned(seen_from(pose, turns)), pose)
    assert error.max() < 2e-3  # metres; the sparsity's weight leaves a bias


def test_matrices_that_are_scaled_rotations_come_apart():
    scales = torch.tensor([[0.5, 2.0], [1.0, 3.0]], dtype=torch.float64)
    turns = rotations(4, 2).unflatten(0, (2, 2))
    codes, found = decomposed(scales[..., None, None] * turns[:, :, :2])
    torch.testing.assert_close(codes, scales)
    torch.testing.assert_close(found, turns)


def test_a_batch_is_its_rows(atoms):
    image = seen_from(training_shapes(load_body(), 3, seed=5), rotations(3, 6))
    relaxed = ConvexRelaxation(atoms=atoms, total_length=3.0)
    rows = [relaxed.turned(ImagePoints(*(value[i : i + 1] for value in image))) for i in range(3)]
    torch.testing.assert_close(relaxed.turned(image), torch.cat(rows), atol=1e-8, rtol=0)


def test_weights_must_be_positive(atoms):
    with pytest.raises(ValueError, match="sparsity and penalty: expected positive numbers"):
        solve_relaxation(torch.zeros(1, 31, 2), torch.zeros(1, 8, 31, 3), sparsity=0.0, penalty=1.0, steps=1)
