"""Where left and right change from one joint of a limb to the next, and what that is called."""

import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, LANDMARKS, SMPL_JOINTS
from anchorfit.body.kinematics import compiled_points
from anchorfit.points.sides import LEVELS, hypotheses, levels_of, other_side, other_sides, side_changes, words

JOINTS = ("shoulder", "hip", "knee", "ankle", "heel", "elbow", "wrist", "hand")
NAMES = tuple(f"{side}_{joint}" for joint in JOINTS for side in ("left", "right"))


def standing(body):
    return compiled_points(body, NAMES).points(body.layout.zeros(1, body.v_template))


def exchanged(points, *joints):
    moves = [places[own] if NAMES[own].split("_")[1] in joints else own for own in range(len(NAMES))]
    return points[:, moves]


places = other_sides(NAMES)


def state(*levels):
    return tuple(name in levels for name in LEVELS)


def test_every_point_with_a_side_has_a_level():
    for names in (
        CANONICAL_JOINTS,
        [f"joint:{name}" for name in SMPL_JOINTS],
        [f"landmark:{name}" for name in LANDMARKS],
    ):
        assert [level >= 0 for level in levels_of(names)] == [other_side(name) != name for name in names]


@pytest.mark.parametrize(
    ("joints", "told"),
    [
        ((), None),
        (("ankle", "heel"), "shanks"),
        (("heel",), "feet"),
        (("ankle",), "ankles"),
        (("knee",), "knees"),
        (("knee", "ankle", "heel"), "legs below the hips"),
        (("hip", "knee", "ankle", "heel"), "legs"),
        (("shoulder", "elbow", "wrist", "hand"), "arms"),
        (("wrist", "hand", "heel"), "feet and hands"),
        (("elbow",), "elbows"),
    ],
)
def test_what_is_exchanged_is_among_the_hypotheses(body, joints, told):
    found = side_changes(NAMES, exchanged(standing(body), *joints), torch.ones(1, len(NAMES)))
    tried = [words(one, NAMES) for one in hypotheses(found.here[0].tolist(), found.inner[0].tolist())]
    assert (told in tried) if told else not tried


def test_one_side_or_a_level_farther_in_is_enough(body):
    points = exchanged(standing(body), "ankle", "heel")
    for missing in (("left_ankle",), ("left_knee",), ("left_ankle", "right_heel"), ("left_knee", "right_hip")):
        seen = torch.tensor([[float(name not in missing) for name in NAMES]])
        for given, some in ((points, True), (standing(body), False)):
            found = side_changes(NAMES, given.where(seen[..., None] > 0, 99.0), seen)
            assert bool(found.here[0, LEVELS.index("ankles")] | found.here[0, LEVELS.index("feet")]) is some
            assert bool(found.here.any()) is some


def test_without_a_trunk_nothing_is_told(body):
    seen = torch.tensor([[float("shoulder" not in name and "hip" not in name) for name in NAMES]])
    found = side_changes(NAMES, exchanged(standing(body), "elbow"), seen)
    assert int(found.inner[0, LEVELS.index("knees")]) == -1
    assert found.here[0].nonzero()[:, 0].tolist() == [LEVELS.index("wrists")]


def test_levels_that_points_lack_are_no_part_of_the_words():
    coco = tuple(name for name in NAMES if "heel" not in name and "hand" not in name)
    assert words(state("ankles", "feet"), coco) == "shanks"
    assert words(state("wrists", "hands"), coco) == "hands"
    assert words(state("feet"), coco) == ""
    assert words(state("hips", "feet"), NAMES) == "hips and feet"
    assert words(state("hands"), NAMES) == "hands beyond the wrists"


def test_a_batch_is_its_rows_and_a_mirror_image_turns_where_the_body_does(body, truth):
    points = exchanged(compiled_points(body, NAMES).points(truth), "ankle")
    seen = (torch.rand(points.shape[:2], generator=torch.Generator().manual_seed(0)) > 0.3).float()
    found = side_changes(NAMES, points, seen)
    for row in range(len(points)):
        one = side_changes(NAMES, points[row : row + 1], seen[row : row + 1])
        assert torch.equal(one.here[0], found.here[row])
        assert torch.equal(one.inner[0], found.inner[row])
    image = side_changes(NAMES, points[:, places] * torch.tensor([-1.0, 1.0, 1.0]), seen[:, places])
    assert torch.equal(image.here, found.here)
