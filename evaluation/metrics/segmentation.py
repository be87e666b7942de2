"""Comparing masks."""

from __future__ import annotations

import numpy as np


def intersection_over_union(predicted: np.ndarray, target: np.ndarray) -> float:
    """Foreground intersection over union (Jaccard index) of two masks.

    Args:
        predicted, target: (H, W) bool.
    Returns:
        In [0, 1]; 1 where both are empty.
    Raises:
        ValueError: the masks differ in size.
    """
    if predicted.shape != target.shape:
        raise ValueError(f"masks differ in size: predicted {predicted.shape}, target {target.shape}")
    union = np.count_nonzero(predicted | target)
    return np.count_nonzero(predicted & target) / union if union else 1.0
