"""Direct prediction with the networks that ship with the package."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from anchorfit.assets import ASSETS
from anchorfit.body import CANONICAL_JOINTS, Gravity, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import body_errors, rarity_of, view_of
from anchorfit.evaluation.heldout_people import CLEAN
from anchorfit.evaluation.synthetic import make_people
from anchorfit.observations import Observations
from anchorfit.pipeline import fit, predict
from anchorfit.regressors import (
    Networks,
    PosePrior,
    PosePriorConfig,
    load_networks,
    predict_params,
    prediction,
    save_network,
)
from anchorfit.rendering import silhouette


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def people(body):
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(0).choice(len(library), 500, p=library.subject_balanced_weights(300).numpy())
    return make_people(body, library.poses[chosen].numpy(), 200, seed=0, config=CLEAN)


@pytest.fixture(scope="module")
def predicted(people, body):
    return predict_params(people.observations, body)


def test_predictions_are_far_better_than_a_mean(people, predicted, body):
    errors = body_errors(body, predicted.params, people.params)
    # Measured: docs/models.md; the true orientation with a pose of zeros is at 200 mm and more.
    assert errors.reconstruction_mm.mean() < 85
    assert errors.surface_mm.mean() < 125
    plain = people.params.clone()
    plain[:, 3:82] = 0
    assert errors.reconstruction_mm.mean() < 0.6 * body_errors(body, plain, people.params).reconstruction_mm.mean()


def test_what_is_predicted_and_fitted_takes_gradients(people, predicted, body):
    observations = people.observations.rows([0, 1])
    for estimate in (predict(observations, body), fit(observations, body)):
        for values in (estimate.params, estimate.betas, estimate.diagnostics.score):
            assert not values.is_inference()
    params = predicted.params.requires_grad_()
    body.from_params(params).joints.square().sum().backward()
    assert params.grad is not None
    params.requires_grad_(False)


def test_everything_was_seen(predicted):
    assert predicted.posed.all()
    assert predicted.placed.all()
    assert not predicted.shaped.any()
    assert set(predicted.reasons) == {""}
    assert predicted.params[:, 72:82].abs().max() == 0


def test_bodies_stand_where_their_keypoints_are(people, predicted):
    distance = predicted.params[:, 84] / people.params[:, 84]
    assert 0.8 < distance.median() < 1.25  # how tall they are is not known


@pytest.mark.parametrize("count", [1, 2, 5, 16, 33, 64, 129])
def test_a_row_does_not_depend_on_its_batch(people, predicted, body, count):
    rows = np.random.default_rng(count).choice(200, count, replace=False)
    few = predict_params(people.observations.rows(rows), body)
    assert torch.equal(few.params, predicted.params[rows])


@pytest.mark.parametrize("num_betas", [1, 5])
def test_bodies_of_fewer_betas_get_the_same_pose_and_the_first_betas(people, predicted, num_betas):
    own = load_body(num_betas=num_betas)
    some = people.observations.rows(range(3))
    params = people.params[:3].clone()
    drawn = silhouette(load_body().from_params(params).vertices, own.faces, some.intrinsics, (480, 640)).mask
    some = replace(some, masks=tuple(drawn.numpy() > 0.5))
    free = Gravity.unknown(3)  # balance depends on the shape
    result, whole = predict_params(some, own, gravity=free), predict_params(some, load_body(), gravity=free)
    predicted = predict_params(people.observations.rows(range(3)), load_body(), gravity=free)
    layout = own.layout
    assert result.params.shape == (3, layout.size)
    assert result.shaped.all()
    assert torch.equal(result.params[:, layout.pose], predicted.params[:3, :72])
    assert torch.equal(result.params[:, layout.betas], whole.params[:, 72 : 72 + num_betas])
    apart = result.params[:, layout.transl] - whole.params[:, 82:]
    assert apart.norm(dim=-1).max() < 0.5  # the rest of the shape moves the body a little


def test_bodies_of_more_betas_get_zeros_beyond_the_networks(people, body):
    more = torch.zeros(body.num_vertices, 3, 300)
    more[..., :10] = body.shapedirs
    some = people.observations.rows(range(3))
    vertices = body.from_params(people.params[:3]).vertices
    drawn = silhouette(vertices, body.faces, some.intrinsics, (480, 640)).mask.numpy() > 0.5
    some = replace(some, masks=tuple(drawn))
    result, usual = predict_params(some, replace(body, shapedirs=more)), predict_params(some, body)
    assert result.params.shape == (3, 375)
    assert torch.equal(result.params[:, :82], usual.params[:, :82])
    assert result.params[:, 82:372].abs().max() == 0
    torch.testing.assert_close(result.params[:, 372:], usual.params[:, 82:], atol=1e-4, rtol=0)


@pytest.mark.parametrize("bad", ["nothing seen", "nan", "one joint", "bad camera", "far away", "contradiction"])
def test_a_bad_row_falls_back_and_changes_no_other(people, predicted, body, bad):
    some = people.observations.rows(range(4))
    keypoints, confidence, intrinsics = (value.clone() for value in (some.keypoints, some.confidence, some.intrinsics))
    if bad == "nothing seen":
        confidence[2] = 0
    elif bad == "nan":
        keypoints[2] = math.nan
    elif bad == "one joint":
        confidence[2, 1:] = 0
        confidence[2, 0] = 1
    elif bad == "bad camera":
        intrinsics[2] = math.nan
    elif bad == "far away":
        keypoints[2] = 1e9
    else:
        confidence[2] = -1
    result = predict_params(replace(some, keypoints=keypoints, confidence=confidence, intrinsics=intrinsics), body)
    assert torch.isfinite(result.params).all()
    assert not result.posed[2]
    assert not result.placed[2]
    assert "fewer than 3 usable keypoints" in result.reasons[2]
    assert result.params[2].tolist() == pytest.approx([math.pi, *[0.0] * 83, 5.0])
    others = [0, 1, 3]
    assert torch.equal(result.params[others], predicted.params[others])


def test_masks_give_shapes_and_bad_masks_the_mean(people, body):
    some = people.observations.rows(range(4))
    vertices = body.from_params(people.params[:4]).vertices
    drawn = silhouette(vertices, body.faces, some.intrinsics, (480, 640)).mask.numpy() > 0.5
    masks = (drawn[0], None, np.zeros((480, 640), bool), np.ones((480, 640), bool))
    result = predict_params(replace(some, masks=masks), body)
    assert result.shaped.tolist() == [True, False, False, False]
    assert result.params[0, 72:82].abs().max() > 0
    assert result.params[1:, 72:82].abs().max() == 0
    assert set(result.reasons) == {""}
    without = predict_params(replace(some, masks=masks), body, networks=Networks(pose=load_networks().pose))
    assert not without.shaped.any()
    another = predict_params(replace(some, masks=masks), replace(body, name="of another shape space"))
    assert not another.shaped.any()  # other betas: the mean shape


@pytest.mark.parametrize(("gender", "age"), [("male", "adult"), ("female", "adult"), ("neutral", "child")])
def test_every_open_body_has_a_shape_prior_of_its_own(people, gender, age):
    own = load_body(gender=gender, age=age)
    params = people.params[:1].clone()
    params[:, 3:72], params[:, 72:82] = 0, 0
    params[:, 72] = 2.0  # the first of the betas, size and weight
    some = people.observations.rows([0])
    drawn = silhouette(own.from_params(params).vertices, own.faces, some.intrinsics, (480, 640)).mask.numpy() > 0.5
    assert predict_params(replace(some, masks=(drawn[0],)), own).shaped.all()


def test_children_are_where_they_are_with_a_childs_body(body):
    """With an adult's they come out some 40 % too far away, and as much too large."""
    child = load_body(age="child")
    library = load_pose_library(split="heldout")
    people = make_people(child, library.poses[:400].numpy(), 48, seed=3, config=CLEAN)
    true = people.params[:, child.layout.depth]
    ratios, errors = {}, {}
    for fitted in (body, child):
        params = predict_params(people.observations, fitted).params
        ratios[fitted.name] = float((params[:, fitted.layout.depth] / true).median())
        errors[fitted.name] = float(body_errors(fitted, params, people.params, true_body=child).surface_mm.mean())
    assert ratios[body.name] > 1.3
    assert ratios[child.name] == pytest.approx(1.0, abs=0.06)
    assert errors[child.name] < 0.6 * errors[body.name]


def test_a_childs_skeleton_is_what_its_prediction_is_compared_on(people):
    network, child = load_networks().pose, load_body(age="child")
    own = prediction._on_skeleton(network, child)
    assert own is prediction._on_skeleton(network, child)
    assert own.first is network.first
    lengths = [float(one.skeleton.bones.norm(dim=-1).sum()) for one in (network, own)]
    assert 0.65 < lengths[1] / lengths[0] < 0.8
    assert prediction._on_skeleton(network, load_body(gender="male")) is network
    seen = people.observations
    whole = predict_params(seen, child).params
    torch.testing.assert_close(predict_params(seen.rows([7]), child).params, whole[7:8], rtol=0, atol=0)


def test_a_folder_of_weights_of_ones_own(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no pose_prior\.safetensors and no shape_prior\.safetensors"):
        load_networks(tmp_path)
    network = PosePrior(PosePriorConfig(width=16))
    save_network(network, tmp_path / "pose_prior.safetensors")
    own = load_networks(tmp_path)
    assert own.pose.config.width == 16
    assert own.shapes.keys() == load_networks().shapes.keys()  # the package's


def test_nobody_is_an_error(body):
    nobody = Observations(
        keypoints=torch.zeros(0, len(CANONICAL_JOINTS), 2),
        confidence=torch.zeros(0, len(CANONICAL_JOINTS)),
        intrinsics=torch.zeros(0, 3, 3),
        image_size=torch.zeros(0, 2, dtype=torch.int64),
        names=(),
    )
    with pytest.raises(ValueError, match="expected at least one person"):
        predict_params(nobody, body)


def test_float64_bodies_get_float64(people, body):
    result = predict_params(people.observations.rows([0]), body.to(dtype=torch.float64))
    assert result.params.dtype == torch.float64


def test_views_and_rarity_of_known_bodies(people):
    params = torch.zeros(3, 85)
    params[0, 0] = math.pi  # facing the camera
    params[2, 2] = math.pi  # the back to it
    params[1, :3] = torch.tensor([1.0, 0.0, 1.0]) * math.pi / 2**0.5  # towards the image's side
    assert view_of(params).tolist() == [0, 1, 2]
    known = people.params[:, :72]
    assert rarity_of(people.params[:5], known).max() < 0.1
    moved = people.params[:5].clone()
    moved[:, 3:72] += math.radians(90.0) * 3
    assert rarity_of(moved, known).min() > 90


def test_a_shape_network_that_the_package_lost_is_said(monkeypatch, tmp_path):
    shutil.copy(ASSETS / "weights" / "pose_prior.safetensors", tmp_path)
    monkeypatch.setattr(prediction, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"shape_prior.safetensors: no such file, .*install anchorfit again"):
        load_networks.__wrapped__()
