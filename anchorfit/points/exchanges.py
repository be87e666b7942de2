"""Left and right exchanged: of all points, or of the legs, shanks, feet, arms, forearms or hands alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.joint_sets import mirrored_name
from ..fitting import GaussianMixture
from ..fitting.point_fit import PointConfig, PointSolution, fit_positions
from ..fitting.point_start import rest_points
from . import trust

ALL = "all"
_HAND = ("wrist", "hand", "tip")
_FOREARM = ("elbow", *_HAND)
_ARM = ("collar", "shoulder", *_FOREARM)
_FOOT = ("foot", "heel", "toe")
_SHANK = ("ankle", *_FOOT)
_LEG = ("hip", "knee", *_SHANK)
_PARTS = {"legs": _LEG, "shanks": _SHANK, "feet": _FOOT, "arms": _ARM, "forearms": _FOREARM, "hands": _HAND}
"""Words in the names of a part's points."""

_BORDERS = {
    "shanks": ("knee", ("ankle",)),
    "feet": ("ankle", ("foot", "big_toe")),
    "forearms": ("shoulder", ("elbow",)),
    "hands": ("elbow", ("wrist",)),
}
"""The bone that is torn where the part alone is exchanged: to the first of these joints that there is."""

_OPPOSED = -0.3  # cosine of the lines from left to right through hips and shoulders: no trunk is turned so far
_TORN = 1.25  # times that a torn bone is too long,
_MENDED = 0.8  # and what the sum of both sides' is of that with the part exchanged
_BETTER_PART = 0.9  # of its strain that the body must have then; the points themselves have shown it


@dataclass(frozen=True, eq=False)
class _Trial:
    """Rows to be fitted again with left and right exchanged; attributes as for `exchanged_sides`."""

    body: BodyModel
    pose_prior: GaussianMixture
    names: tuple[str, ...]
    positions: Tensor
    seen: Tensor
    config: PointConfig

    def strain(self, rows: Tensor, part: str) -> Tensor:
        """(R,) of bodies fitted to rows (R,) with left and right of a part exchanged."""
        places = trust.exchange(self.names)
        if places is None or not len(rows):
            return self.positions.new_full((len(rows),), torch.inf)
        moves = [
            place if part == ALL or _of(name, part) else own
            for own, (name, place) in enumerate(zip(self.names, places, strict=True))
        ]
        there = torch.tensor(moves, device=self.positions.device)
        moved = self.positions[rows][:, there.clamp_min(0)]
        kept = torch.where(there >= 0, self.seen[rows][:, there.clamp_min(0)], 0.0)
        found = fit_positions(self.body, self.pose_prior, self.names, moved, kept, self.config)
        return strain(self.body, self.pose_prior, found)

    def better_exchanged(self, before: Tensor) -> Tensor:
        """(B,) bool: rows that fit badly, with a strain (B,), and much better with left and right of all exchanged."""
        rows = torch.nonzero(before > trust.DOUBTFUL)[:, 0]
        result = torch.zeros_like(before, dtype=torch.bool)
        result[rows] = self.strain(rows, ALL) < trust.BETTER * before[rows]
        return result


def exchanged_sides(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: tuple[str, ...],
    positions: Tensor,
    seen: Tensor,
    found: PointSolution,
    config: PointConfig,
) -> tuple[str, ...]:
    """For each row what has left and right exchanged: ``all``, a part of the body, or nothing, "".

    Args:
        body, pose_prior, names, config: as for `fit_positions`.
        positions, seen: (B, P, 3) and (B, P), as it was given them.
        found: of them.
    """
    trial = _Trial(body, pose_prior, names, positions, seen, config)
    before = strain(body, pose_prior, found)
    sides = [ALL if flag else "" for flag in trial.better_exchanged(before).tolist()]
    least = before.clone()
    for part, candidates in _candidates(body, names, positions, seen).items():
        rows = torch.nonzero(candidates)[:, 0]
        after = trial.strain(rows, part)
        better = after < _BETTER_PART * least[rows]
        least[rows[better]] = after[better]
        for row in rows[better].tolist():
            sides[row] = part
    return tuple(sides)


def looks_exchanged(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: tuple[str, ...],
    positions: Tensor,
    seen: Tensor,
    found: PointSolution,
    config: PointConfig,
) -> Tensor:
    """(B,) bool: rows that fit badly, and much better with left and right of all points exchanged.

    Args:
        body, pose_prior, names, positions, seen, found, config: as for `exchanged_sides`.
    """
    trial = _Trial(body, pose_prior, names, positions, seen, config)
    return trial.better_exchanged(strain(body, pose_prior, found))


def strain(body: BodyModel, pose_prior: GaussianMixture, found: PointSolution) -> Tensor:
    """(B,) how far points lie off their body, and how unlikely its pose is, in units of what is usual."""
    off = found.distances.clamp(max=2 * trust.FAR).nanmean(1).nan_to_num(0.0) / trust.HALF
    pose = pose_prior.energy(found.params[:, body.layout.body_pose])
    return off + (pose / trust.USUAL_POSE)


def _of(name: str, part: str) -> bool:
    """Whether a point is one of a part's two sides."""
    plain = name.rpartition(":")[2]
    return mirrored_name(plain) != plain and any(word in plain for word in _PARTS[part])


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Points of both sides of the body, by the joint's plain name."""

    places: dict[str, int]
    positions: Tensor
    seen: Tensor

    @staticmethod
    def of(names: tuple[str, ...], positions: Tensor, seen: Tensor) -> _Pairs:
        places = {name.rpartition(":")[2]: place for place, name in enumerate(names) if not name.startswith("vertex:")}
        return _Pairs(places, positions, seen)

    def has(self, joint: str) -> bool:
        return f"left_{joint}" in self.places and f"right_{joint}" in self.places

    def both(self, joint: str) -> tuple[Tensor, Tensor]:
        """(B, 3) of the left and of the right."""
        left, right = (self.positions[:, self.places[f"{side}_{joint}"]] for side in ("left", "right"))
        return left, right

    def are_seen(self, *joints: str) -> Tensor:
        """(B,) bool: all of them, on both sides."""
        columns = [self.places[f"{side}_{joint}"] for joint in joints for side in ("left", "right")]
        return (self.seen[:, columns] > 0).all(1)


def _candidates(body: BodyModel, names: tuple[str, ...], positions: Tensor, seen: Tensor) -> dict[str, Tensor]:
    """For each part (B,) bool: rows whose points show that it may be exchanged, whatever the pose."""
    pairs, rest = _Pairs.of(names, positions, seen), rest_points(body, names)
    found = dict.fromkeys(_PARTS, torch.zeros(len(positions), dtype=torch.bool, device=positions.device))
    if pairs.has("hip") and pairs.has("shoulder"):
        found["legs"] = found["arms"] = _opposed(pairs)
    for part, (near, ends) in _BORDERS.items():
        far = next((end for end in ends if pairs.has(end)), None)
        if far is not None and pairs.has(near):
            length = float((rest[pairs.places[f"left_{near}"]] - rest[pairs.places[f"left_{far}"]]).norm())
            found[part] = _torn(pairs, near, far, length)
    return found


def _opposed(pairs: _Pairs) -> Tensor:
    """(B,) bool: rows whose lines from left to right through hips and shoulders point to opposite sides."""
    hips, shoulders = (left - right for left, right in map(pairs.both, ("hip", "shoulder")))
    cosine = torch.nn.functional.cosine_similarity(hips, shoulders, dim=-1)
    return (cosine < _OPPOSED) & pairs.are_seen("hip", "shoulder")


def _torn(pairs: _Pairs, near: str, far: str, length: float) -> Tensor:
    """(B,) bool: rows in which the bone between two joints is too long on a side, and shorter across to the other."""
    inner, outer = pairs.both(near), pairs.both(far)
    own = [(a - b).norm(dim=-1) for a, b in zip(inner, outer, strict=True)]
    crossed = [(a - b).norm(dim=-1) for a, b in zip(inner, outer[::-1], strict=True)]
    torn = torch.maximum(*own) > _TORN * length
    return torn & (sum(crossed) < _MENDED * sum(own)) & pairs.are_seen(near, far)
