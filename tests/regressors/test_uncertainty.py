"""How sure PosePrior is: files with and without a head, mirror images, rows, training that leaves the answer alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.body.joint_sets import SMPL_JOINTS, mirror_permutation
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import make_people
from anchorfit.regressors import Networks, load_pose_prior_network, predict_params
from anchorfit.regressors.folding import fold
from anchorfit.regressors.pose_prior import NUM_FEATURES, PosePrior, PosePriorConfig
from anchorfit.regressors.training.uncertainty_task import UncertaintyTask
from anchorfit.regressors.weights import POSE_PRIOR, save_network


@pytest.fixture(scope="module")
def network() -> PosePrior:
    return load_pose_prior_network()


def features(count: int) -> torch.Tensor:
    return torch.randn(count, NUM_FEATURES, generator=torch.Generator().manual_seed(0))


def test_the_shipped_network_says_how_sure_it_is(network):
    assert network.uncertainty is not None
    assert POSE_PRIOR.stat().st_size < 15.9e6


def test_weights_without_a_head_are_read_and_used(network, tmp_path):
    save_network(network.without_uncertainty(), tmp_path / "old.safetensors")
    old = load_pose_prior_network(tmp_path / "old.safetensors")
    assert old.uncertainty is None
    assert torch.equal(old(features(16)).world, network(features(16)).world)
    people = make_people(load_body(), load_pose_library(split="heldout").poses[:4].numpy(), 4, seed=1)
    found = predict_params(people.observations, load_body(), networks=Networks(pose=old))
    assert found.uncertainty is None
    assert torch.equal(found.params, predict_params(people.observations, load_body()).params)


def test_a_head_goes_through_a_file(network, tmp_path):
    save_network(network, tmp_path / "pose_prior.safetensors")
    again = load_pose_prior_network(tmp_path / "pose_prior.safetensors")
    for one, other in zip(network(features(16)).sureness, again(features(16)).sureness, strict=True):
        assert torch.equal(one, other)
    assert network.uncertainty is not None
    assert again.uncertainty is not None
    assert torch.equal(network.uncertainty.correlation, again.uncertainty.correlation)


def test_a_folded_network_is_as_sure(network):
    for one, other in zip(network(features(16)).sureness, fold(network)(features(16)).sureness, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_mirror_image_is_known_as_well_to_the_bit(network):
    seen = features(16)
    image = seen.index_select(1, network.mirror_columns) * network.mirror_signs
    own, theirs = network(seen).sureness, network(image).sureness
    signs = torch.tensor([1.0, -1.0, -1.0])
    turned = signs[:, None] * own.whitening[:, list(mirror_permutation(SMPL_JOINTS))] * signs
    assert torch.equal(theirs.camera, own.camera)
    assert torch.equal(theirs.whitening, turned)


def test_rows_are_known_alike_in_any_batch(network):
    people = make_people(load_body(), load_pose_library(split="heldout").poses[::500].numpy(), 40, seed=2)
    whole = predict_params(people.observations, load_body()).uncertainty
    assert whole is not None
    for row in (0, 13, 39):
        alone = predict_params(people.observations.rows([row]), load_body()).uncertainty
        assert alone is not None
        assert torch.equal(whole.whitening[row : row + 1], alone.whitening)
        assert torch.equal(whole.pelvis[row : row + 1], alone.pelvis)
        assert whole.correlation is alone.correlation


def test_training_the_head_leaves_the_answer_alone():
    body, small = load_body(), PosePrior(PosePriorConfig(width=32, units=1))
    small.skeleton.measure(body)
    before = {name: value.clone() for name, value in small.state_dict().items()}
    task = UncertaintyTask(body, small)
    optimizer = torch.optim.SGD(task.model.parameters(), lr=1e-2)
    for step in range(2):
        task.model.train()
        task.loss(task.model, step, slice(None), 8).backward()
        optimizer.step()
    after = task.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    task.model.eval()
    with torch.inference_mode():
        shares = task.evaluate()
    assert 60 < shares["noisy_inside"] < 99  # calibrated, whatever the layers say
    assert replace(small.config, uncertainty=task.network.config.uncertainty) == task.network.config
