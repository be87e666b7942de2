"""Where feet stand: sole points that are slow and low, in runs of frames with hysteresis.

One camera sees motion across its line of sight well and motion along it badly, so the two are smoothed over different
times and weighed apart.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.soles import SIDES, SOLE_PARTS, is_on_foot
from ..observations.videos import USUAL_RATE

_FEWEST = 3  # rows of a contact
_REACH = 8  # rows before and after that smoothing looks at


@dataclass(frozen=True, kw_only=True)
class ContactRules:
    """When a point of a sole stands. Of each pair the first begins a contact, the second ends it."""

    slow: tuple[float, float] = (0.25, 0.5)  # metres a second
    low: tuple[float, float] = (0.03, 0.055)  # metres above the floor
    shortest: float = 0.09  # seconds
    drift: float = 0.08  # metres across the line of sight from a contact's first to its last third: it slides
    across: float = 0.05  # seconds over which motion across the line of sight is smoothed,
    along: float = 0.12  # and along it,
    along_share: float = 0.5  # which counts so much


def row_times(time_s: Tensor, videos: Sequence[Hashable], rate: float = USUAL_RATE) -> Tensor:
    """(B,) float64 seconds of rows; where a video's are not known, or do not rise, of so many frames a second."""
    times = time_s.double().clone()
    for rows in stretches(videos):
        own = times[rows]
        if not bool(torch.isfinite(own).all()) or bool((own[1:] <= own[:-1]).any()):
            times[rows] = torch.arange(len(rows), dtype=times.dtype, device=times.device) / rate
    return times


def stretches(videos: Sequence[Hashable]) -> list[list[int]]:
    """Neighbouring rows of one label, as lists."""
    found: list[list[int]] = []
    for row, label in enumerate(videos):
        if row and label == videos[row - 1]:
            found[-1].append(row)
        else:
            found.append([row])
    return found


@dataclass(frozen=True)
class Smoothed:
    """Local straight lines through values over time (see `smoothed`): values and slopes, (T, ...)."""

    value: Tensor
    slope: Tensor


def smoothed(values: Tensor, times: Tensor, usable: Tensor, width: float) -> Smoothed:
    """Fit a straight line around each row, weighted by exp(-(dt / width)^2 / 2).

    Args:
        values: (T, N) of one video.
        times: (T,) seconds, rising.
        usable: (T,) bool, rows that count; where none around does, the slope is infinite.
        width: seconds.
    Source: local linear regression, Cleveland 1979.
    """
    count = len(values)
    offsets = torch.arange(-_REACH, _REACH + 1, device=values.device)
    near = torch.arange(count, device=values.device)[:, None] + offsets
    inside = (near >= 0) & (near < count)
    near = near.clamp(0, count - 1)
    away = (times[near] - times[:, None]).to(values)  # (T, K)
    weight = torch.exp(-0.5 * (away / width).square()) * (inside & usable[near]).to(values)
    total = weight.sum(1, keepdim=True).clamp_min(1e-12)
    weight = weight / total
    around = values[near]  # (T, K, N)
    middle = (weight * away).sum(1, keepdim=True)
    mean = (weight[..., None] * around).sum(1)
    spread = (weight * (away - middle).square()).sum(1, keepdim=True)
    slope = (weight[..., None] * (away - middle)[..., None] * (around - mean[:, None])).sum(1)
    known = spread > 1e-8
    slope = torch.where(known, slope / spread.clamp_min(1e-8), torch.inf)
    value = mean - middle * torch.where(known, slope, 0.0)
    return Smoothed(value, slope)


def speeds(points: Tensor, times: Tensor, usable: Tensor, rules: ContactRules) -> Tensor:
    """(T, N) metres a second of points (T, N, 3) of one video, camera frame; smoothed."""
    count = points.shape[1]
    sight = torch.nn.functional.normalize(points, dim=-1)

    def velocity(width: float) -> Tensor:
        return smoothed(points.flatten(1), times, usable, width).slope.view(-1, count, 3)

    fast = velocity(rules.across)
    across = (fast - (fast * sight).sum(-1, keepdim=True) * sight).norm(dim=-1)
    along = (velocity(rules.along) * sight).sum(-1).abs()
    speed = (across.square() + (rules.along_share * along).square()).sqrt()
    return torch.where(speed.isfinite(), speed, torch.inf)


def runs_of(strict: Tensor, loose: Tensor, times: Tensor, shortest: float) -> Tensor:
    """Numbers of runs with hysteresis: neighbouring rows where ``loose`` holds, and somewhere ``strict``.

    Args:
        strict, loose: (T, N) bool of one video.
        times: (T,) seconds.
        shortest: seconds that a run lasts at least.
    Returns:
        (T, N) int64: the number of the run that a point is in, from 0 in the order of points and time; -1: in none.
    """
    found = torch.full(strict.shape, -1, dtype=torch.long)
    seconds = times.tolist()
    number = 0
    for point, (sure, maybe) in enumerate(zip(strict.T.tolist(), (strict | loose).T.tolist(), strict=True)):
        row = 0
        while row < len(maybe):
            end = row
            while end < len(maybe) and maybe[end]:
                end += 1
            if end > row and any(sure[row:end]) and seconds[end - 1] - seconds[row] >= shortest - 1e-9:
                found[row:end, point] = number
                number += 1
            row = end + 1
    return found.to(strict.device)


def sides_seen(confidence: Tensor, names: Sequence[str], body: BodyModel) -> Tensor:
    """(B, 8) bool: whether any point of a sole point's foot was seen, of body points (B, K) of these names."""
    shares = []
    for side in SIDES:
        mine = [i for i, name in enumerate(names) if _is_foot(name, side, body)]
        shares += [(confidence[:, mine] > 0).any(1)] * len(SOLE_PARTS)
    return torch.stack(shares, 1)


def _is_foot(name: str, side: str, body: BodyModel) -> bool:
    kind, _, plain = name.rpartition(":")
    if kind == "vertex":
        return is_on_foot(body, int(plain), side)
    return plain.startswith(f"{side}_") and plain.split("_")[-1] in FEET


FEET = ("ankle", "foot", "toe", "heel")
"""Last words of the names of a foot's joints."""


def steady(runs: Tensor, points: Tensor, speed: Tensor, most: float) -> Tensor:
    """Runs (T, N) cut where they are fastest until no point wanders in one: it slid, or took a step in between.

    Args:
        runs: numbers, -1: in none.
        points: (T, N, 3) camera frame. speed: (T, N).
        most: metres across the line of sight, from the first third of a run to its last.
    Returns:
        (T, N) numbers from 0, -1 where a point is in none; runs of fewer than three rows are none.
    """
    kept = torch.full_like(runs, -1)
    number = 0
    for point, column in enumerate(runs.T.tolist()):
        rest = _neighbours(column)
        while rest:
            rows = rest.pop()
            if len(rows) < _FEWEST:
                continue
            if _wandered(points[rows, point]) <= most:
                kept[rows, point] = number
                number += 1
                continue
            cut = int(speed[rows, point].argmax())
            rest += [rows[:cut], rows[cut + 1 :]]
    return kept


def _neighbours(column: list[int]) -> list[list[int]]:
    """The rows of each run of one point."""
    found: dict[int, list[int]] = {}
    for row, number in enumerate(column):
        if number >= 0:
            found.setdefault(number, []).append(row)
    return list(found.values())


def _wandered(places: Tensor) -> float:
    """Metres between the first and the last third of places (T, 3), across the line of sight."""
    third = max(1, len(places) // 3)
    sight = torch.nn.functional.normalize(places.mean(0), dim=0)
    moved = places[-third:].mean(0) - places[:third].mean(0)
    return float((moved - (moved @ sight) * sight).norm())
