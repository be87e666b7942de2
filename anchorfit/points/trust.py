"""Trust in bodies that were fitted to points: how far they leave the points, and what may be wrong with these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel
from ..fitting.diagnostics import hinge_angles
from .sides import other_sides

HALF = 0.06  # metres: a body that leaves its points so far off on average is as likely wrong as right
FAR = 0.2  # metres: a point so far off is no measurement of this body
SHARE = 0.25  # of the points: more of them far off, and the points are of no one body
FEWEST = 6  # points that a pose can be told from at all
THIN = 0.05  # metres, standard deviation: points that spread less across their longest axis lie on a line
FLAT = 0.004  # metres, standard deviation: points that spread less across their plane have lost an axis
WRONG_WAY = 0.6  # radians that a knee or elbow may be bent beyond straight
LARGE = 4.0  # standard deviations of a shape
USUAL_POSE = 160.0  # energy of a pose that is hardly ever seen, see `GaussianMixture.energy`
DOUBTFUL = 1.1  # strain from which on a fit with left and right exchanged is tried,
BETTER = 0.75  # and how much less it must be then
SIZES = 1.6  # times that bones are too long or too short


class PointTrust(NamedTuple):
    """Scores (B,), whether trusted (B,), and B reasons."""

    score: Tensor
    trusted: Tensor
    reasons: tuple[str, ...]


def judge_points(
    body: BodyModel,
    positions: Tensor,
    confidence: Tensor,
    params: Tensor,
    distances: Tensor,
    sizes: Tensor,
    exchanged: Sequence[str],
) -> PointTrust:
    """Weigh what is known about fits to points.

    Args:
        body: the body model.
        positions, confidence: (B, P, 3) metres and (B, P).
        params: (B, D) found. distances: (B, P) metres, NaN where not measured.
        sizes: (B,) times that bones are longer than those of the median row.
        exchanged: B words, the part whose points fit much better with left and right exchanged; "all", or "".
    """
    seen = confidence > 0
    mean = distances.clamp(max=2 * FAR).nanmean(1)
    far = distances > FAR
    flat, thin = (spread < least for spread, least in zip(_spreads(positions, seen), (FLAT, THIN), strict=True))
    wrong_way, _ = hinge_angles(params)
    beta = params[:, body.layout.betas].abs().amax(-1)
    score = 1.0 / (1.0 + (mean / HALF) ** 3)
    reasons = []
    for row in range(len(params)):
        about = _Row(
            points=int(seen[row].sum()),
            off=int(far[row].sum()),
            mean=float(mean[row]),
            flat=bool(flat[row]),
            thin=bool(thin[row]),
            exchanged=exchanged[row],
            size=float(sizes[row]),
            wrong_way=float(wrong_way[row]),
            beta=float(beta[row]),
        )
        reasons.append(_reason(about))
    trusted = torch.tensor([not reason for reason in reasons], device=params.device)
    score = torch.where(trusted, score, score.clamp(max=0.49)).nan_to_num(0.0)
    return PointTrust(score, trusted, tuple(reasons))


class _Row(NamedTuple):
    """What is known about a row's fit: how many points it has, and how many lie far off its body; metres they are off
    on average; whether they lie in a plane or on a line; what is ``exchanged``; its bones' ``size`` in the median
    row's; radians that a hinge bends the ``wrong_way``; and the largest ``beta``."""

    points: int
    off: int
    mean: float
    flat: bool
    thin: bool
    exchanged: str
    size: float
    wrong_way: float
    beta: float


def _reason(row: _Row) -> str:
    """Why a row is not trusted, the gravest first; "" for none."""
    if row.points < FEWEST:
        return f"{row.points} points are too few for a pose (at least {FEWEST})"
    if row.thin:
        return "the points lie on a line: the body's turn about it is not known"
    if row.flat:
        return "the points lie in a plane: one of their axes is missing"
    if row.exchanged == "all" and row.off <= SHARE * row.points:
        return "left and right look exchanged, or the axes are left-handed: exchange the names, or negate one axis"
    if row.exchanged not in ("", "all"):
        return f"left and right of the {row.exchanged} look exchanged: exchange their names"
    if not 1 / SIZES < row.size < SIZES:
        return f"bones are {row.size:.2g} times as long as in the other rows: another unit?"
    if row.off > SHARE * row.points:
        return f"{row.off} of {row.points} points lie more than {100 * FAR:.0f} cm off: points of two people, or none?"
    if row.mean > HALF:
        return f"points lie {1000 * row.mean:.0f} mm off the body on average: of two people, or badly measured?"
    if row.wrong_way > WRONG_WAY:
        return "a knee or elbow bends the wrong way"
    if row.beta > LARGE:
        return "the shape is unlike any person's: another unit or scale?"
    return ""


def with_reasons(told: PointTrust, reasons: Sequence[str]) -> PointTrust:
    """The same, but rows of further reasons (B) are not trusted."""
    both = tuple(own or more for own, more in zip(told.reasons, reasons, strict=True))
    trusted = torch.tensor([not reason for reason in both], device=told.trusted.device)
    return PointTrust(torch.where(trusted, told.score, told.score.clamp(max=0.49)), trusted, both)


def outlying(names: Sequence[str], distances: Tensor) -> list[str]:
    """For each row the points that lie far off its body, in words; "" for none."""
    texts = []
    for row in distances:
        off = [names[point] for point in torch.nonzero(row > FAR)[:, 0].tolist()]
        texts.append(f"{', '.join(off)} far off the body: not believed" if off else "")
    return texts


def exchange(names: Sequence[str]) -> list[int] | None:
    """For each point the place of its mirror image; None where the points have no sides."""
    places = other_sides(names)
    return None if places == list(range(len(names))) else places


def _spreads(positions: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) metres each, standard deviations of the points along the third and second of their principal axes."""
    weights = seen.to(positions)
    total = weights.sum(1).clamp_min(1.0)
    centre = (positions * weights[..., None]).sum(1) / total[:, None]
    away = (positions - centre[:, None]) * weights[..., None]
    covariance = (away[..., :, None] * away[..., None, :]).sum(1) / total[:, None, None]
    third, second, _ = torch.linalg.eigvalsh(covariance).clamp_min(0.0).sqrt().unbind(1)
    return third, second
