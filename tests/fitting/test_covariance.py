"""Covariances of joints: derivatives, closed forms, mirror images, rows, and that files keep them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import Tensor

import anchorfit
from anchorfit.body import BodyModel, axis_angle_to_matrix, load_body, matrix_to_axis_angle, mirror_pose
from anchorfit.body.joint_sets import SMPL_JOINTS, SMPL_PARENTS, mirror_permutation
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.skinning import world_rotations
from anchorfit.body.uncertainty import Correlation, PoseUncertainty, joint_factors, turns_of
from anchorfit.evaluation.coverage import misses
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import FitConfig, anchored, anchored_config, load_pose_prior, smplify
from anchorfit.fitting.covariance import (
    PREDICTED,
    _solved,
    free_factors,
    of_prediction,
    posterior_factors,
    prior_factor,
)
from anchorfit.fitting.diagnostics import off_keypoints
from anchorfit.observations import Observations
from anchorfit.regressors import predict_params

COUNT = 4


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body().to(dtype=torch.float64)


@pytest.fixture(scope="module")
def params(body: BodyModel) -> Tensor:
    values = 0.4 * torch.randn(COUNT, body.layout.size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values[:, body.layout.depth] += 4
    return values


def some_uncertainty() -> PoseUncertainty:
    generator = torch.Generator().manual_seed(2)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    root = 0.1 * draw(72, 72) + torch.eye(72, dtype=torch.float64)
    matrix = root @ root.T
    spread = matrix.diagonal().sqrt()
    return PoseUncertainty(
        whitening=0.5 * draw(COUNT, 24, 3, 3) + 4 * torch.eye(3, dtype=torch.float64),
        pelvis=0.05 * draw(COUNT, 3, 3),
        correlation=Correlation(matrix / spread / spread[:, None]),
    )


@pytest.fixture(scope="module")
def people() -> SyntheticSet:
    library = load_pose_library(split="heldout")
    return make_people(load_body(), library.poses[::300].numpy(), 24, seed=5, config=SyntheticConfig())


def test_the_factors_are_the_derivatives_of_the_joints(body, params):
    """Against autograd through the skeleton, its joints turned by small rotations of unit whitened covariance."""
    known = some_uncertainty()
    spread = torch.linalg.inv(known.whitening)

    def joints(row: int, whitened: Tensor, betas: Tensor) -> Tensor:
        errors = (known.correlation.root @ whitened).view(24, 3)
        turns = axis_angle_to_matrix((spread[row] @ errors[..., None])[..., 0])
        local = axis_angle_to_matrix(params[row, body.layout.pose].view(1, 24, 3))
        world = turns @ world_rotations(local, SMPL_PARENTS)[0]
        mean, change = body.rest_joints_table
        rest = mean + change @ betas
        places = [torch.zeros(3, dtype=torch.float64)]
        for joint, parent in enumerate(SMPL_PARENTS[1:], start=1):
            places.append(places[parent] + world[parent] @ (rest[joint] - rest[parent]))
        return torch.stack(places)

    factors = joint_factors(body, params, known)
    for row in range(COUNT):
        at = (torch.zeros(72, dtype=torch.float64), params[row, body.layout.betas])
        by_pose, by_betas = torch.autograd.functional.jacobian(lambda *a, row=row: joints(row, *a), at)
        torch.testing.assert_close(factors[row], torch.cat((by_pose, by_betas), -1), rtol=1e-7, atol=1e-9)


def test_the_prior_of_the_parameters_is_that_of_the_rotations(body, params):
    """Small steps of the parameters turn the joints by the errors they stand for."""
    known, step = some_uncertainty(), 1e-6
    factor = prior_factor(body, params, known)
    before = turns_of(params[:, body.layout.pose]).world
    for column in (0, 17, 71):
        moved = params + step * factor[:, :, column]
        turned = matrix_to_axis_angle(turns_of(moved[:, body.layout.pose]).world @ before.mT) / step
        wanted = torch.linalg.inv(known.whitening) @ known.correlation.root.view(24, 3, 72)[..., column, None]
        torch.testing.assert_close(turned, wanted[..., 0], rtol=1e-4, atol=1e-5)


def test_the_closed_forms_are_those_of_dense_inverses():
    generator = torch.Generator().manual_seed(3)
    size = 85
    draw = torch.randn(COUNT, 72 + 3 * size, size, generator=generator, dtype=torch.float64)
    jacobian, factor, root = draw[:, :72], draw[:, 72 : 72 + size] / 5, draw[:, 72 + size :]
    hessian = root.mT @ root
    free, held = free_factors(hessian, jacobian), posterior_factors(hessian, jacobian, factor)
    wanted = (jacobian @ torch.linalg.inv(hessian) @ jacobian.mT)[:, 3:6, 3:6]
    torch.testing.assert_close((free @ free.mT)[:, 1], wanted, rtol=1e-3, atol=1e-4)  # a millionth is added inside
    inner = torch.eye(size, dtype=torch.float64) + factor.mT @ hessian @ factor
    wanted = (jacobian @ factor @ torch.linalg.inv(inner) @ factor.mT @ jacobian.mT)[:, 3:6, 3:6]
    torch.testing.assert_close((held @ held.mT)[:, 1], wanted, rtol=1e-7, atol=1e-9)
    assert _solved(inner, jacobian)[..., size:].abs().max() == 0


def test_a_batch_is_its_rows_to_the_bit(people):
    body, config = load_body(), replace(anchored_config(), covariance=True)
    prior = load_pose_prior()

    def found(seen) -> tuple[Tensor, Tensor]:
        guess = predict_params(seen, body)
        assert guess.uncertainty is not None
        fit = anchored(body, seen, prior, guess.params, config, uncertainty=guess.uncertainty)
        direct = of_prediction(body, guess.params, guess.uncertainty, off_keypoints(body, seen, guess.params))
        assert direct.joint_covariance_mm2 is not None
        assert fit.joint_covariance_mm2 is not None
        return direct.joint_covariance_mm2, fit.joint_covariance_mm2

    whole = found(people.observations)
    for row in (0, 7, 23):
        for all_rows, alone in zip(whole, found(people.observations.rows([row])), strict=True):
            assert torch.equal(all_rows[row : row + 1], alone)


def test_a_mirror_image_has_the_mirrored_covariance(body, params):
    known = some_uncertainty()
    order, flip = list(mirror_permutation(SMPL_JOINTS)), torch.diag(torch.tensor([-1.0, 1, 1], dtype=torch.float64))
    symmetric = replace(known, correlation=Correlation(torch.eye(72, dtype=torch.float64)))
    image = params.clone()
    image[:, body.layout.pose] = mirror_pose(params[:, body.layout.pose])
    image[:, body.layout.transl] *= torch.tensor([-1.0, 1.0, 1.0])
    signs = -flip  # turns are axial vectors
    mirrored = replace(symmetric, whitening=signs @ known.whitening[:, order] @ signs, pelvis=flip @ known.pelvis)
    off = torch.full((COUNT,), 0.01, dtype=torch.float64)
    own, theirs = of_prediction(body, params, symmetric, off), of_prediction(body, image, mirrored, off)
    wanted = flip @ own.joint_covariance_mm2[:, order] @ flip
    # The body itself is not quite its own mirror image.
    torch.testing.assert_close(theirs.joint_covariance_mm2, wanted, rtol=0.02, atol=30.0)
    torch.testing.assert_close(theirs.joint_std_mm, own.joint_std_mm[:, order], rtol=0.02, atol=1.0)


def test_files_keep_them(people, tmp_path):
    estimate = anchorfit.fit(people.observations.rows([0, 1]), covariance=True)
    assert torch.isfinite(estimate.diagnostics.joint_covariance_mm2).all()
    estimate.save(tmp_path / "two.npz")
    again = anchorfit.BodyEstimate.load(tmp_path / "two.npz").diagnostics
    assert torch.equal(again.joint_covariance_mm2, estimate.diagnostics.joint_covariance_mm2)
    assert torch.equal(again.joint_std_mm, estimate.diagnostics.joint_std_mm)
    estimate.save_json(tmp_path / "two.json")
    record = json.loads((tmp_path / "two.json").read_text())[1]
    wrist = SMPL_JOINTS.index("left_wrist")
    depth = float(again.joint_std_mm[1, wrist, 1])
    assert record["joint_std_mm"]["left_wrist"]["depth"] == pytest.approx(depth, abs=0.01)
    assert len(record["joint_covariance_mm2"]["left_wrist"]) == 3


def test_files_without_them_are_read(people, tmp_path):
    estimate = anchorfit.fit(people.observations.rows([0, 1]))
    estimate.save(tmp_path / "two.npz")
    again = anchorfit.BodyEstimate.load(tmp_path / "two.npz")
    assert again.diagnostics.joint_std_mm.shape == (2, 24, 2)
    assert torch.isnan(again.diagnostics.joint_std_mm).all()
    assert "joint_std_mm" not in again.to_dict()[0]


def test_regions_hold_nine_in_ten_of_held_out_people(people):
    """A small sample: three deviations of its chance either way."""
    body, seen, prior = load_body(), people.observations, load_pose_prior()
    guess = predict_params(seen, body)
    assert guess.uncertainty is not None
    direct = of_prediction(body, guess.params, guess.uncertainty, off_keypoints(body, seen, guess.params))
    config = replace(anchored_config(), covariance=True)
    fit = anchored(body, seen, prior, guess.params, config, uncertainty=guess.uncertainty)
    for params, covariance in ((guess.params, direct.joint_covariance_mm2), (fit.params, fit.joint_covariance_mm2)):
        share = misses(body, params, covariance, people.params).inside[:, 1:].double().mean()
        assert 0.8 < share < 0.98
    free = smplify(body, seen.rows(range(4)), prior, config=FitConfig(covariance=True))
    assert torch.isfinite(free.joint_std_mm).all()
    # Depth is what a photograph does not show.
    assert (fit.joint_std_mm[:, 1:, 1].mean() > fit.joint_std_mm[:, 1:, 0].mean()).item()


def test_regions_grow_with_the_distance_from_the_keypoints(body, params):
    known = some_uncertainty()
    on, off = (
        of_prediction(body, params, known, torch.full((COUNT,), share, dtype=torch.float64)).joint_covariance_mm2
        for share in (0.0, 0.03)
    )
    wanted = torch.full((24,), (1 + 3 * PREDICTED.growth) ** 2, dtype=torch.float64)
    wanted[0] = (1 + 3 * PREDICTED.pelvis_growth) ** 2
    torch.testing.assert_close(off / on, wanted[:, None, None].expand_as(off), rtol=0.02, atol=0)  # but for the floor


def test_regions_hold_the_joints_of_people_with_bad_keypoints():
    """Noise of 4 % of the height: before they grew with it, 66 % of pelvises and 81 % of joints were inside."""
    body, prior = load_body(), load_pose_prior()
    library = load_pose_library(split="heldout")
    config = SyntheticConfig(noise=0.04, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
    people = make_people(body, library.poses[:: len(library) // 100].numpy(), 100, seed=5, config=config)
    guess = predict_params(people.observations, body)
    fit = anchored(
        body,
        people.observations,
        prior,
        guess.params,
        replace(anchored_config(), covariance=True),
        uncertainty=guess.uncertainty,
    )
    inside = misses(body, fit.params, fit.joint_covariance_mm2, people.params).inside.double()
    assert inside[:, 0].mean() > 0.75
    assert 0.84 < inside[:, 1:].mean() < 0.97


def _spoilt(people: SyntheticSet) -> dict[str, Observations]:
    """Four people, of whom the first is seen badly."""
    seen = people.observations.rows(range(COUNT))

    def first(values: Tensor, new: float) -> Tensor:
        return torch.cat((torch.full_like(values[:1], new), values[1:]))

    one = torch.zeros_like(seen.confidence[:1])
    one[0, 0] = 1
    nearly_blind = seen.intrinsics.clone()
    nearly_blind[0, [0, 1], [0, 1]] = 1e-3
    return {
        "nothing seen": replace(seen, confidence=first(seen.confidence, 0.0)),
        "no numbers": replace(seen, keypoints=first(seen.keypoints, torch.nan)),
        "infinite": replace(seen, keypoints=first(seen.keypoints, torch.inf)),
        "too far to be squared": replace(seen, keypoints=first(seen.keypoints, 1e30)),
        "one joint": replace(seen, confidence=torch.cat((one, seen.confidence[1:]))),
        "no focal length": replace(seen, intrinsics=nearly_blind),
    }


def _covariances(seen: Observations, body: BodyModel) -> dict[str, Tensor]:
    """By the ways of getting a body."""
    guess = anchorfit.predict(seen, body, covariance=True)
    bodies = {
        "predicted": guess,
        "anchored": anchorfit.fit(seen, body, covariance=True),
        "held": anchorfit.fit(seen, body, covariance=True, init=guess.params),
        "free": anchorfit.fit(seen, body, covariance=True, schedule="smplify"),
    }
    return {way: found.diagnostics.joint_covariance_mm2 for way, found in bodies.items()}


def test_nobody_is_better_known_for_not_being_seen(people):
    """Fits without a keypoint said 5 cm, and less than those with all of them."""
    body, spoilt = load_body(), _spoilt(people)
    whole = _covariances(people.observations.rows(range(COUNT)), body)
    for what in ("nothing seen", "no numbers", "infinite", "too far to be squared"):
        for way, found in _covariances(spoilt[what], body).items():
            spread, clean = (torch.diagonal(one, dim1=-2, dim2=-1).sum(-1).sqrt() for one in (found, whole[way]))
            assert float(spread[0, 1:].mean()) > 1.5 * float(clean[:, 1:].mean()), (what, way)
            assert float(spread[0, 0]) > 500, (what, way)
            assert torch.equal(found[1:], whole[way][1:]), (what, way)


def test_covariances_are_positive_definite_and_say_what_can_be(people):
    """Depths of thousands of kilometres, and joints that far off their pelvis, were no matrices of float32."""
    body = load_body()
    for what, seen in _spoilt(people).items():
        for way, found in _covariances(seen, body).items():
            assert torch.equal(found, found.mT), (what, way)
            assert (torch.linalg.eigvalsh(found.double()) > 0).all(), (what, way)
            assert not torch.linalg.cholesky_ex(found).info.any(), (what, way)
            mean = (torch.diagonal(found, dim1=-2, dim2=-1).sum(-1) / 3).sqrt()
            assert float(mean[:, 0].max()) < 1.01e5, (what, way)
            assert float(mean[:, 1:].max()) < 1.01e3, (what, way)
