"""Where to look, and what is one person."""

from dataclasses import replace

import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.detectors import Search
from anchorfit.detectors.blazepose import finished, person_from_landmarks
from anchorfit.detectors.suppression import lies_on, similarity, suppress, taken
from anchorfit.detectors.windows import windows
from anchorfit.observations import Person, read_people
from anchorfit.observations.conventions import BLAZEPOSE33

SKIER = read_people(ASSETS / "demo" / "person_keypoints.json")[-1]


def moved(person: Person, shift: float, zoom: float = 1.0, score: float = 0.5) -> Person:
    seen = person.confidence > 0
    middle = person.keypoints[seen].mean(0)
    points = np.where(seen[:, None], middle + zoom * (person.keypoints - middle) + shift, 0)
    return replace(person, keypoints=points, score=score)


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (500, 500), (97, 2000)])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_windows_cover_the_picture_and_stay_inside(size, level):
    width, height = size
    found = windows(width, height, level)
    cover = np.zeros((height, width), bool)
    for left, top, right, bottom in found:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        cover[top:bottom, left:right] = True
    assert cover.all() or not found


def test_squares_overlap_by_half_and_are_never_tiny():
    lefts = sorted({window.left for window in windows(640, 427, 2)})
    assert max(np.diff(lefts)) <= (427 // 2) / 2 + 1
    assert windows(100, 100, 2) == []
    assert windows(500, 500, 1) == []  # the whole picture, which level 0 is


def test_similarity_is_one_for_the_same_and_falls_with_distance():
    assert similarity(SKIER, SKIER) == 1
    values = [similarity(SKIER, moved(SKIER, shift)) for shift in (5, 20, 60, 300)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 1e-6


def test_of_similar_poses_the_surest_stays_and_neighbours_do():
    unmasked = replace(SKIER, mask=None)
    people = [moved(unmasked, shift, score=score) for shift, score in ((0, 0.6), (4, 0.9), (90, 0.5))]
    assert [person.score for person in suppress(people)] == [0.9, 0.5]


def test_a_part_taken_for_a_person_goes_and_a_person_in_front_stays():
    part = moved(SKIER, 0, zoom=0.05, score=0.4)
    assert lies_on(part, SKIER) > 0.9
    whole = replace(SKIER, score=0.9)
    assert suppress([whole, part]) == [whole]
    without_mask = replace(whole, mask=None)
    assert len(suppress([without_mask, part])) == 2


def test_a_pose_spread_over_two_people_goes():
    left, right, both = (np.zeros((425, 640), bool) for _ in range(3))
    left[:, :200] = right[:, 300:500] = True
    both[:, 50:450] = True
    people = [
        replace(moved(SKIER, shift, score=score), mask=mask)
        for shift, score, mask in ((0, 0.9, left), (90, 0.8, right), (-90, 0.5, both))
    ]
    assert taken(people[2], people[:2]) == pytest.approx(0.75)
    assert suppress(people) == people[:2]
    assert len(suppress(people, most_taken=0.8)) == 3


def landmarks(size: float = 300.0) -> np.ndarray:
    points = np.random.default_rng(0).uniform(0.1, 0.9, (33, 2)) * size
    return np.column_stack((points, np.full(33, 0.9)))


def test_landmarks_become_canonical_joints():
    values = landmarks()
    person = person_from_landmarks(values, (300, 300), 0.8)
    assert person is not None
    assert (person.confidence > 0).sum() == sum(name is not None for name in BLAZEPOSE33) == 21
    assert person.score == pytest.approx(0.8 * 0.9)
    from anchorfit.body.joint_sets import CANONICAL_JOINTS

    np.testing.assert_array_equal(person.keypoints[CANONICAL_JOINTS.index("right_wrist")], values[16, :2])


def test_guesses_count_as_not_seen():
    values = landmarks()
    values[11, 0] = -5  # beyond the frame
    values[12, 2] = 0.1  # hidden
    values[13, 1] = np.nan
    person = person_from_landmarks(values, (300, 300), 1.0)
    assert person is not None
    assert (person.confidence > 0).sum() == 18
    assert np.isfinite(person.keypoints).all()
    values[4:, 2] = 0
    assert person_from_landmarks(values, (300, 300), 1.0) is None
    assert person_from_landmarks(np.ones((33, 3)), (300, 300), 1.0) is None  # all at one point


def test_a_smaller_copy_is_searched_and_its_people_put_back():
    search = Search(largest_side=100)
    assert search.reduced(np.zeros((50, 400, 3), np.uint8)).shape == (12, 100, 3)
    picture = np.zeros((60, 100, 3), np.uint8)
    assert search.reduced(picture) is picture
    mask = np.zeros((100, 100), bool)
    mask[:, :50] = True
    small = person_from_landmarks(landmarks(100), (100, 100), 1.0, mask)
    assert small is not None
    large = finished(small, 3, (400, 200), masks=True)
    assert large.person_id == "3"
    np.testing.assert_allclose(large.keypoints, small.keypoints * (4, 2))
    assert np.asarray(large.mask)[:, :200].all()
    assert not np.asarray(large.mask)[:, 202:].any()
    assert finished(small, 3, (400, 200), masks=False).mask is None
