"""Detected people against annotated ones."""

from dataclasses import replace

import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.evaluation.detection import compare_detections, correct_joints, match_detections
from anchorfit.observations import read_people

PEOPLE = [
    person for person in read_people(ASSETS / "demo" / "person_keypoints.json") if (person.confidence > 0).sum() > 9
]
TABLE = [person for person in PEOPLE if str(person.image) == "000000000790.jpg"]


def test_perfect_detections_in_another_order():
    detected = TABLE[::-1]
    assert match_detections(detected, TABLE) == [3, 2, 1, 0]
    for row, person in zip(compare_detections(detected, TABLE), TABLE, strict=True):
        assert row.correct == row.joints == (person.confidence > 0).sum()
        assert row.mask_iou == 1


def test_a_missed_person_counts_with_all_its_joints_wrong():
    rows = compare_detections(TABLE[:1], TABLE[:2])
    assert rows[1].detection is None
    assert rows[1].correct == 0
    assert rows[1].joints == (TABLE[1].confidence > 0).sum()
    assert compare_detections([], TABLE[:1])[0].mask_iou is None


def test_a_detection_is_one_person_at_most():
    assert match_detections([TABLE[0]], [TABLE[0], replace(TABLE[0], person_id="again")]) in ([0, None], [None, 0])


@pytest.mark.parametrize(("share", "right"), [(0.19, True), (0.21, False)])
def test_pck_is_relative_to_the_torso(share, right):
    skier = PEOPLE[-1]
    from anchorfit.body.joint_sets import CANONICAL_JOINTS

    pairs = (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip"))
    ends = [[skier.keypoints[CANONICAL_JOINTS.index(name)] for name in pair] for pair in pairs]
    torso = max(np.linalg.norm(first - second) for first, second in ends)
    shifted = replace(skier, keypoints=skier.keypoints + np.array([share * torso, 0]))
    assert (correct_joints(shifted, skier) == right).all()
