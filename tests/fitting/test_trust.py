"""What is trusted and what is not, and that the score sorts."""

import math
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from anchorfit.assets import ASSETS
from anchorfit.body import CANONICAL_JOINTS, BodyModel, load_body, mirror_pose
from anchorfit.body.joint_sets import mirror_permutation
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import project
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import FitConfig, anchored, load_pose_prior, smplify
from anchorfit.fitting.diagnostics import (
    POINTS,
    diagnose,
    diagnose_prediction,
    gather_evidence,
    mask_evidence,
    penetration,
)
from anchorfit.fitting.results import FitResult
from anchorfit.fitting.schedules import problem_of
from anchorfit.fitting.trust import CALIBRATIONS, Evidence, Limits, likelihood, weigh_evidence
from anchorfit.observations import list_images, match_people, read_people
from anchorfit.observations.people import Observations
from anchorfit.observations.person_size import person_size
from anchorfit.pipeline import FitOptions, fit_people
from anchorfit.regressors import predict_params
from anchorfit.status import Status

PRIOR = load_pose_prior()
HEAVY = SyntheticConfig(noise=0.04, outliers=0.15, outlier_noise=0.3, missing=0.4)
SIZE = (640, 480)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def people(body: BodyModel) -> SyntheticSet:
    return make_people(body, load_pose_library(split="heldout").poses[::97].numpy(), 24, seed=4)


def _standing(count: int = 1, depth: float = 4.0) -> Tensor:
    """(count, 85) people who face the camera with hanging arms, as the pose prior likes them."""
    params = torch.zeros(count, 85)
    params[:, 0], params[:, 84] = math.pi, depth
    params[:, 3 * 16 + 2], params[:, 3 * 17 + 2] = -1.2, 1.2
    return params


def _seen(body: BodyModel, params: Tensor, *, focal: float = 750.0) -> Observations:
    """Their keypoints, exactly."""
    intrinsics = torch.tensor([[focal, 0, 320], [0, focal, 240], [0, 0, 1]]).expand(len(params), 3, 3).clone()
    return Observations(
        keypoints=project(compiled_points(body, CANONICAL_JOINTS).points(params), intrinsics),
        confidence=torch.ones(len(params), len(CANONICAL_JOINTS)),
        intrinsics=intrinsics,
        image_size=torch.tensor([SIZE]).expand(len(params), 2).clone(),
        names=tuple(f"person{i}" for i in range(len(params))),
    )


def _judged(body: BodyModel, observations: Observations, params: Tensor) -> FitResult:
    return diagnose_prediction(body, observations, PRIOR, params, told=("",) * len(params))


def _moved_joint(observations: Observations, name: str, offset: Tensor) -> Observations:
    keypoints = observations.keypoints.clone()
    keypoints[:, CANONICAL_JOINTS.index(name)] += offset
    return replace(observations, keypoints=keypoints)


def test_a_person_who_was_seen_exactly_is_surely_right(body):
    result = _judged(body, _seen(body, _standing()), _standing())
    assert result.trusted.all()
    assert float(result.score[0]) > 0.95


def test_a_body_that_runs_towards_the_camera_cannot_raise_its_own_limit(body):
    observations = _seen(body, _standing(depth=9.4))  # 136 pixels tall
    near = _standing(depth=2.8)
    near[:, 0] = math.pi / 2 + 0.3  # the body points at the camera, so that it looks as small
    points = compiled_points(body, CANONICAL_JOINTS).points(near)
    off = (project(points, observations.intrinsics) - observations.keypoints).norm(dim=-1).mean()
    by_depth = 1.7 * 750 / 2.8
    assert float(off) < 0.08 * by_depth  # the limit that the fit set itself
    assert float(person_size(body, observations.keypoints, observations.confidence)) == pytest.approx(136, rel=0.1)
    result = _judged(body, observations, near)
    assert not result.trusted.any()
    assert "too far from the keypoints" in result.reasons[0]


@pytest.mark.parametrize("degrees", [-178.0, -40.0, 40.0, 120.0, 150.0, 178.0])
@pytest.mark.parametrize(("column", "bending"), [(12, 1.0), (15, 1.0), (55, -1.0), (58, 1.0)])
def test_knees_and_elbows_bend_one_way(body, column, bending, degrees):
    params = _standing()
    params[:, column] = math.radians(bending * degrees)
    result = _judged(body, _seen(body, params), params)
    assert ("bends as none can" in result.reasons[0]) == (not 0 < degrees < 160)


def test_recorded_people_bend_as_people_can(body):
    poses = load_pose_library(split="heldout").poses[::20]
    params = torch.cat([poses, torch.zeros(len(poses), 10), torch.tensor([0.0, 0.0, 4.0]).expand(len(poses), 3)], 1)
    result = _judged(body, _seen(body, params), params)
    assert not any("bends" in reason or "inside each other" in reason for reason in result.reasons)


def test_one_limb_joint_far_off_is_enough(body):
    observations = _seen(body, _standing())
    for joint in ("left_wrist", "right_ankle", "right_elbow", "left_knee"):
        far = _judged(body, _moved_joint(observations, joint, torch.tensor([200.0, 0.0])), _standing())
        assert "a limb lies" in far.reasons[0]
        near = _judged(body, _moved_joint(observations, joint, torch.tensor([30.0, 0.0])), _standing())
        assert near.trusted.all()


def test_the_mask_must_be_where_the_keypoints_are(body):
    params = _standing(3)
    vertices = project(body.from_params(params[:1]).vertices, _seen(body, params[:1]).intrinsics)[0]
    mask = np.zeros(SIZE[::-1], bool)
    columns, rows = vertices.long().T.numpy()
    mask[rows.min() : rows.max(), columns.min() : columns.max()] = True
    beside = np.roll(mask, 200, axis=1)
    observations = replace(_seen(body, params), masks=(mask, beside, None))
    result = _judged(body, observations, params)
    assert result.trusted.tolist() == [True, False, True]
    assert "mask" in result.reasons[1]
    assert mask_evidence(observations)[0].isnan().tolist() == [False, False, True]


def test_a_fit_far_from_its_prediction_is_not_trusted(body):
    params = _standing(2)
    start = params.clone()
    start[1, [3, 6]] = -1.6  # both thighs raised
    start[1, [12, 15]] = 1.6
    problem, _ = problem_of(
        body, _seen(body, params), PRIOR, start, FitConfig(), CANONICAL_JOINTS, keep_orientation=True
    )
    steps = torch.ones(2, dtype=torch.long)
    result = diagnose(problem, [], params, steps=steps, status=torch.zeros_like(steps))
    assert result.trusted.tolist() == [True, False]
    assert result.reasons[1] == "the fit lies far from its prediction"


def test_arms_that_brush_the_body_are_no_reason_for_distrust(body):
    """`anchored` leaves the interpenetration term out: what it leaves of that is a matter of centimetres."""
    angles = torch.linspace(1.2, 1.9, 15)
    params = _standing(15)
    params[:, 3 * 16 + 2], params[:, 3 * 17 + 2] = -angles, angles  # arms against the trunk, and into it
    depth = penetration(body, params, compiled_points(body, POINTS).points(params))
    reasons = weigh_evidence(gather_evidence(body, _seen(body, params), PRIOR, params)[0], "anchored").reasons
    told = ["inside each other" in reason for reason in reasons]
    assert told == (depth > 0.10).tolist()
    assert ((depth > 0.05) & (depth < 0.10)).any()
    assert (depth > 0.10).any()


def test_what_is_not_finite_has_no_score(body):
    observations = _seen(body, _standing(2))
    observations.keypoints[1, 3] = torch.nan
    result = _judged(body, observations, _standing(2))
    assert result.trusted.tolist() == [True, False]
    assert float(result.score[1]) == 0.0
    assert "not finite" in result.reasons[1]


def _evidence(count: int = 1, /, **other: Tensor | tuple[str, ...]) -> Evidence:
    good: dict[str, Tensor | tuple[str, ...]] = {
        "finite": torch.ones(count, dtype=torch.bool),
        "status": torch.zeros(count, dtype=torch.long),
        "joints": torch.full((count,), 17),
        "limbs": torch.full((count,), 12),
        "span": torch.full((count,), 200.0),
        "behind": torch.zeros(count, dtype=torch.bool),
        "told": ("",) * count,
    }
    measures = {f.name: torch.zeros(count) for f in fields(Evidence) if f.name not in good}
    measures["in_mask"] = torch.ones(count)
    return Evidence(**{**good, **measures, **other})  # type: ignore[arg-type]


BAD: dict[str, Tensor | tuple[str, ...]] = {
    "finite": torch.tensor([False]),
    "status": torch.tensor([int(Status.STUCK)]),
    "joints": torch.tensor([5]),
    "span": torch.tensor([3.0]),
    "behind": torch.tensor([True]),
    "reprojection": torch.tensor([0.09]),
    "limb": torch.tensor([0.5]),
    "wrong_way": torch.tensor([0.4]),
    "bend": torch.tensor([3.0]),
    "penetration": torch.tensor([0.12]),
    "pose_prior": torch.tensor([250.0]),
    "beta": torch.tensor([4.5]),
    "in_mask": torch.tensor([0.1]),
    "moved": torch.tensor([0.2]),
    "told": ("its mask is empty",),
}


@pytest.mark.parametrize("way", list(CALIBRATIONS))
@pytest.mark.parametrize("name", list(BAD))
def test_every_distrust_has_its_reason_and_a_low_score(way, name):
    good, bad = weigh_evidence(_evidence(), way), weigh_evidence(_evidence(**{name: BAD[name]}), way)
    assert good.reasons == ("",)
    assert good.trusted.all()
    assert not bad.trusted.any()
    assert bad.reasons[0]
    assert float(bad.score) < Limits().min_score < float(good.score)


def test_trusted_a_high_score_and_no_reason_are_one_thing():
    generator = torch.Generator().manual_seed(0)
    count = 400
    random = {
        "reprojection": 0.06 * torch.rand(count, generator=generator),
        "limbs": torch.randint(0, 13, (count,), generator=generator),
        "penetration": 0.15 * torch.rand(count, generator=generator),
        "status": (torch.rand(count, generator=generator) > 0.9).long(),
    }
    for way in CALIBRATIONS:
        for limits in (Limits(), Limits(min_score=0.8)):
            verdict = weigh_evidence(_evidence(count, **random), way, limits)
            assert verdict.trusted.tolist() == [not reason for reason in verdict.reasons]
            assert verdict.trusted.tolist() == (verdict.score >= limits.min_score).tolist()
            assert any("a score below 0.8" in reason for reason in verdict.reasons) == (limits.min_score == 0.8)
            assert 0.1 < verdict.trusted.double().mean() < 0.9


def test_the_score_falls_with_the_error_and_rises_with_what_was_seen():
    errors = torch.linspace(0.01, 0.14, 40)
    for calibration in CALIBRATIONS.values():
        scores = [likelihood(errors, torch.full((40,), limbs), calibration) for limbs in (4, 8, 12)]
        for few, more in pairwise(scores):
            assert (few < more).all()
            assert (more.diff() < 0).all()
        assert all(((score >= 0) & (score <= 1)).all() for score in scores)
        torch.testing.assert_close(
            likelihood(torch.tensor([calibration.limit]), torch.tensor([12]), calibration), torch.tensor([0.5])
        )


def _same(one: Evidence, other: Evidence, *, atol: float) -> None:
    for field in fields(Evidence):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, Tensor):
            torch.testing.assert_close(mine, theirs, atol=atol, rtol=0, equal_nan=True)
        else:
            assert mine == theirs


def _with_masks(people: SyntheticSet) -> Observations:
    """Boxes around the keypoints of every second person, moved by half their width."""
    masks: list[np.ndarray | None] = []
    for row in range(len(people.observations)):
        seen = people.observations.keypoints[row][people.observations.confidence[row] > 0].numpy()
        (x0, y0), (x1, y1) = seen.min(0).clip(0).astype(int), seen.max(0).clip(0, np.array(SIZE) - 1).astype(int) + 1
        mask = np.zeros(SIZE[::-1], bool)
        mask[y0:y1, x0 + (x1 - x0) // 2 :] = True
        masks.append(mask if row % 2 else None)
    return replace(people.observations, masks=tuple(masks))


def test_the_scale_of_the_image_changes_no_evidence(body, people):
    exact, observations = body.to(dtype=torch.float64), _with_masks(people).to(dtype=torch.float64)
    scale = torch.diag(torch.tensor([2.0, 2.0, 1.0], dtype=torch.float64))
    larger = replace(
        observations,
        keypoints=2 * observations.keypoints,
        intrinsics=scale @ observations.intrinsics,
        image_size=2 * observations.image_size,
        masks=tuple(None if mask is None else mask.repeat(2, 0).repeat(2, 1) for mask in observations.masks),
    )
    params, prior = people.params.double(), load_pose_prior(dtype=torch.float64)
    small, large = (gather_evidence(exact, some, prior, params)[0] for some in (observations, larger))
    _same(replace(small, span=2 * small.span, in_mask=large.in_mask), large, atol=1e-9)
    torch.testing.assert_close(small.in_mask, large.in_mask, atol=0.2, rtol=0, equal_nan=True)  # two joints on edges


def test_mirror_images_give_the_same_evidence(body, people):
    exact, observations = body.to(dtype=torch.float64), _with_masks(people).to(dtype=torch.float64)
    order = list(mirror_permutation(CANONICAL_JOINTS))
    width = SIZE[0]
    intrinsics = observations.intrinsics.clone()
    intrinsics[:, 0, 2] = width - intrinsics[:, 0, 2]
    flipped = observations.keypoints[:, order].clone()
    flipped[..., 0] = width - flipped[..., 0]
    mirrored = replace(
        observations,
        keypoints=flipped,
        confidence=observations.confidence[:, order],
        intrinsics=intrinsics,
        masks=tuple(None if mask is None else mask[:, ::-1] for mask in observations.masks),
    )
    params = people.params.double()
    other = params.clone()
    other[:, :72] = mirror_pose(params[:, :72])
    other[:, 82] *= -1
    prior = load_pose_prior(dtype=torch.float64)
    # The open body is symmetric to 0.1 mm, and its betas and the mixture are what they are: to a part in a thousand.
    one, two = gather_evidence(exact, observations, prior, params)[0], gather_evidence(exact, mirrored, prior, other)[0]
    _same(replace(one, pose_prior=two.pose_prior, span=two.span, in_mask=two.in_mask), two, atol=2e-3)
    torch.testing.assert_close(one.pose_prior, two.pose_prior, rtol=1e-3, atol=0)
    torch.testing.assert_close(one.in_mask, two.in_mask, atol=0.2, rtol=0, equal_nan=True)
    assert weigh_evidence(one, "anchored").reasons == weigh_evidence(two, "anchored").reasons


def test_a_batch_is_its_rows(body, people):
    observations, params = _with_masks(people), people.params
    whole = _judged(body, observations, params)
    for row in (0, 7, 23):
        alone = _judged(body, observations.rows([row]), params[[row]])
        torch.testing.assert_close(alone.score, whole.score[[row]], atol=1e-5, rtol=0)
        assert alone.reasons[0] == whole.reasons[row]


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_people_seen_badly_are_caught_and_ordinary_ones_are_not(body, schedule):
    """Of people of other subjects than the calibration's; docs/fitting.md has the table of larger sets."""
    poses = load_pose_library(split="heldout").poses[::13].numpy()
    caught = []
    for config in (HEAVY, SyntheticConfig()):
        observations, truth = make_people(body, poses, 160, seed=5, config=config)
        if schedule == "anchored":
            result = anchored(body, observations, PRIOR, predict_params(observations, body).params.clone())
        else:
            result = smplify(body, observations, PRIOR, config=FitConfig())
        wrong = body_errors(body, result.params, truth).surface_mm > 200
        caught.append(
            (~result.trusted[wrong]).double().mean() if config is HEAVY else (~result.trusted).double().mean()
        )
        assert all(bool(reason) != bool(row) for reason, row in zip(result.reasons, result.trusted, strict=True))
    assert caught[0] >= 0.7  # 75 % and more of larger sets
    assert caught[1] <= 0.04  # 2 % and less


@pytest.mark.parametrize("schedule", ["anchored", "smplify"])
def test_the_people_of_the_photographs_are_trusted(body, schedule):
    """They were looked at: sides, front and back, hands and feet are where they should be."""
    folder = ASSETS / "demo"
    people = match_people(read_people(folder / "person_keypoints.json").people, list_images([folder])).people
    whole = [person for person in people if (person.confidence > 0).sum() >= 10]
    estimate = fit_people(whole, body, options=FitOptions(schedule=schedule)).estimate
    assert estimate is not None
    assert len(estimate) == 16
    assert estimate.diagnostics.trusted.all()
