"""`fit_points`: from points in space to bodies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.joint_sets import CANONICAL_SOURCES
from ..body.kinematics import compiled_points
from ..body.moving import moved
from ..camera import project
from ..fitting import GaussianMixture
from ..fitting.grounds import Grounds
from ..fitting.point_covariance import point_covariance
from ..fitting.point_fit import PointConfig, PointSolution, couple_positions, fit_positions
from ..fitting.terms import KnownSize
from ..observations.videos import USUAL_RATE
from ..pipeline import shipped_pose_prior, usual_body
from ..results import BodyEstimate, Diagnostics
from . import trust
from .axes import odd_axis
from .continuity import leaps, strays
from .conventions import body_points
from .exchanges import exchanged_sides
from .frames import (
    AXES,
    IMAGE,
    UNITS,
    PointFrame,
    Up,
    all_on_a_line,
    bone_ratios,
    check_scale,
    point_frame,
    told_unit,
    told_up,
)
from .ground import ground_of, said_of_ground
from .sides_in_time import told_by_neighbours

Unit = Literal["auto", "m", "cm", "mm", "free"]
_COARSE_MM = 0.5  # between two numbers next to each other: said from there on


@dataclass(frozen=True, kw_only=True)
class PointFit:
    """Bodies fitted to points in space.

    Attributes:
        estimate: B bodies in the frame of one virtual camera that looks at all of them from a level; saves, exports and
            draws like any other. ``score`` and ``trusted`` of its diagnostics come from ``errors_mm``.
        errors_mm: (B, P) from each given point to the body's; NaN where there was none, or the body has no such point.
        points: P names of body points, None where the body has no counterpart.
        frame: the unit and axes of the points, and the camera.
        world: what ``smplx.SMPL`` takes, in metres and the points' own axes.
        remarks: what was decided about the points as a whole.
        problems: a line for each row with something wrong, ``(row, text)``; the others went on.
    """

    estimate: BodyEstimate
    errors_mm: Tensor
    points: tuple[str | None, ...]
    frame: PointFrame
    world: dict[str, Tensor]
    remarks: tuple[str, ...]
    problems: tuple[tuple[int, str], ...]

    def __len__(self) -> int:
        return len(self.estimate)

    @property
    def mean_error_mm(self) -> Tensor:
        """(B,) the mean of ``errors_mm`` over the points that there were."""
        return self.errors_mm.nanmean(1)


def fit_points(
    points: np.ndarray | Tensor,
    confidence: np.ndarray | Tensor | None = None,
    *,
    convention: str | Sequence[str | None] | Mapping[str, str | None],
    labels: Sequence[str] = (),
    body: BodyModel | None = None,
    pose_prior: GaussianMixture | None = None,
    sequence: bool = False,
    smooth: bool = True,
    unit: Unit = "auto",
    stated_unit: str = "",
    up: Up | Literal["auto"] = "auto",
    floor: float | Literal["auto"] | None = None,
    frames_per_second: float = USUAL_RATE,
    names: Sequence[str] = (),
    sizes: KnownSize | None = None,
    covariance: bool = False,
    batch_size: int = 256,
    config: PointConfig = PointConfig(),
) -> PointFit:
    """Fit bodies to points in space: triangulated or tracked joints, depth cameras' joints, markers.

    Args:
        points: (B, P, 3), or (P, 3) of one body; NaN where a point is missing.
        confidence: (B, P) in [0, 1]; 0 is missing. None: all that are finite.
        convention: which points they are: a name (smpl24, smplh22, h36m17, coco17, body25, mediapipe33, kinect25,
            azure32 ...; see `points.POINT_CONVENTIONS`), ``"names"`` (their labels say it), a body point for each, or a
            mapping from labels to body points (``{"LASI": "vertex:1234"}``).
        labels: P names of the points, where ``convention`` needs them.
        body: None takes the neutral open body.
        pose_prior: a Gaussian mixture; None takes the one that ships with the package.
        sequence: the rows are one person in successive frames: one shape, and
        smooth: smooth motion.
        unit: of the points, or ``"auto"``: told by the body's size; ``"free"``: they have none, and the body is of
            mean size.
        stated_unit: what a file says; only to remark where the body's size says otherwise.
        up: the axis that points up, or ``"auto"``: told by the bodies. It sets the virtual camera's axes alone.
        floor: where the floor is on the axis that points up, in the points' unit; "auto": where feet that stand show
            it; None: not known. In a sequence feet that stand on it stay where they are. With a free unit of a
            sequence or one row alone.
        frames_per_second: of a sequence.
        names: B names of the rows; by default their numbers.
        sizes: known heights and measurements (`fitting.terms.KnownSize`), for rows by name or for all.
        covariance: whether the estimate's diagnostics have covariances of the joints (`Diagnostics`, in the virtual
            camera's frame; ``frame.rotation`` turns the points' axes there).
        batch_size: rows fitted at once: speed and memory only.
        config: the fit's constants.
    Raises:
        ValueError: shapes that do not fit, nothing to fit, an unknown convention or unit, a floor that is no
            height, known sizes of people whose unit is free. What is wrong with single rows is no error, but
            stands in ``problems`` and in the diagnostics.

    >>> import anchorfit, torch
    >>> body = anchorfit.load_body()
    >>> joints = 1000 * body().joints  # (1, 24, 3) millimetres
    >>> found = anchorfit.fit_points(joints, convention="smpl24", body=body)
    >>> found.frame.unit, found.frame.up, bool(found.mean_error_mm[0] < 1)
    ('mm', 'y', True)
    """
    check_scale(unit, sizes)
    if floor not in (None, "auto") and not math.isfinite(float(floor)):
        raise ValueError(f"floor: expected auto or a finite height, got {floor}")
    body = body or usual_body()
    pose_prior = (pose_prior or shipped_pose_prior(body.dtype, body.device)).to(body.device, body.dtype)
    given = _given(points, confidence, body_points(convention, labels), labels, names, body)
    if floor is not None and unit == "free" and not sequence and len(given.points) > 1:
        raise ValueError("floor: without a unit each row has a size of its own; say the unit, or that it is a sequence")
    placed = _placed(body, given, unit, stated_unit, up, sequence=sequence)
    rate = frames_per_second if sequence and smooth else None
    task = _Task(body, pose_prior, given, placed, config, sizes, sequence, rate)
    apart = task.apart(batch_size)
    verdict = task.judged(apart)
    found = task.in_camera(apart)
    grounds = None
    if floor is not None:
        videos, rate = (0,) * len(found) if rate else (), frames_per_second
        lost = ~verdict.trusted
        grounds = ground_of(
            body, given.names, given.seen, found.params, placed.frame, floor, videos=videos, lost=lost, rate=rate
        )
    if sequence and len(found) > 1:
        found = task.coupled(found, ~verdict.trusted, grounds)
    return task.result(found, verdict, grounds, covariance=covariance)


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What was given, checked.

    Attributes:
        points: (B, P, 3) float64 in the points' own unit, 0 where missing. seen: (B, P) confidence, 0 where missing.
        names: P body points, vertices last.
        convention: body points in the order that they were given in, None where the body has no counterpart.
        order: P places of the names in it.
        rows: B names.
        remarks: lines to be said.
    """

    points: Tensor
    seen: Tensor
    names: tuple[str, ...]
    convention: tuple[str | None, ...]
    order: list[int]
    rows: tuple[str, ...]
    remarks: list[str]


def _given(
    points: np.ndarray | Tensor,
    confidence: np.ndarray | Tensor | None,
    convention: tuple[str | None, ...],
    labels: Sequence[str],
    names: Sequence[str],
    body: BodyModel,
) -> _Given:
    where, seen = _checked(points, confidence, convention, labels, body)
    used, order = _usable(convention, body)
    where, seen = where[:, order], seen[:, order]
    remarks = _gaps(where, seen)
    seen = torch.where((where == 0).all(-1), 0.0, seen) if remarks else seen
    return _Given(
        points=where,
        seen=seen,
        names=used,
        convention=convention,
        order=order,
        rows=_names(names, len(where)),
        remarks=remarks,
    )


class _Placed(NamedTuple):
    """Points as they are fitted.

    Attributes:
        local: (B, P, 3) metres, each row about its own middle, the camera's axes.
        middle: (B, 3) metres, of the rows, the camera's frame.
        longer: (B,) times that a row's bones are longer than those of the middle row.
        frame: of all. remarks: what was decided about them.
    """

    local: Tensor
    middle: Tensor
    longer: Tensor
    frame: PointFrame
    remarks: list[str]


def _placed(
    body: BodyModel, given: _Given, unit: str, stated_unit: str, up: Up | Literal["auto"], *, sequence: bool
) -> _Placed:
    """Tell the unit and the axes of points by the bodies that they are of, where they are not said.

    Args:
        body: the body model.
        given: the points.
        unit, stated_unit, up, sequence: as for `fit_points`.
    Raises:
        ValueError: there is no such unit or axis.
    """
    ratios = bone_ratios(body, given.names, given.points, given.seen)
    if unit == "auto" and all_on_a_line(given.points, given.seen):
        raise ValueError("points: all lie on a line in every row, so two of their axes are missing; give x, y and z")
    unit_name, metres, remarks = _unit(unit, stated_unit, ratios)
    scaled = given.points * metres
    if unit == "free":
        sizes = _person_sizes(ratios, sequence)
        scaled = scaled / sizes[:, None, None].to(scaled)
        metres = 1.0 / float(sizes[0]) if sequence or len(sizes) == 1 else metres
    centres = _centres(scaled, given.seen)
    local = scaled - centres[:, None]  # far from the origin single precision knows no millimetres
    if up == "auto":
        up, sure = told_up(body, given.names, local.to(body.dtype), given.seen)
        remarks.append(f"up: {up}" if sure else f"up: {up}, which is not sure; say it with up")
    elif up not in AXES:
        raise ValueError(f"up: expected one of {', '.join(AXES)} or auto, got {up!r}")
    frame = point_frame(scaled, given.seen, unit_name, metres, up)
    remarks += _rounded(frame, body.dtype)
    usual = ratios if unit == "free" else ratios[torch.isfinite(ratios)].median()
    return _Placed(
        local=(local @ frame.rotation.to(local).mT).to(body.dtype),
        middle=frame.to_camera(centres).to(body.dtype),
        longer=(ratios / usual).nan_to_num(1.0),
        frame=frame,
        remarks=remarks,
    )


@dataclass(frozen=True, eq=False)
class _Task:
    """One call's fits, step by step. ``rate``: frames a second of rows that follow each other in time, or None."""

    body: BodyModel
    pose_prior: GaussianMixture
    given: _Given
    placed: _Placed
    config: PointConfig
    sizes: KnownSize | None
    sequence: bool
    rate: float | None

    @property
    def there(self) -> Tensor:
        """(B, P, 3) the points in the camera's frame."""
        return self.placed.local + self.placed.middle[:, None]

    def apart(self, size: int) -> PointSolution:
        """Each row by itself, about its own middle, so many at once."""
        given, local = self.given, self.placed.local
        parts = [
            fit_positions(
                self.body,
                self.pose_prior,
                given.names,
                local[rows],
                given.seen[rows],
                self.config,
                sizes=self.sizes,
                labels=given.rows[rows],
            )
            for rows in (slice(start, start + size) for start in range(0, len(local), max(1, size)))
        ]
        return parts[0] if len(parts) == 1 else PointSolution.concatenate(parts)

    def judged(self, apart: PointSolution) -> trust.PointTrust:
        """How far the rows are trusted, each by itself and in time."""
        given, local = self.given, self.placed.local
        args = (self.body, self.pose_prior, given.names, local, given.seen, apart, self.config)
        exchanged = exchanged_sides(*args)
        parts = exchanged.parts
        if self.rate is not None:
            parts = told_by_neighbours(exchanged, given.names, self.there, given.seen, self.rate)
        told = trust.judge_points(
            self.body, local, given.seen, apart.params, apart.distances, self.placed.longer, parts
        )
        odd = odd_axis(self.body, given.names, given.points, given.seen)
        if odd is not None:
            told = trust.with_reasons(told, [odd.reason] * len(local))
        if self.rate is None:
            return told
        return trust.with_reasons(told, strays(self.there, given.seen, ~told.trusted, self.rate))

    def in_camera(self, apart: PointSolution) -> PointSolution:
        """The same bodies in the camera's frame."""
        params = apart.params.clone()
        params[:, self.body.layout.transl] += self.placed.middle
        return replace(apart, params=params)

    def coupled(self, found: PointSolution, lost: Tensor, grounds: Grounds | None) -> PointSolution:
        """One shape for all rows, and smooth motion where they follow each other in time."""
        same = (0,) * len(found)
        return couple_positions(
            self.body,
            self.pose_prior,
            self.given.names,
            self.there,
            self.given.seen,
            found,
            self.config,
            persons=same,
            videos=same if self.rate else (),
            lost=lost,
            sizes=self.sizes,
            labels=self.given.rows,
            grounds=grounds,
        )

    def result(
        self, found: PointSolution, verdict: trust.PointTrust, grounds: Grounds | None, *, covariance: bool
    ) -> PointFit:
        """The record of all that was found."""
        given, frame = self.given, self.placed.frame
        errors = given.points.new_full((len(given.points), len(given.convention)), torch.nan)
        errors[:, given.order] = 1000.0 * found.distances.to(errors)
        estimate = _estimate(self, found, verdict, self._regions(found) if covariance else {})
        remarks = [*given.remarks, *self.placed.remarks]
        if self.sizes is not None:
            remarks.append(_sizes_said(self.sizes))
        if grounds is not None:
            estimate = replace(estimate, floors=grounds.floors.to("cpu"))
            remarks += said_of_ground(grounds, frame)
        return PointFit(
            estimate=estimate,
            errors_mm=errors.cpu(),
            points=given.convention,
            frame=frame,
            world=_in_world(self.body, found.params, frame),
            remarks=tuple(remarks),
            problems=self._problems(found, verdict),
        )

    def _regions(self, found: PointSolution) -> dict[str, Tensor]:
        given = self.given
        return point_covariance(
            self.body,
            self.pose_prior,
            given.names,
            self.there,
            given.seen,
            found,
            self.config,
            sizes=self.sizes,
            labels=given.rows,
        )._asdict()

    def _problems(self, found: PointSolution, verdict: trust.PointTrust) -> tuple[tuple[int, str], ...]:
        lines = [(row, reason) for row, reason in enumerate(verdict.reasons) if reason]
        told = trust.outlying(self.given.names, found.distances)
        lines += [(row, text) for row, text in enumerate(told) if text and not verdict.reasons[row]]
        if self.rate is not None:
            lines += leaps(self.there, self.given.seen, ~verdict.trusted, self.rate)
        return tuple(sorted(lines))


def _checked(
    points: np.ndarray | Tensor,
    confidence: np.ndarray | Tensor | None,
    given: Sequence[str | None],
    labels: Sequence[str],
    body: BodyModel,
) -> tuple[Tensor, Tensor]:
    """Points (B, P, 3) float64, 0 where missing, and confidence (B, P) in the body's type."""
    where = torch.as_tensor(points, device=body.device).double()
    where = where[None] if where.ndim == 2 else where
    if where.ndim != 3 or where.shape[2] != 3 or where.shape[1] != len(given):
        raise ValueError(
            f"points: expected (B, {len(given)}, 3) in this convention, got {tuple(where.shape)}"
            + (f" with {len(labels)} labels" if labels else "")
        )
    if not len(where):
        raise ValueError("points: expected at least one row, got none")
    seen = torch.ones_like(where[..., 0]) if confidence is None else torch.as_tensor(confidence, device=body.device)
    seen = seen[None] if seen.ndim == 1 else seen
    if seen.shape != where.shape[:2]:
        raise ValueError(f"confidence: expected {tuple(where.shape[:2])}, got {tuple(seen.shape)}")
    finite = torch.isfinite(where).all(-1) & (where.nan_to_num().abs().amax(-1) < 1e9)
    seen = torch.where(finite & (seen > 0), seen.nan_to_num().clamp(0.0, 1.0), 0.0)
    if not bool((seen > 0).any()):
        raise ValueError("points: expected at least one finite point, got none")
    return torch.where((seen > 0)[..., None], where, 0.0), seen.to(body.dtype)


def _usable(given: Sequence[str | None], body: BodyModel) -> tuple[tuple[str, ...], list[int]]:
    """Body points that the convention has, vertices last; their places in it."""
    order = [place for place, name in enumerate(given) if name is not None]
    order.sort(key=lambda place: str(given[place]).startswith("vertex:"))
    used = tuple(str(given[place]) for place in order)
    double = next((name for name in used if used.count(name) > 1), None)
    if double is not None:
        raise ValueError(f"convention: {double} stands there twice")
    compiled_points(body, used)  # unknown names and vertices out of range, now and in one line
    return used, order


def _gaps(where: Tensor, seen: Tensor) -> list[str]:
    """A remark where points stand at the very origin, as some programs write gaps."""
    zero = (where == 0).all(-1) & (seen > 0)
    count = int(zero.sum())
    if not count or (count == 1 and len(where) == 1):
        return []
    return [f"{count} points at exactly (0, 0, 0) are taken as missing"]


def _unit(unit: str, stated: str, ratios: Tensor) -> tuple[str, float, list[str]]:
    if unit == "free":
        return "", 1.0, ["the unit is free: the body is of mean size, and distances mean nothing"]
    if unit == "auto":
        unit = told_unit(ratios)
        said = [f"unit: {unit}, told by the body's size"]
        if stated in UNITS and stated != unit:
            said[0] += f"; the file says {stated}"
        return unit, UNITS[unit], said
    if unit not in UNITS:
        raise ValueError(f"unit: expected one of {', '.join(UNITS)}, auto or free, got {unit!r}")
    known = ratios[torch.isfinite(ratios)]
    size = float(known.median()) * UNITS[unit] if len(known) else 1.0
    said = [f"unit: {unit}"]
    if not 0.5 < size < 1.6:
        said.append(f"in {unit} the person is {1.7 * size:.3g} m high: another unit?")
    return unit, UNITS[unit], said


def _person_sizes(ratios: Tensor, sequence: bool) -> Tensor:
    """(B,) lengths of bones, as multiples of the mean body's: of each row, or of all rows of one person."""
    known = ratios[torch.isfinite(ratios) & (ratios > 0)]
    if not len(known):
        raise ValueError("points: no row has two points of one bone, so their scale cannot be told")
    middle = known.median()
    return middle.expand_as(ratios) if sequence else torch.where(ratios > 0, ratios, middle)


def _names(names: Sequence[str], count: int) -> tuple[str, ...]:
    if names and len(names) != count:
        raise ValueError(f"names: expected {count}, got {len(names)}")
    return tuple(names) or tuple(f"row{row:06d}#0" for row in range(count))


def _rounded(frame: PointFrame, dtype: torch.dtype) -> list[str]:
    """A remark where numbers of a type are too coarse for places so far from the origin."""
    away = float(frame.centre.abs().amax())
    apart_mm = 1000 * torch.finfo(dtype).eps * away
    if apart_mm < _COARSE_MM:
        return []
    said = f"{apart_mm:.2g} mm in single precision: subtract an offset from the points"
    return [f"the points lie {0.001 * away:.3g} km from their origin, where places in the world are known to {said}"]


def _sizes_said(sizes: KnownSize) -> str:
    known = dict.fromkeys(size for one in sizes.given.values() for size in one)
    return f"known: {', '.join(known)}; the body has them to {100 * sizes.tolerance:.0f} cm or so"


def _centres(points: Tensor, seen: Tensor) -> Tensor:
    """(B, 3) the middle of each row's points, which outliers do not move."""
    middle = points.masked_fill((seen <= 0)[..., None], torch.nan).nanmedian(1).values
    return middle.nan_to_num(0.0)


def _estimate(
    task: _Task, found: PointSolution, verdict: trust.PointTrust, regions: Mapping[str, Tensor]
) -> BodyEstimate:
    """The record that everything else takes: keypoints are the canonical joints among the points, as the camera sees
    them."""
    body, positions, seen = task.body, task.there, task.given.seen
    count = len(positions)
    canonical = [CANONICAL_JOINTS.index(plain) if (plain := _canonical(name)) else -1 for name in task.given.names]
    chosen = [place for place, joint in enumerate(canonical) if joint >= 0]
    joints = [canonical[place] for place in chosen]
    intrinsics = task.placed.frame.intrinsics.to(positions).expand(count, 3, 3).clone()
    keypoints = positions.new_zeros(count, len(CANONICAL_JOINTS), 2)
    confidence = positions.new_zeros(count, len(CANONICAL_JOINTS))
    keypoints[:, joints] = project(positions[:, chosen], intrinsics)
    confidence[:, joints] = seen[:, chosen]
    on_body = project(compiled_points(body, CANONICAL_JOINTS).points(found.params), intrinsics)
    off = (on_body - keypoints).norm(dim=-1).masked_fill(confidence <= 0, torch.nan)
    keypoints = torch.where((confidence > 0)[..., None], keypoints, 0.0)
    estimate = BodyEstimate(
        **body.layout.split(found.params)._asdict(),
        intrinsics=intrinsics,
        image_size=torch.tensor([IMAGE, IMAGE]).expand(count, 2).clone(),
        crop_from_image=torch.eye(3, dtype=positions.dtype).expand(count, 3, 3).clone(),
        keypoints=keypoints,
        confidence=confidence,
        names=task.given.rows,
        images=("",) * count,
        body=body.source or body.name,
        gender=body.gender,
        method="points",
        diagnostics=Diagnostics(
            reprojection_px=off,
            energy={},
            steps=found.steps,
            status=found.status,
            score=verdict.score,
            trusted=verdict.trusted,
            reasons=verdict.reasons,
            **regions,
        ),
    )
    return estimate.to("cpu")


def _canonical(name: str) -> str | None:
    """The canonical joint that a body point is."""
    if name in CANONICAL_JOINTS:
        return name
    return next((joint for joint, source in CANONICAL_SOURCES.items() if source == ((name, 1.0),)), None)


def _in_world(body: BodyModel, params: Tensor, frame: PointFrame) -> dict[str, Tensor]:
    """The same bodies in the points' own axes."""
    turn, away = frame.rotation.mT, frame.rotation.new_tensor([0.0, 0.0, frame.depth])
    back = frame.centre - turn @ away
    world = moved(body, params.double(), turn.to(params.device), back.to(params.device))
    return {name: value.to(params.dtype).cpu() for name, value in body.layout.split(world)._asdict().items()}
