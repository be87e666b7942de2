"""BEDLAM (Black et al. 2023): synthetic people, in SMPL's labels."""

from __future__ import annotations

from ..datasets.bedlam import open_bedlam
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, by_regressor


def _open(wanted: SetOptions) -> OpenedSet:
    return by_regressor(open_bedlam(wanted.root), wanted.joint_regressor, wanted.body)


BENCHMARK = BenchmarkSet(
    name="bedlam",
    about="Per-vertex and joint errors on BEDLAM's processed labels of SMPL, with SMPL's neutral --body.",
    open=_open,
    options=("joint_regressor",),
)
