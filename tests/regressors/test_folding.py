"""Networks without batch norms answer as the networks that they were made of."""

import copy
import gc
import weakref

import pytest
import torch
from torch import nn

from anchorfit.regressors import PosePrior, PosePriorConfig, ShapePrior, ShapePriorConfig, load_networks
from anchorfit.regressors.folding import fold, folded
from anchorfit.regressors.pose_prior import NUM_FEATURES

CPU = torch.device("cpu")


def randn(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5), dtype=dtype)


def used(network):
    """The network with running statistics and weights of batch norms as training leaves them: far from 0 and 1."""
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
                for name in ("running_mean", "bias"):
                    getattr(layer, name).copy_(torch.randn(layer.num_features, generator=generator))
                for name in ("running_var", "weight"):
                    getattr(layer, name).copy_(torch.rand(layer.num_features, generator=generator) + 0.5)
    return network


def cases():
    pose = used(PosePrior(PosePriorConfig(width=32, dropout=0.5)))
    shape = used(ShapePrior(ShapePriorConfig(channels=(2, 4, 4, 4, 4), width=16, dropout=0.5)))
    return [
        (pose, randn(6, NUM_FEATURES, dtype=torch.float64), lambda output: output.raw),
        (shape, torch.rand(6, 64, 64, dtype=torch.float64), lambda output: output),
    ]


@pytest.mark.parametrize("case", [0, 1], ids=["pose", "shape"])
def test_a_folded_network_answers_the_same(case):
    network, values, of = cases()[case]
    network = network.double().eval()
    found = fold(network)
    left = [m for m in found.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout))]
    assert not left
    with torch.no_grad():
        torch.testing.assert_close(of(found(values)), of(network(values)), rtol=1e-10, atol=1e-12)


def test_the_shipped_networks_fold_to_rounding():
    features = randn(32, NUM_FEATURES)
    pose = load_networks().pose
    with torch.no_grad():
        torch.testing.assert_close(fold(pose)(features).world, pose(features).world, rtol=0, atol=1e-4)


def test_the_network_itself_stays_as_it_is():
    network = cases()[0][0]
    assert network.training
    before = copy.deepcopy(network.state_dict())
    with torch.inference_mode():
        found = folded(network, CPU)
    assert not found.training
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not any(parameter.is_inference() for parameter in found.parameters())
    assert before.keys() == network.state_dict().keys()
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())


def test_a_network_is_folded_once_and_again_after_training():
    network = cases()[0][0].eval()
    features = randn(4, NUM_FEATURES)
    first = folded(network, CPU)
    assert folded(network, CPU) is first
    with torch.no_grad():
        network.last.bias.add_(0.5)  # as an optimiser's step does
    again = folded(network, CPU)
    assert again is not first
    with torch.no_grad():
        torch.testing.assert_close(again(features).raw, network(features).raw)


def test_a_folded_network_goes_with_the_one_that_it_was_made_of():
    network = cases()[1][0]
    found = weakref.ref(folded(network, CPU))
    del network
    gc.collect()
    assert found() is None


def test_what_is_folded_is_not_folded_again():
    found = fold(cases()[0][0])
    assert folded(found, CPU) is found
