import pytest
import torch

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.baselines.comparison import Effort, observed, score, train_all
from anchorfit.evaluation.baselines.result import Answer, answer_of
from anchorfit.evaluation.synthetic import SyntheticPeople, make_people

LITTLE = Effort(forest_people=40, network_steps=2, network_silhouettes=16, basis_poses=150)


@pytest.fixture(scope="module")
def people():
    return make_people(load_body(), load_pose_library(split="heldout").poses[::97].numpy(), 4, seed=5)


def test_every_baseline_is_trained_and_answers(people):
    pytest.importorskip("sklearn")
    body = load_body()
    seen = observed(body, people, SyntheticPeople(), seed=0)
    names = []
    for method, sees, seconds in train_all(body, LITTLE):
        names.append(method.name)
        result = method.estimate(seen, body)
        assert result.joints_cam.shape == (4, 24, 3)
        assert torch.isfinite(result.joints_cam).all()
        assert result.params is None or torch.isfinite(result.params).all()
        assert sees in ("keypoints", "91 landmarks", "silhouette")
        assert seconds >= 0
    assert len(set(names)) == 8


def test_the_truth_scores_nothing(people):
    body = load_body()
    scored = score(body, lambda: answer_of(people.params, body), people.params)
    assert scored.reconstruction_mm < 0.01
    assert scored.surface_mm == 0
    joints = body.from_params(people.params).joints
    moved = score(body, lambda: Answer(None, 2.0 * joints + 1.0), people.params)
    assert moved.reconstruction_mm < 0.1  # up to similarity
    assert moved.surface_mm is None


def test_masks_and_landmarks_are_added(people):
    seen = observed(load_body(), people, SyntheticPeople(), seed=0)
    width, height = people.observations.image_size[0].tolist()
    assert all(mask is not None and mask.shape == (height, width) and mask.any() for mask in seen.masks)
    again = observed(load_body(), people, SyntheticPeople(), seed=0)
    assert torch.equal(seen.landmarks, again.landmarks)
