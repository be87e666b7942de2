"""What can be believed of keypoints, and the batch made of people."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.camera import default_intrinsics
from anchorfit.observations import (
    Observations,
    PeopleFile,
    Person,
    StoredMask,
    observe,
    read_people,
    sanitise,
    too_little,
)
from anchorfit.observations.checks import sanitise_all, unturned_problem

K = len(CANONICAL_JOINTS)
NOSE, NECK, KNEE = (CANONICAL_JOINTS.index(name) for name in ("nose", "neck", "left_knee"))


def person(joints=(), **more):
    """A person of whom the joints {index: (x, y, confidence)} were seen."""
    keypoints, confidence = np.zeros((K, 2)), np.zeros(K)
    for index, (x, y, sure) in dict(joints).items():
        keypoints[index], confidence[index] = (x, y), sure
    given = {"person_id": "1", "image": Path("a.jpg"), "image_size": (100, 50), **more}
    return Person(keypoints=keypoints, confidence=confidence, **given)


def test_a_good_person_is_left_alone():
    good = person({NOSE: (10, 20, 1.0), NECK: (100, 50, 0.25)})
    clean = sanitise(good)
    assert clean.notes == ()
    np.testing.assert_array_equal(clean.person.keypoints, good.keypoints)
    np.testing.assert_array_equal(clean.person.confidence, good.confidence)


@pytest.mark.parametrize(
    ("values", "kept", "note"),
    [
        ((np.nan, 5, 1), None, "nose: the position is not a finite number"),
        ((5, -np.inf, 1), None, "the position is not a finite number"),
        ((1e9, 5, 1), None, "absurd, more than 300 pixels outside"),
        ((5, -301, 1), None, "absurd"),
        ((5, -299, 1), (5, -299, 1), "outside the image; kept"),
        ((400, 5, 1), (400, 5, 1), "outside the image; kept"),
        ((401, 5, 1), None, "absurd"),
        ((5, 5, -0.1), None, "the confidence is negative"),
        ((5, 5, 1.5), (5, 5, 1), "the confidence is above 1"),
        ((5, 5, np.nan), None, "the confidence is not a finite number"),
        ((5, 5, np.inf), None, "the confidence is not a finite number"),
    ],
)
def test_what_cannot_be_believed(values, kept, note):
    clean, notes = sanitise(person({NOSE: values, NECK: (1, 2, 1)}))
    (line,) = notes
    assert note in line
    assert (*clean.keypoints[NOSE], clean.confidence[NOSE]) == (kept or (0, 0, 0))
    assert (*clean.keypoints[NECK], clean.confidence[NECK]) == (1, 2, 1)


def test_unseen_joints_make_no_notes():
    clean, notes = sanitise(person({NOSE: (np.nan, 1e9, 0), NECK: (-5e8, 0, 0)}))
    assert notes == ()
    assert not clean.keypoints.any()


def test_a_broken_mask_is_dropped():
    good = StoredMask(segmentation=[[5, 10, 9, 10, 9, 20, 5, 20]], width=100, height=50)
    assert sanitise(person(mask=good)).person.mask is good
    broken = (
        (StoredMask(segmentation={"size": [50, 100], "counts": [3]}, width=100, height=50), "run lengths that sum to"),
        (StoredMask(segmentation=[[1, 2]], width=100, height=50), "at least 3 finite"),
        (np.ones((7, 7), dtype=bool), r"of 100 x 50 pixels as the image, got shape \(7, 7\); the mask is not used"),
    )
    for mask, message in broken:
        clean, notes = sanitise(person({NOSE: (1, 2, 1)}, mask=mask))
        assert clean.mask is None
        assert clean.confidence[NOSE] == 1
        assert re.search(message, notes[0])


def test_without_a_size():
    far, near = person({NOSE: (1e6, 0, 1)}, image_size=None), person({NOSE: (5000, 0, 1)}, image_size=None)
    assert "absurd, beyond 100000 pixels" in sanitise(far).notes[0]
    assert sanitise(near).notes == ()
    assert "absurd" in sanitise(near, (100, 50)).notes[0]


def test_many_joints_make_one_line():
    everything = person(dict.fromkeys(range(K), (np.nan, 0, 1)))
    (line,) = sanitise(everything).notes
    assert f"and {K - 3} more joints" in line


def test_many_people_at_once_are_each_by_themselves():
    generator = np.random.default_rng(0)
    choices = np.array([np.nan, np.inf, -1e9, 0.0, 5.0, 60.0, 99.0, 300.0, 5000.0])
    mask = np.zeros((7, 7), dtype=bool)
    people = [
        Person(
            person_id=str(number),
            keypoints=generator.choice(choices, (K, 2)),
            confidence=generator.choice([np.nan, np.inf, -0.5, 0.0, 0.5, 1.0, 2.0], K),
            image_size=((100, 50), (7, 7), None)[number % 3],
            mask=mask if number % 2 else None,
        )
        for number in range(30)
    ]
    together = sanitise_all(people, [one.image_size for one in people])
    for one, (clean, notes) in zip(people, together, strict=True):
        alone = sanitise(one)
        assert notes == alone.notes
        np.testing.assert_array_equal(clean.keypoints, alone.person.keypoints)
        np.testing.assert_array_equal(clean.confidence, alone.person.confidence)
        assert (clean.mask is None) == (alone.person.mask is None)
        assert clean.image_size == one.image_size
    assert sanitise_all([], []) == []


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, (K, 2), elements=st.floats(allow_nan=True, allow_infinity=True)),
    arrays(np.float64, K, elements=st.floats(allow_nan=True, allow_infinity=True)),
)
def test_whatever_goes_in_nothing_bad_comes_out(keypoints, confidence):
    wild = Person(person_id="1", keypoints=keypoints, confidence=confidence, image_size=(100, 50))
    clean = sanitise(wild).person
    assert np.isfinite(clean.keypoints).all()
    assert ((clean.confidence >= 0) & (clean.confidence <= 1)).all()
    assert np.abs(clean.keypoints).max() <= 400
    again = sanitise(clean)
    np.testing.assert_array_equal(again.person.keypoints, clean.keypoints)
    batch = observe([wild], [torch.eye(3)])
    assert bool(torch.isfinite(batch.keypoints).all())
    assert bool(((batch.confidence >= 0) & (batch.confidence <= 1)).all())


@pytest.mark.parametrize(
    ("joints", "reason"),
    [
        ({}, "no joint is visible"),
        ({NOSE: (5, 5, 0)}, "no joint is visible"),
        ({NOSE: (5, 5, 1)}, r"only one joint is visible \(nose\)"),
        ({NOSE: (5, 5, 1), NECK: (5, 5.5, 1), KNEE: (5, 5, 1)}, "all 3 visible joints lie at one point"),
    ],
)
def test_too_little(joints, reason):
    found = too_little(person(joints))
    assert found is not None
    assert re.search(reason, found)


def test_enough():
    assert too_little(person({NOSE: (5, 5, 1), KNEE: (5, 80, 0.1)})) is None


def test_a_batch_of_people():
    mask = np.zeros((50, 100), dtype=bool)
    mask[10:20, 5:9] = True
    runs = StoredMask(segmentation=[[5, 10, 9, 10, 9, 20, 5, 20]], width=100, height=50)
    people = [
        person({NOSE: (10, 20, 0.5)}, mask=mask.astype(np.uint8) * 255),
        person({NOSE: (np.nan, 20, 1), NECK: (3, 4, 2.0)}, person_id="2", mask=runs),
        person({KNEE: (7, 8, 0)}, person_id="3", image_size=(640, 480)),
    ]
    intrinsics = [default_intrinsics(*size) for size in ((100, 50), (100, 50), (640, 480))]
    batch = observe(people, intrinsics)
    assert isinstance(batch, Observations)
    assert batch.names == ("a.jpg#1", "a.jpg#2", "a.jpg#3")
    assert batch.image_size.tolist() == [[100, 50], [100, 50], [640, 480]]
    assert batch.keypoints[0, NOSE].tolist() == [10, 20]
    assert batch.confidence[1, NOSE] == 0
    assert batch.confidence[1, NECK] == 1
    assert not batch.keypoints[2].any()
    torch.testing.assert_close(batch.intrinsics[2], intrinsics[2])
    for decoded in batch.masks[:2]:
        assert decoded is not None
        np.testing.assert_array_equal(decoded, mask)
    assert batch.masks[2] is None
    rows = [observe([one], [matrix]) for one, matrix in zip(people, intrinsics, strict=True)]
    torch.testing.assert_close(batch.keypoints, torch.cat([row.keypoints for row in rows]))
    chosen = batch.rows([2, 0])
    assert chosen.names == ("a.jpg#3", "a.jpg#1")
    assert observe(people, torch.stack(intrinsics), masks=False, dtype=torch.float64).keypoints.dtype == torch.float64


def test_an_empty_batch():
    batch = observe([], [])
    assert len(batch) == 0
    assert batch.keypoints.shape == (0, K, 2)


def test_what_makes_no_batch():
    one = person({NOSE: (10, 20, 0.5)}, image_size=None)
    with pytest.raises(ValueError, match=r"a.jpg#1: the size of the image is not known"):
        observe([one], [torch.eye(3)])
    assert len(observe([one], [torch.eye(3)], image_sizes=[(5, 6)])) == 1
    with pytest.raises(ValueError, match="intrinsics: expected 1, one a person, got 2"):
        observe([one], [torch.eye(3)] * 2)
    with pytest.raises(ValueError, match="image_sizes: expected 1"):
        observe([one], [torch.eye(3)], image_sizes=[])
    masked = person(mask=np.ones((7, 7), dtype=bool))
    with pytest.raises(ValueError, match=r"a.jpg#1: expected a mask of 100 x 50 pixels"):
        observe([masked], [torch.eye(3)])


def test_people_of_the_wrong_shape():
    with pytest.raises(ValueError, match=r"keypoints: expected .* in canonical order, got \(17, 2\)"):
        Person(person_id="1", keypoints=np.zeros((17, 2)), confidence=np.zeros(17))
    with pytest.raises(ValueError, match="confidence: expected"):
        Person(person_id="1", keypoints=np.zeros((K, 2)), confidence=np.zeros(17))


def test_a_people_file_is_a_sequence():
    file = PeopleFile((person(), person(person_id="2")), ("a problem",))
    assert [one.person_id for one in file] == ["1", "2"]
    assert file[1].person_id == "2"
    assert file[:1] == file.people[:1]
    assert list(file) == list(file.people)


def test_joints_in_space_that_contradict_the_keypoints_are_not_used():
    skier = read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
    world = np.full((len(CANONICAL_JOINTS), 3), np.nan)
    seen = skier.confidence > 0
    world[seen, :2] = (skier.keypoints[seen] - skier.keypoints[seen].mean(0)) / 200
    world[seen, 2] = 0.1
    assert sanitise(replace(skier, world=world)).person.world is not None
    for bad, said in (
        (-world, "contradict the keypoints"),
        (1e30 * world, "more than 3 metres"),
        (100 * world, "more than"),
    ):
        found = sanitise(replace(skier, world=bad))
        assert found.person.world is None
        assert [note for note in found.notes if "joints in space" in note and said in note]


def test_keypoints_of_the_picture_as_it_is_stored_are_noticed(tmp_path):
    """A photograph of 640 x 425 that EXIF turns: it is shown 425 wide, and a detector that ignores EXIF sees 640."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.new("RGB", (640, 425))
    lying.save(tmp_path / "turned.jpg", exif=exif)
    lying.rotate(90, expand=True).save(tmp_path / "upright.jpg")

    def of(image, x, image_size=None):
        joints = {NOSE: (200, 300, 1), KNEE: (x, 300, 1)}
        return unturned_problem(person(joints, image=image, image_size=image_size), (425, 640))

    said = of(tmp_path / "turned.jpg", 600)
    assert said is not None
    assert "within it as it is stored (640 x 425), before EXIF turns it" in said
    assert of(tmp_path / "turned.jpg", 430) is None  # at the border
    assert of(tmp_path / "turned.jpg", 700) is None  # outside of both
    assert of(tmp_path / "turned.jpg", 600, image_size=(425, 640)) is None  # the file says which picture it means
    assert of(tmp_path / "upright.jpg", 600) is None
    assert of(tmp_path / "gone.jpg", 600) is None
