from dataclasses import replace

import pytest
import torch
from lifting_problems import rotations, seen_from  # type: ignore[import-not-found]

from anchorfit.body import load_body
from anchorfit.evaluation.metrics.pose import reconstruction_error
from anchorfit_baselines.limited_pursuit import LimitedPursuit
from anchorfit_baselines.orthography import ImagePoints, bone_lengths
from anchorfit_baselines.pose_basis import training_shapes


@pytest.fixture(scope="module")
def trained() -> LimitedPursuit:
    return LimitedPursuit.train(load_body(), count=600, clusters=3, components=6, sparsity=3, seed=0)


def test_a_pose_in_the_span_is_recovered(trained):
    basis = replace(trained.basis, atoms=trained.basis.atoms[:1])
    pose = trained.limits.moved_inside((basis.mean + 0.3 * basis.atoms[0])[None])
    basis = replace(basis, atoms=(pose[0] - basis.mean)[None])  # the atom leads to a pose inside the limits
    exact = replace(trained, basis=basis, lengths=bone_lengths(pose[0]), sparsity=1, ridge=1e-9, rounds=40)
    found = exact.lift(seen_from(pose.expand(4, -1, -1), rotations(4, 1)))
    assert reconstruction_error(found.turned(), pose.expand(4, -1, -1)).max() < 1e-4


def test_what_is_found_is_inside_the_limits(trained):
    image = seen_from(training_shapes(load_body(), 6, seed=9), rotations(6, 2))
    assert trained.limits.allowed(trained.lift(image).shape).all()


def test_trying_more_atoms_lowers_the_energy_of_the_first_step(trained):
    image = seen_from(training_shapes(load_body(), 20, seed=9), rotations(20, 2))
    one, four = (replace(trained, sparsity=1, candidates=count).pursued(image) for count in (1, 4))
    assert (trained.energy(four) <= trained.energy(one) + 1e-12).all()
    assert (trained.energy(four) < trained.energy(one)).any()


def test_bones_are_nearer_the_mean_bodys_where_they_weigh_more(trained):
    image = seen_from(training_shapes(load_body(), 10, seed=7), rotations(10, 4))

    def stretch(weight: float) -> float:
        shape = replace(trained, bone_weight=weight).pursued(image).shape()
        return float((bone_lengths(shape) - trained.lengths).square().sum(-1).mean())

    assert stretch(100.0) < stretch(0.1)


def test_a_batch_is_its_rows(trained):
    image = seen_from(training_shapes(load_body(), 3, seed=5), rotations(3, 5))
    rows = [trained.lift(ImagePoints(*(value[i : i + 1] for value in image))).turned() for i in range(3)]
    torch.testing.assert_close(trained.lift(image).turned(), torch.cat(rows), atol=1e-8, rtol=0)
