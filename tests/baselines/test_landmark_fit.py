import pytest
import torch

from anchorfit.body import load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import project
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.heldout_people import CLEAN
from anchorfit.evaluation.landmarks import (
    LIMB_JOINTS,
    landmark_names,
    landmark_points,
    landmark_vertices,
    observe_landmarks,
    with_landmarks,
)
from anchorfit.evaluation.synthetic import make_people
from anchorfit.fitting import load_pose_prior, smplify
from anchorfit_baselines.landmark_fit import LandmarkFit


@pytest.fixture(scope="module")
def people():
    return make_people(load_body(), load_pose_library(split="heldout").poses[::97].numpy(), 8, seed=5, config=CLEAN)


@pytest.fixture(scope="module")
def seen(people):
    return observe_landmarks(load_body(), people, CLEAN, seed=0)


def test_there_are_91_all_different_and_the_fit_sees_the_same():
    body = load_body()
    names = landmark_names(body)
    assert len(set(names)) == 91
    assert names[:12] == LIMB_JOINTS
    vertices = body.v_template[list(landmark_vertices(body))]
    apart = torch.cdist(vertices, vertices) + 10 * torch.eye(79)
    assert apart.min() > 0.08  # metres: spread over the surface
    params = torch.zeros(1, 85)
    torch.testing.assert_close(
        landmark_points(body).points(params), compiled_points(body, names).points(params), atol=1e-5, rtol=0
    )


def test_without_noise_landmarks_are_projections(people, seen):
    pixels = project(landmark_points(load_body()).points(people.params), seen.intrinsics)
    torch.testing.assert_close(seen.landmarks, pixels)
    assert (seen.landmark_confidence > 0).all()


def test_rows_and_types_keep_their_landmarks(seen):
    some = seen.rows([3, 1]).to(dtype=torch.float64)
    assert some.names == (seen.names[3], seen.names[1])
    torch.testing.assert_close(some.landmarks, seen.landmarks[[3, 1]].double())
    assert some.landmark_confidence.dtype == torch.float64


def test_the_fit_reaches_people_whom_keypoints_alone_do_not_tell(people, seen):
    body = load_body()
    fitted = LandmarkFit.train(body).estimate(seen, body)
    assert fitted.params is not None
    errors = body_errors(body, fitted.params, people.params)
    from_keypoints = smplify(body, people.observations, load_pose_prior()).params
    assert errors.surface_mm.median() < 60
    assert errors.surface_mm.mean() < 0.7 * body_errors(body, from_keypoints, people.params).surface_mm.mean()
    torch.testing.assert_close(fitted.joints_cam, body.from_params(fitted.params).joints)


def test_landmarks_that_are_no_numbers_count_as_not_seen(seen):
    body = load_body()
    landmarks, confidence = seen.landmarks.clone(), seen.landmark_confidence.clone()
    landmarks[0, 20], confidence[1] = torch.nan, 0.0
    fitted = LandmarkFit.train(body).estimate(with_landmarks(seen, landmarks, confidence).rows([0, 1]), body)
    assert torch.isfinite(fitted.joints_cam).all()
    confidence[0, 20] = 0.0
    without = LandmarkFit.train(body).estimate(with_landmarks(seen, seen.landmarks, confidence).rows([0, 1]), body)
    torch.testing.assert_close(fitted.joints_cam[0], without.joints_cam[0])


def test_landmarks_are_asked_for(people, seen):
    with pytest.raises(ValueError, match="observations: expected LandmarkObservations"):
        LandmarkFit.train(load_body()).estimate(people.observations, load_body())
    with pytest.raises(ValueError, match=r"expected \(8, 91, 2\) and \(8, 91\), got \(8, 14, 2\)"):
        with_landmarks(people.observations, seen.landmarks[:, :14], seen.landmark_confidence)
