"""A SPIN-style npz as truth."""

from __future__ import annotations

from dataclasses import replace

from ..datasets.spin import open_spin
from ..summary import POSE
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, by_regressor


def _open(wanted: SetOptions) -> OpenedSet:
    dataset = replace(open_spin(wanted.root, wanted.gender), truth_alone=wanted.truth_alone)
    opened = by_regressor(dataset, wanted.joint_regressor, wanted.body)
    return replace(opened, columns=POSE) if dataset.joints_alone else replace(opened, smpl=True)


BENCHMARK = BenchmarkSet(
    name="spin",
    about="Joint or per-vertex errors on a data set in a SPIN-style npz, which --root names.",
    open=_open,
    options=("gender", "joint_regressor"),
    smpl=False,
    true_cameras=False,
)
