"""A random forest as arrays: grown by scikit-learn, read back and asked without it, and without unpickling anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressionForest:
    """T trees, their N nodes one after the other; a leaf is its own child.

    Attributes:
        roots: (T,) nodes.
        left, right: (N,) nodes: where features at most the threshold go, and the others.
        feature, threshold: (N,).
        missing_left: (N,) bool: where a feature that is NaN goes.
        leaf: (N,) row of ``values``; 0 for inner nodes.
        values: (L, D) float32.
    """

    roots: np.ndarray
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    leaf: np.ndarray
    values: np.ndarray

    @staticmethod
    def grown(features: np.ndarray, targets: np.ndarray, *, trees: int, leaf: int, seed: int) -> RegressionForest:
        """Grows it on features (B, F), NaN where missing, and targets (B, D), a third of the features at each split.

        Raises:
            ModuleNotFoundError: scikit-learn is not installed.
        """
        try:
            from sklearn.ensemble import RandomForestRegressor
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "the forests need scikit-learn: pip install scikit-learn", name="sklearn"
            ) from error
        forest = RandomForestRegressor(
            n_estimators=trees, min_samples_leaf=leaf, max_features=1 / 3, random_state=seed
        ).fit(features, targets[:, 0] if targets.shape[1] == 1 else targets)
        parts = [_arrays(tree.tree_) for tree in forest.estimators_]
        nodes = np.cumsum([0, *(len(part["left"]) for part in parts)])[:-1]
        leaves = np.cumsum([0, *(len(part["values"]) for part in parts)])[:-1]
        for part, node, row in zip(parts, nodes, leaves, strict=True):
            part["left"], part["right"], part["leaf"] = part["left"] + node, part["right"] + node, part["leaf"] + row
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        for name in ("left", "right", "leaf", "feature"):
            joined[name] = joined[name].astype(np.int32)
        return RegressionForest(roots=nodes.astype(np.int32), **joined)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(B, D) means over trees, of features (B, F) float32, NaN where missing."""
        rows = np.arange(len(features))[:, None]
        node = np.broadcast_to(self.roots, (len(features), len(self.roots)))
        while True:
            value = features[rows, self.feature[node]]
            to_left = np.where(np.isnan(value), self.missing_left[node], value <= self.threshold[node])
            below = np.where(to_left, self.left[node], self.right[node])
            if np.array_equal(below, node):
                return self.values[self.leaf[node]].mean(1, dtype=np.float64)
            node = below

    def state(self) -> dict[str, Tensor]:
        """What it is, for files."""
        return {name: torch.from_numpy(value) for name, value in asdict(self).items()}

    @staticmethod
    def restored(state: Mapping[str, Tensor]) -> RegressionForest:
        """The inverse of `state`."""
        return RegressionForest(**{name: value.numpy() for name, value in state.items()})


def _arrays(tree: object) -> dict[str, np.ndarray]:
    """One of scikit-learn's trees, by our names."""
    left, right, feature, threshold, missing_left, values = (
        np.asarray(getattr(tree, name))
        for name in ("children_left", "children_right", "feature", "threshold", "missing_go_to_left", "value")
    )
    own = np.arange(len(left))
    ends = left < 0
    return {
        "left": np.where(ends, own, left),
        "right": np.where(ends, own, right),
        "feature": np.where(ends, 0, feature),
        "threshold": threshold,
        "missing_left": missing_left.astype(bool),
        "leaf": np.where(ends, np.cumsum(ends) - 1, 0),
        "values": values[ends, :, 0].astype(np.float32),
    }
