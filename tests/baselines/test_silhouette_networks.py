from dataclasses import replace
from typing import Any

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.camera import project
from anchorfit.evaluation.benchmarks.openbody import OpenBody
from anchorfit.evaluation.synthetic import SyntheticConfig
from anchorfit_baselines.silhouette_networks import Decoder, Pool, SilhouetteNetworks, make_pool

TINY: dict[str, Any] = {"steps": 150, "batch": 4, "width": 256, "rate": 5e-3}
SMALL = SyntheticConfig(image_size=(160, 120), height_range=(50.0, 60.0))


@pytest.fixture(scope="module")
def pool() -> Pool:
    return make_pool(load_body(), 4, seed=0)


@pytest.fixture(scope="module")
def seen():
    return OpenBody(count=5, people=SMALL).block(0, load_body()).detected


@pytest.fixture(scope="module")
def indirect(pool) -> SilhouetteNetworks:
    return SilhouetteNetworks.train(load_body(), supervision="indirect", pool=pool, **TINY)


def parameters(rotations: torch.Tensor, betas: torch.Tensor) -> torch.Tensor:
    return torch.cat((rotations.flatten(1), betas), 1)


def overlap(drawn: torch.Tensor, masks: torch.Tensor) -> float:
    drawn, masks = drawn > 0, masks > 0.5
    return float(((drawn & masks).sum((1, 2)) / (drawn | masks).sum((1, 2))).mean())


def test_the_decoder_learns_to_draw(pool, indirect):
    assert overlap(indirect.decoder(parameters(pool.rotations, pool.betas)), pool.masks) > 0.7
    assert overlap(Decoder(10)(parameters(pool.rotations, pool.betas)), pool.masks) < 0.5


def test_the_indirect_encoder_answers_with_what_draws_its_input(pool, indirect):
    rotations, betas = indirect.encoder(pool.masks)
    assert overlap(indirect.decoder(parameters(rotations, betas)), pool.masks) > 0.6
    torch.testing.assert_close(rotations @ rotations.mT, torch.eye(3).expand(4, 24, 3, 3), atol=1e-5, rtol=0)


def test_the_direct_encoder_learns_parameters(pool):
    direct = SilhouetteNetworks.train(load_body(), supervision="direct", pool=pool, **TINY)
    rotations, _ = direct.encoder(pool.masks)
    error = (rotations - pool.rotations).square().sum((1, 2, 3)).mean()
    spread = (pool.rotations - pool.rotations.mean(0)).square().sum((1, 2, 3)).mean()
    assert error < 0.3 * spread
    assert direct.decoder is None


def test_bodies_are_placed_in_the_box_of_their_mask(seen, indirect):
    body = load_body()
    params = indirect.estimate(seen, body).params
    pixels = project(body.from_params(params).vertices, seen.intrinsics)
    for mask, points in zip(seen.masks, pixels, strict=True):
        rows, columns = mask.any(1).nonzero()[0], mask.any(0).nonzero()[0]
        box = torch.tensor([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]).float()
        ours = torch.cat((points.amin(0), points.amax(0)))
        middle, side = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).amax()
        assert ((ours[:2] + ours[2:]) / 2 - middle).norm() < 0.03 * side
        assert abs((ours[2:] - ours[:2]).amax() - side) < 0.03 * side


def test_a_row_without_a_mask_is_finite_and_touches_no_other(seen, indirect):
    body = load_body()
    holes = replace(seen, masks=(seen.masks[0], None, *seen.masks[2:]))
    whole, some = indirect.estimate(seen, body), indirect.estimate(holes, body)
    assert torch.isfinite(some.params).all()
    torch.testing.assert_close(some.params[[0, 2, 3, 4]], whole.params[[0, 2, 3, 4]], atol=1e-5, rtol=0)


def test_the_same_seed_trains_the_same_network_and_leaves_the_global_generator_alone(pool):
    state = torch.random.get_rng_state()
    first, second = (
        SilhouetteNetworks.train(load_body(), steps=2, batch=4, width=16, pool=pool, seed=3) for _ in range(2)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    for one, other in zip(first.encoder.parameters(), second.encoder.parameters(), strict=True):
        assert torch.equal(one, other)


def test_bad_input(pool, indirect, seen):
    with pytest.raises(ValueError, match="observations: expected masks"):
        indirect.estimate(replace(seen, masks=()), load_body())
    with pytest.raises(ValueError, match="supervision: expected direct or indirect, got 'both'"):
        SilhouetteNetworks.train(load_body(), supervision="both", pool=pool)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="steps: expected at least 1, got 0"):
        SilhouetteNetworks.train(load_body(), steps=0, pool=pool)
