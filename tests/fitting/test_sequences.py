from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, BodyModel, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import SyntheticConfig, make_people
from anchorfit.fitting import FitConfig, FitResult, load_pose_prior, smplify
from anchorfit.fitting.problem import FitProblem
from anchorfit.fitting.schedules import problem_of
from anchorfit.fitting.sequences import couple
from anchorfit.fitting.terms import Smoothness
from anchorfit.fitting.terms.smoothness import neighbours_of
from anchorfit.observations.people import Observations

PRIOR = load_pose_prior()


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


def _seen(body: BodyModel, params: torch.Tensor, noise: float) -> Observations:
    intrinsics = torch.tensor([[800.0, 0, 320], [0, 800, 240], [0, 0, 1]]).expand(len(params), 3, 3)
    points = compiled_points(body, CANONICAL_JOINTS).points(params)
    pixels = points @ intrinsics.mT
    pixels = pixels[..., :2] / pixels[..., 2:]
    pixels = pixels + noise * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1))
    names = [name.split("_")[-1] in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist") for name in CANONICAL_JOINTS]
    return Observations(
        keypoints=pixels,
        confidence=torch.tensor(names).float().expand(len(params), -1),
        intrinsics=intrinsics,
        image_size=torch.tensor([[640, 480]] * len(params)),
        names=tuple(map(str, range(len(params)))),
    )


def test_rows_of_a_person_get_one_shape_and_others_keep_theirs(body):
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    people = make_people(body, poses, 6, seed=3, config=SyntheticConfig(hips_up=0.0, hips_out=0.0))
    alone = smplify(body, people.observations, PRIOR)
    shared = smplify(body, people.observations, PRIOR, persons=["a", "a", "b", "a", "b", "c"])
    betas = shared.params[:, 72:82]
    assert torch.equal(betas[0], betas[1])
    assert torch.equal(betas[0], betas[3])
    assert torch.equal(betas[2], betas[4])
    assert not torch.equal(betas[0], betas[2])
    assert torch.equal(shared.params[5], alone.params[5])  # nobody to share with
    assert float(shared.reprojection_px.nanmean()) < 1.5 * float(alone.reprojection_px.nanmean())


def test_pooling_brings_the_shape_nearer_the_truth(body):
    poses = load_pose_library(split="heldout").poses[::61][:12]
    params = torch.zeros(12, 85)
    params[:, :72] = poses
    params[:, :3] = torch.tensor([math.pi, 0, 0])
    params[:, 72:82] = torch.tensor([1.5, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    params[:, 84] = 4.0
    observations = _seen(body, params, noise=2.0)
    alone = smplify(body, observations, PRIOR)
    shared = smplify(body, observations, PRIOR, persons=["one"] * 12)

    def height_error(result: FitResult) -> float:
        zero = torch.zeros(12, 72)
        ours = body.from_params(torch.cat([zero, result.params[:, 72:82], zero[:, :3]], 1)).joints
        true = body.from_params(torch.cat([zero, params[:, 72:82], zero[:, :3]], 1)).joints
        return float((ours - ours[:, :1] - true + true[:, :1]).norm(dim=-1).mean())

    assert height_error(shared) < height_error(alone)


def test_a_video_becomes_smoother_and_stays_on_its_keypoints(body):
    time = torch.linspace(0, 1, 10)
    params = torch.zeros(10, 85)
    params[:, 0], params[:, 84] = math.pi, 4.0
    params[:, 3 * 16 + 2] = -1.2 + 0.8 * time  # the left arm is raised
    params[:, 3 * 17 + 2] = 1.2
    observations = _seen(body, params, noise=4.0)
    single = smplify(body, observations, PRIOR)
    video = smplify(body, observations, PRIOR, videos=["clip"] * 10)

    def jitter(result: FitResult) -> float:
        pose = result.params[:, 3:72]
        return float((pose[2:] - 2 * pose[1:-1] + pose[:-2]).square().mean().sqrt())

    assert jitter(video) < 0.6 * jitter(single)
    assert float(video.reprojection_px.nanmean()) < 2 * float(single.reprojection_px.nanmean())
    assert (video.energy["smoothness"] > 0).all()
    shared = smplify(body, observations, PRIOR, persons=["one"] * 10)
    both = smplify(body, observations, PRIOR, persons=["one"] * 10, videos=["clip"] * 10)
    assert torch.equal(both.params[:, 72:82], shared.params[:, 72:82])


def test_a_frame_that_went_astray_spoils_no_other_and_comes_back(body):
    params = torch.zeros(8, 85)
    params[:, 0], params[:, 84] = math.pi, 4.0
    params[:, 82] = 0.08 * torch.arange(8)
    observations = _seen(body, params, noise=1.0)
    found = smplify(body, observations, PRIOR)
    astray = found.params.clone()
    astray[[3, 7], 82] = 500.0  # as where two joints are seen of somebody who leaves the picture
    errors = found.reprojection_px.clone()
    errors[[3, 7]] += 1e5
    trusted = found.trusted.index_fill(0, torch.tensor(3), 0)
    broken = replace(found, params=astray, reprojection_px=errors, trusted=trusted)
    problem = _problem(body, observations, ["clip"] * 8)
    whole, mended = couple(problem, found), couple(problem, broken)
    torch.testing.assert_close(mended.params[:, 82:], whole.params[:, 82:], atol=0.05, rtol=0)  # 0.08 a frame
    assert float(mended.reprojection_px.nanmean()) < 1.2 * float(whole.reprojection_px.nanmean())
    assert not bool(mended.trusted[3])  # what was wrong with it before is said still
    lost = couple(problem, replace(broken, reprojection_px=errors + 1e5))
    assert bool(torch.isfinite(lost.params).all())  # nobody to begin at


def _problem(body: BodyModel, observations: Observations, videos: list[str]) -> FitProblem:
    start = body.layout.zeros(len(observations), body.v_template)
    config = FitConfig()
    problem, _ = problem_of(body, observations, PRIOR, start, config, CANONICAL_JOINTS, keep_orientation=False)
    return replace(problem, videos=tuple(videos))


def test_labels_must_match_the_rows(body):
    observations = _seen(body, torch.zeros(2, 85).index_fill(1, torch.tensor([84]), 4.0), noise=0.0)
    with pytest.raises(ValueError, match="persons: expected 2 labels, got 1"):
        smplify(body, observations, PRIOR, persons=["a"])
    with pytest.raises(ValueError, match="videos: expected 2 labels, got 3"):
        smplify(body, observations, PRIOR, videos=["a", "a", "a"])


def test_uneven_frames_are_smoothed_by_their_times():
    """What moves evenly in time is not drawn back, however unevenly a film's frames lie."""
    times = torch.tensor([0.0, 0.1, 0.13, 0.4, 0.5, float("nan")])
    near = neighbours_of(["film"] * 5 + ["photograph"], torch.zeros(6, dtype=torch.bool), times)
    place = 3.0 * times[:, None].nan_to_num(0.0)
    torch.testing.assert_close(near.between(place)[1:4], place[1:4], atol=3e-3, rtol=0)
    even = neighbours_of(["film"] * 5 + ["photograph"], torch.zeros(6, dtype=torch.bool))
    assert (even.between(place) - place)[1:4].abs().max() > 0.3
    steady = torch.arange(4) / 29.97  # whose times are not exact in float32: to the bit as without them
    both = (neighbours_of(["film"] * 4, torch.zeros(4, dtype=torch.bool), one) for one in (None, steady))
    assert torch.equal(*(one.share for one in both))


def test_a_film_of_uneven_frames_is_fitted_better_with_its_times(body):
    times = torch.tensor([0.0, 0.04, 0.08, 0.6, 0.64, 0.68, 1.2, 1.24, 1.28])
    params = torch.zeros(9, 85)
    params[:, 0] = torch.pi
    params[:, 82:] = torch.stack((-0.5 + times, 0.2 * times, 4 + 2 * times), 1)
    seen = _seen(body, params, noise=2.0)
    config = FitConfig().with_term(Smoothness(transl_weight=2000.0))
    off = []
    for time_s in (times, torch.full((9,), math.nan)):
        found = smplify(body, replace(seen, time_s=time_s), PRIOR, config=config, videos=["film"] * 9)
        away = found.params[:, 82:] - params[:, 82:]
        off.append(float((away - away.mean(0)).norm(dim=1).mean()))
    assert off[0] < 0.5 * off[1]
