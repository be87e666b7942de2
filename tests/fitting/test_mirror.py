"""A fit to the mirrored image is the mirrored fit, and people seen from the side do not come out front to back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, BodyModel, load_body, mirror_pose
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import VIEWS, view_of
from anchorfit.evaluation.mirror_symmetry import (
    mirror_errors,
    mirrored_observations,
    mirrored_params,
    turned_round,
)
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import FitConfig, anchored, load_pose_prior, smplify
from anchorfit.fitting.camera_stage import CameraFit, CameraStage, choose, place
from anchorfit.observations import Observations

PRIOR = load_pose_prior()


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


def _people(body: BodyModel, count: int, *, seed: int = 20, config: SyntheticConfig | None = None) -> SyntheticSet:
    return make_people(body, load_pose_library(split="heldout").poses[::7].numpy(), count, seed=seed, config=config)


def _far_side_hidden(body: BodyModel, people: SyntheticSet) -> SyntheticSet:
    """People seen from the side of whom seven in ten joints on the far side are hidden."""
    joints = body.from_params(people.params).joints
    left, right = (joints[:, SMPL_JOINTS.index(f"{side}_hip"), 2] for side in ("left", "right"))
    sides = torch.tensor([[name.startswith(side) for name in CANONICAL_JOINTS] for side in ("left_", "right_")])
    hidden = sides[(left <= right).long()] & (view_of(people.params) == VIEWS.index("side"))[:, None]
    hidden &= torch.rand(hidden.shape, generator=torch.Generator().manual_seed(3)) < 0.7
    confidence = people.observations.confidence.masked_fill(hidden, 0.0)
    return people._replace(observations=replace(people.observations, confidence=confidence))


def test_the_mirrored_body_projects_to_the_mirrored_keypoints(body):
    exact = SyntheticConfig(noise=0.0, outliers=0.0, hips_up=0.0, hips_out=0.0)
    observations, params = _people(body, 16, config=exact)
    intrinsics = observations.intrinsics.clone()
    intrinsics[:, 0, 1], intrinsics[:, 0, 2] = 30.0, 250.0  # a skew, and a principal point off the centre
    points = compiled_points(body, CANONICAL_JOINTS)
    pixels = points.points(params) @ intrinsics.mT
    observations = replace(observations, keypoints=pixels[..., :2] / pixels[..., 2:], intrinsics=intrinsics)
    mirrored = mirrored_observations(observations)
    again = points.points(mirrored_params(params)) @ mirrored.intrinsics.mT
    seen = mirrored.confidence > 0
    torch.testing.assert_close((again[..., :2] / again[..., 2:])[seen], mirrored.keypoints[seen], atol=0.01, rtol=0)
    torch.testing.assert_close(mirrored_params(mirrored_params(params)), params)
    twice = mirrored_observations(mirrored)
    torch.testing.assert_close(twice.keypoints[twice.confidence > 0], observations.keypoints[twice.confidence > 0])


def test_the_shipped_pose_prior_is_its_own_mirror_image():
    order = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6])
    torch.testing.assert_close(mirror_pose(PRIOR.means), PRIOR.means[order])
    poses = 0.4 * torch.randn(32, 69, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(PRIOR.energy(mirror_pose(poses)), PRIOR.energy(poses), rtol=1e-4, atol=0)


@pytest.mark.parametrize("convention", ["coco17", "lsp14"])
def test_smplify_of_the_mirror_image_is_the_mirrored_fit(body, convention):
    """Not of every row in float32: a fit that takes 80 steps makes millimetres of what rounding leaves."""
    observations = _people(body, 128, config=SyntheticConfig(convention=convention)).observations
    errors = mirror_errors(body, lambda some: smplify(body, some, PRIOR).params, observations)
    for distance in (errors.reconstruction_mm, errors.joints_mm):
        assert distance.median() < 0.02
        assert (distance > 1.0).float().mean() <= 0.03


def test_smplify_of_the_mirror_image_is_the_mirrored_fit_to_the_last_row_in_double_precision(body):
    twice, prior = body.to(dtype=torch.float64), load_pose_prior(dtype=torch.float64)
    observations = _people(twice, 48).observations
    errors = mirror_errors(twice, lambda some: smplify(twice, some, prior).params, observations)
    assert errors.joints_mm.max() < 1.0
    assert errors.joints_mm.median() < 1e-4


def test_anchored_of_the_mirror_image_is_the_mirrored_fit(body):
    observations, params = _people(body, 64)
    turns = 0.15 * torch.randn(64, 72, generator=torch.Generator().manual_seed(2))
    init = params.clone()
    init[:, :72] += turns

    def fit(some: Observations) -> torch.Tensor:
        as_given = torch.equal(some.keypoints, observations.keypoints)
        return anchored(body, some, PRIOR, init if as_given else mirrored_params(init)).params

    assert mirror_errors(body, fit, observations).joints_mm.max() < 1.0


def test_a_body_without_a_torso_is_placed_as_its_mirror_image(body):
    """With no torso no roll is known, and those that start with their backs to the camera start at a turn by pi."""
    twice = body.to(dtype=torch.float64)
    observations = _people(twice, 32).observations
    confidence = observations.confidence.clone()
    confidence[:, [CANONICAL_JOINTS.index(f"{side}_shoulder") for side in ("left", "right")]] = 0.0
    observations = replace(observations, confidence=confidence)
    start = twice.v_template.new_zeros(32, 85)
    placed, mirrored = (
        place(twice, some, start, CameraStage(), reference_height=300.0)
        for some in (observations, mirrored_observations(observations))
    )
    # Hypotheses of equal cost may change places, so costs are compared in order, placements of the best alone.
    torch.testing.assert_close(mirrored.cost, placed.cost, rtol=1e-8, atol=0)
    signs = placed.params.new_tensor([1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
    alone = placed.cost[:, 1] > placed.cost[:, 0] * (1 + 1e-6)
    assert alone.float().mean() > 0.5
    torch.testing.assert_close(mirrored.params[alone, 0], placed.params[alone, 0] * signs, atol=1e-5, rtol=0)


def test_few_people_seen_from_the_side_come_out_front_to_back(body):
    """Without a face and without most of the far side, so that the torso alone cannot tell."""
    people = _far_side_hidden(body, _people(body, 250, config=SyntheticConfig(convention="lsp14")))
    side = view_of(people.params) == VIEWS.index("side")
    turned = turned_round(smplify(body, people.observations, PRIOR).params, people.params)
    assert turned[side].float().mean() <= 0.05


def test_another_orientation_is_a_candidate_where_its_cost_is_near_the_best_ones():
    front, back, near_front = [torch.pi, 0.0, 0.0], [0.0, 0.0, torch.pi], [torch.pi, 0.2, 0.0]
    params = torch.tensor([[front, near_front, back]] * 3)
    params = torch.cat([params, torch.zeros_like(params)], -1)
    cost = torch.tensor([[100.0, 101.0, 149.0], [100.0, 101.0, 151.0], [100.0, 101.0, torch.inf]])
    fit = CameraFit(params, cost, torch.ones(3), torch.ones(3), torch.ones(3))
    candidates = choose(fit, 2, margin=FitConfig().candidate_margin)
    assert candidates.worth.tolist() == [[True, True], [True, False], [True, False]]
    torch.testing.assert_close(candidates.params[0, 1, :3], torch.tensor(back))
    assert choose(fit, 2, margin=torch.inf).worth[:, 1].tolist() == [True, True, False]
