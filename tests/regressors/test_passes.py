"""PosePrior's answer to a person does not depend on how many others there are."""

import pytest
import torch

from anchorfit.regressors import PosePrior, PosePriorConfig, load_networks, passes
from anchorfit.regressors.folding import fold
from anchorfit.regressors.passes import LARGEST_PASS, SAFE_PASS, SMALLEST_PASS, once_size, pass_size
from anchorfit.regressors.pose_prior import NUM_FEATURES


def small_network():
    return PosePrior(PosePriorConfig(width=32)).eval()


@pytest.mark.parametrize("count", [1, 3, 4, 5, 16, 100, 128, 129, 130, 256, 257, 1000])
def test_passes_hold_everybody_and_little_else(monkeypatch, count):
    monkeypatch.setattr(passes, "_as_in_safe_passes", lambda network, size, once: True)
    size = pass_size(small_network(), count)
    assert size % SMALLEST_PASS == 0
    assert size <= LARGEST_PASS
    number = -(-count // size)
    assert number == -(-count // LARGEST_PASS)
    assert number * size - count < SMALLEST_PASS * number


def test_a_size_that_rounds_otherwise_is_not_used(monkeypatch):
    monkeypatch.setattr(passes, "_as_in_safe_passes", lambda network, size, once: size < 100)
    network = small_network()
    assert pass_size(network, 64) == 64
    assert pass_size(network, 128) == SAFE_PASS


def test_a_size_is_tried_once(monkeypatch):
    tried = []

    def note(network, size, once):
        tried.append(size)
        return True

    monkeypatch.setattr(passes, "_as_in_safe_passes", note)
    network = small_network()
    for count in (1, 2, 64, 1, 64):
        pass_size(network, count)
    assert tried == [2, 64]


def test_sizes_that_round_otherwise_are_left_for_coarser_ones(monkeypatch):
    monkeypatch.setattr(passes, "_as_in_safe_passes", lambda network, size, once: size % 4 == 0)
    network = small_network()
    assert [pass_size(network, count) for count in (1, 2, 5, 7, 10)] == [4, 4, 8, 8, 12]


class Counting(PosePrior):
    """A network whose answers change by one rounding where there are more than so many rows."""

    def forward(self, features):
        output = super().forward(features)
        return output._replace(raw=output.raw * (1 + 2**-20)) if len(features) > 64 else output


def test_trying_finds_what_rounds_otherwise():
    network = Counting(PosePriorConfig(width=32)).eval()
    with torch.no_grad():
        features = torch.randn(SAFE_PASS, NUM_FEATURES, generator=torch.Generator().manual_seed(0))
        assert torch.isfinite(network(features).raw).all()
    assert pass_size(network, 128) == SAFE_PASS


def test_the_shipped_network_is_given_passes_that_agree():
    """On this machine, whatever it is: passes of every size that is used give the same rows."""
    network = fold(load_networks().pose)
    features = torch.randn(LARGEST_PASS, NUM_FEATURES, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        safe = torch.cat([network(rows).raw for rows in features.split(SAFE_PASS)])
        for count in (1, 7, 20, 64, 100, 128):
            size = pass_size(network, count)
            assert torch.equal(network(features[:size]).raw, safe[:size])


def test_the_shipped_networks_looks_at_one_side_agree():
    network = fold(load_networks().pose)
    features = torch.randn(LARGEST_PASS, NUM_FEATURES, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        safe = torch.cat([network.once(rows).raw for rows in features.split(SAFE_PASS)])
        for count in (1, 6, 20, 60, 90, 128):
            size = once_size(network, count)
            assert count <= size < 1.25 * count + 8 or size == SAFE_PASS
            assert torch.equal(network.once(features[:size]).raw, safe[:size])
    assert once_size(network, 300) <= LARGEST_PASS
