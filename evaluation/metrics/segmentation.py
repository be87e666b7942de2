"""Comparing masks and part labels: counts that add up, and the scores that follow from counts.

The scores are those of the public evaluators on LSP (docs/evaluation.md): pixels are counted over all images first, and
scores are made of the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...body.parts import BACKGROUND, IGNORE, SIX_PARTS

NUM_LABELS = 1 + len(SIX_PARTS)
VECTOR_LENGTH = 4 + NUM_LABELS**2 + NUM_LABELS


def intersection_over_union(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Foreground intersection over union (Jaccard index) of masks.

    Args:
        predicted, target: (..., H, W); what is not 0 is foreground.
    Returns:
        (...,) in [0, 1]; 1 where both are empty.
    Raises:
        ValueError: the masks differ in size.
    """
    both, either = _overlap(predicted, target)
    return _share(both, either, empty=1.0)


def dice(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Dice coefficient, the F1 of the foreground: twice the intersection over the sum of both areas; else as above."""
    both, either = _overlap(predicted, target)
    return _share(2 * both, both + either, empty=1.0)


class SegmentationScores(NamedTuple):
    """Scores in [0, 1], (...,) each; NaN where not one pixel was compared.

    Attributes:
        fb_accuracy: share of pixels that are foreground in both or background in both.
        fb_f1: mean F1 of background and foreground.
        part_accuracy: share of pixels of equal label; pixels to be ignored count as background.
        part_f1: mean F1 of the seven labels; pixels to be ignored are left out.
        iou, dice: of the foreground alone; 1 where there is none in either.
    """

    fb_accuracy: np.ndarray
    fb_f1: np.ndarray
    part_accuracy: np.ndarray
    part_f1: np.ndarray
    iou: np.ndarray
    dice: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentationCounts:
    """Confusion counts of the pixels of one image, of a batch of images (leading dimensions), or of a whole set.
    Counts add up in any order: workers count, and `merge` joins.

    Attributes:
        foreground: (..., 2, 2) int64, [target, predicted]: background and foreground.
        parts: (..., 7, 7) int64, [target, predicted], without the pixels to be ignored.
        ignored: (..., 7) int64, predicted labels of the pixels to be ignored.
    """

    foreground: np.ndarray
    parts: np.ndarray
    ignored: np.ndarray

    @classmethod
    def nothing(cls) -> SegmentationCounts:
        """No pixels: what counting begins with."""
        return cls.from_vectors(np.zeros(VECTOR_LENGTH, dtype=np.int64))

    @classmethod
    def of(cls, predicted: np.ndarray, target_mask: np.ndarray, target_parts: np.ndarray) -> SegmentationCounts:
        """Counts of one image.

        Args:
            predicted: (H, W) labels 0..6; foreground is whatever is not 0.
            target_mask: (H, W) bool, the foreground.
            target_parts: (H, W) labels 0..6, or 255 where there is to be no judgement.
        Raises:
            ValueError: the sizes differ, or a label is out of range.
        """
        if not predicted.shape == target_mask.shape == target_parts.shape or predicted.ndim != 2:
            shapes = ", ".join(str(array.shape) for array in (predicted, target_mask, target_parts))
            raise ValueError(f"expected three (height, width) of one size: prediction, mask, parts; got {shapes}")
        _check_labels("predicted", predicted, ())
        _check_labels("target_parts", target_parts, (IGNORE,))
        judged = target_parts != IGNORE
        return cls(
            foreground=_confusion(target_mask != 0, predicted != BACKGROUND, 2),
            parts=_confusion(target_parts[judged], predicted[judged], NUM_LABELS),
            ignored=np.bincount(predicted[~judged], minlength=NUM_LABELS),
        )

    def update(self, predicted: np.ndarray, target_mask: np.ndarray, target_parts: np.ndarray) -> SegmentationCounts:
        """These counts and one image more."""
        return self.merge(SegmentationCounts.of(predicted, target_mask, target_parts))

    def merge(self, other: SegmentationCounts) -> SegmentationCounts:
        """The sum."""
        return SegmentationCounts.from_vectors(self.vectors() + other.vectors())

    def pooled(self) -> SegmentationCounts:
        """A batch as one set."""
        return SegmentationCounts.from_vectors(self.vectors().reshape(-1, VECTOR_LENGTH).sum(0))

    def vectors(self) -> np.ndarray:
        """(..., 60) int64: all counts in a row, for files and for resampling."""
        lead = self.ignored.shape[:-1]
        return np.concatenate(
            [self.foreground.reshape(*lead, 4), self.parts.reshape(*lead, NUM_LABELS**2), self.ignored], axis=-1
        )

    @classmethod
    def from_vectors(cls, vectors: np.ndarray | Sequence[int]) -> SegmentationCounts:
        """The inverse of `vectors`.

        Raises:
            ValueError: the last dimension is not 60.
        """
        vectors = np.asarray(vectors)
        if vectors.shape[-1:] != (VECTOR_LENGTH,):
            raise ValueError(f"counts: expected (..., {VECTOR_LENGTH}), got {vectors.shape}")
        foreground, parts, ignored = np.split(vectors, (4, 4 + NUM_LABELS**2), axis=-1)
        lead = vectors.shape[:-1]
        return cls(
            foreground=foreground.reshape(*lead, 2, 2),
            parts=parts.reshape(*lead, NUM_LABELS, NUM_LABELS),
            ignored=ignored,
        )

    def result(self) -> SegmentationScores:
        """The scores, (...,) each: one for all of a set's pixels, or one an image of a batch."""
        hits = np.trace(self.foreground, axis1=-2, axis2=-1)
        pixels = self.foreground.sum((-2, -1))
        part_hits = np.trace(self.parts, axis1=-2, axis2=-1) + self.ignored[..., BACKGROUND]
        both = self.foreground[..., 1, 1]
        either = pixels - self.foreground[..., 0, 0]
        return SegmentationScores(
            fb_accuracy=_share(hits, pixels),
            fb_f1=mean_f1(self.foreground),
            part_accuracy=_share(part_hits, self.parts.sum((-2, -1)) + self.ignored.sum(-1)),
            part_f1=mean_f1(self.parts),
            iou=_share(both, either, empty=1.0),
            dice=_share(2 * both, both + either, empty=1.0),
        )


def mean_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean over classes of 2 TP / (2 TP + FP + FN).

    Args:
        confusion: (..., C, C) counts, [target, predicted].
    Returns:
        (...,); a class that is neither there nor predicted has no F1 and is left out. NaN where there is no pixel.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    areas = confusion.sum(-1) + confusion.sum(-2)  # TP + FN and TP + FP
    per_class = _share(2 * hits, areas)
    there = areas > 0
    return _share(np.where(there, per_class, 0.0).sum(-1), there.sum(-1))


def _overlap(predicted: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if predicted.shape != target.shape:
        raise ValueError(f"masks differ in size: predicted {predicted.shape}, target {target.shape}")
    first, second = predicted != 0, target != 0  # bits of labels and of 0 and 255 are not what is meant
    return np.count_nonzero(first & second, (-2, -1)), np.count_nonzero(first | second, (-2, -1))


def _share(part: np.ndarray, whole: np.ndarray, *, empty: float = float("nan")) -> np.ndarray:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(np.shape(whole), empty), where=whole > 0)


def _confusion(target: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    pairs = target.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(pairs.ravel(), minlength=classes * classes).reshape(classes, classes)


def _check_labels(what: str, labels: np.ndarray, also: Sequence[int]) -> None:
    allowed = np.isin(labels, [*range(NUM_LABELS), *also])
    if labels.dtype.kind not in "iu" or not allowed.all():
        strange = sorted({int(value) for value in labels[~allowed].ravel()})[:5]
        extra = "".join(f" or {value}" for value in also)
        raise ValueError(f"{what}: expected whole labels 0..{NUM_LABELS - 1}{extra}; got {strange or labels.dtype}")
