"""Benchmarks as they are run: whose people, under which settings, in which columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..evaluation.benchmarks import BenchmarkSet, SetOptions
from ..evaluation.protocols.bodies import BodyBenchmark
from ..evaluation.protocols.lsp_benchmark import open_lsp_benchmark
from ..evaluation.protocols.openbody import VERSION, OpenBody
from ..evaluation.protocols.runner import Benchmark
from ..evaluation.published import LSP_ROWS
from ..evaluation.records import checksum
from ..evaluation.summary import POSE, SEGMENTATION, SEGMENTATION_BESIDE, SURFACE, TIME, Column, Row, with_any_of


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What of a benchmark is run and told.

    Attributes:
        people: who.
        settings: what must be the same for records to belong together.
        columns: of the table.
        published: rows to print below ours.
        body: name or path and gender.
        parts: of the people, by name, that the table has a row for each; none: one row for all.
        masks: whether methods may be given masks.
        landmarks: whether there are 91 landmarks to give.
        labels: what results may call each person; none: results cannot take part.
        problems: a line for everything that is not as it should be.
    """

    people: Benchmark
    settings: dict[str, Any]
    columns: tuple[Column, ...]
    published: tuple[Row, ...] = ()
    body: tuple[str, str] = ("open", "neutral")
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    masks: bool = False
    landmarks: bool = False
    labels: Sequence[tuple[str, ...]] = ()
    problems: tuple[str, ...] = ()


def set_plan(one: BenchmarkSet, wanted: SetOptions) -> Plan:
    """Plan of a data set with known bodies or joints."""
    opened, body = one.open(wanted), (wanted.body, wanted.gender)
    return Plan(
        people=BodyBenchmark(
            dataset=opened.dataset,
            true_cameras=one.true_cameras,
            regressor=opened.regressor,
            landmarks=opened.landmarks,
        ),
        settings={"benchmark": one.name, "body": list(body), "true_cameras": one.true_cameras, **opened.keys},
        columns=(*opened.columns, TIME),
        published=with_any_of(one.published, opened.columns),
        parts=opened.parts,
        body=body,
        labels=opened.dataset.labels,
        problems=opened.problems,
    )


def openbody_plan(count: int, seed: int) -> Plan:
    """Synthetic people in held-out poses."""
    people = OpenBody(count=count, seed=seed)
    return Plan(
        people=people,
        settings={"benchmark": VERSION, "seed": seed},
        columns=(*SEGMENTATION, SURFACE, *POSE, TIME),
        masks=True,
        landmarks=True,
        labels=[(name,) for block in people.names for name in block],
    )


def lsp_plan(root: Path, keypoints: Path | None, joints: Path | None, body: tuple[str, str]) -> Plan:
    """LSP's test images, by segmentation (Table 5)."""
    opened = open_lsp_benchmark(root, keypoints, joints)
    people = opened.benchmark
    sums = {
        "detections": checksum([people.detections]),
        "joints": checksum([people.joints]),
        "annotations": checksum([path for image in people.images for path in (image.mask, image.parts)]),
    }
    return Plan(
        people=people,
        settings={"benchmark": "lsp", "body": list(body), **{f"sha256 of {name}": s for name, s in sums.items()}},
        columns=(*SEGMENTATION, *SEGMENTATION_BESIDE[:1], TIME),
        published=LSP_ROWS,
        body=body,
        problems=tuple(opened.problems),
    )
