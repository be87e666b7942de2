"""A person's known height and measurements: what fixes the scale that one image leaves open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ...body import SMPL_JOINTS, BodyModel, Measurements, measure
from ..energy import BodyState, Energy, Residuals, Term
from .spec import TermSpec

if TYPE_CHECKING:
    from ..config import Stage
    from ..problem import FitProblem

SIZES = tuple(one.name for one in fields(Measurements))
"""What can be known: the fields of `anchorfit.body.Measurements`."""

_ALIASES = {
    "waist": "waist_girth",
    "chest": "chest_girth",
    "hip": "hip_girth",
    "hips": "hip_girth",
    "neck": "neck_girth",
    "shoulders": "shoulder_width",
    "thigh": "thigh_girth",
    "calf": "calf_girth",
    "volume": "volume_l",
}
_PAIRS = {
    "shoulder_width": (("left_shoulder", "right_shoulder"),),
    "upper_arm_length": tuple((f"{side}_shoulder", f"{side}_elbow") for side in ("left", "right")),
    "forearm_length": tuple((f"{side}_elbow", f"{side}_wrist") for side in ("left", "right")),
    "thigh_length": tuple((f"{side}_hip", f"{side}_knee") for side in ("left", "right")),
    "shin_length": tuple((f"{side}_knee", f"{side}_ankle") for side in ("left", "right")),
}
"""Lengths between joints: the mean over the sides."""

_SUMS = {"arm_length": ("upper_arm_length", "forearm_length"), "leg_length": ("thigh_length", "shin_length")}
_EXTENTS = {"height": 1, "arm_span": 0}  # axis of the rest pose
_STEP = 0.5  # standard deviations, of the differences that girths' slopes come from
_GIRTH = 3.0  # times less exact a girth is than a height: a tape lies where it is laid


def size_name(text: str) -> str:
    """The field of `Measurements` of a name; ``waist`` and such, too.

    Raises:
        ValueError: there is none.
    """
    plain = text.strip().lower().replace(" ", "_").replace("-", "_")
    plain = _ALIASES.get(plain, plain)
    if plain not in SIZES:
        raise ValueError(f"measure: expected one of {', '.join(SIZES)}, got {text!r}")
    return plain


class Sizes(NamedTuple):
    """Measurements (B, M) and their derivative by betas (B, M, S)."""

    values: Tensor
    slopes: Tensor


def sizes_with_slopes(body: BodyModel, betas: Tensor, names: Sequence[str]) -> Sizes:
    """Measurements of bodies in the rest pose and their derivative.

    Heights and lengths are differentiated exactly. Of girths, the inseam and the volume, whose values come from
    cross-sections, the derivative is that of the mean body, by central differences, once a body; they are all but
    linear in betas.

    Args:
        body: the body model.
        betas: (B, S).
        names: M of `SIZES`.
    """
    values, slopes = [], []
    others = [name for name in names if name not in (*_EXTENTS, *_PAIRS, *_SUMS)]
    measured = measure(body, betas) if others else None
    for name in names:
        if name in _EXTENTS:
            value, slope = _extent(body, betas, _EXTENTS[name])
        elif name in _PAIRS or name in _SUMS:
            parts = [_length(body, betas, part) for part in _SUMS.get(name, (name,))]
            value, slope = (torch.stack(each).sum(0) for each in zip(*parts, strict=True))
        else:
            value = getattr(measured, name).to(betas)
            slope = _usual_slope(body, name).to(betas).expand(len(betas), -1)
        values.append(value)
        slopes.append(slope)
    return Sizes(torch.stack(values, 1), torch.stack(slopes, 1))


def _extent(body: BodyModel, betas: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    change = body.shapedirs[:, axis]  # (V, S)
    along = body.v_template[:, axis] + (betas[:, None] * change).sum(-1)
    high, low = along.argmax(1), along.argmin(1)
    values = along.gather(1, high[:, None]) - along.gather(1, low[:, None])
    return values[:, 0], change[high] - change[low]


def _length(body: BodyModel, betas: Tensor, name: str) -> tuple[Tensor, Tensor]:
    mean, change = body.rest_joints_table
    values, slopes = [], []
    for first, second in _PAIRS[name]:
        one, other = SMPL_JOINTS.index(first), SMPL_JOINTS.index(second)
        moves = change[one] - change[other]  # (3, S)
        bone = mean[one] - mean[other] + (betas[:, None] * moves).sum(-1)
        length = bone.norm(dim=-1)
        values.append(length)
        slopes.append((bone[..., None] / length[:, None, None] * moves).sum(1))
    return torch.stack(values).mean(0), torch.stack(slopes).mean(0)


@lru_cache(maxsize=64)
def _usual_slope(body: BodyModel, name: str) -> Tensor:
    with torch.inference_mode(False):
        step = _STEP * torch.eye(body.num_betas, dtype=torch.float64)
        both = getattr(measure(body, torch.cat((step, -step))), name)
        return (both[: body.num_betas] - both[body.num_betas :]) / (2 * _STEP)


class KnownSizeTerm(Term):
    """(m(betas) - m) / tolerance for each known measurement m.

    Measurements are made anew in ``refresh``, between two solves; within one they are followed along their derivative.

    Args:
        body: the body model.
        names: M of `SIZES`.
        given: (B, M) metres (litres for the volume); NaN where not known.
        weights: (M,) one over the tolerances, in the energy's unit.
        params: (B, D) where to measure first.
    """

    name = "known_size"

    def __init__(self, body: BodyModel, names: Sequence[str], given: Tensor, weights: Tensor, params: Tensor) -> None:
        self._body, self._names, self._given = body, tuple(names), given
        known = torch.isfinite(given)
        self.evidence = self._known = known.any(1)
        self._weights = weights * known
        self._measure(params)

    def _measure(self, params: Tensor) -> None:
        betas = params[:, self._body.layout.betas]
        self._at = betas.clone()
        self._values = torch.zeros_like(self._given)
        self._slopes = betas.new_zeros(*self._given.shape, betas.shape[1])
        rows = torch.nonzero(self._known)[:, 0]
        if len(rows):
            found = sizes_with_slopes(self._body, betas[rows], self._names)
            self._values[rows], self._slopes[rows] = found.values, found.slopes

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        self._measure(params)
        return params

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        where = state.layout.betas
        slopes, weights = self._slopes[rows], self._weights[rows]
        moved = (slopes * (state.params[:, where] - self._at[rows])[:, None]).sum(-1)
        values = weights * (self._values[rows] + moved - self._given[rows].nan_to_num(0.0))
        jacobian = values.new_zeros(*values.shape, state.layout.size)
        jacobian[..., where] = weights[..., None] * slopes
        return Residuals(values, jacobian)


@dataclass(frozen=True, kw_only=True)
class KnownSize(TermSpec):
    """Spec of `KnownSizeTerm`: for rows by name, or under ``""`` for all that are not named."""

    name: str = "known_size"
    given: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # row's name -> measurement -> metres
    tolerance: float = 0.01  # metres, of heights and lengths; three times that of girths

    def term(self, body: BodyModel, names: Sequence[str], params: Tensor, *, weight: float) -> KnownSizeTerm | None:
        """The term for rows of those names at params (B, D); ``weight``: of a standard deviation."""
        rows = [self.of(name) for name in names]
        sizes = tuple(dict.fromkeys(size for one in self.given.values() for size in one))  # of all: rows stay apart
        if not any(rows):
            return None
        given = params.new_tensor([[row.get(size, float("nan")) for size in sizes] for row in rows])
        return KnownSizeTerm(
            body, sizes, given, params.new_tensor([weight / self._tolerance(s) for s in sizes]), params
        )

    def strangers(self, names: Collection[str]) -> list[str]:
        """Names that measurements are given for, and that are not among these."""
        there = {"", *names}
        return [name for name in self.given if name not in there]

    def of(self, name: str) -> Mapping[str, float]:
        """What is known of the row of that name."""
        return self.given.get(name, self.given.get("", {}))

    def _tolerance(self, size: str) -> float:
        exact = size in (*_EXTENTS, *_PAIRS, *_SUMS)
        return self.tolerance * (1.0 if exact else 100.0 if size == "volume_l" else _GIRTH)

    def build(self, problem: FitProblem, stage: Stage) -> Term | None:
        names = problem.observations.names
        return self.term(problem.body, names, problem.start, weight=stage.shape_weight)


def known_size(text: str) -> dict[str, float]:
    """Measurements from ``height=1.76,waist=0.81``, in metres (litres for the volume).

    Raises:
        ValueError: an unknown name, no number, or one that is no person's.

    >>> known_size("height=1.76, waist=0.81")
    {'height': 1.76, 'waist_girth': 0.81}
    """
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = part.partition("=")
        if not equals:
            raise ValueError(f"measure: expected NAME=METRES, got {part!r}")
        found[size_name(name)] = checked_measurement(size_name(name), number)
    return found


def checked_measurement(name: str, text: str) -> float:
    """A measurement in metres.

    Raises:
        ValueError: no number, or one that is no person's.
    """
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"measure: {name}: expected a number of metres, got {text!r}") from None
    least, most = (2.0, 400.0) if name == "volume_l" else (0.4, 2.8) if name in ("height", "arm_span") else (0.05, 2.5)
    if not least <= value <= most:
        unit = "litres" if name == "volume_l" else "metres"
        raise ValueError(f"measure: {name}: expected {least} to {most} {unit}, got {text.strip()}")
    return value
