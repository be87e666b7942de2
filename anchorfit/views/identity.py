"""Who is who over time: people of successive instants that stand nearest to each other are one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..body import CANONICAL_JOINTS
from ..cameras import CalibratedCamera
from .agreement import ViewAgreement
from .observing import Seen

STEP = 1.0  # metres: no person goes farther from one instant to the next,
LONGEST = 3  # nor farther than so many steps, however long no camera saw the person
_EITHER = 0.3  # metres: people are told apart by no less
_STATURE = 1.7  # metres, of what one view alone shows of a person
_HIPS = [CANONICAL_JOINTS.index(f"{side}_hip") for side in ("left", "right")]


@dataclass(frozen=True)
class _Sighting:
    """Where a row was at its instant: its place in metres, if views agree; per camera a pixel and pixels a metre."""

    instant: int
    place: np.ndarray | None
    pixels: dict[int, tuple[np.ndarray, float]] = field(default_factory=dict)


def identities(
    instants: Sequence[int], seen: Seen, agreement: ViewAgreement, cameras: Sequence[CalibratedCamera]
) -> tuple[list[int], dict[tuple[int, int], int]]:
    """B numbers of people, counted from 0: rows of one number are one person; and pairs of people who may have been
    taken for each other, with how often: with their names exchanged they would have gone hardly farther.

    Rows of an instant are different people. Each takes the person who was nearest when last seen, so that all distances
    together are smallest; a row that is farther than `STEP` an instant from each person is a new one. A row of one
    view alone is as far away as the person's last place is from its ray.

    Args:
        instants: B numbers that do not fall. seen, agreement: of the rows, in metres. cameras: the rig, in metres.
    """
    rows = [_sighting(row, instant, seen, agreement) for row, instant in enumerate(instants)]
    last: list[_Sighting] = []
    found = [-1] * len(rows)
    near: Counter[tuple[int, int]] = Counter()
    for instant in sorted(set(instants)):
        here = [row for row, at in enumerate(instants) if at == instant]
        away = np.array([[_apart(person, rows[row], cameras) for row in here] for person in last])
        far = 1e6
        if last:
            pairs = linear_sum_assignment(np.where(np.isfinite(away), away, far))
            for person, place in zip(*pairs, strict=True):
                if np.isfinite(away[person, place]):
                    found[here[place]] = int(person)
            near.update(_exchangeable(away, *pairs))
        for row in here:
            if found[row] < 0:
                found[row] = len(last)
                last.append(rows[row])
            else:
                last[found[row]] = rows[row]
    return found, dict(near)


def _exchangeable(away: np.ndarray, people: np.ndarray, places: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of people who would go hardly farther, by distances (people, rows), if each were the other's row."""
    pairs = combinations([(int(one), int(at)) for one, at in zip(people, places, strict=True)], 2)
    return [
        (one, other)
        for (one, at), (other, there) in pairs
        if away[one, there] + away[other, at] < away[one, at] + away[other, there] + _EITHER
    ]


def said_of(persons: Sequence[int], near: Mapping[tuple[int, int], int]) -> list[str]:
    """Lines about who was seen how often, and who may have been taken for whom."""
    counts = Counter(persons)
    shown = ", ".join(f"#{person} in {count}" for person, count in sorted(counts.items())[:8])
    more = f" and {len(counts) - 8} more" if len(counts) > 8 else ""
    people = f"{len(counts)} people in time ({shown}{more} instants)"
    told = [f"{people}: each has a shape and a motion of their own; an animation shows #{longest_of(persons)}"]
    doubtful = [f"#{one} and #{other} ({count} times)" for (one, other), count in sorted(near.items())[:5]]
    if doubtful:
        told.append(f"{', '.join(doubtful)} come so near that their names may be exchanged from there on")
    return told


def longest_of(persons: Sequence[int]) -> int:
    """Who was seen in most instants; of several the first."""
    return min(Counter(persons).items(), key=lambda entry: (-entry[1], entry[0]))[0]


def _sighting(row: int, instant: int, seen: Seen, agreement: ViewAgreement) -> _Sighting:
    pixels = {}
    for camera, one in enumerate(seen.observations):
        there = one.confidence[row] > 0
        if bool(there.any()):
            points = one.keypoints[row]
            extent = float(np.ptp(points[there].numpy(), axis=0).max())
            pixels[camera] = (_middle(points, there), max(extent, 1.0) / _STATURE)
    known = agreement.confidence[row] > 0
    settled = bool(agreement.usable[row]) and bool(known.any())
    return _Sighting(instant, _middle(agreement.points[row], known) if settled else None, pixels)


def _middle(points: Tensor, known: Tensor) -> np.ndarray:
    """The middle of the hips, or of all points (K, N) where one of them is not known."""
    if bool(known[_HIPS].all()):
        return points[_HIPS].mean(0).numpy()
    return points[known].median(0).values.numpy()


def _apart(before: _Sighting, now: _Sighting, cameras: Sequence[CalibratedCamera]) -> float:
    """Metres between a person when last seen and a row; infinite where no person goes so far, or nothing is known."""
    found = []
    if before.place is not None and now.place is not None:
        found = [float(np.linalg.norm(before.place - now.place))]
    elif before.place is not None or now.place is not None:
        place, other = (before.place, now) if before.place is not None else (now.place, before)
        assert place is not None
        found = [_off_ray(place, pixel, cameras[camera]) for camera, (pixel, _) in other.pixels.items()]
    else:
        for camera in before.pixels.keys() & now.pixels.keys():
            (one, scale), (other_pixel, _) = before.pixels[camera], now.pixels[camera]
            found.append(float(np.linalg.norm(one - other_pixel)) / scale)
    nearest = min(found, default=np.inf)
    return nearest if nearest <= STEP * min(now.instant - before.instant, LONGEST) else np.inf


def _off_ray(place: np.ndarray, pixel: np.ndarray, camera: CalibratedCamera) -> float:
    """Metres between a place and the ray of a pixel, at the place's depth; infinite behind the camera."""
    there = camera.rotation.double().numpy() @ place + camera.translation.double().numpy()
    if there[2] <= 0:
        return np.inf
    ray = np.linalg.inv(camera.intrinsics.double().numpy()) @ np.append(pixel, 1.0)
    return float(np.linalg.norm(there[:2] - there[2] * ray[:2]))
