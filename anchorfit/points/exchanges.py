"""Left and right exchanged: of all points, or of the legs, the shanks, the arms, the forearms or the hands alone."""

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
_SHANK = ("ankle", "foot", "heel", "toe")
_LEG = ("hip", "knee", *_SHANK)
_PARTS = {"legs": _LEG, "shanks": _SHANK, "arms": _ARM, "forearms": _FOREARM, "hands": _HAND}
"""Words in the names of a part's points."""

_BORDERS = {"shanks": ("knee", "ankle"), "forearms": ("shoulder", "elbow"), "hands": ("elbow", "wrist")}
"""The bone that is torn where the part alone is exchanged."""

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
    sides, cost = [""] * len(positions), strain(body, pose_prior, found)
    trial = _Trial(body, pose_prior, names, positions, seen, config)
    for part, candidates in _candidates(body, names, positions, seen).items():
        rows = torch.nonzero(candidates)[:, 0]
        after = trial.strain(rows, part)
        better = after < _BETTER_PART * cost[rows]
        cost[rows[better]] = after[better]
        for row in rows[better].tolist():
            sides[row] = part
    whole = looks_exchanged(body, pose_prior, names, positions, seen, found, config)
    return tuple(side or (ALL if flag else "") for side, flag in zip(sides, whole.tolist(), strict=True))


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
    cost = strain(body, pose_prior, found)
    rows = torch.nonzero(cost > trust.DOUBTFUL)[:, 0]
    after = _Trial(body, pose_prior, names, positions, seen, config).strain(rows, ALL)
    result = torch.zeros_like(cost, dtype=torch.bool)
    result[rows] = after < trust.BETTER * cost[rows]
    return result


def strain(body: BodyModel, pose_prior: GaussianMixture, found: PointSolution) -> Tensor:
    """(B,) how far points lie off their body, and how unlikely its pose is, in units of what is usual."""
    off = found.distances.clamp(max=2 * trust.FAR).nanmean(1).nan_to_num(0.0) / trust.HALF
    pose = pose_prior.energy(found.params[:, body.layout.body_pose])
    return off + (pose / trust.USUAL_POSE)


def _of(name: str, part: str) -> bool:
    """Whether a point is one of a part's two sides."""
    plain = name.rpartition(":")[2]
    return mirrored_name(plain) != plain and any(word in plain for word in _PARTS[part])


def _candidates(body: BodyModel, names: tuple[str, ...], positions: Tensor, seen: Tensor) -> dict[str, Tensor]:
    """For each part (B,) bool: rows whose points show that it may be exchanged, whatever the pose."""
    places = {name.rpartition(":")[2]: place for place, name in enumerate(names) if not name.startswith("vertex:")}
    nothing = torch.zeros(len(positions), dtype=torch.bool, device=positions.device)
    found = dict.fromkeys(_PARTS, nothing)

    def pair(joint: str) -> tuple[Tensor, Tensor, Tensor] | None:
        sides = [places.get(f"{side}_{joint}") for side in ("left", "right")]
        if None in sides:
            return None
        left, right = (int(side) for side in sides if side is not None)
        return positions[:, left], positions[:, right], (seen[:, left] > 0) & (seen[:, right] > 0)

    hips, shoulders = pair("hip"), pair("shoulder")
    if hips is not None and shoulders is not None:
        across = [left - right for left, right, _ in (hips, shoulders)]
        cosine = torch.nn.functional.cosine_similarity(across[0], across[1], dim=-1)
        found["legs"] = found["arms"] = (cosine < _OPPOSED) & hips[2] & shoulders[2]
    rest = rest_points(body, names)
    for part, (near, far) in _BORDERS.items():
        inner, outer = pair(near), pair(far)
        if inner is None or outer is None:
            continue
        length = float((rest[places[f"left_{near}"]] - rest[places[f"left_{far}"]]).norm())
        own = [(a - b).norm(dim=-1) for a, b in zip(inner[:2], outer[:2], strict=True)]
        crossed = [(a - b).norm(dim=-1) for a, b in zip(inner[:2], outer[1::-1], strict=True)]
        torn = torch.maximum(*own) > _TORN * length
        found[part] = torn & (sum(crossed) < _MENDED * sum(own)) & inner[2] & outer[2]
    return found
