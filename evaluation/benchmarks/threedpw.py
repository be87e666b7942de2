"""3DPW's test set."""

from __future__ import annotations

from ..datasets.threedpw import open_threedpw
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, by_regressor


def _open(wanted: SetOptions) -> OpenedSet:
    return by_regressor(open_threedpw(wanted.root, wanted.gender), wanted.joint_regressor, wanted.body)


BENCHMARK = BenchmarkSet(
    name="3dpw",
    about="Per-vertex and joint errors on 3DPW's test set, the people of one --gender with its --body.",
    open=_open,
    options=("gender", "joint_regressor"),
    required=("gender",),
)
