import numpy as np
import pytest

from anchorfit.evaluation.metrics.segmentation import intersection_over_union


def test_known_answer():
    first, second = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    first[:, :2] = True  # 8 pixels
    second[:, 1:3] = True  # 8 pixels, 4 of them shared
    assert intersection_over_union(first, second) == 4 / 12
    assert intersection_over_union(first, first) == 1.0


def test_two_empty_masks_agree():
    assert intersection_over_union(np.zeros((2, 3), bool), np.zeros((2, 3), bool)) == 1.0


def test_sizes_must_match():
    with pytest.raises(ValueError, match="differ in size"):
        intersection_over_union(np.zeros((2, 3), bool), np.zeros((3, 2), bool))
