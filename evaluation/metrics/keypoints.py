"""PCK and its relatives: shares of joints that are near enough to the truth, in the image or in space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...body.joint_sets import CANONICAL_JOINTS

MPII_HEAD = 0.6
"""MPII's evaluation takes 0.6 of the diagonal of the annotated head box for the head's size (Andriluka et al. 2014)."""

PCK3D_THRESHOLDS_MM = tuple(float(value) for value in range(0, 155, 5))
"""Thresholds that the AUC of MPI-INF-3DHP averages over (Mehta et al. 2017): 0, 5 ... 150 mm."""


def head_sizes(head_box: Tensor) -> Tensor:
    """(...,) PCKh's reference length from annotated head boxes (..., 4) = x, y, width, height: 0.6 of the diagonal."""
    return MPII_HEAD * head_box[..., 2:].norm(dim=-1)


def head_lengths(keypoints: Tensor) -> Tensor:
    """(...,) PCKh's reference length from canonical joints (..., K, 2): head top to neck, for want of a head box."""
    top, neck = (keypoints[..., CANONICAL_JOINTS.index(name), :] for name in ("head_top", "neck"))
    return (top - neck).norm(dim=-1)


def hits(predicted: Tensor, target: Tensor, reference: Tensor | float, thresholds: Tensor | float) -> Tensor:
    """Which joints lie within thresholds, in units of a reference length.

    Args:
        predicted, target: (..., K, D) pixels or metres.
        reference: (...,) or a number, in their unit: the torso's or head's length, the box's side; 1 for absolute
            thresholds. Where it is not positive nothing is hit.
        thresholds: (T,) or a number, in reference lengths.
    Returns:
        (..., K, T) bool; NaN is no hit. A distance equal to the threshold is one.
    Raises:
        ValueError: the shapes of the points differ.
    """
    if predicted.shape != target.shape:
        raise ValueError(f"expected points of one shape, got {tuple(predicted.shape)} and {tuple(target.shape)}")
    distance = (predicted - target).norm(dim=-1)
    length = torch.as_tensor(reference, dtype=distance.dtype, device=distance.device)
    limits = torch.as_tensor(thresholds, dtype=distance.dtype, device=distance.device).reshape(-1)
    reach = length[..., None, None] * limits
    return (distance[..., None] <= reach) & (length[..., None, None] > 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class KeypointCounts:
    """Joints seen and joints hit at each threshold, over any number of people; counts add up in any order.

    Attributes:
        thresholds: T numbers, in reference lengths.
        seen: (K,) int64.
        hit: (K, T) int64.
    """

    thresholds: tuple[float, ...]
    seen: Tensor
    hit: Tensor

    @classmethod
    def nothing(cls, joints: int, thresholds: tuple[float, ...]) -> KeypointCounts:
        """Counts of no person: where a sum begins."""
        none = torch.zeros(joints, len(thresholds), dtype=torch.long)
        return cls(thresholds=thresholds, seen=none.sum(1), hit=none)

    def update(
        self, predicted: Tensor, target: Tensor, reference: Tensor | float, annotated: Tensor | None = None
    ) -> KeypointCounts:
        """These counts and B people more.

        Args:
            predicted, target: (B, K, D).
            reference: (B,) or a number.
            annotated: (B, K) bool, the joints that are judged; None: all of them.
        """
        judged = torch.ones(target.shape[:-1], dtype=torch.bool) if annotated is None else annotated.bool().cpu()
        hit = hits(predicted, target, reference, torch.tensor(self.thresholds)).cpu() & judged[..., None]
        return KeypointCounts(
            thresholds=self.thresholds, seen=self.seen + judged.sum(0), hit=self.hit + hit.long().sum(0)
        )

    def merge(self, other: KeypointCounts) -> KeypointCounts:
        """The sum.

        Raises:
            ValueError: the thresholds differ.
        """
        if self.thresholds != other.thresholds:
            raise ValueError(f"thresholds differ: {self.thresholds} and {other.thresholds}")
        return KeypointCounts(thresholds=self.thresholds, seen=self.seen + other.seen, hit=self.hit + other.hit)

    def result(self) -> Tensor:
        """(T,) PCK: of all joints that were seen, the share that was hit; NaN where none was."""
        return self.hit.sum(0).double() / self.seen.sum()

    def by_joint(self) -> Tensor:
        """(K, T) PCK of each joint; NaN where it was never seen."""
        return self.hit.double() / self.seen[:, None]

    def auc(self) -> float:
        """Area under the PCK curve over the thresholds, as MPI-INF-3DHP takes it: the mean over evenly spaced ones."""
        return float(self.result().mean())


def pck(
    predicted: Tensor,
    target: Tensor,
    reference: Tensor | float,
    threshold: float = 0.2,
    annotated: Tensor | None = None,
) -> float:
    """The share of annotated joints within a threshold: `KeypointCounts` for one batch and one threshold."""
    counts = KeypointCounts.nothing(target.shape[-2], (threshold,))
    return float(counts.update(predicted, target, reference, annotated).result()[0])
