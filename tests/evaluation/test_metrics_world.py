"""Errors in the world against plain loops, and their laws."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from anchorfit.evaluation.metrics.world import foot_sliding, root_translation_error, world_error

GENERATOR = np.random.default_rng(4)


def walk(frames=250, joints=5):
    """A person who walks, and a prediction that drifts: (T, J, 3) each."""
    way = np.cumsum(GENERATOR.normal(0.02, 0.02, (frames, 1, 3)), 0)
    target = way + GENERATOR.normal(0, 0.3, (1, joints, 3)) + GENERATOR.normal(0, 0.02, (frames, joints, 3))
    drift = np.cumsum(GENERATOR.normal(0.001, 0.002, (frames, 1, 3)), 0)
    return target + drift + GENERATOR.normal(0, 0.01, target.shape), target


def plain_similarity(source, target, scaled=True):
    """Umeyama 1991, step by step."""
    mean, aim = source.mean(0), target.mean(0)
    covariance = sum(np.outer(t - aim, s - mean) for s, t in zip(source, target, strict=True)) / len(source)
    u, d, vt = np.linalg.svd(covariance)
    sign = np.diag([1, 1, 1 if np.linalg.det(u) * np.linalg.det(vt) > 0 else -1])
    rotation = u @ sign @ vt
    variance = sum(((s - mean) ** 2).sum() for s in source) / len(source)
    scale = np.trace(np.diag(d) @ sign) / variance if scaled else 1.0
    return lambda points: np.array([scale * rotation @ (p - mean) + aim for p in points])


def plain_world_error(predicted, target, known, stretch=100):
    errors = []
    for first in range(0, len(target), stretch):
        some, true = predicted[first : first + stretch], target[first : first + stretch]
        count = len(some) if known is None else known
        move = plain_similarity(some[:count].reshape(-1, 3), true[:count].reshape(-1, 3))
        errors += [np.linalg.norm(move(a) - b, axis=1).mean() for a, b in zip(some, true, strict=True)]
    return np.array(errors)


@pytest.mark.parametrize(("aligned", "known"), [(False, 2), (True, None)])
def test_joints_in_the_world_as_a_plain_loop_has_them(aligned, known):
    predicted, target = walk()
    ours = world_error(torch.from_numpy(predicted), torch.from_numpy(target), aligned=aligned)
    np.testing.assert_allclose(ours.numpy(), plain_world_error(predicted, target, known), atol=1e-12)


def test_the_way_of_the_root_as_a_plain_loop_has_it():
    predicted, target = (points[:, 0] for points in walk())
    length = sum(np.linalg.norm(b - a) for a, b in pairwise(target))
    move = plain_similarity(predicted, target, scaled=False)
    expected = [np.linalg.norm(p - t) / length for p, t in zip(move(predicted), target, strict=True)]
    ours = root_translation_error(torch.from_numpy(predicted), torch.from_numpy(target))
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)


def test_feet_slide_where_the_true_foot_stands():
    predicted, target = walk(40)
    target[10:30, 1] = target[10, 1]  # one foot stands
    expected = []
    for frame in range(39):
        for foot in range(5):
            if np.linalg.norm(target[frame + 1, foot] - target[frame, foot]) < 0.01:
                expected.append(np.linalg.norm(predicted[frame + 1, foot] - predicted[frame, foot]))
    ours = foot_sliding(torch.from_numpy(predicted), torch.from_numpy(target))
    assert len(ours) >= 19
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)


def test_another_world_changes_nothing():
    """The prediction's axes, origin and, where joints are laid together, its unit are its own affair."""
    predicted, target = (torch.from_numpy(points) for points in walk())
    turn = torch.from_numpy(Rotation.random(random_state=3).as_matrix())
    moved = predicted @ turn.mT + torch.tensor([4.0, -2.0, 9.0], dtype=torch.float64)
    for aligned in (False, True):
        expected = world_error(predicted, target, aligned=aligned)
        torch.testing.assert_close(world_error(1.7 * moved, target, aligned=aligned), expected)
    torch.testing.assert_close(
        root_translation_error(moved[:, 0], target[:, 0]), root_translation_error(predicted[:, 0], target[:, 0])
    )
    torch.testing.assert_close(foot_sliding(moved, target), foot_sliding(predicted, target))
    assert world_error(target, target, aligned=False).max() < 1e-10


def test_a_frame_left_over_joins_the_stretch_before_it():
    predicted, target = (torch.from_numpy(points) for points in walk(101))
    whole = world_error(predicted, target, aligned=True)
    torch.testing.assert_close(whole, world_error(predicted, target, aligned=True, stretch=101))


def test_what_does_not_fit_is_said():
    points = torch.zeros(1, 4, 3)
    for call in (lambda: world_error(points, points, aligned=True), lambda: foot_sliding(points, points[:, :2])):
        with pytest.raises(ValueError, match="expected two"):
            call()
