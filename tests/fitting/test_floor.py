from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from steppers import (  # type: ignore[import-not-found]  # its folder is on pytest's path
    HEIGHT,
    lowest_mm,
    slide_mm,
    stepper,
    watched,
)

import anchorfit
from anchorfit import Floor
from anchorfit.assets import ASSETS
from anchorfit.body import BodyModel, load_body
from anchorfit.body.floor import heights, parse_floor, world_rotation
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.soles import SOLE_PARTS, soles
from anchorfit.evaluation.mirror_symmetry import mirrored_observations, mirrored_params
from anchorfit.fitting.contacts import row_times, runs_of, sides_seen, smoothed, steady
from anchorfit.fitting.floor_estimate import FootEvidence, fit_floor
from anchorfit.fitting.grounds import FloorWish, Grounds, find_grounds
from anchorfit.fitting.terms.floor import standing_places
from anchorfit.options import OptionError
from anchorfit.pipeline import FitOptions, Outcome, fit_people, predict_people
from anchorfit.results import BodyEstimate
from anchorfit.runs import RunOptions

TRUE = Floor.of_camera(height=HEIGHT)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def truth(body: BodyModel) -> torch.Tensor:
    return stepper(body)


def _filmed(body: BodyModel, params: torch.Tensor, floor: object, **seen: object) -> BodyEstimate:
    return _fit(body, watched(body, params, **seen), floor)


def _fit(body: BodyModel, observations: anchorfit.Observations, floor: object) -> BodyEstimate:
    same = [0] * len(observations)
    return anchorfit.fit(observations, body, floor=floor, persons=same, videos=same)  # type: ignore[arg-type]


def test_a_floor_is_one_plane_however_it_is_said():
    first, second = Floor.of_plane((0, 2, 0), 2.4), Floor.of_plane((0, -1, 0), -1.2)
    assert first == second == Floor.of_camera(height=1.2) == parse_floor("0,1,0,1.2")
    tilted = Floor.of_camera(height=1.4, pitch_deg=10, roll_deg=3)
    assert tilted.pitch_deg == pytest.approx(10)
    assert tilted.roll_deg == pytest.approx(3)
    assert parse_floor("height=1.4,pitch=10,roll=3") == tilted
    assert parse_floor("auto") is None
    ahead = torch.tensor([[[0.0, 1.4 / math.cos(math.radians(10)), 0.0], [0.0, 0.0, 1.4 / math.sin(math.radians(10))]]])
    plane = ahead.new_tensor(Floor.of_camera(height=1.4, pitch_deg=10).plane)[None]
    torch.testing.assert_close(heights(ahead, plane), torch.zeros(1, 2), atol=1e-5, rtol=0)  # straight down, ahead


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,0,0,1", "no plane"),
        ("0,1,0,0", "through the camera"),
        ("1,0,0,2", "no upright direction"),
        ("height=-1", "camera above it"),
        ("height=1,yaw=3", "expected auto"),
        ("0,1,0", "expected auto"),
        ("0,1,nan,1", "no plane"),
        ("", "expected auto"),
    ],
)
def test_what_is_no_floor_is_said_in_one_line(text, message):
    with pytest.raises(OptionError, match=message) as told:
        parse_floor(text)
    assert "\n" not in str(told.value)
    assert told.value.option == "floor"


def test_the_world_is_level_and_right_handed():
    plane = torch.tensor([[*Floor.of_camera(height=1.5, pitch_deg=20, roll_deg=-5).plane]], dtype=torch.float64)
    turn = world_rotation(plane)[0]
    torch.testing.assert_close(turn @ turn.T, torch.eye(3, dtype=torch.float64))
    assert float(torch.linalg.det(turn)) == pytest.approx(1)
    torch.testing.assert_close(turn @ plane[0, :3], turn.new_tensor([0.0, 1.0, 0.0]))
    assert float(turn[0, 2]) == pytest.approx(0)  # what the camera looks at is straight ahead in the world


def test_soles_mirror_each_other_and_lie_flat(body):
    points = compiled_points(body, soles(body).names).points(body.layout.zeros(1, body.v_template))[0]
    left, right = points[: len(SOLE_PARTS)], points[len(SOLE_PARTS) :]
    torch.testing.assert_close(left * left.new_tensor([-1.0, 1.0, 1.0]), right, atol=1e-6, rtol=0)
    assert float(points[:, 1].max() - body.v_template[:, 1].min()) < 0.006  # under both feet, however high the heel is


def test_straight_motion_is_found_whatever_the_times():
    times = torch.tensor([0.0, 0.03, 0.05, 0.11, 0.12, 0.2], dtype=torch.float64)
    line = 3.0 + 2.0 * times[:, None]
    usable = torch.tensor([True, True, False, True, True, True])
    line[2] = 100.0  # what cannot be used is not looked at
    found = smoothed(line, times, usable, 0.05)
    torch.testing.assert_close(found.slope, torch.full_like(line, 2.0))
    torch.testing.assert_close(found.value[:, 0], 3.0 + 2.0 * times)
    twice = smoothed(line.float(), times, usable, 0.05)
    assert twice.slope.dtype == torch.float32
    unknown = row_times(torch.full((4,), torch.nan), [0, 0, 1, 1], rate=10.0)
    torch.testing.assert_close(unknown, torch.tensor([0.0, 0.1, 0.0, 0.1], dtype=torch.float64))


def test_a_contact_begins_strictly_and_ends_loosely():
    strict = torch.tensor([0, 0, 1, 1, 0, 0, 0, 0, 1, 0], dtype=torch.bool)[:, None]
    loose = torch.tensor([0, 1, 1, 1, 1, 0, 1, 1, 1, 0], dtype=torch.bool)[:, None]
    times = torch.arange(10) / 30.0
    assert runs_of(strict, loose, times, 0.06)[:, 0].tolist() == [-1, 0, 0, 0, 0, -1, 1, 1, 1, -1]
    assert runs_of(strict, loose, times, 0.09)[:, 0].tolist() == [-1, 0, 0, 0, 0, -1, -1, -1, -1, -1]


def test_a_step_within_a_contact_cuts_it():
    places = torch.zeros(12, 1, 3) + torch.tensor([0.0, 1.0, 4.0])
    places[6:, 0, 0] += 0.2
    speed = torch.full((12, 1), 0.1)
    speed[6] = 0.4
    cut = steady(torch.zeros(12, 1, dtype=torch.long), places, speed, 0.08)[:, 0].tolist()
    assert cut[6] == -1
    assert len({*cut[:6]}) == len({*cut[7:]}) == 1
    assert cut[0] != cut[7]


def test_contacts_lie_on_the_floor_and_rows_have_their_own():
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(6, 2, 3, generator=generator, dtype=torch.float64)
    planes = points.new_tensor(Floor.of_camera(height=1.0, pitch_deg=15).plane).expand(6, 4)
    runs = torch.tensor([[0, -1], [0, 1], [0, 1], [2, 1], [2, -1], [2, -1]])
    places = standing_places(points, planes, runs)
    on = runs >= 0
    torch.testing.assert_close(heights(places, planes)[on], torch.zeros(int(on.sum()), dtype=torch.float64))
    assert torch.equal(places[0, 0], places[2, 0])
    alone = standing_places(points[3:], planes[3:], torch.where(runs[3:] == 2, 0, -1))
    assert torch.equal(alone[:, 0], places[3:, 0])


def _evidence(slope_deg: float = 0.0, steps: float = 0.0) -> FootEvidence:
    across = torch.linspace(-2, 2, 9, dtype=torch.float64)
    up = math.tan(math.radians(slope_deg)) * across + steps * torch.tensor([0, 1, 0, 1, 0, 1, 0, 1, 0.0]).double()
    places = torch.stack((across, 1.5 - up, 5 + 0.2 * torch.cos(5 * across)), 1)
    return FootEvidence(
        places=places,
        depth_sigma=torch.full((9,), 0.1, dtype=torch.float64),
        lean=torch.zeros(2, dtype=torch.float64),
        pitch=0.0,
        pitch_sigma=0.2,
    )


def test_contacts_give_the_floor_and_how_sure_it_is():
    floor, said = fit_floor(_evidence())
    assert floor is not None
    assert floor.height == pytest.approx(1.5, abs=0.02)
    assert abs(floor.pitch_deg) < 0.5
    assert 1 < floor.tilt_sigma_deg < 4  # along the line of sight nothing but the bodies' lean says it
    assert floor.height_sigma < 0.02
    assert "sure to" in said


def test_slopes_and_stairs_are_no_floor():
    assert fit_floor(_evidence(slope_deg=14))[0] is None
    assert "slope" in fit_floor(_evidence(slope_deg=14))[1]
    floor, said = fit_floor(_evidence(steps=0.3))
    assert floor is None
    assert "heights that differ" in said


@pytest.mark.parametrize("floor", ["auto", TRUE], ids=["auto", "given"])
def test_standing_feet_stay_where_they_are_on_the_floor(body, truth, floor):
    before, after = (_filmed(body, truth, one) for one in (None, floor))
    assert not bool(before.floors.known.any())
    assert before.floors.said == ("",) * len(truth)
    assert slide_mm(body, before.params, truth) > 15
    assert slide_mm(body, after.params, truth) < 5
    assert float(lowest_mm(body, after.params, after.floors.planes[0]).mean()) > -10
    found = after.floors.floor(0)
    assert found is not None
    assert abs(found.pitch_deg) < 2 * found.tilt_sigma_deg
    true = compiled_points(body, soles(body).names).points(truth)
    above = heights(true, after.floors.planes)[true[..., 1] > HEIGHT - 0.01]
    assert float(above.abs().mean()) < 0.08  # metres, of people whose size is not known
    errors = [one.joints - compiled_points(body).points(truth) for one in (before, after)]
    assert float(errors[1].norm(dim=-1).mean()) < 1.3 * float(errors[0].norm(dim=-1).mean())  # a person of another size
    shapes = [(error - error[:, :1]).norm(dim=-1).mean() for error in errors]
    assert float(shapes[1]) < 1.1 * float(shapes[0])
    assert float(after.diagnostics.energy["floor"].sum()) > 0


def test_no_contact_is_invented_in_the_air(body):
    truth = stepper(body, 60, jump=0.35)
    found = _filmed(body, truth, TRUE)
    true, ours = (lowest_mm(body, params, found.floors.planes[0]) for params in (truth, found.params))
    air = true > 150
    assert bool(air.any())
    assert float((ours - true)[air].abs().mean()) < 60
    assert float(ours[air].min()) > 80


def test_who_lies_or_shows_no_feet_gives_no_floor(body, truth):
    lying = truth.clone()
    lying[:, :3] = torch.tensor([0.0, 0.0, math.pi / 2])
    lying[:, body.layout.transl] = torch.tensor([0.0, 0.8, 4.0])
    for params, seen, told in (
        (lying, True, "no floor: no person stands"),
        (truth, False, "no floor: no feet are seen"),
    ):
        found, without = (_filmed(body, params, floor, feet=seen) for floor in ("auto", None))
        assert not bool(found.floors.known.any())
        assert set(found.floors.said) == {next(iter(set(found.floors.said)))}
        assert found.floors.said[0].startswith(told)
        assert torch.equal(found.params, without.params)  # and nothing else is lost


def test_one_instant_gives_no_floor_and_several_people_do(body, truth):
    people = truth[:5].clone()
    people[:, body.layout.body_pose.start : joint_end(body)] = 0
    people[:, body.layout.depth] += torch.tensor([0.0, 0.7, 1.4, 2.0, 3.0])
    people[:, body.layout.transl.start] += torch.tensor([-1.0, 0.9, -0.6, 1.2, 0.3])
    seen = watched(body, people, noise=1.0)
    alone = anchorfit.fit(seen.rows([0]), body, floor="auto")
    assert alone.floors.said == ("no floor: one person at one instant does not tell it",)
    scene = anchorfit.fit(seen, body, floor="auto")
    found = scene.floors.floor(0)
    assert found is not None
    assert found.height == pytest.approx(HEIGHT, abs=0.15)
    two = anchorfit.fit(seen, body, floor="auto", scenes=["a", "b", "a", "a", "a"])
    assert two.floors.said[1].startswith("no floor: one person")
    assert bool(two.floors.known[[0, 2, 3, 4]].all())


def joint_end(body: BodyModel) -> int:
    """Legs and trunk end before the collars."""
    return body.layout.body_pose.start + 3 * 12


def test_a_floor_far_from_the_feet_is_left_out(body, truth):
    for floor, side in ((Floor.of_camera(height=3.0), "above"), (Floor.of_camera(height=0.3), "below")):
        found, without = (_filmed(body, truth, one) for one in (floor, None))
        assert not bool(found.floors.known.any())
        assert f"m {side} the given floor: it is left out" in found.floors.said[0]
        assert float((found.joints - without.joints).norm(dim=-1).mean()) < 0.08  # it says which way gravity is


def test_a_frame_of_garbage_and_a_cut_spoil_nothing(body, truth):
    seen = watched(body, truth)
    keypoints = seen.keypoints.clone()
    keypoints[20] = 400 + 300 * torch.randn(keypoints[20].shape, generator=torch.Generator().manual_seed(1))
    keypoints[21] = torch.nan
    found = _fit(body, replace(seen, keypoints=keypoints), TRUE)
    assert bool(torch.isfinite(found.params).all())
    kept = [row for row in range(len(truth)) if row not in (19, 20, 21, 22)]
    assert slide_mm(body, found.params[:19], truth[:19]) < 6
    assert slide_mm(body, found.params[23:], truth[23:]) < 6
    assert float((found.joints[kept] - compiled_points(body).points(truth[kept])).norm(dim=-1).mean()) < 0.15
    moved = truth.clone()  # a cut: the same floor, another place
    moved[22:, body.layout.transl.start] += 0.05
    labels = [0] * 22 + [1] * 23
    cut = anchorfit.fit(watched(body, moved), body, floor=TRUE, persons=[0] * 45, videos=labels)
    points = compiled_points(body, soles(body).names).points(cut.params)
    assert float((points[22] - points[21]).norm(dim=-1).min()) > 0.01


@pytest.mark.parametrize("floor", ["auto", TRUE], ids=["auto", "given"])
def test_videos_fitted_together_are_each_as_alone(body, truth, floor):
    first, second = watched(body, truth[:20]), watched(body, truth[15:40], seed=3)
    both = anchorfit.Observations.concatenate([first, replace(second, names=tuple(f"b{n}" for n in second.names))])
    labels = ["a"] * 20 + ["b"] * 25
    scenes = labels if floor == "auto" else ()
    together = anchorfit.fit(both, body, floor=floor, persons=labels, videos=labels, scenes=scenes)
    for rows, seen in ((slice(0, 20), first), (slice(20, 45), second)):
        alone = _fit(body, seen, floor)
        assert torch.equal(together.params[rows], alone.params)
        assert torch.equal(together.floors.planes[rows], alone.floors.planes)


def test_the_mirrored_video_gives_the_mirrored_bodies(body, truth):
    seen = watched(body, truth[:24])
    plain, mirrored = (_fit(body, one, "auto") for one in (seen, mirrored_observations(seen)))
    flipped = plain.floors.planes * plain.floors.planes.new_tensor([-1.0, 1.0, 1.0, 1.0])
    torch.testing.assert_close(mirrored.floors.planes, flipped, atol=2e-3, rtol=0)
    joints = compiled_points(body)
    torch.testing.assert_close(
        joints.points(mirrored_params(mirrored.params)), joints.points(plain.params), atol=0.01, rtol=0
    )


def test_float64_is_kept(body, truth):
    exact = body.to(dtype=torch.float64)
    found = _fit(exact, watched(exact, truth[:12].double()), TRUE)
    assert found.params.dtype == found.floors.planes.dtype == torch.float64


def test_what_is_said_of_a_floor_is_said_once_for_each_picture():
    people = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json").people
    pictures = [ASSETS / "demo" / name for name in ("000000000785.jpg", "000000000790.jpg", "000000234748.jpg")]
    there = anchorfit.match_people(people, pictures).people
    outcome = anchorfit.fit_people(there, options=FitOptions(floor="auto"))
    lines = [line for line in map(str, outcome.problems) if "floor" in line]
    assert {line.partition("#")[0] for line in lines} == {path.name for path in pictures}
    assert len(lines) == len(pictures)
    with pytest.raises(ValueError, match="floor: expected a Floor, 'auto' or None, got 3"):
        FitOptions(floor=3)  # type: ignore[arg-type]


def _held(
    body: BodyModel,
    params: torch.Tensor,
    videos: list[int],
    persons: list[int] | None = None,
    *,
    feet: bool = True,
    level: bool = False,
) -> Grounds:
    count = len(params)
    return find_grounds(
        body,
        params,
        FloorWish(given=TRUE, level=level),
        seen_feet=torch.full((count, 8), feet),
        time_s=torch.full((count,), torch.nan),
        videos=videos,
        lost=torch.zeros(count, dtype=torch.bool),
        persons=persons or (),
    )


def _raised(body: BodyModel, metres: float, frames: int = 12) -> torch.Tensor:
    params = stepper(body, 1).expand(frames, -1).clone()
    params[:, body.layout.transl.start + 1] -= metres
    return params


def test_each_person_of_a_scene_is_held_against_the_floor_alone(body):
    near, small, far = _raised(body, 0.0), _raised(body, 0.15), _raised(body, 0.9)
    alone = [_held(body, one, [0] * 12) for one in (near, small, far)]
    assert float(alone[1].scale[0]) > 1.1
    assert not bool(alone[2].floors.known.any())
    together = _held(body, torch.cat((near, small, far)), [0] * 12 + [1] * 12 + [2] * 12)
    assert torch.equal(together.scale, torch.cat([one.scale for one in alone]))
    assert torch.equal(together.floors.known, torch.cat([one.floors.known for one in alone]))
    assert together.floors.said == sum((one.floors.said for one in alone), ())


def test_one_person_of_several_videos_is_of_one_size(body):
    both = torch.cat((_raised(body, 0.0), _raised(body, 0.15)))
    videos = [0] * 12 + [1] * 12
    assert len(_held(body, both, videos).scale.unique()) == 2
    assert len(_held(body, both, videos, persons=[0] * 24).scale.unique()) == 1


def test_vertices_tell_of_the_foot_that_they_are_on(body):
    left = soles(body).names[0]
    head = f"vertex:{int(body.v_template[:, 1].argmax())}"
    half = len(SOLE_PARTS)
    for names, sides in (
        ((head,), (False, False)), ((left,), (True, False)), (("left_knee",), (False, False)),
        (("right_heel",), (False, True)),
    ):  # fmt: skip
        found = sides_seen(torch.ones(1, 1), names, body)[0]
        assert found.tolist() == [sides[0]] * half + [sides[1]] * half
    assert not bool(sides_seen(torch.zeros(1, 1), (left,), body).any())


def test_a_given_floor_says_the_pitch_whichever_way_bodies_are_found(body):
    people = anchorfit.read_people(ASSETS / "demo" / "person_keypoints.json").people[-1:]
    tilted = Floor.of_camera(height=1.4, pitch_deg=20)
    for options in (FitOptions(floor=tilted), FitOptions(floor=tilted, schedule="smplify")):
        assert float(_one(fit_people(people, body, options=options)).pitch_deg[0]) == pytest.approx(20, abs=1e-3)
    told, pitched, plain = (
        _one(predict_people(people, body, options=options))
        for options in (FitOptions(floor=tilted), FitOptions(pitch=20.0), FitOptions())
    )
    assert float(told.pitch_deg[0]) == pytest.approx(20, abs=1e-3)
    assert told.floors.floor(0) is not None
    torch.testing.assert_close(told.params, pitched.params, atol=1e-5, rtol=0)
    assert bool(plain.pitch_deg.isnan().all())
    unknown = predict_people(people, body, options=FitOptions(floor="auto"))
    assert str(unknown.problems[-1]) == "floor: a prediction estimates none; fit, or give one"
    assert _one(unknown).floors.said[0].startswith("no floor: a prediction estimates none")
    assert torch.equal(_one(unknown).params, plain.params)


def _one(outcome: Outcome) -> BodyEstimate:
    assert outcome.estimate is not None
    return outcome.estimate


def test_an_estimated_floor_says_the_pitch_where_it_is_sure(body, truth):
    found = _filmed(body, truth, "auto")
    known = found.floors.floor(0)
    assert known is not None
    assert float(found.pitch_deg[0]) == pytest.approx(known.pitch_deg, abs=1e-3)
    assert bool(replace(found.floors, sigma=found.floors.sigma + 10).pitch_deg.isnan().all())


def test_a_floor_and_a_pitch_that_contradict_each_other_are_refused():
    tilted = Floor.of_camera(height=1.4, pitch_deg=20)
    with pytest.raises(OptionError, match="looks down by -20 degrees, by 20 as the floor says: leave one out"):
        FitOptions(floor=tilted, pitch=-20.0)
    with pytest.raises(OptionError, match="leave one out"):
        RunOptions(floor="height=1.4,pitch=20", pitch=-20.0).check()
    FitOptions(floor=tilted, pitch=20.0)
    FitOptions(floor=tilted, pitch="people")


@pytest.mark.parametrize("floor", [None, "auto"])
def test_scenes_and_rates_that_cannot_be_are_refused_whether_read_or_not(body, truth, floor):
    seen = watched(body, truth[:3])
    with pytest.raises(ValueError, match="scenes: expected 3 labels or none, got 1"):
        anchorfit.fit(seen, body, floor=floor, scenes=["a"])
    with pytest.raises(ValueError, match="frames_per_second: expected a positive number, got -3"):
        anchorfit.fit(seen, body, floor=floor, frames_per_second=-3)


def test_several_people_of_unknown_sizes_have_one_floor():
    one = _evidence()
    larger = torch.where(torch.arange(9) % 2 == 0, 1.15, 1.0).double()  # as if farther away, and so lower
    two = replace(one, places=one.places * larger[:, None], people=torch.arange(9) % 2)
    assert fit_floor(replace(two, people=None))[0] is None
    floor, _ = fit_floor(two)
    assert floor is not None
    assert floor.height == pytest.approx(1.5 * math.sqrt(1.15), abs=0.03)
    assert abs(floor.pitch_deg) < 0.5
    alone = fit_floor(replace(one, people=torch.zeros(9, dtype=torch.long)))
    assert alone == fit_floor(one)


def test_unseen_legs_lift_nobody(body, truth):
    """Who is seen to the waist: where the legs are is a guess, of which what was seen knows nothing."""
    deep = truth.clone()
    deep[:, body.layout.transl.start + 1] += 0.4
    seen = watched(body, deep, feet=False)
    found, free = (_fit(body, seen, floor) for floor in (TRUE, None))
    errors = [float(one.diagnostics.reprojection_px.nanmean()) for one in (found, free)]
    assert errors[0] < errors[1] + 0.5
    assert bool(found.floors.known.all())


@pytest.mark.parametrize(("beta", "off"), [(-2.0, -0.173), (2.0, 0.076)])
def test_a_given_floor_tells_the_size_of_people_whose_feet_nobody_saw(body, beta, off):
    """Small people hung 17 cm below it and were 55 cm off; tall ones were above it by 8, and 29 cm off."""
    params = stepper(body, 30)
    params[:, body.layout.betas.start] = beta
    feet = compiled_points(body, soles(body).names)
    params[:, body.layout.transl.start + 1] += HEIGHT - feet.points(params)[..., 1].amax(1)
    seen = watched(body, params, feet=False)
    found, free = (_fit(body, seen, floor) for floor in (TRUE, None))
    plane = torch.tensor(TRUE.plane)
    assert float(lowest_mm(body, free.params, plane).median()) == pytest.approx(1000 * off, abs=15)
    lowest = lowest_mm(body, found.params, plane)
    assert float(-lowest.clamp(max=0).mean()) < 6
    assert float(lowest.min()) > -20
    assert abs(float(lowest.median())) < 15
    joints, free_joints, true = (body.from_params(one).joints for one in (found.params, free.params, params))
    assert float((joints - true).norm(dim=-1).mean()) < 0.4 * float((free_joints - true).norm(dim=-1).mean())
    relative = [(one - one[:, :1] - true + true[:, :1]).norm(dim=-1).mean() for one in (joints, free_joints)]
    assert float(relative[0]) < float(relative[1])


def test_how_firmly_the_floor_holds_people_whose_feet_nobody_saw(body):
    near, deep, high = _raised(body, -0.1), _raised(body, -0.4), _raised(body, 0.4)
    some = _held(body, near, [0] * 12, feet=False)
    assert float(some.scale[0]) == pytest.approx(HEIGHT / (HEIGHT + 0.1), abs=0.005)
    assert float(some.held[0]) == pytest.approx(0.1)
    assert not bool((some.runs >= 0).any())  # where nothing was seen nothing stands
    for one in (deep, high):  # who sits, or stands on something
        none = _held(body, one, [0] * 12, feet=False)
        assert bool((none.scale == 1).all())
        assert bool((none.held == 0).all())
        assert bool(none.floors.known.all())
    measured = _held(body, near, [0] * 12, feet=False, level=True)
    assert bool((measured.scale == 1).all())
    assert float(measured.held[0]) == pytest.approx(0.1)
    assert float(_held(body, deep, [0] * 12, feet=False, level=True).held[0]) == 0
    assert bool((_held(body, near, [0] * 12).held == 1).all())
    apart = _held(body, near, [], feet=False)  # photographs
    assert bool((apart.scale == 1).all())
    assert bool((apart.held == 0).all())
