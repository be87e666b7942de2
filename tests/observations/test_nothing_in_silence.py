"""Nothing of a keypoint file is dropped without a word, and the same is said once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations import read_people
from anchorfit.observations.joint_names import joints_of_names

XY = [[40.0 + 11 * place, 30.0 + 7 * place] for place in range(33)]
BOX = {"x1": 1.0, "y1": 2.0, "x2": 30.0, "y2": 40.0}


def landmarks(key):
    return [{"x": x / 640, "y": y / 480, "z": 0.1, key: 0.2} for x, y in XY]


def ultralytics(key):
    x, y = zip(*XY[:17], strict=True)
    return [{"class": 0, "confidence": 0.9, "box": BOX, "keypoints": {"x": list(x), "y": list(y), key: [0.2] * 17}}]


WITH_SCORES = {
    "mmpose": lambda key: [
        {"keypoints": XY[:17], "keypoint_scores": [0.3] * 17},
        {"keypoints": XY[:17], key: [0.2] * 17},
    ],
    "mmpose demo": lambda key: {"meta_info": {}, "instance_info": [{"keypoints": XY[:17], key: [0.2] * 17}]},
    "coco": lambda key: [{"image_id": "a.jpg", "keypoints": XY[:17], key: [0.2] * 17}],
    "mpii": lambda key: [{"image": "a.jpg", "joints": XY[:16], key: [0.2] * 16}],
    "easymocap": lambda key: {"filename": "a.jpg", "annots": [{"keypoints": XY[:25], key: [0.2] * 25}]},
    "openpose": lambda key: {
        "people": [{"pose_keypoints_2d": [n for x, y in XY[:25] for n in (x, y, 1)], key: [0.2] * 25}]
    },
    "ultralytics": ultralytics,
}
"""JSON of each format whose last person's confidences stand under that key alone."""


def write(path, content):
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("case", WITH_SCORES)
def test_confidences_under_another_name_are_used_or_named(case, tmp_path):
    known = read_people(write(tmp_path / "a.json", WITH_SCORES[case]("keypoint_score")))
    assert set(known[-1].confidence) <= {0.0, 0.2}
    assert not known.problems
    people = read_people(write(tmp_path / "a.json", WITH_SCORES[case]("kpt_confidense")))
    assert set(people[-1].confidence) <= {0.0, 1.0}
    assert [line.partition(": ")[2] for line in people.problems] == [
        "kpt_confidense: a list as long as the keypoints, of 1 people, that is not used"
    ]


def test_keys_of_landmarks_that_are_not_used_are_named(tmp_path):
    for key, said in {"visibility": 0, "presence": 0, "visiblity": 1}.items():
        content = {"width": 640, "height": 480, "pose_landmarks": [landmarks(key)] * 2}
        people = read_people(write(tmp_path / "a.json", content))
        assert max(people[0].confidence) == (1.0 if said else 0.2)
        assert len(people.problems) == said
        assert all("visiblity: a key of landmarks, of 2 people" in line for line in people.problems)


def test_joints_in_space_are_not_taken_for_pixels(tmp_path):
    people = read_people(
        write(tmp_path / "a.json", [{"keypoints": [[0.1, 0.2, 0.3]] * 17, "keypoint_scores": [0.9] * 17}])
    )
    assert not len(people)
    assert "joints in space" in people.problems[0]


def test_what_stands_at_0_0_is_not_seen_in_our_own_files_either(tmp_path):
    rows = [[0.0, 0.0, 0.3], *([x, y, 0.9] for x, y in XY[1:17])]
    write(tmp_path / "a.json", {"convention": "coco17", "people": [{"keypoints": rows}]})
    write(tmp_path / "b.json", {"people": [{"keypoints": {"nose": rows[0], "left_eye": rows[1]}}]})
    np.savez(tmp_path / "c.npz", keypoints=np.array([rows]), convention="coco17")
    (tmp_path / "d.csv").write_text("joint,x,y,confidence\nnose,0,0,.3\nleft_eye,30,40,.9\n")
    for name in ("a.json", "b.json", "c.npz", "d.csv"):
        (person,) = read_people(tmp_path / name)
        sure = dict(zip(CANONICAL_JOINTS, person.confidence, strict=True))
        assert (sure["nose"], sure["left_eye"]) == (0.0, 0.9), name


def test_names_of_joints_are_forgiving_in_our_own_files(tmp_path):
    write(tmp_path / "a.json", {"people": [{"keypoints": {"Left Shoulder": [1, 2], "r-knee": [3, 4], "tail": [5, 6]}}]})
    (tmp_path / "b.csv").write_text("joint,x,y\nLeft Shoulder,1,2\nRKnee,3,4\ntail,5,6\n")
    for name in ("a.json", "b.csv"):
        people = read_people(tmp_path / name)
        seen = {joint for joint, sure in zip(CANONICAL_JOINTS, people[0].confidence, strict=True) if sure}
        assert seen == {"left_shoulder", "right_knee"}, name
        assert len(people.problems) == 1
        assert "tail" in people.problems[0]


def _folder(path, good, broken):
    path.mkdir()
    for number in range(50):
        (path / f"{number:03}_keypoints.json").write_text(good if number < 25 else broken)
    return path


def many(tmp_path):
    """Files in which the same is wrong 50 times or more, each with the number of lines that it is worth."""
    people = [{"image": f"{place}.jpg", "keypoints": [[1, 2, 3]] * 13} for place in range(810)]
    yield write(tmp_path / "own.json", {"people": people, "colour": 1}), 2
    (tmp_path / "names.csv").write_text("image,joint,x,y\n" + "".join(f"{n}.jpg,tail{n},1,2\n" for n in range(810)))
    yield tmp_path / "names.csv", 1
    (tmp_path / "numbers.csv").write_text("image,joint,x,y\n" + "".join(f"{n}.jpg,nose,a{n},2\n" for n in range(810)))
    yield tmp_path / "numbers.csv", 1
    bad = json.dumps({"people": [{"pose_keypoints_2d": [5.0] * 39}]})
    yield _folder(tmp_path / "openpose", bad, '{"people": ['), 2
    bad = json.dumps({"filename": "a.jpg", "annots": [{"keypoints": [[1, 2, 3]] * 13}]})
    yield _folder(tmp_path / "easymocap", bad, '{"annots": ['), 2
    value = {"x": 1.0, "y": 2.0}
    points = [
        {
            "type": "keypointlabels",
            "original_width": 64,
            "original_height": 48,
            "value": value | {"keypointlabels": [f"n{n}"]},
        }
        for n in range(50)
    ]
    yield write(tmp_path / "labels.json", [{"data": {"img": "a.jpg"}, "annotations": [{"result": points}]}]), 1


def test_the_same_problem_is_one_line_of_a_file(tmp_path):
    for path, lines in many(tmp_path):
        problems = read_people(path).problems
        assert len(problems) == lines, (path.name, problems[:4])
        assert any(" more" in line for line in problems)


SPELLINGS = {
    "right_shoulder": (
        "rshoulder",
        "rsho",
        "RSHO",
        "rightshoulder",
        "RightShoulder",
        "shoulder.R",
        "3. right shoulder",
    ),
    "left_big_toe": ("lbigtoe", "LBigToe", "leftbigtoe", "left_foot_index"),
    "right_ear": ("rear", "REar", "ear-right"),
    "left_hip": ("lhip", "LeftUpLeg", "lupleg"),
    "pelvis": ("pelv", "SpineBase", "mid hip", "root (pelvis)"),
    "thorax": ("thrx", "SpineShoulder"),
}


@pytest.mark.parametrize("joint", SPELLINGS)
def test_names_without_anything_between_side_and_joint(joint):
    for name in SPELLINGS[joint]:
        assert joints_of_names([name, "left_ankle"]).joints[0] == joint, name
    assert joints_of_names(["linear", "learn", "restless", "face-1"]).known == 0


def test_human36ms_nose_is_its_chin():
    sides = ["hip", "knee", "ankle", "shoulder", "elbow", "wrist"]
    body = [f"{side}{part}" for side in "RL" for part in sides]
    for middle in (["root", "belly", "neck", "nose", "head"], ["Pelvis", "Torso", "Neck", "Nose", "Head"]):
        found = joints_of_names([*middle, *body])
        assert found.joints[:5] == ("pelvis", "spine", "neck", "jaw", "head_top")
        with_eyes = joints_of_names([*middle, *body, "left_eye"])
        assert with_eyes.joints[3] == "nose"


@pytest.mark.parametrize("under", [None, "frames"])
def test_mediapipes_frames_are_no_crowd(under, tmp_path):
    """Landmarks saved frame by frame are of as many images, not people of one."""
    frames = [
        {"frame": number, "landmarks": [landmarks("visibility")] * people}
        for number, people in ((3, 1), (4, 2), (5, 0))
    ]
    frames.append({"frame": 6, "landmarks": None})
    content = (
        {"frames": frames, "width": 640, "height": 480}
        if under
        else [one | {"width": 640, "height": 480} for one in frames]
    )
    people = read_people(write(tmp_path / "clip.json", content))
    assert [(str(one.image), one.person_id) for one in people] == [
        ("clip_000003", "0"), ("clip_000004", "0"), ("clip_000004", "1")
    ]  # fmt: skip
    assert people[0].image_size == (640, 480)
    np.testing.assert_allclose(people[2].keypoints[CANONICAL_JOINTS.index("nose")], XY[0])
    named = [{"image": "a.jpg", "width": 64, "height": 48, "pose_landmarks": landmarks("visibility")}]
    (person,) = read_people(write(tmp_path / "named.json", named))
    assert (str(person.image), person.image_size) == ("a.jpg", (64, 48))


def moved(landmarks, by):
    return [one | {"x": one["x"] + by} for one in landmarks]


def frames_of(people):
    return [str(person.image) for person in people]


@pytest.mark.parametrize("layout", ["results", "older", "lists", "bare", "timed", "frames", "keyed", "said"])
def test_mediapipes_frames_need_no_numbers(layout, tmp_path):
    """Results of a video one after the other, as its API describes them, saved as they come; nobody in the second."""
    seen = [landmarks("visibility"), None, moved(landmarks("visibility"), 0.01)]
    content = {
        "results": [{"landmarks": [one] if one else [], "worldLandmarks": []} for one in seen],
        "older": [{"pose_landmarks": {"landmark": one} if one else None} for one in seen],
        "lists": [[one] if one else [] for one in seen],
        "bare": seen,
        "timed": [{"timestamp_ms": 33 * place, "landmarks": one} for place, one in enumerate(seen)],
        "frames": {"frames": [one for one in seen if one], "fps": 30},
        "keyed": {str(place): one for place, one in enumerate(seen)},
        "said": [{"frame": place, "id": 1, "landmarks": one} for place, one in enumerate(seen)],
    }[layout]
    people = read_people(write(tmp_path / "clip.json", content), image_size=(640, 480))
    numbers = {"frames": (1, 2), "keyed": (0, 2), "said": (0, 2)}.get(layout, (1, 3))  # whose first is 0 or 1
    assert frames_of(people) == [f"clip_{number:06d}" for number in numbers]
    assert people[0].image_size == (640, 480)
    np.testing.assert_allclose(people[0].keypoints[CANONICAL_JOINTS.index("nose")], XY[0])
    told = [line for line in people.problems if "one after the other" in line]
    assert len(told) == (layout not in ("keyed", "said"))


@pytest.mark.parametrize(("said", "numbers"), [(("3", "5"), (3, 5)), ((3.0, 5.0), (3, 5)), ((True, 2.5), (1, 2))])
def test_mediapipes_frames_may_be_called_as_tables_call_them(said, numbers, tmp_path):
    """Texts and whole fractions were no numbers: frame 3 became the first, "its entries say no frame"."""
    content = [{"frame": number, "landmarks": landmarks("visibility")} for number in said]
    people = read_people(write(tmp_path / "clip.json", content), image_size=(640, 480))
    assert frames_of(people) == [f"clip_{number:06d}" for number in numbers]


def test_an_entry_without_a_number_is_in_no_others_frame(tmp_path):
    """It was by its place a second person of the frame of that number."""
    one = landmarks("visibility")
    content = [{"frame": 2, "landmarks": one}, {"landmarks": one}, {"landmarks": []}, {"frame": 4, "landmarks": one}]
    people = read_people(write(tmp_path / "clip.json", content), image_size=(640, 480))
    assert frames_of(people) == ["clip_000002", "clip_000004"]
    (told,) = people.problems
    assert "entry 1: says neither frame nor image, as others do: give it one; this frame is left out" in told


@pytest.mark.parametrize("content", [{"pose_landmarks": []}, {"frames": [{"frame": 0, "landmarks": []}]}])
def test_landmarks_of_nobody_are_of_no_other_format(content, tmp_path):
    people = read_people(write(tmp_path / "a.json", content))
    assert (len(people), people.problems) == (0, ())


def test_lists_of_landmarks_are_frames_where_they_follow_each_other_else_people_and_that_is_asked(tmp_path):
    one = landmarks("visibility")
    near = write(tmp_path / "clip.json", [moved(one, 0.01 * place) for place in range(4)])
    assert frames_of(read_people(near, image_size=(640, 480))) == [f"clip_{number:06d}" for number in range(1, 5)]
    apart = write(tmp_path / "crowd.json", [moved(one, 0.3 * place) for place in range(4)])
    people = read_people(apart, image_size=(640, 480))
    assert frames_of(people) == ["crowd"] * 4
    (asked,) = people.problems
    assert "4 lists of landmarks that say neither frame nor image are taken for people of one image" in asked
    assert '{"frame": NUMBER' in asked
    result = write(tmp_path / "photo.json", {"pose_landmarks": [one, moved(one, 0.01)]})  # which says that it is one
    found = read_people(result, image_size=(640, 480))
    assert (frames_of(found), found.problems) == (["photo"] * 2, ())


def test_landmarks_beside_an_image_are_of_it(tmp_path):
    one = landmarks("visibility")
    Image.new("RGB", (640, 480)).save(tmp_path / "a.png")
    for content in ([one, one], [{"landmarks": one}, {"landmarks": one}], [{"id": 1, "landmarks": one}] * 2):
        people = read_people(write(tmp_path / "a.json", content))
        assert (frames_of(people), people.problems) == (["a.png"] * 2, ())
    people = read_people(write(tmp_path / "b.json", [{"id": 1, "landmarks": one}] * 2), image_size=(640, 480))
    assert frames_of(people) == ["b"] * 2


@pytest.mark.parametrize("content", [{"0": [1, 2]}, [[]], [None], {"frames": [{"landmarks": 3}]}, {"frames": {}}])
def test_other_lists_are_none_of_mediapipes(content, tmp_path):
    with pytest.raises(ValueError, match="another format"):
        read_people(write(tmp_path / "a.json", content))


@pytest.mark.parametrize(("key", "left"), [("keypoint_scores", 0), ("scores", 1)])
def test_confidences_of_another_number_are_not_passed_over(key, left, tmp_path):
    people = read_people(write(tmp_path / "a.json", [{"image_id": "a.jpg", "keypoints": XY[:17], key: [0.2] * 16}]))
    assert len(people) == left
    assert len(people.problems) == 1
    assert key in people.problems[0]


def test_mmpose_scores_of_another_number_leave_the_person_out(tmp_path):
    content = [
        {"keypoints": XY[:17], "keypoint_scores": [0.3] * 17},
        {"keypoints": XY[:17], "keypoint_scores": [[0.3]]},
    ]
    people = read_people(write(tmp_path / "a.json", content))
    assert len(people) == 1
    assert "keypoint_scores: expected 17, one a keypoint, got 1" in people.problems[0]
