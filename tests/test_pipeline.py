from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anchorfit import pipeline
from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.standing import STANDING_POINTS, centre_over_support, tilt_of
from anchorfit.camera import default_intrinsics
from anchorfit.evaluation.agreement import agreement
from anchorfit.observations import list_images, match_people, observe, read_people
from anchorfit.pictures import draw_contact_sheet, draw_line_up, draw_overlay, draw_side_view
from anchorfit.pipeline import FitOptions, fit, fit_people, load_body_on, predict, predict_people
from anchorfit.regressors import prediction
from anchorfit.results import BodyEstimate, concatenate

DEMO = ASSETS / "demo"


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def people():
    """Six people of three photographs: near, far, cut off, from behind."""
    everyone = match_people(read_people(DEMO / "person_keypoints.json").people, list_images([DEMO])).people
    return [p for p in everyone if p.person_id in {"442619", "200887", "187952", "207303", "212048", "215132"}]


@pytest.fixture(scope="module")
def outcome(people, body):
    return fit_people(people, body)


def test_everybody_is_fitted_in_order(outcome, people):
    assert not outcome.problems
    assert outcome.estimate.names == tuple(person.name for person in people)


def test_the_batch_size_changes_nothing(outcome, people, body):
    one_by_one = fit_people(people, body, options=FitOptions(batch_size=1)).estimate
    by_four = fit_people(people, body, options=FitOptions(batch_size=4)).estimate
    for other in (one_by_one, by_four):
        for name in ("pose", "betas", "transl"):
            assert torch.equal(getattr(other, name), getattr(outcome.estimate, name)), name


def test_people_agree_with_their_photographs(outcome, people, body):
    figures = agreement(outcome.estimate, body, people)
    assert all(figure.limb_error < 0.05 for figure in figures)
    by_id = {person.person_id: figure for person, figure in zip(people, figures, strict=True)}
    visible = [by_id[i].mask_iou or 0.0 for i in ("442619", "200887")]
    assert min(visible) > 0.6  # loose clothing costs the rest; table and neighbours hide the other four


def test_nobody_stands_on_the_head_or_behind_the_camera(outcome, body):
    joints = outcome.estimate.bodies(body).joints
    assert (joints[:, 15, 1] < joints[:, 0, 1]).all()  # y points down: the head is above the pelvis
    assert (joints[..., 2] > 0).all()


def test_front_and_back_are_told_apart(outcome, body, people):
    """The chef shows his back, the woman at the table's far side her face."""
    joints = outcome.estimate.bodies(body).joints
    left_minus_right = joints[:, 16, 0] - joints[:, 17, 0]
    by_id = {person.person_id: float(x) for person, x in zip(people, left_minus_right, strict=True)}
    assert by_id["200887"] < 0 < by_id["187952"]


def test_an_estimate_from_disk_draws_the_same_picture(outcome, body, tmp_path):
    row = outcome.estimate[0]
    row.save(tmp_path / "row.npz")
    loaded = BodyEstimate.load(tmp_path / "row.npz")
    np.testing.assert_array_equal(draw_overlay(loaded, load_body(loaded.body)), draw_overlay(row, body))


def test_pictures_show_something(outcome, body):
    row = outcome.estimate[0]
    assert draw_side_view(row, body, (64, 48)).shape == (64, 48, 3)
    assert draw_side_view(row, body).min() < 200
    assert draw_line_up(outcome.estimate, body, (64, 200)).shape == (64, 200, 3)
    assert draw_contact_sheet(outcome.estimate, body, row_height=60).shape[0] == 3 * 64


def test_who_is_not_trusted_is_striped_in_the_line_up(outcome, body):
    doubted = replace(outcome.estimate.diagnostics, trusted=torch.zeros(len(outcome.estimate), dtype=torch.bool))
    pictures = [
        draw_line_up(replace(outcome.estimate, diagnostics=seen), body, (64, 200))
        for seen in (outcome.estimate.diagnostics, doubted)
    ]
    assert (pictures[0] != pictures[1]).any()


def test_people_of_two_photographs_make_no_overlay(outcome, body):
    with pytest.raises(ValueError, match="expected the people of one photograph"):
        draw_overlay(outcome.estimate, body)


def test_problems_name_the_person(people, body):
    few = replace(people[0], person_id="few", confidence=np.where(np.arange(39) < 3, people[0].confidence, 0.0))
    lost = replace(people[0], person_id="lost", image=None, image_size=None)
    gone = replace(people[0], person_id="gone", image=Path("000000000785"), image_size=None)
    outcome = fit_people([few, people[1], lost, gone], body, options=FitOptions(minimum_joints=10))
    assert outcome.estimate is not None
    assert outcome.estimate.names == (people[1].name,)
    subjects = {problem.subject.partition("#")[2]: problem.message for problem in outcome.problems}
    assert "fewer than 10" in subjects["few"]
    assert "neither an image nor its size is known" in subjects["lost"]
    assert "no such image, and its size is not known; give the photographs too" in subjects["gone"]


def test_an_image_of_another_size_than_the_keypoints_is_refused(people, body):
    resized = replace(people[0], person_id="resized", image_size=(1280, 850))
    outcome = fit_people([resized, people[1]], body)
    assert outcome.estimate is not None
    assert outcome.estimate.names == (people[1].name,)
    assert "is for an image of 1280 x 850 pixels" in outcome.problems[0].message


@pytest.mark.parametrize("focal", [1e30, 1e-3])
def test_absurd_focal_lengths_are_refused(people, body, focal):
    outcome = fit_people(people[:1], body, options=FitOptions(focal=focal))
    assert outcome.estimate is None
    assert "a focal length of" in outcome.problems[0].message


def test_predictions_must_be_of_the_same_body_and_unique(people, body, outcome):
    with pytest.raises(ValueError, match=r"made with body open \(neutral\), the fit is to use open \(female\)"):
        fit_people(people, load_body(gender="female"), init=outcome.estimate)
    with pytest.raises(ValueError, match="several predictions of the name"):
        fit_people(people, body, init=outcome.estimate.rows([0, 0]))


def test_people_with_other_cameras_are_not_drawn_together(outcome):
    one = outcome.estimate[0]
    other = replace(one, intrinsics=2 * one.intrinsics)
    with pytest.raises(ValueError, match="different cameras"):
        draw_overlay(concatenate([one, other]), load_body())


def test_a_body_elsewhere_gives_meshes_where_the_estimate_is(outcome):
    exact = outcome.estimate.bodies(load_body(dtype=torch.float64))
    torch.testing.assert_close(exact.vertices, outcome.estimate.bodies(load_body()).vertices, atol=1e-5, rtol=0)


def test_fit_takes_a_schedule_and_terms_that_there_are(people, body):
    observations = observe(people, [default_intrinsics(*p.image_size) for p in people], masks=False)
    with pytest.raises(ValueError, match="expected one of smplify, anchored, got 'lbfgs'"):
        fit(observations, body, schedule="lbfgs")
    estimate = fit(observations.rows([0, 1]), body, terms=["hinge"], device="cpu")
    assert set(estimate.diagnostics.energy) == {"keypoints", "pose_prior", "hinge", "shape"}


def test_an_anchored_fit_without_a_start_predicts_one(people, body):
    guess = predict_people(people, body)
    assert not guess.problems
    handed = fit_people(people, body, init=guess.estimate).estimate
    alone = fit_people(people, body, options=FitOptions(schedule="anchored")).estimate
    assert handed is not None
    assert alone is not None
    assert guess.estimate is not None
    assert torch.equal(handed.params, alone.params)
    assert alone.method == "anchored"
    before, after = (e.diagnostics.reprojection_px.nanmean() for e in (guess.estimate, alone))
    assert after < 0.9 * before


def test_nobody_is_no_error(body):
    assert fit_people([], body) == (None, ())


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="device 'cuda:99' is not to be had here"):
        load_body_on("open", "neutral", "cuda:99")


def test_the_front_door_says_what_does_not_fit(people, body):
    photographed = replace(people[0], image_size=(640, 425))
    observations = observe([photographed], [default_intrinsics(640, 425)])
    with pytest.raises(TypeError, match=r"observations: expected Observations, got list; people go to fit_people"):
        fit([photographed], body)  # type: ignore[arg-type]
    for do in (fit, predict):
        with pytest.raises(ValueError, match="images: expected 1 paths or none, got 2"):
            do(observations, body, images=("a.jpg", "b.jpg"))
    with pytest.raises(ValueError, match="device 'nowhere' is not to be had here"):
        fit(observations, body, device="nowhere")
    no_people: list[Any] = ["people.json", match_people([photographed], [Path("a.jpg")]), photographed]
    no_options: Any = {"pitch": 3.0}
    for people_of in (fit_people, predict_people):
        for some in no_people:
            with pytest.raises(TypeError, match="people: expected a sequence of Person, got"):
                people_of(some, body)
        with pytest.raises(TypeError, match="options: expected FitOptions, got dict"):
            people_of([photographed], body, options=no_options)


def test_predictions_from_too_little_are_not_trusted(people, body):
    height, width = 425, 640
    few = replace(people[0], confidence=np.where(np.arange(len(people[0].confidence)) % 9 == 1, 1.0, 0.0))
    empty = replace(people[0], mask=np.zeros((height, width), bool))
    observations = observe([people[0], few, empty], [default_intrinsics(width, height)] * 3, masks=True)
    estimate = predict(observations, body)
    assert estimate.diagnostics.trusted.tolist() == [True, False, False]
    assert "fewer than" in estimate.diagnostics.reasons[1]
    assert "mask" in estimate.diagnostics.reasons[2]


def test_a_picture_that_cannot_be_read_is_told_once_for_all_who_are_in_it(tmp_path, body):
    (tmp_path / "torn.jpg").write_bytes(b"no picture")
    skier = read_people(DEMO / "person_keypoints.json")[-1]
    crowd = [
        replace(skier, person_id=name, image=tmp_path / "torn.jpg", image_size=(640, 425), mask=None) for name in "abc"
    ]
    outcome = predict_people(crowd, body)
    assert outcome.estimate is not None
    assert len(outcome.estimate) == 3
    assert sum("from the keypoints alone" in problem.message for problem in outcome.problems) == 1


@pytest.mark.parametrize("pitch", [0.0, "people"])
def test_a_pitch_balances_those_who_stand_in_any_batch(people, body, outcome, pitch):
    everyone = match_people(read_people(DEMO / "person_keypoints.json").people, list_images([DEMO])).people
    beside_the_pool = [p for p in everyone if p.person_id in {"1297742", "1306934", "1691872", "1699226"}]
    crowd = [*beside_the_pool, *people]  # the latter sit, ski, or have no feet; the cook stands alone
    whole, parts, usual = (
        fit_people(crowd, body, options=options).estimate
        for options in (FitOptions(pitch=pitch), FitOptions(pitch=pitch, batch_size=3), FitOptions())
    )
    assert whole is not None
    assert parts is not None
    assert usual is not None
    assert torch.equal(whole.params, parts.params)
    leans, before = (
        tilt_of(centre_over_support(compiled_points(body, STANDING_POINTS).points(one.params)))[:4]
        for one in (whole, usual)
    )
    if pitch == "people":
        assert leans.std() < 0.7 * before.std()
    else:
        assert leans.abs().mean() < 0.5 * before.abs().mean()
    dinner = [row for row, name in enumerate(whole.names) if name.startswith("000000000790")]
    assert len(dinner) == 4
    assert torch.equal(whole.params[dinner], usual.params[dinner])


def test_people_who_show_the_pitch_are_posed_once(people, body, monkeypatch):
    posed: list[int] = []
    pose_rows = prediction._pose_rows

    def counted(observations, *rest):
        posed.append(len(observations))
        return pose_rows(observations, *rest)

    monkeypatch.setattr(prediction, "_pose_rows", counted)
    for run in (fit_people, predict_people):
        posed.clear()
        assert run(people[:3], body, options=FitOptions(pitch="people")).estimate is not None
        assert sum(posed) == 3


def test_a_stretch_ends_where_a_person_is_away_by_the_clock(people):
    def stretches(*moments: tuple[int, float]) -> list[int]:
        seen = [replace(people[0], image_label=f"a.mp4/{frame:06}", time_s=time) for frame, time in moments]
        observations = observe(seen, torch.eye(3).expand(len(seen), 3, 3), image_sizes=[(640, 425)] * len(seen))
        return pipeline.frame_stretches(observations)

    assert stretches((0, 0.0), (1, 0.04), (4, 0.16), (8, 0.32)) == [0, 0, 0, 1]
    assert stretches((0, 0.0), (1, 0.04), (2, 2.0), (3, 2.04), (4, 2.08)) == [0, 0, 1, 1, 1]  # frozen for two seconds
    nan = float("nan")
    assert stretches((0, nan), (1, nan), (4, nan), (8, nan)) == [0, 0, 0, 1]


def test_a_pitch_that_cannot_be_is_refused(people, body):
    for pitch in (91.0, float("nan"), "down"):
        with pytest.raises(ValueError, match=r"pitch: expected degrees from -90 to 90, 'people' or None, got"):
            predict_people(people[:2], body, options=FitOptions(pitch=pitch))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="gravity: expected None with the schedule smplify"):
        fit_people(people[:2], body, options=FitOptions(pitch=3.0, schedule="smplify"))
    assert predict_people([], body, options=FitOptions(pitch=3.0)).estimate is None
