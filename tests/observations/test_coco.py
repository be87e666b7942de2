"""The COCO reader."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations.conventions import COCO17, MPII16
from anchorfit.observations.formats.coco import read_coco
from anchorfit.observations.reading import KeypointFileError, optional_size

CATEGORY = {"id": 1, "name": "person", "keypoints": list(COCO17)}


def annotation(identity, image_id=7, visibility=2, **more):
    keypoints = [number for joint in range(17) for number in (10 + joint, 20 + 2 * joint, visibility)]
    return {
        "id": identity,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [10, 20, 30, 40],
        "keypoints": keypoints,
        **more,
    }


def coco_file(tmp_path, annotations, images=None, categories=(CATEGORY,)):
    if images is None:
        images = [
            {"id": 7, "file_name": "seven.jpg", "width": 64, "height": 80},
            {"id": 8, "file_name": "sub/eight.jpg", "width": 50, "height": 40},
        ]
    path = tmp_path / "keypoints.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": list(categories)}))
    return path


def joint(person, name):
    index = CANONICAL_JOINTS.index(name)
    return (*person.keypoints[index].tolist(), float(person.confidence[index]))


def test_several_people_and_images_in_the_order_of_the_file(tmp_path):
    file = read_coco(coco_file(tmp_path, [annotation(3, 8), annotation(1, 7), annotation(2, 8)]))
    assert [person.name for person in file] == ["eight.jpg#3", "seven.jpg#1", "eight.jpg#2"]
    assert file.problems == ()
    assert file[0].image_size == (50, 40)
    assert file[0].box == (10, 20, 30, 40)
    assert file[1].belongs_to("somewhere/seven.jpg")
    assert not file[0].belongs_to("somewhere/seven.jpg")


def test_joints_land_in_the_middle_of_their_pixel(tmp_path):
    (person,) = read_coco(coco_file(tmp_path, [annotation(1)]))
    assert joint(person, "nose") == (10.5, 20.5, 1.0)
    assert joint(person, "right_ankle") == (26.5, 52.5, 1.0)
    assert joint(person, "head_top") == (0, 0, 0)
    assert (person.confidence > 0).sum() == 17


def test_visibility_becomes_confidence(tmp_path):
    entry = annotation(1)
    entry["keypoints"][2::3] = [0] * 5 + [1] * 4 + [2] * 8
    (person,) = read_coco(coco_file(tmp_path, [entry]))
    assert joint(person, "nose") == (0, 0, 0)
    assert joint(person, "left_shoulder")[2] == 0.5
    assert joint(person, "left_hip")[2] == 1


def test_confidences_in_place_of_visibility(tmp_path):
    entry = annotation(1)
    entry["keypoints"][2::3] = [0.25] * 16 + [1]
    (person,) = read_coco(coco_file(tmp_path, [entry]))
    assert joint(person, "nose")[2] == 0.25
    assert joint(person, "right_ankle")[2] == 1


def test_crowds_and_things_without_keypoints_are_left_out(tmp_path):
    car = {"id": 5, "image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4]}
    file = read_coco(coco_file(tmp_path, [annotation(1, iscrowd=1), car, annotation(2, visibility=0)]))
    assert [person.person_id for person in file] == ["2"]
    assert not file[0].confidence.any()
    assert file.problems == ()


def test_masks_of_every_kind(tmp_path):
    square = [[10, 10, 20, 10, 20, 20, 10, 20]]
    runs = {"size": [80, 64], "counts": [80 * 10, 5, 80 * 54 - 5]}
    people = read_coco(
        coco_file(tmp_path, [annotation(1, segmentation=square), annotation(2, segmentation=runs), annotation(3)])
    )
    assert np.asarray(people[0].mask).shape == (80, 64)
    assert np.asarray(people[0].mask).sum() == 100
    assert np.asarray(people[1].mask)[:5, 10].all()
    assert np.asarray(people[1].mask).sum() == 5
    assert people[2].mask is None


def test_a_category_with_its_own_joint_order(tmp_path):
    category = {"id": 1, "name": "person", "keypoints": list(reversed(COCO17))}
    (person,) = read_coco(coco_file(tmp_path, [annotation(1)], categories=[category]))
    assert joint(person, "right_ankle") == (10.5, 20.5, 1.0)


def test_another_convention_by_its_number_or_by_name(tmp_path):
    entry = annotation(1)
    entry["keypoints"] = entry["keypoints"][:48]
    category = {"id": 1, "name": "person", "keypoints": ["r_ankle"] * 16}
    path = coco_file(tmp_path, [entry], categories=[category])
    for convention in (None, "mpii"):
        (person,) = read_coco(path, convention=convention)
        assert joint(person, MPII16[0]) == (10.5, 20.5, 1.0)
    assert "expected 51 numbers, got 48" in read_coco(path, convention="coco").problems[0]


def test_one_id_twice_in_an_image(tmp_path):
    people = read_coco(coco_file(tmp_path, [annotation(1), annotation(1), annotation(1, 8)]))
    assert [person.name for person in people] == ["seven.jpg#1", "seven.jpg#1-2", "eight.jpg#1"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (annotation(9, keypoints=[1, 2, 2]), r"seven.jpg#9: keypoints: expected 51 numbers, got 3"),
        (annotation(9, keypoints=["a"] * 51), r"seven.jpg#9: keypoints: expected a list of numbers"),
        (annotation(9, keypoints=None), r"seven.jpg#9: keypoints: expected a list of numbers"),
        (annotation(9, keypoints=[10**400] * 51), r"seven.jpg#9: keypoints: a number is too large"),
        (annotation(9, image_id=99), r"\?#9: no image has id 99"),
        ("person", "annotation 1: expected an object"),
    ],
)
def test_a_broken_person_loses_no_neighbour(tmp_path, broken, message):
    path = coco_file(tmp_path, [annotation(1), broken, annotation(2)])
    file = read_coco(path)
    assert [person.person_id for person in file] == ["1", "2"]
    (problem,) = file.problems
    assert problem.startswith(str(path))
    np.testing.assert_string_equal(problem[-len("this person is left out") :], "this person is left out")
    assert re.search(message, problem)


def test_broken_extras_cost_no_person(tmp_path):
    entries = [
        annotation(1, bbox=[1, 2]),
        annotation(2, bbox="x"),
        annotation(3, bbox=[0, 0, 0, 0]),
        annotation(4, segmentation="?"),
    ]
    file = read_coco(coco_file(tmp_path, entries))
    assert len(file) == 4
    assert [person.box for person in file[:3]] == [None, None, None]
    with pytest.raises(ValueError, match="mask: expected a list of polygons"):
        np.asarray(file[3].mask)


def test_nan_and_null_are_kept_for_the_checks(tmp_path):
    entry = annotation(1)
    entry["keypoints"][0:3] = [float("nan"), None, 2]
    (person,) = read_coco(coco_file(tmp_path, [entry]))
    assert np.isnan(person.keypoints[CANONICAL_JOINTS.index("nose")]).all()


def result(image_id, score=0.9):
    return {"image_id": image_id, "category_id": 1, "keypoints": [5.5, 6.5, 0.7] * 17, "score": score}


def test_results(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([result(139), result(139, 0.5), result("a.jpg"), {"image_id": 3, "keypoints": [1]}]))
    file = read_coco(path)
    assert [person.name for person in file] == ["000000000139.jpg#0", "000000000139.jpg#1", "a.jpg#0"]
    assert joint(file[0], "nose") == (6.0, 7.0, 0.7)
    assert file[1].score == 0.5
    assert "000000000003.jpg#0: keypoints: expected x, y and visibility" in file.problems[0]


def test_no_people(tmp_path):
    assert len(read_coco(coco_file(tmp_path, []))) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ('{"images": [{"id": 1', "the JSON is cut short"),
        ('{"images": ["abc', "the JSON is cut short"),
        ('{"images": nonsense, "annotations": []}', "this is not valid JSON"),
        ('{"people": []}', "expected COCO's keys"),
        ("[1, 2]", "expected COCO's keys"),
        ("3", "expected COCO's keys"),
        ("[" * 100_000, "nested too deeply|cut short"),
        (b"\xff\xfe\x00\x01\xff", "not a text file|not valid JSON"),
    ],
)
def test_files_that_are_not_coco(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(KeypointFileError, match=message) as caught:
        read_coco(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a.json: no such keypoint file"):
        read_coco(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError, match="this is a folder"):
        read_coco(tmp_path)


@pytest.mark.parametrize("sides", [(640, 480), (640.0, 480.0)])
def test_a_size_is_whole_numbers_however_they_are_written(sides):
    assert optional_size(*sides) == (640, 480)


@pytest.mark.parametrize("sides", [(640.5, 480), (None, 480), (0, 480), (True, 480), ("640", 480), (float("nan"), 480)])
def test_what_is_no_size_is_none(sides):
    assert optional_size(*sides) is None
