"""Keypoint conventions."""

from __future__ import annotations

import numpy as np
import pytest

from anchorfit.body.joint_sets import CANONICAL_JOINTS, mirrored_name
from anchorfit.observations.conventions import (
    CONVENTIONS,
    convention_by_count,
    convention_name,
    from_canonical,
    to_canonical,
)

# The mirror permutations that the data sets' own public loaders use, as an independent check of the orders.
PUBLIC_FLIPS = {
    "lsp14": [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13],
    "mpii16": [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10],
    "coco17": [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15],
    "body25": [0, 1, 5, 6, 7, 2, 3, 4, 8, 12, 13, 14, 9, 10, 11, 16, 15, 18, 17, 22, 23, 24, 19, 20, 21],
    "openpose18": [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16],
    "h36m17": [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13],
    "smpl24": [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22],
}


@pytest.mark.parametrize("name", PUBLIC_FLIPS)
def test_sizes_names_and_mirror(name):
    joints = CONVENTIONS[name]
    assert len(joints) == int(name[-2:])
    named = [joint for joint in joints if joint is not None]
    assert len(set(named)) == len(named)
    assert set(named) <= set(CANONICAL_JOINTS)
    mirrored = [None if joint is None else mirrored_name(joint) for joint in joints]
    assert [joints.index(joint) for joint in mirrored] == PUBLIC_FLIPS[name]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_round_trip_and_batch_equals_rows(name):
    joints = CONVENTIONS[name]
    generator = np.random.default_rng(0)
    keypoints, confidence = generator.uniform(0, 100, (3, len(joints), 2)), generator.uniform(0.1, 1, (3, len(joints)))
    there = to_canonical(keypoints, confidence, name)
    back = from_canonical(*there, name)
    known = np.array([joint is not None for joint in joints])
    np.testing.assert_array_equal(back.positions[:, known], keypoints[:, known])
    np.testing.assert_array_equal(back.confidence, confidence * known)
    np.testing.assert_array_equal(there.positions[1], to_canonical(keypoints[1], confidence[1], name).positions)
    assert (there.confidence > 0).sum() == 3 * known.sum()


@pytest.mark.parametrize("name", PUBLIC_FLIPS)
def test_mirroring_before_is_mirroring_after(name):
    generator = np.random.default_rng(1)
    keypoints, confidence = generator.uniform(0, 100, (len(CONVENTIONS[name]), 2)), np.ones(len(CONVENTIONS[name]))
    flipped = keypoints[PUBLIC_FLIPS[name]] * [-1, 1]
    canonical_flip = [CANONICAL_JOINTS.index(mirrored_name(joint)) for joint in CANONICAL_JOINTS]
    before = to_canonical(flipped, confidence, name)
    after = to_canonical(keypoints, confidence, name)
    np.testing.assert_array_equal(before.positions, after.positions[canonical_flip] * [-1, 1])
    np.testing.assert_array_equal(before.confidence, after.confidence[canonical_flip])


@pytest.mark.parametrize(
    ("given", "name"),
    [("LSP", "lsp14"), ("LSP-14", "lsp14"), ("BODY_25", "body25"), ("Human3.6M", "h36m17"), ("COCO", "coco17")],
)
def test_names_are_forgiving(given, name):
    assert convention_name(given) == name


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"expected one of lsp14, .*, got 'mano'"):
        convention_name("mano")


def test_convention_by_count():
    assert [convention_by_count(n) for n in (14, 16, 18, 24, 25)] == [
        "lsp14",
        "mpii16",
        "openpose18",
        "smpl24",
        "body25",
    ]
    with pytest.raises(ValueError, match="17 keypoints may be coco17 or h36m17 or posetrack17; say which"):
        convention_by_count(17)
    with pytest.raises(ValueError, match="13 keypoints fit no known convention"):
        convention_by_count(13)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"keypoints: expected \(\.\.\., 17, 2\)"):
        to_canonical(np.zeros((16, 2)), np.zeros(16), "coco")
    with pytest.raises(ValueError, match=r"confidence: expected \(17,\), got \(16,\)"):
        to_canonical(np.zeros((17, 2)), np.zeros(16), "coco")
