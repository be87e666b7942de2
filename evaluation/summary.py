"""From records to a table: one row a method, each score with its confidence interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .marks import THRESHOLDS
from .metrics.bootstrap import Interval, bootstrap, mean_interval
from .metrics.segmentation import VECTOR_LENGTH, SegmentationCounts, SegmentationScores
from .records import ERRORS, Record


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table. ``scale`` brings a score to the unit of the heading."""

    key: str
    heading: str
    decimals: int = 1
    scale: float = 1.0
    higher_is_better: bool = False


def _percent(key: str, heading: str) -> Column:
    return Column(key=key, heading=heading, decimals=2, scale=100.0, higher_is_better=True)


SEGMENTATION = (
    _percent("fb_accuracy", "FB acc %"),
    _percent("fb_f1", "FB F1 %"),
    _percent("part_accuracy", "part acc %"),
    _percent("part_f1", "part F1 %"),
)
SEGMENTATION_BESIDE = (
    _percent("dice", "FG Dice %"),
    _percent("iou", "FG IoU %"),
    _percent("fb_accuracy_each", "FB acc % an image"),
    _percent("fb_f1_each", "FB F1 % an image"),
    _percent("part_accuracy_each", "part acc % an image"),
    _percent("part_f1_each", "part F1 % an image"),
    _percent("dice_each", "FG Dice % an image"),
)
SURFACE = Column(key="surface_mm", heading="per-vertex mm")
POSE = (
    Column(key="joints_mm", heading="MPJPE mm"),
    Column(key="reconstruction_mm", heading="reconstruction mm"),
)
PCK_KEYS = tuple(f"pck_{threshold:g}" for threshold in THRESHOLDS)
PCK = tuple(_percent(key, f"PCK@{threshold:g} %") for key, threshold in zip(PCK_KEYS, THRESHOLDS, strict=True))
LANDMARKS = Column(key="landmarks_mm", heading="91 landmarks mm")
TIME = Column(key="ms", heading="ms a person")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A method's line in a table.

    Attributes:
        method: its name.
        scores: by `Column.key`; published rows have no interval (NaN).
        people: how many were scored; 0 for published rows.
        failed: how many of them had no usable estimate: counted as empty masks, left out of the errors.
        source: where a published row is from; "" for ours.
        given: what the method was given of each person, where that is known.
    """

    method: str
    scores: Mapping[str, Interval] = field(default_factory=dict)
    people: int = 0
    failed: int = 0
    source: str = ""
    given: str = ""


def summarise(records: Sequence[Record], *, resamples: int = 1000, level: float = 0.95) -> list[Row]:
    """A row for each method, in the order of their first records; the order of records in a method does not matter."""
    rows = []
    for method in dict.fromkeys(record.method for record in records):
        own = sorted((record for record in records if record.method == method), key=lambda record: record.name)
        scores: dict[str, Interval] = {}
        counted = [record.counts for record in own if record.counts]
        if counted:
            scores |= _segmentation(np.array(counted, dtype=np.int64), resamples, level)
        marked = np.array([record.hits for record in own if record.hits], dtype=np.float64)
        for place, key in enumerate(PCK_KEYS if len(marked) else (), start=1):
            scores[key] = bootstrap(marked[:, [0, place]], _share, resamples=resamples, level=level)
        for key in ERRORS:
            values = np.array([getattr(record, key) for record in own])
            if np.isfinite(values).any():
                scores[key] = mean_interval(values, resamples=resamples, level=level)
        times = np.array([record.ms for record in own])
        if np.isfinite(times).any():
            scores["ms"] = Interval(float(np.nanmedian(times)), np.nan, np.nan)
        failed = sum(1 for record in own if record.problem)
        rows.append(Row(method=method, scores=scores, people=len(own), failed=failed))
    return rows


def summarise_parts(records: Sequence[Record], parts: Mapping[str, frozenset[str]]) -> list[Row]:
    """Rows of each method on each part of the people, by the parts' names; an empty part has no rows."""
    rows = []
    for part, names in parts.items():
        own = [record for record in records if record.name in names]
        rows += [replace(row, method=f"{row.method}, {part}") for row in summarise(own)]
    return rows


def with_any_of(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Row, ...]:
    """The rows that have something to show in these columns."""
    return tuple(row for row in rows if any(column.key in row.scores for column in columns))


def differences(records: Sequence[Record], reference: str, *, resamples: int = 1000, level: float = 0.95) -> list[Row]:
    """Differences of all other methods from one, on the people that both were scored on.

    The intervals are paired: people are drawn, and both methods are scored on the same draw. An interval without 0 is
    a difference that these people's number does not explain.
    """
    base = {record.name: record for record in records if record.method == reference}
    rows = []
    for method in dict.fromkeys(record.method for record in records):
        pairs = [(record, base[record.name]) for record in records if record.method == method and record.name in base]
        pairs.sort(key=lambda pair: pair[0].name)
        if method == reference or not pairs:
            continue
        scores: dict[str, Interval] = {}
        counted = [(*ours.counts, *theirs.counts) for ours, theirs in pairs if ours.counts and theirs.counts]
        for key in SegmentationScores._fields if counted else ():
            counts = np.array(counted, dtype=np.float64)
            scores[key] = bootstrap(counts, _pooled_difference(key), resamples=resamples, level=level)
        marked = np.array([(*a.hits, *b.hits) for a, b in pairs if a.hits and b.hits], dtype=np.float64)
        for place, key in enumerate(PCK_KEYS if len(marked) else (), start=1):
            apart = marked[:, [0, place, len(PCK_KEYS) + 1, len(PCK_KEYS) + 1 + place]]
            scores[key] = bootstrap(apart, _share_difference, resamples=resamples, level=level)
        for key in ERRORS:
            values = np.array([getattr(ours, key) - getattr(theirs, key) for ours, theirs in pairs])
            if np.isfinite(values).any():
                scores[key] = mean_interval(values, resamples=resamples, level=level)
        rows.append(Row(method=f"{method} - {reference}", scores=scores, people=len(pairs)))
    return rows


def _segmentation(counts: np.ndarray, resamples: int, level: float) -> dict[str, Interval]:
    """Pooled scores, as published, and means over images."""
    each = SegmentationCounts.from_vectors(counts).result()
    scores = {}
    for key in SegmentationScores._fields:
        scores[key] = bootstrap(counts.astype(np.float64), _pooled(key), resamples=resamples, level=level)
        scores[f"{key}_each"] = mean_interval(getattr(each, key), resamples=resamples, level=level)
    return scores


def _share(sums: np.ndarray) -> np.ndarray:
    """Hits over joints seen, of sums (R, 2)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = sums[:, 1] / sums[:, 0]
    return found


def _share_difference(sums: np.ndarray) -> np.ndarray:
    return _share(sums[:, :2]) - _share(sums[:, 2:])


def _pooled(key: str) -> Callable[[np.ndarray], np.ndarray]:
    return lambda sums: getattr(SegmentationCounts.from_vectors(sums).result(), key)


def _pooled_difference(key: str) -> Callable[[np.ndarray], np.ndarray]:
    pooled = _pooled(key)
    return lambda sums: pooled(sums[:, :VECTOR_LENGTH]) - pooled(sums[:, VECTOR_LENGTH:])
