"""Trust: evidence about a body, weighed into a score that sorts and, where it is low, reasons in plain words.

The score is a logistic regression on two measures, calibrated on synthetic people (`scripts/calibrate_trust.py`). What
no such calibration can weigh (a knee that bends forwards, a mask beside the person) is a limit of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..rows import Rows
from ..status import Status

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
"""Joints of either side that tell how limbs and trunk lie; a face tells nothing of them, however many joints it has."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond any of these a body is not trusted. Lengths in the image are shares of the person's size in it."""

    min_score: float = 0.5
    min_joints: int = 6  # seen joints
    min_span: float = 10.0  # pixels of the image that seen joints extend over
    max_limb: float = 0.45  # error of one elbow, wrist, knee or ankle
    max_wrong_way_deg: float = 20.0  # knees and elbows beyond straight; recorded people: up to 9
    max_bend_deg: float = 165.0  # knees and elbows; recorded people: up to 153
    max_penetration: float = 0.10  # metres that two spheres of different parts lie in each other
    min_in_mask: float = 0.3  # share of the seen joints that lie on the mask or beside it
    max_moved: float = 0.15  # metres, mean over joints, between an anchored fit and its prediction
    max_pose_prior: float = 200.0  # the mixture's total of the best component, unweighted; people in photographs: ~100
    max_beta: float = 4.0  # standard deviations


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """P(wrong) = logistic(far * log(reprojection / limit) + few * log(12 / limb joints seen)).

    Attributes:
        limit: reprojection, as a share of the person's size, that gives even odds where all limb joints are seen.
        far, few: weights.
        floor: smaller errors tell no more.
        fewest: limb joints; with fewer there is no telling.
    """

    limit: float
    far: float
    few: float
    floor: float = 0.01
    fewest: int = 3


Way = Literal["predicted", "anchored", "free"]

CALIBRATIONS: dict[Way, Calibration] = {
    "predicted": Calibration(limit=0.0608, far=2.95, few=2.72),
    "anchored": Calibration(limit=0.0425, far=2.84, few=1.75),
    "free": Calibration(limit=0.0442, far=3.55, few=2.51),
}
"""By the way a body came about: predicted, fitted near a prediction, fitted from keypoints alone. The freer a fit, the
nearer it comes to wrong keypoints, and the less a small error says of it. Printed by `scripts/calibrate_trust.py`."""


@dataclass(frozen=True, kw_only=True)
class Evidence(Rows):
    """Evidence for and against B bodies; (B,) each, NaN where a quantity cannot be measured.

    Attributes:
        finite: whether input and result were finite.
        status: int64, how the solver ended (`anchorfit.status.Status`).
        joints, limbs: seen joints, and those of `LIMBS` (12).
        span: pixels of the image that seen joints extend over.
        behind: whether a seen joint lies behind the camera.
        reprojection: mean error of the seen joints, as a share of the person's size in the image.
        limb: the largest error of an elbow, wrist, knee or ankle, likewise.
        wrong_way, bend: radians that the worst knee or elbow is bent beyond straight, and the other way.
        penetration: metres that parts lie in each other.
        pose_prior: the mixture's energy.
        beta: the largest shape coefficient.
        in_mask: share of the seen joints on the mask.
        moved: metres between the fit and its prediction.
        told: B texts: further reasons against a row, "" where there is none.
    """

    finite: Tensor
    status: Tensor
    joints: Tensor
    limbs: Tensor
    span: Tensor
    behind: Tensor
    reprojection: Tensor
    limb: Tensor
    wrong_way: Tensor
    bend: Tensor
    penetration: Tensor
    pose_prior: Tensor
    beta: Tensor
    in_mask: Tensor
    moved: Tensor
    told: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.told)


class Trust(NamedTuple):
    """(B,) scores in [0, 1], (B,) bool, B reasons: trusted, no reason, and a score of ``min_score`` are one thing."""

    score: Tensor
    trusted: Tensor
    reasons: tuple[str, ...]


def likelihood(reprojection: Tensor, limbs: Tensor, calibration: Calibration) -> Tensor:
    """(B,) the calibrated probability that a body is right, falling with its error and rising with what was seen."""
    far = (reprojection.clamp(min=calibration.floor) / calibration.limit).log()
    few = (2 * len(LIMBS) / limbs.to(reprojection).clamp(min=calibration.fewest)).log()
    # Not torch.sigmoid, whose last bit depends on the place in the batch (`rows.rowwise_atan2`).
    return 1 / (1 + (calibration.far * far + calibration.few * few).exp())


def weigh_evidence(evidence: Evidence, way: Way, limits: Limits = Limits()) -> Trust:
    """Weigh evidence. A body beyond a limit gets at most ``min_score`` times its score, one that is not finite 0.

    Args:
        evidence: of B bodies.
        way: how they came about.
        limits: beyond these a row is not trusted.
    """
    score = likelihood(evidence.reprojection, evidence.limbs, CALIBRATIONS[way])
    checks = _checks(evidence, limits)
    unlikely = ~(score >= limits.min_score)
    scattered = evidence.limbs < 2 * len(LIMBS) - 3
    strict = unlikely & (score >= Limits.min_score)
    unlikely_by_itself = unlikely & ~strict
    weighed = [
        (strict, f"a score below {limits.min_score:g}"),
        (unlikely_by_itself & ~scattered, "the joints lie too far from the keypoints"),
        (unlikely_by_itself & scattered, "too few limb joints seen for so large an error"),
    ]
    reasons = _reasons([*checks, *weighed], evidence.told)
    hard = torch.stack([flag for flag, _ in checks]).any(0)
    hard |= torch.tensor([bool(text) for text in evidence.told], device=hard.device)
    score = torch.where(hard, limits.min_score * score, score)
    score = torch.where(evidence.finite, score, 0.0)
    return Trust(score, ~(hard | unlikely), reasons)


def _checks(evidence: Evidence, limits: Limits) -> list[tuple[Tensor, str]]:
    """What speaks against rows on its own: (B,) bool with a reason each. NaN is no evidence."""
    return [
        (~evidence.finite, "its input is not finite"),
        (evidence.joints < limits.min_joints, f"fewer than {limits.min_joints} joints seen"),
        (evidence.span < limits.min_span, f"the seen joints span less than {limits.min_span:g} pixels"),
        (evidence.behind, "a seen joint lies behind the camera"),
        (evidence.limb > limits.max_limb, f"a limb lies {limits.max_limb:.0%} of the person's size from its keypoint"),
        (
            (evidence.wrong_way.rad2deg() > limits.max_wrong_way_deg) | (evidence.bend.rad2deg() > limits.max_bend_deg),
            "a knee or an elbow bends as none can",
        ),
        (evidence.pose_prior > limits.max_pose_prior, "a pose that the prior finds out of range"),
        (evidence.penetration > limits.max_penetration, "parts of the body lie inside each other"),
        (evidence.beta > limits.max_beta, f"a shape parameter beyond {limits.max_beta:g} standard deviations"),
        (evidence.in_mask < limits.min_in_mask, "its mask lies beside the keypoints"),
        (evidence.moved > limits.max_moved, "the fit lies far from its prediction"),
        *((evidence.status == one, f"the solver ended {one.says}") for one in Status if one != Status.CONVERGED),
    ]


def _reasons(checks: Sequence[tuple[Tensor, str]], told: Sequence[str]) -> tuple[str, ...]:
    table = torch.stack([flag for flag, _ in checks]).T.cpu().tolist()
    texts = [text for _, text in checks]
    return tuple(
        "; ".join([*(text for flag, text in zip(flags, texts, strict=True) if flag), *filter(None, [first])])
        for flags, first in zip(table, told, strict=True)
    )
