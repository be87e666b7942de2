"""`fit_views`: bodies from several calibrated cameras."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rigs import EXACT, named, pa_mm, rig_and_people  # type: ignore[import-not-found]

import anchorfit
from anchorfit.body.moving import moved
from anchorfit.cameras import CalibratedCamera
from anchorfit.observations import Person
from anchorfit.views import ViewOptions, fit_views, pair_views
from anchorfit.views.agreement import mirror_places


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


@pytest.fixture(scope="module")
def seen(body):
    return rig_and_people(body, 8)


def params(body, found):
    return body.layout.join(**found.world)


def test_exact_keypoints_give_the_body_in_the_world(body):
    cameras, people = rig_and_people(body, 6, EXACT)
    found = fit_views(people.views, cameras, body)
    joints, truth = (body.from_params(one).joints for one in (params(body, found), people.params))
    # The prior holds the pose by some millimetres; nothing else is in the way.
    assert float((joints - truth).norm(dim=-1).mean()) < 0.02
    assert bool(found.estimate.diagnostics.trusted.all())
    assert float(found.errors_px.nanmean()) < 4


def test_four_noisy_cameras_are_twice_as_good_as_one(body, seen):
    cameras, people = seen
    four = fit_views(people.views, cameras, body)
    one = fit_views({"cam1": people.views["cam1"]}, cameras[:1], body)
    errors = [float(pa_mm(body, params(body, found), people.params).mean()) for found in (four, one)]
    assert errors[0] < 0.5 * errors[1]


def test_a_batch_is_its_rows(body, seen):
    cameras, people = seen
    whole = fit_views(people.views, cameras, body)
    for row in (0, 5):
        alone = fit_views({name: [some[row]] for name, some in people.views.items()}, cameras, body)
        assert torch.equal(alone.estimate.params[0], whole.estimate.params[row])
        assert torch.equal(params(body, alone)[0], params(body, whole)[row])
        assert torch.equal(alone.errors_px[0], whole.errors_px[row])
        assert torch.equal(alone.estimate.diagnostics.score[0], whole.estimate.diagnostics.score[row])


def test_bodies_that_move_in_a_batch_move_as_alone(body):
    """Root joints came of a matrix product: places in the world were others in the last bit."""
    generator = torch.Generator().manual_seed(2)
    some = 0.3 * torch.randn(10, body.layout.zeros(1, body.v_template).shape[1], generator=generator).double()
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator).double())[0]
    whole = moved(body, some, turn, turn[0])
    assert all(torch.equal(moved(body, some[row : row + 1], turn, turn[0])[0], whole[row]) for row in range(10))
    rest = body.to(dtype=torch.float64).rest_joints(some[:, body.layout.betas])[:, 0]
    joints = [body.to(dtype=torch.float64).from_params(one).joints for one in (some, whole)]
    torch.testing.assert_close(joints[1], joints[0] @ turn.mT + turn[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(whole[:, body.layout.transl] + rest, joints[1][:, 0], atol=1e-6, rtol=0)


def test_float64_works(body):
    double = body.to(dtype=torch.float64)
    cameras, people = rig_and_people(double, 2, EXACT)
    found = fit_views(people.views, cameras, double)
    assert found.world["transl"].dtype == torch.float64
    assert float(pa_mm(double, params(double, found), people.params).mean()) < 20


def test_each_view_shows_the_body_where_its_keypoints_are(body, seen):
    cameras, people = seen
    found = fit_views(people.views, cameras, body)
    for place, camera in enumerate(cameras):
        there = found.in_view(camera.name, body)
        off = (there.joints_px - there.keypoints).norm(dim=-1)[there.confidence > 0]
        assert float(off.median()) < 15
        rows = torch.nonzero(torch.tensor([main == camera.name for main in found.main]))[:, 0]
        torch.testing.assert_close(there.transl[rows], found.estimate.transl[rows], atol=1e-4, rtol=1e-4)
        assert found.errors_px[:, place].isfinite().all()
    with pytest.raises(ValueError, match="expected one of cam1"):
        found.in_view("cam9")


def test_millimetres_are_told_and_a_wrong_word_of_the_file_is_said(body, seen):
    cameras, people = seen
    large = [replace(camera, translation=1000 * camera.translation) for camera in cameras]
    found = fit_views(people.views, large, body)
    assert found.remarks == ("the cameras' unit: mm, told by the body's size",)
    metres = fit_views(people.views, cameras, body)
    torch.testing.assert_close(found.world["transl"], metres.world["transl"], atol=1e-3, rtol=1e-3)


def test_an_arbitrary_scale_gives_people_of_mean_size(body, seen):
    cameras, people = seen
    odd = [replace(camera, translation=37.0 * camera.translation) for camera in cameras]
    found = fit_views(people.views, odd, body)
    assert "arbitrary" in found.remarks[0]
    assert float(pa_mm(body, params(body, found), people.params).mean()) < 40


def test_world_from_camera_is_told(body, seen):
    cameras, people = seen
    found = fit_views(people.views, [camera.inverted() for camera in cameras], body)
    assert "world from camera" in found.remarks[0]
    assert float(pa_mm(body, params(body, found), people.params).mean()) < 40


def test_a_view_with_exchanged_sides_is_exchanged_back_and_said(body, seen):
    cameras, people = seen
    mirror = mirror_places().numpy()
    views = dict(people.views)
    views["cam2"] = [
        replace(one, keypoints=one.keypoints[mirror], confidence=one.confidence[mirror]) for one in views["cam2"]
    ]
    found = fit_views(views, cameras, body)
    plain = fit_views(people.views, cameras, body)
    told = [row for row, text in found.problems if text.startswith("camera cam2: left and right are exchanged")]
    assert len(told) >= 7  # who stands in profile may not show it
    torch.testing.assert_close(found.estimate.params[told], plain.estimate.params[told], atol=2e-3, rtol=1e-3)


def test_a_view_of_another_person_is_not_believed(body, seen):
    cameras, people = seen
    views = {**people.views, "cam3": [replace(one, keypoints=one.keypoints + 150.0) for one in people.views["cam3"]]}
    found = fit_views(views, cameras, body)
    assert (found.weights[:, 2] == 0).all()
    assert (found.weights[:, :2] > 0).all()
    assert sum("cam3: the others agree" in text for _, text in found.problems) == 8
    assert float(pa_mm(body, params(body, found), people.params).mean()) < 45


def test_views_that_count_little_are_said(body, seen):
    """One of four cameras shows another person, who stands in the same place: most of its hips and shoulders agree."""
    cameras, people = seen
    found = fit_views({**people.views, "cam3": people.views["cam3"][1:] + people.views["cam3"][:1]}, cameras, body)
    little = [row for row, weight in enumerate(found.weights[:, 2].tolist()) if weight < 0.8]
    assert any(0 < float(found.weights[row, 2]) < 0.8 for row in little)
    assert little == [row for row, text in found.problems if "cam3: the others agree" in text]
    assert not fit_views(people.views, cameras, body).problems


def test_an_instant_with_one_view_is_fitted_alone(body, seen):
    cameras, people = seen
    views = {camera: list(some) for camera, some in named(people).items()}
    for camera in ("cam2", "cam3", "cam4"):
        views[camera] = views[camera][:-1]
    found = fit_views(views, cameras, body)
    assert found.estimate.names[-1] == "0007#0"
    assert int((found.weights[-1] > 0).sum()) == 0
    assert found.main[-1] == "cam1"
    assert any("one view" in text for row, text in found.problems if row == 7)
    whole = fit_views(people.views, cameras, body)
    assert torch.equal(found.estimate.params[:-1], whole.estimate.params[:-1])


def test_unknown_cameras_nan_and_no_people(body, seen):
    cameras, people = seen
    views = {**people.views, "roof": people.views["cam1"]}
    broken = [replace(one, keypoints=one.keypoints * float("nan")) for one in people.views["cam4"]]
    found = fit_views({**views, "cam4": broken}, cameras, body)
    assert any("roof" in text for text in found.remarks)
    assert torch.isfinite(found.estimate.params).all()
    assert (found.weights[:, 3] == 0).all()
    with pytest.raises(ValueError, match="no person"):
        fit_views({}, cameras, body)
    with pytest.raises(ValueError, match="at least one"):
        fit_views(people.views, [], body)
    with pytest.raises(ValueError, match="unit"):
        fit_views(people.views, cameras, body, options=ViewOptions(unit="ft"))


def test_the_lens_is_taken_out(body):
    plain, people = rig_and_people(body, 4, EXACT)
    bent, through = rig_and_people(body, 4, EXACT, distortion=(-0.2, 0.05, 0.001, -0.001))
    one, other = fit_views(people.views, plain, body), fit_views(through.views, bent, body)
    torch.testing.assert_close(one.world["transl"], other.world["transl"], atol=1e-3, rtol=1e-3)
    assert not torch.allclose(
        torch.tensor(people.views["cam1"][0].keypoints), torch.tensor(through.views["cam1"][0].keypoints), atol=1.0
    )


def test_scaled_images_scale_the_intrinsics_and_other_shapes_are_refused(body, seen):
    cameras, people = seen
    half = [replace(one, keypoints=one.keypoints / 2, image_size=(640, 480)) for one in people.views["cam1"]]
    found = fit_views({**people.views, "cam1": half}, cameras, body)
    whole = fit_views(people.views, cameras, body)
    torch.testing.assert_close(found.world["transl"], whole.world["transl"], atol=1e-3, rtol=1e-3)
    assert any("K is scaled" in text for _, text in found.problems)
    turned = [replace(one, image_size=(960, 1280)) for one in people.views["cam1"]]
    found = fit_views({**people.views, "cam1": turned}, cameras, body)
    assert any("turned by a quarter" in text for _, text in found.problems)
    assert (found.weights[:, 0] == 0).all()


def test_one_calibrated_camera_gives_its_focal_length(body):
    _, people = rig_and_people(body, 3, EXACT)
    for focal in (1600.0, 3200.0):
        camera = CalibratedCamera(
            name="cam1", intrinsics=torch.tensor([[focal, 0, 640], [0, focal, 480], [0, 0, 1]]), image_size=(1280, 960)
        )
        found = fit_views({"cam1": people.views["cam1"]}, [camera], body)
        assert float(found.estimate.intrinsics[0, 0, 0]) == focal
        depth = float(found.estimate.transl[:, 2].mean())
        assert depth == pytest.approx(4.0 * focal / 1600.0, rel=0.15)


def test_a_camera_that_looks_away_is_not_believed(body, seen):
    cameras, people = seen
    turned = torch.diag(torch.tensor([-1.0, 1.0, -1.0], dtype=torch.float64))
    away = replace(cameras[1], rotation=turned @ cameras[1].rotation, translation=turned @ cameras[1].translation)
    found = fit_views(people.views, [cameras[0], away, *cameras[2:]], body)
    assert (found.weights[:, 1] == 0).all()
    assert any("cam2: the others agree with 0 %" in text for _, text in found.problems)
    assert float(pa_mm(body, params(body, found), people.params).mean()) < 45


def test_two_views_that_contradict_each_other_are_not_trusted(body, seen):
    cameras, people = seen
    other = [replace(one, keypoints=one.keypoints + np.array([0.0, 300.0])) for one in people.views["cam2"]]
    found = fit_views({"cam1": people.views["cam1"], "cam2": other}, cameras[:2], body)
    assert not bool(found.estimate.diagnostics.trusted.any())
    assert all("contradict" in reason for reason in found.estimate.diagnostics.reasons)
    assert (found.estimate.diagnostics.score < 0.5).all()


def test_instants_are_told_by_names_numbers_or_order():
    def one(image):
        joints = len(anchorfit.body.CANONICAL_JOINTS)
        path = None if image is None else Path(image)
        return Person(person_id="0", keypoints=np.zeros((joints, 2)), confidence=np.zeros(joints), image=path)

    def paired(**views):
        return [(it.name, sorted(it.seen)) for it in pair_views({k: list(map(one, v)) for k, v in views.items()})]

    both = ["left", "right"]
    assert paired(left=["left_2.jpg", "left_10.jpg"], right=["2.png", "10.png"]) == [("2", both), ("10", both)]
    assert paired(left=["a0001.jpg"], right=["shot-1.jpg"]) == [("1", both)]
    assert paired(left=[None, None], right=[None]) == [("0", both), ("1", ["left"])]
    assert paired(left=["x/left/7.jpg"], right=["y/right/7.jpg"]) == [("7", both)]
    names = [["cam.left_0", "cam.left_1"], ["cam.right_0", "cam.right_1"]]  # without an ending: they were one instant
    cameras = {"cam.left": names[0], "cam.right": names[1]}
    assert paired(**cameras) == [("0", [*cameras]), ("1", [*cameras])]


def test_of_two_views_the_one_with_exchanged_sides_is_found(body, seen):
    cameras, people = seen
    mirror = mirror_places().numpy()
    for wrong in ("cam1", "cam2"):
        views = {name: people.views[name] for name in ("cam1", "cam2")}
        plain = fit_views(views, cameras[:2], body)
        views[wrong] = [
            replace(one, keypoints=one.keypoints[mirror], confidence=one.confidence[mirror]) for one in views[wrong]
        ]
        found = fit_views(views, cameras[:2], body)
        said = [(row, text) for row, text in found.problems if "left and right are exchanged" in text]
        told = [row for row, text in said if text.startswith(f"camera {wrong}:")]
        # Of cameras at one height the joints agree all the same: what each view says alone tells it.
        assert len(told) >= 7
        assert len(said) == len(told)
        torch.testing.assert_close(found.estimate.params[told], plain.estimate.params[told], atol=2e-3, rtol=1e-3)


def test_cameras_on_one_line_say_that_depth_is_the_priors(body):
    cameras, people = rig_and_people(body, 3)
    opposite = {name: people.views[name] for name in ("cam1", "cam3")}
    found = fit_views(opposite, [cameras[0], cameras[2]], body)
    assert sum("along nearly one line" in text for _, text in found.problems) == 3
    assert not any("along nearly one line" in text for _, text in fit_views(people.views, cameras, body).problems)


def test_two_cameras_of_exchanged_names_are_seen(body):
    """Their sides are not exchanged back to agree a little better; a body that believed views lie far from is none."""
    cameras, people = rig_and_people(body, 2, EXACT)
    one, other, *rest = (camera.name for camera in cameras)
    views = {one: people.views[other], other: people.views[one], **{name: people.views[name] for name in rest}}
    found = fit_views(views, cameras, body)
    told = found.estimate.diagnostics
    assert not any("exchanged back" in text for _, text in found.problems)
    for row in range(2):
        believed = (found.weights[row] > 0) & ~found.errors_px[row].isnan()
        assert not bool(told.trusted[row]) or float(found.errors_px[row][believed].max()) < 10
    assert any("names of cameras" in text for text in told.reasons)
