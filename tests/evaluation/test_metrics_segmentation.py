import numpy as np
import pytest
from sklearn import metrics as reference

from anchorfit.evaluation.metrics.segmentation import (
    SegmentationCounts,
    dice,
    intersection_over_union,
    mean_f1,
)


def labels(seed: int, *shape: int, also: tuple[int, ...] = ()) -> np.ndarray:
    return np.random.default_rng(seed).choice([*range(7), *also], size=shape).astype(np.uint8)


def some_counts(seed: int) -> SegmentationCounts:
    parts = labels(seed, 12, 9, also=(255,))
    return SegmentationCounts.of(labels(seed + 100, 12, 9), parts > 0, parts)


def test_known_answer():
    first, second = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    first[:, :2] = True  # 8 pixels
    second[:, 1:3] = True  # 8 pixels, 4 of them shared
    assert intersection_over_union(first, second) == 4 / 12
    assert dice(first, second) == 8 / 16
    assert dice(first.astype(np.uint8), 255 * second.astype(np.uint8)) == 8 / 16
    assert intersection_over_union(first, first) == 1.0


def test_two_empty_masks_agree():
    assert intersection_over_union(np.zeros((2, 3), bool), np.zeros((2, 3), bool)) == 1.0
    assert dice(np.zeros((2, 3), bool), np.zeros((2, 3), bool)) == 1.0


def test_sizes_must_match():
    with pytest.raises(ValueError, match="differ in size"):
        intersection_over_union(np.zeros((2, 3), bool), np.zeros((3, 2), bool))
    with pytest.raises(ValueError, match="of one size"):
        SegmentationCounts.of(labels(0, 2, 3), np.zeros((3, 2), bool), labels(0, 2, 3))


def test_masks_come_in_batches():
    first, second = labels(0, 5, 8, 8) > 3, labels(1, 5, 8, 8) > 3
    rows = [intersection_over_union(a, b) for a, b in zip(first, second, strict=True)]
    np.testing.assert_array_equal(intersection_over_union(first, second), rows)


def test_the_protocol_by_hand():
    # Six pixels: two right, one ignored and taken for the head, one ignored and left alone, two parts mixed up.
    parts = np.array([[0, 1, 255, 255, 2, 3]], dtype=np.uint8)
    predicted = np.array([[0, 1, 1, 0, 3, 2]], dtype=np.uint8)
    scores = SegmentationCounts.of(predicted, parts > 0, parts).result()
    assert scores.fb_accuracy == 5 / 6  # 255 is foreground in the mask here; one such pixel was missed
    assert scores.fb_f1 == pytest.approx((2 / 3 + 8 / 9) / 2)
    assert scores.part_accuracy == 3 / 6  # background, head, and the ignored pixel that was left alone
    assert scores.part_f1 == pytest.approx((1 + 1 + 0 + 0) / 4)  # ignored pixels are nobody's false positives


def test_scikit_learn_counts_the_same():
    parts, predicted = labels(2, 40, 30, also=(255,)), labels(3, 40, 30)
    mask = labels(4, 40, 30) > 2
    scores = SegmentationCounts.of(predicted, mask, parts).result()
    flat, target, fore = predicted.ravel(), parts.ravel(), mask.ravel()
    judged = target != 255
    assert scores.fb_accuracy == pytest.approx(reference.accuracy_score(fore, flat > 0))
    assert scores.fb_f1 == pytest.approx(reference.f1_score(fore, flat > 0, average="macro"))
    assert scores.iou == pytest.approx(reference.jaccard_score(fore, flat > 0))
    assert scores.dice == pytest.approx(reference.f1_score(fore, flat > 0))
    assert scores.part_accuracy == pytest.approx(reference.accuracy_score(np.where(judged, target, 0), flat))
    assert scores.part_f1 == pytest.approx(reference.f1_score(target[judged], flat[judged], average="macro"))


def test_merging_is_associative_and_pools():
    a, b, c = (some_counts(seed) for seed in range(3))
    left, right = a.merge(b).merge(c), c.merge(b.merge(a))
    np.testing.assert_array_equal(left.vectors(), right.vectors())
    stacked = SegmentationCounts.from_vectors(np.stack([x.vectors() for x in (a, b, c)]))
    assert stacked.pooled().result() == left.result()
    np.testing.assert_array_equal(stacked.result().part_f1, [x.result().part_f1 for x in (a, b, c)])
    np.testing.assert_array_equal(SegmentationCounts.nothing().merge(a).vectors(), a.vectors())


def test_no_pixels_have_no_score():
    assert np.isnan(SegmentationCounts.nothing().result().part_f1)
    assert SegmentationCounts.nothing().result().iou == 1.0


def test_a_class_that_is_nowhere_has_no_f1():
    assert mean_f1(np.diag([5, 0, 3])) == 1.0
    assert mean_f1(np.array([[5, 0, 2], [0, 0, 0], [0, 0, 3]])) == pytest.approx((10 / 12 + 6 / 8) / 2)


@pytest.mark.parametrize("wrong", [7, 200])
def test_labels_out_of_range_are_named(wrong):
    parts = labels(0, 4, 4)
    bad = parts.copy()
    bad[1, 1] = wrong
    with pytest.raises(ValueError, match=rf"target_parts: .* 0..6 or 255; got \[{wrong}\]"):
        SegmentationCounts.of(parts, parts > 0, bad)
    with pytest.raises(ValueError, match=rf"predicted: .*got \[{wrong}\]"):
        SegmentationCounts.of(bad, parts > 0, parts)
