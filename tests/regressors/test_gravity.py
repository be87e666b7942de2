"""A camera's pitch from all people of a picture: trunks of those who do not stand count as far as leans let them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from anchorfit.assets import ASSETS
from anchorfit.body import CANONICAL_JOINTS, Floor, Gravity, load_body
from anchorfit.body.joint_sets import mirror_permutation
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.standing import KNOWN_SIGMA_DEG, SHOWN_SIGMA_DEG
from anchorfit.camera import rays_of
from anchorfit.evaluation.gauges import seen_all_round, sitting_pose
from anchorfit.evaluation.mirror_symmetry import mirrored_observations
from anchorfit.fit_options import FitOptions
from anchorfit.observations import Person, read_people
from anchorfit.observations.people import Observations
from anchorfit.pipeline import fit_people, predict_people
from anchorfit.regressors import Lean, TrunkLean, common_gravity, pose_people
from anchorfit.regressors.normalisation import seen_rays
from anchorfit.regressors.translation import Sightlines
from anchorfit.regressors.trunks import trunk_lean_of

BODY = load_body()
MOST_SIGMA_DEG = math.hypot(SHOWN_SIGMA_DEG, KNOWN_SIGMA_DEG)  # of a pitch that is told further
SIDEWAYS, TO_CAMERA = [3, 9, 4, 10], [0, 1, 11, 0]  # headings, of 30 degrees


def _sitters(pitch_deg: float, headings: list[int], lean_deg: float = 0.0) -> Observations:
    """People who sit, their pelvis turned ahead."""
    turned = _leaning(sitting_pose(), lean_deg)
    return seen_all_round(BODY, turned, pitch_deg).observations.rows(headings)


def _leaning(pose: torch.Tensor, lean_deg: float) -> torch.Tensor:
    """The pose with its back bent ahead at three joints, a third at each."""
    bent = pose.clone().view(24, 3)
    bent[[3, 6, 9], 0] += math.radians(lean_deg) / 3
    return bent.flatten()


def _told(observations: Observations) -> tuple[float, float]:
    """Degrees of pitch and sigma of people in one picture."""
    lean, trunks = pose_people(observations, BODY).leans()
    found = common_gravity(lean, torch.zeros(len(observations), dtype=torch.int64), trunks)
    return float(torch.rad2deg(found.pitch[0])), float(torch.rad2deg(found.sigma[0]))


def _of_points(points: torch.Tensor) -> TrunkLean:
    """Of joints that are seen exactly, by a camera of focal length 1."""
    eye = torch.eye(3, dtype=points.dtype).expand(len(points), 3, 3)
    seen = points.new_ones(points.shape[:2])
    return trunk_lean_of(points, Sightlines.of(seen_rays(rays_of(points[..., :2] / points[..., 2:], eye), seen)))


def _points(pitch_deg: float = 0.0) -> torch.Tensor:
    return compiled_points(BODY, CANONICAL_JOINTS).points(seen_all_round(BODY, sitting_pose(), pitch_deg).params)


def _trunks(angle_deg: list[float], ahead: list[float], noise_deg: float = 3.0) -> TrunkLean:
    angle = torch.deg2rad(torch.tensor(angle_deg, dtype=torch.float64))
    one = torch.ones_like(angle)
    ahead_ = torch.tensor(ahead, dtype=torch.float64)
    sideways = math.radians(6.5) * (1 - ahead_.square()).sqrt()
    return TrunkLean(angle, ahead_, math.radians(15.0) * one, sideways, math.radians(noise_deg) * one, one)


def _gravity_deg(trunks: TrunkLean, scenes: list[int] | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    count = len(trunks.angle)
    nobody = Lean(*(part.to(trunks.angle) for part in Lean.none(count)))
    found = common_gravity(nobody, torch.tensor(scenes or [0] * count, dtype=torch.int64), trunks)
    return torch.rad2deg(found.pitch), torch.rad2deg(found.sigma)


@pytest.mark.parametrize("pitch_deg", [0.0, 12.0, 25.0])
def test_people_who_sit_sideways_show_the_pitch(pitch_deg):
    pitch, sigma = _told(_sitters(pitch_deg, SIDEWAYS))
    assert abs(pitch - pitch_deg) < 6
    assert sigma < MOST_SIGMA_DEG


def test_people_who_all_lean_towards_the_camera_are_not_taken_for_pitch():
    pitch, sigma = _told(_sitters(0.0, TO_CAMERA * 3, lean_deg=25.0))
    assert sigma > MOST_SIGMA_DEG
    assert pitch < 15


def test_leans_ahead_cancel_between_people_who_face_each_other():
    lean = 20.0  # ahead, of both; the camera looks down by 10 degrees
    pitch, sigma = _gravity_deg(_trunks([-10 - lean, -10 + lean] * 2, [-1.0, 1.0] * 2))
    assert 9 < float(pitch[0]) < 11.5
    alone, unsure = _gravity_deg(_trunks([-10 - lean] * 4, [-1.0] * 4))
    assert float(sigma[0]) < MOST_SIGMA_DEG < float(unsure[0])
    assert float(alone[0]) > 12


def test_evidence_from_the_front_does_not_pile_up():
    front = [float(_gravity_deg(_trunks([-18.0] * n, [-1.0] * n))[1][0]) for n in (1, 4, 100)]
    side = [float(_gravity_deg(_trunks([-10.0] * n, [0.0] * n))[1][0]) for n in (1, 4, 100)]
    assert front[0] > front[1] > front[2] > MOST_SIGMA_DEG
    assert side[0] > side[1] > side[2]
    assert side[1] < 4.5


def test_one_person_alone_makes_up_no_pitch():
    for angle in (-60.0, -40.0, 30.0):
        _, sigma = _gravity_deg(_trunks([angle], [0.0], noise_deg=5.0))
        assert float(sigma[0]) > MOST_SIGMA_DEG


def test_trunks_that_lie_or_are_upside_down_or_unseen_are_no_evidence():
    points = _points()
    middle = points.mean(1, keepdim=True)
    across, down = points - middle, (points - middle) * points.new_tensor([-1.0, -1.0, 1.0])
    lying = torch.stack((across[..., 1], -across[..., 0], across[..., 2]), -1)
    towards = torch.stack((across[..., 0], across[..., 2], -across[..., 1]), -1)
    for turned in (lying, down, towards):
        assert torch.equal(_of_points(turned + middle).certainty, torch.zeros(len(points)))
    assert torch.equal(_of_points(points).certainty, torch.ones(len(points)))
    seen = _sitters(25.0, SIDEWAYS)
    hips = [CANONICAL_JOINTS.index(f"{side}_hip") for side in ("left", "right")]
    unseen = replace(seen, confidence=seen.confidence.index_fill(1, torch.tensor(hips), 0.0))
    assert float(pose_people(unseen, BODY).leans()[1].certainty.abs().max()) == 0


def test_trunks_are_measured_as_they_lean_and_face():
    found = _of_points(_points(20.0))
    upright = torch.rad2deg(found.angle) + 20.0
    assert float(upright.abs().max()) < 8  # the rest pose's shoulders are behind its hips
    around = -torch.cos(torch.arange(7) * math.pi / 6)  # seen obliquely, so not to the last percent
    torch.testing.assert_close(found.ahead[:7], around, atol=0.03, rtol=0)


def test_a_mirror_image_has_the_same_pitch():
    points = _points(15.0)
    order = list(mirror_permutation(CANONICAL_JOINTS))
    ours, theirs = _of_points(points), _of_points((points * points.new_tensor([-1.0, 1.0, 1.0]))[:, order])
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)
    people = _sitters(25.0, SIDEWAYS)
    assert _told(people) == pytest.approx(_told(mirrored_observations(people)), abs=0.1)


def test_scenes_are_apart_and_float64_works():
    trunks = _trunks([-20.0, -5.0, -22.0, 3.0, -18.0], [0.1, -0.9, -0.2, 0.3, 1.0])
    scenes = [0, 1, 0, 1, 2]
    pitch, sigma = _gravity_deg(trunks, scenes)
    assert pitch.dtype == torch.float64
    for scene in (0, 1, 2):
        rows = [row for row, of in enumerate(scenes) if of == scene]
        alone = _gravity_deg(TrunkLean(*(part[rows] for part in trunks)))
        assert torch.equal(alone[0], pitch[rows])
        assert torch.equal(alone[1], sigma[rows])
    small = TrunkLean(*(part.float() for part in trunks))
    torch.testing.assert_close(_gravity_deg(small, scenes)[0].double(), pitch, atol=1e-3, rtol=0)


def test_a_lean_that_is_no_number_is_no_evidence():
    """It made the pitch of everybody in the picture NaN."""
    trunks = _trunks([-20.0, -18.0, math.nan, math.inf], [0.0, 0.1, 0.0, 0.0])
    pitch, sigma = _gravity_deg(trunks)
    wanted = _gravity_deg(TrunkLean(*(part[:2] for part in trunks)))
    assert torch.equal(pitch[:2], wanted[0])
    assert torch.equal(sigma[:2], wanted[1])


def test_nobody_shows_nothing():
    pitch, sigma = _gravity_deg(TrunkLean.none(3))
    torch.testing.assert_close(pitch, torch.full((3,), 6.0))
    assert float(sigma.min()) > 10


def test_people_at_a_table_show_that_the_camera_looks_down():
    people = [
        person
        for person in read_people(ASSETS / "demo" / "person_keypoints.json").people
        if "790" in person.name and (person.confidence > 0).sum() >= 10
    ]
    sized = [replace(person, image_size=(640, 640)) if person.image_size is None else person for person in people]
    estimate = predict_people(sized, BODY, options=FitOptions(pitch="people")).estimate
    assert estimate is not None
    assert len(estimate) == 4
    assert bool(((estimate.pitch_deg > 12) & (estimate.pitch_deg < 25)).all())


def _people_at_a_table() -> list[Person]:
    people = [
        person for person in read_people(ASSETS / "demo" / "person_keypoints.json").people if "790" in person.name
    ]
    return [replace(person, image_size=(640, 640), image=Path("table.jpg"), mask=None) for person in people]


def test_the_order_of_people_in_a_picture_does_not_show():
    people = _people_at_a_table()
    there, turned = (
        predict_people(some, BODY, options=FitOptions(pitch="people")).estimate for some in (people, people[::-1])
    )
    assert there is not None
    assert turned is not None
    assert turned.names == there.names[::-1]
    assert torch.equal(turned.pitch_deg.flip(0), there.pitch_deg)
    assert torch.equal(turned.params.flip(0), there.params)


def test_people_of_no_image_are_of_no_picture_together():
    """All were named ?#0, and so had been in one picture."""
    people = [replace(person, image=None, person_id="0") for person in _people_at_a_table()]
    options = FitOptions(pitch="people")
    together = predict_people(people, BODY, options=options).estimate
    assert together is not None
    for row, name in enumerate(together.names):
        assert name == "?#0"
        alone = predict_people(people[row : row + 1], BODY, options=options).estimate
        assert alone is not None
        torch.testing.assert_close(together.pitch_deg[row : row + 1], alone.pitch_deg, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("way", [predict_people, fit_people])
def test_a_floor_that_is_given_says_the_pitch_whatever_people_show(way):
    """Rows said 18 degrees of a camera that its floor had level."""
    floor = Floor.of_camera(height=1.4, pitch_deg=5.0)
    given = [
        way(_people_at_a_table(), BODY, options=FitOptions(floor=floor, pitch=pitch)) for pitch in ("people", None)
    ]
    asked, plain = (outcome.estimate for outcome in given)
    assert asked is not None
    assert plain is not None
    torch.testing.assert_close(asked.pitch_deg, torch.full_like(asked.pitch_deg, 5.0), rtol=0, atol=1e-3)
    assert torch.equal(asked.params, plain.params)


def test_the_pull_of_predictions_to_usual_pitches_is_undone():
    true, noise = 24.0, 7.5  # degrees; from such keypoints predictions are drawn a quarter of the way to 4
    drawn = 4 + (true - 4) * (1 - (noise / 15) ** 2)
    pitch, _ = _gravity_deg(_trunks([-drawn] * 40, [0.0] * 40, noise_deg=noise))
    assert float(pitch[0]) == pytest.approx(true, abs=0.7)  # the usual pitch still has a say


def test_a_pitch_is_told_further_by_its_own_uncertainty():
    sigma = torch.deg2rad(torch.tensor([MOST_SIGMA_DEG - 0.05, MOST_SIGMA_DEG + 0.05]))
    told = Gravity(pitch=torch.full((2,), 0.2), sigma=sigma).pitch_deg
    assert told.isfinite().tolist() == [True, False]
