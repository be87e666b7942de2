"""Human3.6M, frontal camera (Table 4 of Pavlakos et al. 2018)."""

from __future__ import annotations

from dataclasses import replace

from ..datasets.human36m import open_human36m
from ..published import HUMAN36M_ROWS
from ..summary import POSE
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, by_regressor


def _open(wanted: SetOptions) -> OpenedSet:
    dataset = open_human36m(wanted.root, truth_alone=wanted.truth_alone)
    return replace(by_regressor(dataset, wanted.joint_regressor, wanted.body), columns=POSE)


BENCHMARK = BenchmarkSet(
    name="h36m",
    about="Reconstruction error on Human3.6M, frontal camera (Table 4).",
    open=_open,
    options=("joint_regressor",),
    published=HUMAN36M_ROWS,
    true_cameras=False,
    smpl=False,
    bodies=False,
)
