import pytest
import torch
from scipy.spatial.transform import Rotation

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import BodyErrors, body_errors
from anchorfit.evaluation.landmarks import observe_landmarks
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.observations.people import Observations
from anchorfit.regressors.synthesis import Synthesis, Synthesizer, shipped_poses
from anchorfit_baselines.forest import LandmarkForest, nearest_rotations

pytest.importorskip("sklearn")
STILL = Synthesis(variation=None, roll_deg=0.0, wide_pitch=0.0)


def training_people(count: int) -> SyntheticSet:
    """The first of those that a forest of seed 0 grew on."""
    body = load_body()
    people = Synthesizer(body, shipped_poses("train"), STILL, seed=0).people(0, 2000)
    observations = Observations(
        keypoints=people.keypoints[:count],
        confidence=people.confidence[:count],
        intrinsics=people.intrinsics[:count],
        image_size=torch.tensor([[640, 480]]).expand(count, 2),
        names=tuple(map(str, range(count))),
    )
    return SyntheticSet(observations, people.params[:count])


def errors_of(forest: LandmarkForest, people: SyntheticSet) -> BodyErrors:
    params = forest.estimate(people.observations, load_body()).params
    assert params is not None
    return body_errors(load_body(), params, people.params)


@pytest.fixture(scope="module")
def grown() -> LandmarkForest:
    return LandmarkForest.train(load_body(), landmarks="lsp14", count=200, trees=5, leaf=1, synthesis=STILL, seed=0)


def test_training_people_come_back(grown):
    """Bootstrapped trees with single samples for leaves: most trees hold each person as he is."""
    body = load_body()
    people = training_people(200)
    errors = errors_of(grown, people)
    fresh = make_people(body, load_pose_library(split="heldout").poses[::97].numpy(), 40, seed=1)
    others = errors_of(grown, fresh)
    assert errors.surface_mm.mean() < 0.5 * others.surface_mm.mean()
    assert errors.reconstruction_mm.median() < 60


def test_the_same_seed_grows_the_same_trees(grown):
    body = load_body()
    again = LandmarkForest.train(body, landmarks="lsp14", count=200, trees=5, leaf=1, synthesis=STILL, seed=0)
    seen = training_people(10).observations
    assert torch.equal(grown.estimate(seen, body).joints_cam, again.estimate(seen, body).joints_cam)


def test_a_person_of_whom_nothing_was_seen_is_finite(grown):
    body, seen = load_body(), training_people(4).observations
    seen.confidence[1] = 0
    result = grown.estimate(seen, body)
    assert result.params is not None
    assert torch.isfinite(result.params).all()
    assert torch.isfinite(result.joints_cam).all()


def test_landmarks_of_a_limb_reach_that_limb_alone():
    body = load_body()
    forest = LandmarkForest.train(body, landmarks="91", count=60, trees=1, synthesis=STILL, seed=0)
    people = make_people(body, load_pose_library(split="heldout").poses[::97].numpy(), 3, seed=1)
    seen = observe_landmarks(body, people, SyntheticConfig(noise=0.0, missing=0.0, outliers=0.0), seed=0)
    assert set(forest.columns["left_knee"]) > set(forest.columns["pelvis"])
    assert not set(forest.columns["left_knee"]) & (set(forest.columns["right_elbow"]) - set(forest.columns["pelvis"]))
    assert torch.isfinite(forest.estimate(seen, body).joints_cam).all()
    with pytest.raises(ValueError, match="expected LandmarkObservations with 91 landmarks"):
        forest.estimate(people.observations, body)


def test_rotations_are_projected_as_scipy_does():
    matrices = torch.randn(20, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = nearest_rotations(matrices)
    torch.testing.assert_close(torch.linalg.det(ours), torch.ones(20, dtype=torch.float64))
    for matrix, rotation in zip(matrices, ours, strict=True):
        nearest, _ = Rotation.align_vectors(matrix.numpy().T, torch.eye(3).numpy())  # max trace of R^T M
        torch.testing.assert_close(rotation, torch.as_tensor(nearest.as_matrix()), atol=1e-6, rtol=0)


def test_an_unknown_version():
    with pytest.raises(ValueError, match="landmarks: expected 91 or lsp14, got 'coco'"):
        LandmarkForest.train(load_body(), landmarks="coco")  # type: ignore[arg-type]
