"""Limbs seen in space as a second opinion: in the batch, in the prediction, in the fit."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, SMPL_PARENTS, BodyModel, axis_angle_to_matrix, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.limbs import LIMBS, limb_directions
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.skinning import world_rotations
from anchorfit.camera import default_intrinsics
from anchorfit.evaluation import methods, running
from anchorfit.evaluation.mirror_symmetry import mirror_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import anchored, load_pose_prior
from anchorfit.fitting.config import anchored_config
from anchorfit.observations import Observations, observe, read_people, write_people
from anchorfit.observations.people import Person
from anchorfit.regressors import predict_params
from anchorfit.regressors.limb_cues import blend_limbs


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def people(body: BodyModel) -> SyntheticSet:
    """Forty people whose limbs are seen in space as they are, but for three rows that see nothing."""
    made = make_people(
        body, load_pose_library(split="heldout").poses[::53].numpy(), 40, seed=8, config=SyntheticConfig(missing=0.0)
    )
    world = compiled_points(body).points(made.params)
    world = world - world[:, :1]
    world[[3, 17, 39]] = torch.nan
    return SyntheticSet(replace(made.observations, world=world), made.params)


def blind(observations: Observations) -> Observations:
    return replace(observations, world=torch.full_like(observations.world, torch.nan))


def off_deg(body: BodyModel, params: Tensor, truth: Tensor) -> Tensor:
    ours, true = (limb_directions(compiled_points(body).points(rows)) for rows in (params, truth))
    return torch.rad2deg((ours * true).sum(-1).clamp(-1, 1).acos())


def test_predictions_and_fits_are_drawn_to_limbs_that_were_seen(body, people):
    seen, prior = people.observations, load_pose_prior()
    alone, told = (predict_params(one, body).params for one in (blind(seen), seen))
    assert torch.equal(alone[[3, 17, 39]], told[[3, 17, 39]])
    rows = [row for row in range(40) if row not in (3, 17, 39)]
    before, after = (off_deg(body, one, people.params)[rows].mean() for one in (alone, told))
    assert after < 0.6 * before
    config = anchored_config()
    without, with_it = (
        anchored(body, seen, prior, told, one).params for one in (config.without("limb_directions"), config)
    )
    assert torch.equal(without[[3, 17, 39]], with_it[[3, 17, 39]])
    assert off_deg(body, with_it, people.params)[rows].mean() < off_deg(body, without, people.params)[rows].mean()


def test_a_row_is_the_same_in_any_company(body, people):
    whole = predict_params(people.observations, body).params
    fitted = anchored(body, people.observations, load_pose_prior(), whole).params
    for some in ([0], [3, 4], list(range(5, 22))):
        part = predict_params(people.observations.rows(some), body).params
        assert torch.equal(part, whole[some])
        assert torch.equal(anchored(body, people.observations.rows(some), load_pose_prior(), part).params, fitted[some])


def test_mirrored_people_with_cues_are_mirrored_bodies(body, people):
    def fit(observations: Observations) -> Tensor:
        start = predict_params(observations, body).params
        return anchored(body, observations, load_pose_prior(), start).params

    assert mirror_errors(body, fit, people.observations).surface_mm.max() < 1.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blended_limbs_lie_between(dtype):
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(6, 24, 3, generator=generator, dtype=dtype)
    world = world_rotations(axis_angle_to_matrix(0.5 * vectors), SMPL_PARENTS)
    bones = torch.randn(24, 3, generator=generator, dtype=dtype)
    seen = torch.nn.functional.normalize(torch.randn(6, 8, 3, generator=generator, dtype=dtype), dim=-1)
    joints, ends = ([SMPL_JOINTS.index(limb[end]) for limb in LIMBS] for end in (0, 1))

    def directions(rotations: Tensor) -> Tensor:
        return torch.nn.functional.normalize((rotations[:, joints] @ bones[ends][..., None])[..., 0], dim=-1)

    predicted = directions(world)
    blended = directions(blend_limbs(world, bones, seen, torch.full((6, 8), 0.7, dtype=dtype)))
    wanted = torch.nn.functional.normalize(predicted + 0.7 * seen, dim=-1)
    torch.testing.assert_close(blended, wanted, atol=1e-5, rtol=0)
    turned = blend_limbs(world, bones, seen, torch.ones(6, 8, dtype=dtype))
    torch.testing.assert_close(turned @ turned.mT, torch.eye(3, dtype=dtype).expand(6, 24, 3, 3), atol=1e-5, rtol=0)
    # What says nothing, the same, or exactly the opposite changes nothing.
    for told in (torch.full_like(seen, torch.nan), predicted, -predicted):
        torch.testing.assert_close(
            blend_limbs(world, bones, told, torch.ones(6, 8, dtype=dtype)), world, atol=1e-4, rtol=0
        )


def person(world: np.ndarray | None) -> Person:
    """Somebody at the right border of a picture, with joints in space."""
    keypoints = np.zeros((len(CANONICAL_JOINTS), 2))
    keypoints[:14] = np.random.default_rng(0).uniform((560, 200), (600, 240), (14, 2))
    confidence = np.zeros(len(CANONICAL_JOINTS))
    confidence[:14] = 0.9
    return Person(person_id="1", keypoints=keypoints, confidence=confidence, image_size=(640, 480), world=world)


def test_joints_in_space_are_turned_to_the_cameras_axes(tmp_path):
    world = np.full((len(CANONICAL_JOINTS), 3), np.nan)
    world[:14] = np.random.default_rng(1).normal(0, 0.4, (14, 3))
    people = [person(None), person(world)]
    path = tmp_path / "people.json"
    write_people(path, people)
    for given in (people, read_people(path).people):
        seen = observe(given, [default_intrinsics(640, 480)] * 2)
        assert seen.world[0].isnan().all()
        assert seen.world[1, 14:].isnan().all()
        # The direction from the camera to the person is z of the camera that looks at the person.
        middle = seen.keypoints[1, :14].mean(0)
        z = torch.linalg.inv(seen.intrinsics[1]) @ torch.tensor([*middle, 1.0])
        torch.testing.assert_close(seen.world[1, :14] @ (z / z.norm()), torch.from_numpy(world[:14, 2]).float())
        assert math.degrees(math.atan2(float(z[0]), 1)) > 15


def test_bad_joints_in_space_are_nobodys_loss(body, people):
    seen = people.observations
    good = predict_params(seen, body).params
    world = seen.world.clone()
    world[1] = torch.inf
    world[2] = 0.0
    world[5, :, 2] = torch.nan
    bad = replace(seen, world=world)
    found = predict_params(bad, body).params
    alone = predict_params(blind(seen), body).params
    assert torch.equal(found[[1, 2, 5]], alone[[1, 2, 5]])
    others = [row for row in range(40) if row not in (1, 2, 5)]
    assert torch.equal(found[others], good[others])
    assert torch.isfinite(anchored(body, bad, load_pose_prior(), found).params).all()
    with pytest.raises(ValueError, match=r"world: expected \(40, \d+, 3\)"):
        replace(seen, world=world[:, :5])


def test_confidences_beyond_their_range_and_directions_nearly_opposite_do_no_harm(body, people):
    seen = people.observations
    confidence = seen.confidence.clone()
    confidence[0], confidence[1], confidence[2] = torch.inf, 100.0 * confidence[1], -confidence[2]
    found = predict_params(replace(seen, confidence=confidence), body)
    assert torch.isfinite(found.params).all()
    clipped = replace(seen, confidence=confidence.clamp(0, 1))
    assert torch.equal(found.params[1:], predict_params(clipped, body).params[1:])
    generator = torch.Generator().manual_seed(3)
    world = world_rotations(axis_angle_to_matrix(0.5 * torch.randn(500, 24, 3, generator=generator)), SMPL_PARENTS)
    bones = torch.randn(24, 3, generator=generator)
    joints, ends = ([SMPL_JOINTS.index(limb[end]) for limb in LIMBS] for end in (0, 1))
    along = torch.nn.functional.normalize((world[:, joints] @ bones[ends][..., None])[..., 0], dim=-1)
    near = torch.nn.functional.normalize(0.01 * torch.randn(500, 8, 3, generator=generator) - along, dim=-1)
    turned = blend_limbs(world, bones, near, torch.ones(500, 8))
    torch.testing.assert_close(turned @ turned.mT, torch.eye(3).expand(500, 24, 3, 3), atol=1e-4, rtol=0)


def _nothing(body: BodyModel, store: Any) -> Any:
    return None


def test_who_is_given_no_keypoints_is_given_no_joints_in_space(people):
    block: Any = SimpleNamespace(annotated=people.observations, detected=people.observations)
    variant = methods.Variant(make=_nothing, about="", keypoints="none")
    assert running._given(block, variant).world.isnan().all()
