"""Two people of the demo's photographs in one picture, beside and over each other: nobody is made of both."""

import cv2
import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.detectors import Search, load_embedded_detector
from anchorfit.observations import match_people, read_image, read_people

DEMO = ASSETS / "demo"
PHOTOS = sorted(DEMO.glob("*.jpg"))
PEOPLE = {p.person_id: p for p in match_people(read_people(DEMO / "person_keypoints.json").people, PHOTOS).people}
SKIER, SITTING, PLAYER, STANDING = "442619", "1242217", "1202977", "200887"
LIMBS = [
    CANONICAL_JOINTS.index(f"{side}_{joint}")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
]
CLOSE = 0.25  # of the torso: nearer to an annotated joint it is that joint
LEAST_CONFIDENCE = 0.3
OVER = (  # who is behind, who in front, their heights in pixels, how far apart in heights of the first
    (SITTING, SKIER, 220, 380, 0.3),
    (SITTING, PLAYER, 300, 300, 0.3),
    (PLAYER, SITTING, 220, 380, 0.3),
    (PLAYER, STANDING, 380, 220, 0.15),
    (STANDING, SKIER, 380, 220, 0.15),
)


@pytest.fixture(scope="module")
def detector():
    return load_embedded_detector()


def cut_out(person, height):
    """The person so many pixels high: picture, mask, joints."""
    mask = np.asarray(person.mask)
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    zoom = height / (rows[-1] + 1 - rows[0])
    size = (round(zoom * (columns[-1] + 1 - columns[0])), height)
    picture = cv2.resize(read_image(person.image)[part], size, interpolation=cv2.INTER_AREA)
    return picture, cv2.resize(mask[part].astype(np.float32), size), zoom * (person.keypoints - (columns[0], rows[0]))


def scene(placed, width=640, height=480):
    """People in front of grey, the later over the earlier: (id, height, x of the middle); joints of each."""
    canvas, joints = np.full((height, width, 3), 150.0), []
    for name, tall, middle in placed:
        picture, mask, points = cut_out(PEOPLE[name], tall)
        left, top = int(middle - picture.shape[1] / 2), int(0.95 * height) - tall
        first, last = max(0, left), min(width, left + picture.shape[1])
        inside = slice(first - left, last - left)
        share = mask[:, inside, None]
        canvas[top : top + tall, first:last] *= 1 - share
        canvas[top : top + tall, first:last] += share * picture[:, inside]
        joints.append(points + np.array([left, top]))
    return canvas.round().astype(np.uint8), joints


def own(person, name, points):
    """Which of a found person's limbs are where those of an annotated one are."""
    torso = points[CANONICAL_JOINTS.index("left_shoulder")] - points[CANONICAL_JOINTS.index("right_hip")]
    near = np.linalg.norm(person.keypoints - points, axis=1) < CLOSE * max(float(np.linalg.norm(torso)), 30.0)
    return (near & (PEOPLE[name].confidence > 0) & (person.confidence > LEAST_CONFIDENCE))[LIMBS]


@pytest.mark.parametrize("who", OVER)
def test_nobody_is_made_of_two_people(detector, who):
    behind, front, behind_tall, front_tall, gap = who
    shift = gap * behind_tall / 2
    picture, joints = scene(((behind, behind_tall, 320 - shift), (front, front_tall, 320 + shift)))
    people = detector.people(picture).people
    of_front = [own(person, front, joints[1]) for person in people]
    of_behind = [own(person, behind, joints[0]) for person in people]
    assert max(limbs.sum() for limbs in of_front) >= 6
    for one, other in zip(of_behind, of_front, strict=True):
        assert min((one & ~other).sum(), (other & ~one).sum()) <= 2


@pytest.mark.parametrize("sizes", [(400, 120), (120, 400), (400, 400), (150, 150)])
def test_one_found_person_does_not_end_the_search_for_others(detector, sizes):
    who = (SKIER, PLAYER)
    picture, joints = scene([(name, size, x) for name, size, x in zip(who, sizes, (180, 480), strict=True)])
    people = detector.people(picture).people
    assert len(people) == 2
    for name, points in zip(who, joints, strict=True):
        assert max(own(person, name, points).sum() for person in people) >= 8


def test_who_is_found_does_not_depend_on_whether_masks_are_wanted(detector):
    with_masks = load_embedded_detector(Search(masks=True))
    for photo in PHOTOS[1:3]:
        image = read_image(photo)
        plain, masked = detector.people(image), with_masks.people(image)
        assert len(plain) == len(masked) > 1
        for person, other in zip(plain, masked, strict=True):
            np.testing.assert_array_equal(person.keypoints, other.keypoints)
        assert all(person.mask is None for person in plain)
        assert any(person.mask is not None for person in masked)
