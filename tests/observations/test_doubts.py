"""Keypoints that a body makes doubtful: far off while the others lie near it; left out of predictions and fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import anchorfit
from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.mirror_symmetry import mirrored_observations
from anchorfit.evaluation.synthetic import SyntheticConfig, make_people
from anchorfit.fitting import anchored, load_pose_prior
from anchorfit.observations.doubts import FEWEST_LEFT, doubted_keypoints, far_off
from anchorfit.regressors import predict_params
from anchorfit.results import BodyEstimate

BODY = load_body()
WRIST, ANKLE = CANONICAL_JOINTS.index("left_wrist"), CANONICAL_JOINTS.index("right_ankle")


@pytest.fixture(scope="module")
def people():
    """24 people as recorded, exact keypoints."""
    exact = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
    return make_people(BODY, load_pose_library(split="train").poses[::500].numpy(), 24, seed=4, config=exact)


def spoilt(observations, joint: int, share: float = 0.6):
    """A joint of every second person moved by a share of the person's height."""
    keypoints = observations.keypoints.clone()
    seen = observations.confidence > 0
    heights = torch.where(seen, keypoints[..., 1], -torch.inf).amax(1)
    heights -= torch.where(seen, keypoints[..., 1], torch.inf).amin(1)
    keypoints[::2, joint, 0] += share * heights[::2]
    return replace(observations, keypoints=keypoints)


def test_a_joint_far_off_is_doubted_and_no_other():
    confidence = torch.zeros(3, 10)
    confidence[:, :9] = 0.8
    keypoints = torch.randn(3, 10, 2, generator=torch.Generator().manual_seed(0))
    pixels = keypoints + 0.05
    pixels[0, 4] += 2.0  # alone
    pixels[1] += 2.0  # all are off alike: the body is, not a keypoint
    pixels[2, 9] += 9.0  # not seen
    expected = torch.zeros(3, 10, dtype=torch.bool)
    expected[0, 4] = True
    assert torch.equal(far_off(pixels, keypoints, confidence), expected)
    assert torch.equal(far_off(100 * pixels, 100 * keypoints, confidence), expected)  # of any size
    keypoints[0, 5] = torch.nan
    assert torch.equal(far_off(pixels, keypoints, confidence), expected)
    confidence[0, : 9 - FEWEST_LEFT] = 0.0  # one of six
    assert not far_off(pixels, keypoints, confidence)[0].any()


def test_nobodys_exact_keypoints_are_doubted(people):
    found = predict_params(people.observations, BODY)
    assert not found.doubted.any()
    assert not doubted_keypoints(BODY, found.params, people.observations).any()


@pytest.mark.parametrize("joint", [WRIST, ANKLE])
def test_a_spoilt_joint_is_as_good_as_not_seen(people, joint):
    seen = spoilt(people.observations, joint)
    found = predict_params(seen, BODY)
    told = found.doubted[::2, joint]
    assert float(told.float().mean()) > 0.7
    assert not found.doubted[1::2].any()
    without = replace(seen, confidence=torch.where(found.doubted, 0.0, seen.confidence))
    rows = found.doubted.any(1)
    asked = predict_params(without, BODY)  # of whom the network sees the mirror image as well
    truth, apart = people.params[rows], body_errors(BODY, found.params[rows], asked.params[rows]).joints_mm
    again, whole = (body_errors(BODY, each.params[rows], truth).joints_mm.mean() for each in (found, asked))
    assert apart.median() < 15
    assert again < 1.05 * whole
    assert torch.equal(found.params[~rows], asked.params[~rows])
    pose_prior = load_pose_prior()
    fitted = anchored(BODY, seen, pose_prior, found.params, doubted=found.doubted)
    believing = anchored(BODY, seen, pose_prior, found.params)
    errors = [
        float(body_errors(BODY, each.params, people.params).joints_mm[::2].mean()) for each in (fitted, believing)
    ]
    assert errors[0] < errors[1]
    assert torch.equal(fitted.params[1::2], believing.params[1::2])
    assert bool((fitted.reprojection_px[::2, joint][told] > 20).all())  # errors and trust look at all that was seen


def test_a_batch_is_its_rows_and_the_mirror_image_doubts_the_mirrored_joint(people):
    seen = spoilt(people.observations, WRIST)
    whole = predict_params(seen, BODY)
    estimate = anchorfit.fit(seen, BODY)
    for row in (0, 1, 6):
        alone = predict_params(seen.rows([row]), BODY)
        assert torch.equal(alone.params[0], whole.params[row])
        assert torch.equal(alone.doubted[0], whole.doubted[row])
        assert torch.equal(anchorfit.fit(seen.rows([row]), BODY).params[0], estimate.params[row])
    mirrored = predict_params(mirrored_observations(seen), BODY).doubted
    assert torch.equal(mirrored[:, CANONICAL_JOINTS.index("right_wrist")], whole.doubted[:, WRIST])


def test_a_second_look_leaves_the_shape_that_a_mask_gave(people):
    seen = spoilt(people.observations, WRIST)
    mask = np.zeros((480, 640), dtype=bool)
    mask[100:400, 275:325] = mask[200:250, 200:400] = True
    masked, plain = (predict_params(replace(seen, masks=(given,) * len(seen)), BODY) for given in (mask, None))
    rows, betas = masked.doubted.any(1), BODY.layout.betas
    assert rows.any()
    assert masked.shaped.all()
    assert torch.equal(masked.params[:, betas], masked.params[:1, betas].expand(len(seen), -1))
    assert torch.equal(masked.params[:, BODY.layout.body_pose], plain.params[:, BODY.layout.body_pose])


def test_a_fit_from_a_stored_prediction_doubts_the_same(people):
    seen = spoilt(people.observations, ANKLE)
    assert torch.equal(
        anchorfit.fit(seen, BODY, init=anchorfit.predict(seen, BODY)).params, anchorfit.fit(seen, BODY).params
    )


def test_another_methods_wrong_limb_makes_no_right_keypoint_doubted(people):
    """The right hip is .7 rad off in the start; exact keypoints mend it, whether it comes as numbers or an estimate."""
    start = people.params.clone()
    start[:, 3 * SMPL_JOINTS.index("right_hip") + 2] += 0.7
    assert doubted_keypoints(BODY, start, people.observations).any()
    given = BodyEstimate.from_smplx(
        BODY.layout.split(start)._asdict(),
        intrinsics=people.observations.intrinsics,
        image_size=(640, 480),
        names=people.observations.names,
    )
    plain = anchorfit.fit(people.observations, BODY, init=start)
    for method in ("given", "anchored"):
        found = anchorfit.fit(people.observations, BODY, init=replace(given, method=method))
        assert torch.equal(found.params, plain.params)
    believed = anchorfit.fit(people.observations, BODY, init=replace(given, method="direct"))
    errors = [float(body_errors(BODY, each.params, people.params).joints_mm.mean()) for each in (plain, believed)]
    assert errors[0] < errors[1]


def test_a_stored_prediction_is_brought_to_the_bodys_type_before_it_is_projected(people):
    """As it is to its device: estimates are on the CPU, in the type in which they were made."""
    exact = load_body(dtype=torch.float64)
    found = anchorfit.fit(people.observations, exact, init=anchorfit.predict(people.observations, BODY))
    assert found.params.dtype == torch.float64
