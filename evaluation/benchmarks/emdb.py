"""EMDB (Kaufmann et al. 2023): split emdb1, or emdb2 of long ways through the world."""

from __future__ import annotations

from ..datasets.emdb import SPLITS, open_emdb
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, by_regressor


def _open(wanted: SetOptions) -> OpenedSet:
    dataset = open_emdb(wanted.root, wanted.gender, split=wanted.split or SPLITS[0])
    return by_regressor(dataset, wanted.joint_regressor, wanted.body)


BENCHMARK = BenchmarkSet(
    name="emdb",
    about="Per-vertex and joint errors on EMDB's --split emdb1 or emdb2, the people of one --gender with its --body.",
    open=_open,
    options=("gender", "joint_regressor", "split"),
    required=("gender",),
)
