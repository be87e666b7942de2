from __future__ import annotations

import pytest

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import body_errors, image_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, make_people


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def people(body):
    exact = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.2, hips_up=0.0, hips_out=0.0)
    return make_people(body, load_pose_library(split="heldout").poses.numpy(), 3, seed=4, config=exact)


def test_the_truth_has_no_errors(body, people):
    in_space = body_errors(body, people.params, people.params)
    assert max(float(error.max()) for error in in_space) < 0.01  # float32, millimetres
    in_image = image_errors(body, people.params, people.params, people.observations)
    assert float(in_image.reprojection_percent.max()) < 0.01
    assert in_image.mask_iou.tolist() == [1.0, 1.0, 1.0]


def test_bodies_elsewhere_have_errors_in_the_image_alone(body, people):
    moved = people.params.clone()
    moved[:, 82] += 0.17  # a tenth of a standing person's height
    assert float(body_errors(body, moved, people.params).surface_mm.max()) < 0.01
    errors = image_errors(body, moved, people.params, people.observations)
    assert ((errors.reprojection_percent > 5) & (errors.reprojection_percent < 25)).all()  # bent ones are less high
    assert (errors.mask_iou < 0.6).all()
    moved[:, 82] += 100
    assert image_errors(body, moved, people.params, people.observations).mask_iou.tolist() == [0.0, 0.0, 0.0]
