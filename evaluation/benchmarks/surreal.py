"""SURREAL's test videos of Human3.6M's people (Table 3 of Pavlakos et al. 2018)."""

from __future__ import annotations

from ..datasets.surreal import open_surreal
from ..published import SURREAL_ROWS
from .benchmark import BenchmarkSet, OpenedSet, SetOptions, data_keys


def _open(wanted: SetOptions) -> OpenedSet:
    dataset = open_surreal(wanted.root, wanted.gender)
    return OpenedSet(dataset=dataset, keys=data_keys(dataset))


BENCHMARK = BenchmarkSet(
    name="surreal",
    about="Per-vertex error on SURREAL's test videos (Table 3), the people of one --gender with its --body.",
    open=_open,
    options=("gender",),
    required=("gender",),
    published=SURREAL_ROWS,
)
