"""Every keypoint format of other programs from a file in its layout, written here from its public description.

Orders of keypoints are written out anew: what the package says of them is not asked.
"""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations import read_people
from anchorfit.observations.reading import KeypointFileError

SIZE = (640, 480)
AT = {name: (40.0 + 17 * place, 30.0 + 13 * place) for place, name in enumerate(CANONICAL_JOINTS)}
"""Where joints are, in pixels of the files; the same whatever the file."""

SIDES = [
    f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
]
HEAD = ["nose", "left_eye", "right_eye", "left_ear", "right_ear"]
COCO = [*HEAD, *SIDES]
ARMS = ["right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"]
LEGS = ["right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"]
EYES = ["right_eye", "left_eye", "right_ear", "left_ear"]
TOES = ["left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"]
BODY_25 = ["nose", "thorax", *ARMS, "pelvis", *LEGS, *EYES, *TOES]
COCO_18 = ["nose", "thorax", *ARMS, *LEGS, *EYES]
MPI = ["head_top", "neck", *ARMS, *LEGS, "?"]
MPII = [
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax"),
    *("neck", "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
]
HALPE = [
    *(*COCO, "head_top", "thorax", "pelvis", "left_big_toe", "right_big_toe"),
    *("left_small_toe", "right_small_toe", "left_heel", "right_heel"),
]
BLAZE = ["?"] * 33
for _place, _name in {0: "nose", 2: "left_eye", 5: "right_eye", 7: "left_ear", 8: "right_ear"}.items():
    BLAZE[_place] = _name
BLAZE[11:17], BLAZE[23:29] = SIDES[:6], SIDES[6:]
BLAZE[29:33] = ["left_heel", "right_heel", "left_big_toe", "right_big_toe"]


def triples(order, sure=0.75):
    """[x, y, confidence] in that order; what the body does not have is somewhere."""
    return [[*AT.get(name, (300.0, 200.0)), sure] for name in order]


def flat(order, sure=0.75):
    return [number for row in triples(order, sure) for number in row]


def shares(order, sure=0.75):
    return [[x / SIZE[0], y / SIZE[1], sure] for x, y, sure in triples(order, sure)]


def dump(path, content):
    path.write_text(json.dumps(content))
    return path


def image_of(path):
    cv2.imwrite(str(path), np.zeros((SIZE[1], SIZE[0], 3), dtype=np.uint8))


def alphapose_list(folder, order=COCO):
    entry = {
        "image_id": "a.jpg",
        "category_id": 1,
        "keypoints": flat(order),
        "score": 2.9,
        "box": [1, 2, 30, 40],
        "idx": [0],
    }
    return dump(folder / "alphapose-results.json", [entry])


def alphapose_cmu(folder):
    return dump(folder / "r.json", {"a.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": flat(COCO_18)}]}})


def alphapose_open(folder):
    people = [{"pose_keypoints_2d": flat(COCO_18)}]
    return dump(folder / "r.json", {"a.jpg": {"version": "AlphaPose v0.3", "people": people}})


def alphapose_apart(folder):
    return dump(folder / "a.json", {"version": "AlphaPose v0.3", "bodies": [{"joints": flat(COCO_18)}]})


def coco(order, names=None, **more):
    def write(folder):
        entry = {"id": 7, "image_id": 3, "category_id": 1, "iscrowd": 0, "keypoints": flat(order, 2), **more}
        category = {"id": 1, "name": "person"} | ({"keypoints": names} if names else {})
        image = {"id": 3, "file_name": "a.jpg", "width": SIZE[0], "height": SIZE[1]}
        return dump(folder / "a.json", {"images": [image], "annotations": [entry], "categories": [category]})

    return write


def wholebody_beside(folder):
    """COCO-WholeBody's own annotations: the feet under foot_kpts, beside face_kpts and the hands'."""
    more = {
        "foot_kpts": flat(TOES, 2),
        "face_kpts": [0.0] * 204,
        "lefthand_kpts": [0.0] * 63,
        "righthand_kpts": [0.0] * 63,
    }
    return coco(COCO, COCO, **more)(folder)


def openpose(order, key="pose_keypoints_2d"):
    def write(folder):
        return dump(folder / "a_keypoints.json", {"version": 1.3, "people": [{"person_id": [-1], key: flat(order)}]})

    return write


def pose2sim(folder):
    """A folder a camera, a file a frame, as Pose2Sim's pose estimation has them."""
    (folder / "pose" / "cam01_json").mkdir(parents=True)
    person = {"person_id": [-1], "pose_keypoints_2d": flat(HALPE), "face_keypoints_2d": []}
    dump(folder / "pose" / "cam01_json" / "cam01_000000.json", {"version": 1.3, "people": [person]})
    return folder / "pose"


def mmpose_demo(folder):
    table = {str(place): name for place, name in enumerate(COCO)}
    person = {"keypoints": [row[:2] for row in triples(COCO)], "keypoint_scores": [0.75] * 17}
    place = {"bbox": [[1.0, 2.0, 30.0, 40.0]], "bbox_score": 0.5}
    meta = {"dataset_name": "coco", "num_keypoints": 17, "keypoint_id2name": table}
    return dump(folder / "results_a.json", {"meta_info": meta, "instance_info": [person | place]})


def mmpose_inferencer(folder):
    person = {"keypoints": [row[:2] for row in triples(HALPE)], "keypoint_scores": [0.75] * 26}
    return dump(folder / "a.json", [person | {"bbox": [[1.0, 2.0, 30.0, 40.0]], "bbox_score": 0.5}])


def mmpose_frames(folder):
    person = {"keypoints": [row[:2] for row in triples(COCO)], "keypoint_scores": [0.75] * 17}
    return dump(folder / "a.json", [{"frame_id": 0, "instances": [person]}])


def rtmlib(order):
    def write(folder):
        rows = np.array(triples(order))[None]
        np.savez(folder / "a.npz", keypoints=rows[..., :2], scores=rows[..., 2])
        return folder / "a.npz"

    return write


def ultralytics(folder):
    x, y, sure = np.array(triples(COCO)).T.tolist()
    box = {"x1": 1.0, "y1": 2.0, "x2": 30.0, "y2": 40.0}
    person = {
        "name": "person",
        "class": 0,
        "confidence": 0.9,
        "box": box,
        "keypoints": {"x": x, "y": y, "visible": sure},
    }
    return dump(folder / "a.json", [person])


def yolo(folder):
    (folder / "labels").mkdir()
    (folder / "images").mkdir()
    image_of(folder / "images" / "a.png")
    numbers = [0, 0.5, 0.5, 0.25, 0.25, *(number for row in shares(COCO, 2) for number in row)]
    (folder / "labels" / "a.txt").write_text(" ".join(map(repr, numbers)) + "\n")
    return folder / "labels"


def mediapipe(folder):
    landmarks = [{"x": x, "y": y, "z": 0.1, "visibility": sure} for x, y, sure in shares(BLAZE)]
    return dump(folder / "a.json", {"width": SIZE[0], "height": SIZE[1], "pose_landmarks": [landmarks]})


def easymocap(folder):
    (folder / "annots").mkdir()
    person = {"personID": 0, "bbox": [1.0, 2.0, 30.0, 40.0, 0.9], "keypoints": triples(BODY_25), "isKeyframe": False}
    content = {"filename": "images/a.jpg", "height": SIZE[1], "width": SIZE[0], "annots": [person], "isKeyframe": False}
    dump(folder / "annots" / "a.json", content)
    return folder / "annots"


def label_studio(folder):
    def point(name, x, y):
        value = {"x": 100 * x, "y": 100 * y, "width": 0.3, "keypointlabels": [name]}
        return {"type": "keypointlabels", "original_width": SIZE[0], "original_height": SIZE[1], "value": value}

    points = [point(name.replace("_", " ").title(), *row[:2]) for name, row in zip(COCO, shares(COCO), strict=True)]
    task = {"id": 1, "data": {"img": "/data/upload/1/1a2b3c4d-a.jpg"}, "annotations": [{"result": points}]}
    return dump(folder / "a.json", [task])


def mpii_lists(folder):
    joints = [row[:2] for row in triples(MPII)]
    return dump(
        folder / "train.json",
        [{"image": "a.jpg", "joints": joints, "joints_vis": [1] * 16, "center": [594.0, 257.0], "scale": 3.0}],
    )


def mpii_release(folder):
    points = np.zeros(16, dtype=[("id", "O"), ("x", "O"), ("y", "O"), ("is_visible", "O")])
    for place, (x, y, _) in enumerate(triples(MPII)):
        points[place] = (place, x, y, 1)
    person = {"annopoints": {"point": points}, "scale": 2.0, "objpos": {"x": 300.0, "y": 200.0}}
    release = {"annolist": {"image": {"name": "a.jpg"}, "annorect": person}, "img_train": 1}
    savemat(folder / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    return folder / "mpii_human_pose_v1_u12_1.mat"


def nested(folder):
    """COCO's results with triples in place of a flat list."""
    return dump(folder / "a.json", [{"image_id": "a.jpg", "category_id": 1, "score": 0.9, "keypoints": triples(COCO)}])


WHOLEBODY = [*COCO, *TOES, *["?"] * 110]
CROWD = [*SIDES, "head_top", "neck"]
CROWD_NAMES = [*SIDES, "head", "neck"]
H36M = ["root", *LEGS[:3], *LEGS[3:], "spine", "thorax", "neck_base", "head", *ARMS[3:], *ARMS[:3]]
H36M_IS = ["pelvis", *LEGS, "spine", "neck", "jaw", "head_top", *ARMS[3:], *ARMS[:3]]
POSETRACK = ["nose", "head_bottom", "head_top", "left_ear", "right_ear", *SIDES]
POSETRACK_IS = ["nose", "neck", "head_top", "left_ear", "right_ear", *SIDES]
AIC_NAMES = [name.replace("_", " ").capitalize() for name in (*ARMS, *LEGS, "Head top", "Neck")]

CASES = {
    "coco": (coco(COCO, COCO), COCO, 0.5),
    "coco without names": (coco(COCO), COCO, 0.5),
    "coco with triples": (nested, COCO, 0.5),
    "crowdpose": (coco(CROWD, CROWD_NAMES), CROWD, 0.5),
    "aic": (coco([*ARMS, *LEGS, "head_top", "neck"], AIC_NAMES), [*ARMS, *LEGS, "head_top", "neck"], 0.5),
    "posetrack": (coco(POSETRACK_IS, POSETRACK), POSETRACK_IS, 0.5),
    "human3.6m": (coco(H36M_IS, H36M), H36M_IS, 0.5),
    "openpose's 18 by name": (coco(COCO_18, ["nose", "neck", *COCO_18[2:]]), COCO_18, 0.5),
    "halpe-26": (coco(HALPE), HALPE, 0.5),
    "halpe-136": (coco([*HALPE, *["?"] * 110]), HALPE, 0.5),
    "wholebody-133": (coco(WHOLEBODY), [*COCO, *TOES], 0.5),
    "wholebody's own": (wholebody_beside, [*COCO, *TOES], 0.5),
    "alphapose": (alphapose_list, COCO, 0.5),
    "alphapose, halpe-26": (lambda folder: alphapose_list(folder, HALPE), HALPE, 0.5),
    "alphapose, halpe-136": (lambda folder: alphapose_list(folder, [*HALPE, *["?"] * 110]), HALPE, 0.5),
    "alphapose, cmu": (alphapose_cmu, COCO_18, 0.0),
    "alphapose, open": (alphapose_open, COCO_18, 0.0),
    "alphapose, a file an image": (alphapose_apart, COCO_18, 0.0),
    "openpose": (openpose(BODY_25), BODY_25, 0.0),
    "openpose, mpi-15": (openpose(MPI), MPI, 0.0),
    "pose2sim": (pose2sim, HALPE, 0.0),
    "mmpose's demo": (mmpose_demo, COCO, 0.5),
    "mmpose's inferencer": (mmpose_inferencer, HALPE, 0.5),
    "mmpose's inferencer, frames": (mmpose_frames, COCO, 0.5),
    "rtmlib": (rtmlib(COCO), COCO, 0.0),
    "dwpose": (rtmlib(WHOLEBODY), [*COCO, *TOES], 0.0),
    "ultralytics": (ultralytics, COCO, 0.0),
    "yolo": (yolo, COCO, 0.0),
    "mediapipe": (mediapipe, BLAZE, 0.0),
    "easymocap": (easymocap, BODY_25, 0.0),
    "label studio": (label_studio, COCO, 0.0),
    "mpii, lists": (mpii_lists, MPII, -0.5),
    "mpii, release": (mpii_release, MPII, -0.5),
}


@pytest.mark.parametrize("case", CASES)
def test_every_joint_is_where_the_file_says(case, tmp_path):
    write, order, shift = CASES[case]
    people = read_people(write(tmp_path))
    assert len(people) == 1
    (person,) = people
    seen = {name for name, sure in zip(CANONICAL_JOINTS, person.confidence, strict=True) if sure > 0}
    assert seen == {name for name in order if name != "?"}
    for place, name in enumerate(CANONICAL_JOINTS):
        if name in seen:
            assert person.keypoints[place] == pytest.approx(np.array(AT[name]) + shift, abs=1e-6), name
            assert person.confidence[place] in (0.75, 1.0)


FIXED = ("label studio", "mpii, release")  # names in the file decide, whatever is said


@pytest.mark.parametrize("case", [case for case in CASES if case not in FIXED])
def test_the_convention_that_is_said_goes_first(case, tmp_path):
    """The keypoints are taken for another order of the same number, or their number does not fit, which is said."""
    write, *_ = CASES[case]
    path = write(tmp_path)
    if path.suffix == ".npz":
        with pytest.raises(KeypointFileError, match=rf"expected \(..., {len(CANONICAL_JOINTS)}, 2\)"):
            read_people(path, convention="canonical")
        return
    people = read_people(path, convention="canonical")
    assert not len(people)
    assert "expected" in " ".join(people.problems)


@pytest.mark.parametrize("case", FIXED)
def test_a_convention_that_the_format_does_not_leave_open_is_said_not_to_be_used(case, tmp_path):
    write, order, _ = CASES[case]
    path = write(tmp_path)
    (person,), problems = read_people(path).people, read_people(path, convention="body25").problems
    assert len(problems) == 1
    assert "body25 is not used" in problems[0]
    assert (person.confidence > 0).sum() == sum(name != "?" for name in order)
    with pytest.raises(ValueError, match="convention: expected one of"):
        read_people(path, convention="of nobody")
