from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from lifting_problems import rotations, seen_from  # type: ignore[import-not-found]
from scipy.optimize import minimize

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.metrics.pose import reconstruction_error
from anchorfit.evaluation.synthetic import make_people
from anchorfit_baselines.matching_pursuit import MatchingPursuit, constrained_least_squares
from anchorfit_baselines.orthography import ImagePoints, bone_lengths, skeleton_points
from anchorfit_baselines.pose_basis import PoseBasis, clustered_basis, training_shapes


@pytest.fixture(scope="module")
def basis() -> PoseBasis:
    """Of every tenth held-out pose, which no change of the library moves: whether a greedy pursuit finds a pose again
    from every side depends on the basis."""
    body = load_body()
    poses = load_pose_library(split="heldout", mirrored=False, dtype=torch.float64).poses[::10]
    params = body.layout.zeros(len(poses), torch.empty(0, dtype=torch.float64))
    params[:, body.layout.body_pose] = poses[:, body.layout.body_pose]
    points = skeleton_points(body).to(dtype=torch.float64).points(params)
    return clustered_basis(points - points[:, :1], clusters=1, components=4, seed=0)


def posed(basis: PoseBasis, coefficients: list[float]) -> torch.Tensor:
    weights = torch.tensor(coefficients, dtype=torch.float64)
    return basis.mean + (weights[:, None, None] * basis.atoms[: len(weights)]).sum(0)


def method(basis: PoseBasis, pose: torch.Tensor, **settings: Any) -> MatchingPursuit:
    lengths = bone_lengths(pose)
    squared, total = float(lengths.square().sum()), float(lengths.sum())
    return MatchingPursuit(basis=basis, squared_lengths=squared, total_length=total, **settings)


@pytest.mark.parametrize("coefficients", [[0.35], [0.35, -0.3, 0.25]])
def test_a_pose_in_the_span_is_recovered_from_any_side(basis, coefficients):
    basis = replace(basis, atoms=basis.atoms[:3])
    pose = posed(basis, coefficients)
    count = len(coefficients)
    found = method(basis, pose, sparsity=count, rounds=100, tolerance=1e-9).lift(
        seen_from(pose.expand(3, -1, -1), rotations(3, 1))
    )
    assert reconstruction_error(found.turned(), pose.expand(3, -1, -1)).max() < 1e-3


def test_limbs_keep_the_sum_of_their_squared_lengths(basis):
    pose = posed(basis, [0.2, 0.4])
    image = seen_from(training_shapes(load_body(), 5, seed=9), rotations(5, 2))
    pursuit = method(basis, pose, sparsity=4)
    lengths = bone_lengths(pursuit.lift(image).shape).square().sum(-1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, pursuit.squared_lengths), atol=1e-5, rtol=0)


def test_scipy_finds_the_same_constrained_minimum():
    rng = np.random.default_rng(0)
    a, b, q_matrix, q = rng.normal(size=(12, 4)), rng.normal(size=12), rng.normal(size=(9, 4)), rng.normal(size=9)
    wanted = 3.0 * float(q @ q)
    tensors = (torch.as_tensor(value)[None] for value in (a, b, q_matrix, q, np.array(wanted)))
    ours = constrained_least_squares(*tensors)[0].numpy()

    def off(w: np.ndarray) -> float:
        return float(((q_matrix @ w + q) ** 2).sum() - wanted)

    starts = rng.normal(size=(10, 4))
    held = {"type": "eq", "fun": off}
    found = [minimize(lambda w: ((a @ w - b) ** 2).sum(), w0, constraints=held, tol=1e-12) for w0 in starts]
    theirs = min(found, key=lambda result: result.fun)
    np.testing.assert_allclose(ours, theirs.x, atol=1e-4)
    assert abs(off(ours)) < 1e-6


def test_without_atoms_the_mean_pose_is_seen(basis):
    pose = posed(basis, [0.3])
    found = method(basis, pose, sparsity=0).lift(seen_from(pose.expand(2, -1, -1), rotations(2, 3)))
    torch.testing.assert_close(found.shape, basis.mean.expand(2, -1, -1))


def test_a_batch_is_its_rows(basis):
    image = seen_from(training_shapes(load_body(), 4, seed=11), rotations(4, 5))
    pursuit = method(basis, posed(basis, [0.3]), sparsity=3)
    rows = [pursuit.lift(ImagePoints(*(value[i : i + 1] for value in image))).turned() for i in range(4)]
    torch.testing.assert_close(pursuit.lift(image).turned(), torch.cat(rows), atol=1e-8, rtol=0)


def test_atoms_bring_held_out_people_nearer_than_the_mean_pose():
    body = load_body()
    trained = MatchingPursuit.train(body, count=1500, clusters=4, components=8, sparsity=8, seed=0)
    people = make_people(body, load_pose_library(split="heldout").poses[::97].numpy(), 40, seed=4)
    truth = body.from_params(people.params).joints

    def error(sparsity: int) -> float:
        joints = replace(trained, sparsity=sparsity).estimate(people.observations, body).joints_cam
        return float(reconstruction_error(joints, truth).mean())

    assert error(8) < 0.85 * error(0)
