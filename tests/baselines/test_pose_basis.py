import pytest
import torch
from lifting_problems import rotations  # type: ignore[import-not-found]

from anchorfit.body import load_body
from anchorfit_baselines.pose_basis import (
    aligned,
    clustered_basis,
    non_negative_dictionary,
    training_shapes,
)


@pytest.fixture(scope="module")
def shapes():
    return training_shapes(load_body(), 300, seed=1)


def test_one_cluster_of_as_many_components_as_there_are_dimensions_holds_every_shape(shapes):
    some = shapes[:20]  # of twenty shapes, about their mean
    basis = clustered_basis(some, clusters=1, components=19, seed=0)
    turned, mean = aligned(some)
    spread = (turned - mean).flatten(1)
    directions = basis.atoms[:19].flatten(1)
    torch.testing.assert_close(spread @ directions.mT @ directions, spread, atol=1e-9, rtol=0)


def test_components_are_ordered_by_what_they_explain_and_of_unit_length(shapes):
    basis = clustered_basis(shapes, clusters=3, components=5, seed=0)
    assert basis.atoms.shape == (20, 31, 3)
    torch.testing.assert_close(basis.atoms.flatten(1).norm(dim=1), torch.ones(20, dtype=torch.float64))
    turned, mean = aligned(shapes)
    explained = ((turned - mean).flatten(1) @ basis.atoms[:5].flatten(1).mT).square().sum(0)
    assert (explained.diff() <= 0).all()


def test_shapes_are_aligned_whichever_way_they_faced(shapes):
    turned, mean = aligned(shapes @ rotations(len(shapes), 2).mT)
    straight, straight_mean = aligned(shapes)
    assert (turned - mean).square().sum() < 1.05 * (straight - straight_mean).square().sum()
    torch.testing.assert_close(turned.flatten(1).norm(dim=1), straight.flatten(1).norm(dim=1))  # sizes are kept


def test_the_dictionary_learns_and_its_codes_stay_positive(shapes):
    flat = aligned(shapes)[0].flatten(1)

    def error(rounds: int) -> float:
        atoms = non_negative_dictionary(shapes, atoms=12, sparsity=0.02, rounds=rounds, seed=0).flatten(1)
        torch.testing.assert_close(atoms.norm(dim=1), torch.ones(12, dtype=torch.float64))
        codes = torch.zeros(len(flat), 12, dtype=torch.float64)
        for _ in range(500):
            codes = (codes - 0.05 * (codes @ atoms - flat) @ atoms.mT).clamp_min(0)
        return float((codes @ atoms - flat).square().mean())

    assert error(200) < 0.7 * error(1)


def test_the_same_seed_gives_the_same_basis(shapes):
    first, second = (clustered_basis(shapes, clusters=3, components=4, seed=5).atoms for _ in range(2))
    assert torch.equal(first, second)


def test_too_few_shapes(shapes):
    with pytest.raises(ValueError, match="expected at least 8, one a cluster; got 3"):
        clustered_basis(shapes[:3], clusters=8, components=2, seed=0)
    with pytest.raises(ValueError, match="expected at least 8, one an atom; got 3"):
        non_negative_dictionary(shapes[:3], atoms=8, sparsity=0.1, rounds=1, seed=0)
