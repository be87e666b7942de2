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
from ..fitting.point_covariance import point_covariance
from ..fitting.point_fit import PointConfig, PointSolution, couple_positions, fit_positions
from ..fitting.terms import KnownSize
from ..observations.videos import USUAL_RATE
from ..pipeline import shipped_pose_prior, usual_body
from ..results import BodyEstimate, Diagnostics
from . import trust
from .conventions import body_points
from .frames import AXES, IMAGE, UNITS, PointFrame, Up, bone_ratios, check_scale, point_frame, told_unit, told_up
from .ground import ground_of, said_of_ground

Unit = Literal["auto", "m", "cm", "mm", "free"]


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
    given = body_points(convention, labels)
    where, seen = _checked(points, confidence, given, labels, body)
    used, places, order = _usable(given, body)
    where, seen = where[:, order], seen[:, order]
    if floor is not None and unit == "free" and not sequence and len(where) > 1:
        raise ValueError("floor: without a unit each row has a size of its own; say the unit, or that it is a sequence")
    remarks = _gaps(where, seen)
    seen = torch.where((where == 0).all(-1), 0.0, seen) if remarks else seen

    ratios = bone_ratios(body, used, where, seen)
    scaled, centres, frame, said = _placed(body, used, where, seen, ratios, unit, stated_unit, up, sequence=sequence)
    remarks += said
    turn = frame.rotation.to(scaled)
    local = (scaled - centres[:, None]) @ turn.mT  # each row about its own centre, in the camera's axes
    labelled = _names(names, len(where))
    apart = _in_batches(body, pose_prior, used, local, seen, config, batch_size, sizes, labelled)
    if sizes is not None:
        remarks.append(_sizes_said(sizes))
    usual = ratios if unit == "free" else ratios[torch.isfinite(ratios)].median()
    longer = (ratios / usual).nan_to_num(1.0)
    mirrored = looks_exchanged(body, pose_prior, used, local, seen, apart, config)
    verdict = trust.judge_points(body, used, local, seen, apart.params, apart.distances, longer, mirrored)
    placed = frame.to_camera(centres.double()).to(local)  # (B, 3) of the rows' centres
    params = apart.params.clone()
    params[:, body.layout.transl] += placed
    found = replace(apart, params=params)
    grounds = None
    if floor is not None:
        videos, lost, rate = (0,) * len(found) if sequence and smooth else (), ~verdict.trusted, frames_per_second
        grounds = ground_of(body, used, seen, params, frame, floor, videos=videos, lost=lost, rate=rate)
        remarks += said_of_ground(grounds, frame)
    if sequence and len(found) > 1:
        same = (0,) * len(found)
        found = couple_positions(
            body,
            pose_prior,
            used,
            local + placed[:, None],
            seen,
            found,
            config,
            persons=same,
            videos=same if smooth else (),
            lost=~verdict.trusted,
            sizes=sizes,
            labels=labelled,
            grounds=grounds,
        )
    regions: dict[str, Tensor] = {}
    if covariance:
        there = local + placed[:, None]
        certain = point_covariance(body, pose_prior, used, there, seen, found, config, sizes=sizes, labels=labelled)
        regions = certain._asdict()
    errors = where.new_full((len(where), len(given)), torch.nan)
    errors[:, places] = 1000.0 * found.distances.to(errors)
    problems = [(row, reason) for row, reason in enumerate(verdict.reasons) if reason]
    told = trust.outlying(used, found.distances)
    problems += [(row, text) for row, text in enumerate(told) if text and not verdict.reasons[row]]
    estimate = _estimate(body, used, local + placed[:, None], seen, found, verdict, frame, labelled, regions)
    if grounds is not None:
        estimate = replace(estimate, floors=grounds.floors.to("cpu"))
    return PointFit(
        estimate=estimate,
        errors_mm=errors.cpu(),
        points=given,
        frame=frame,
        world=_in_world(body, found.params, frame),
        remarks=tuple(remarks),
        problems=tuple(sorted(problems)),
    )


class _Placed(NamedTuple):
    """Points in metres (B, P, 3), the middles of their rows (B, 3), the frame of all, and what was decided of them."""

    points: Tensor
    centres: Tensor
    frame: PointFrame
    remarks: list[str]


def _placed(
    body: BodyModel,
    names: tuple[str, ...],
    where: Tensor,
    seen: Tensor,
    ratios: Tensor,
    unit: str,
    stated_unit: str,
    up: Up | Literal["auto"],
    *,
    sequence: bool,
) -> _Placed:
    """Tell the unit and the axes of points by the bodies that they are of, where they are not said.

    Args:
        body: the body model.
        names: P body points.
        where: (B, P, 3) in the points' own unit; 0 where missing.
        seen: (B, P) confidence.
        ratios: (B,) lengths of bones, as multiples of the mean body's.
        unit, stated_unit, up, sequence: as for `fit_points`.
    Raises:
        ValueError: there is no such unit or axis.
    """
    unit_name, metres, remarks = _unit(unit, stated_unit, ratios)
    scaled = where * metres
    if unit == "free":
        sizes = _person_sizes(ratios, sequence)
        scaled = scaled / sizes[:, None, None].to(scaled)
        metres = 1.0 / float(sizes[0]) if sequence or len(sizes) == 1 else metres
    scaled = scaled.to(body.dtype)
    centres = _centres(scaled, seen)
    if up == "auto":
        up, sure = told_up(body, names, scaled - centres[:, None], seen)
        remarks.append(f"up: {up}" if sure else f"up: {up}, which is not sure; say it with up")
    elif up not in AXES:
        raise ValueError(f"up: expected one of {', '.join(AXES)} or auto, got {up!r}")
    return _Placed(scaled, centres, point_frame(scaled, seen, unit_name, metres, up), remarks)


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


def _usable(given: Sequence[str | None], body: BodyModel) -> tuple[tuple[str, ...], list[int], list[int]]:
    """Body points that the convention has, vertices last; their places in it (twice, for reading and for writing)."""
    order = [place for place, name in enumerate(given) if name is not None]
    order.sort(key=lambda place: str(given[place]).startswith("vertex:"))
    used = tuple(str(given[place]) for place in order)
    double = next((name for name in used if used.count(name) > 1), None)
    if double is not None:
        raise ValueError(f"convention: {double} stands there twice")
    compiled_points(body, used)  # unknown names and vertices out of range, now and in one line
    return used, order, order


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


def _sizes_said(sizes: KnownSize) -> str:
    known = dict.fromkeys(size for one in sizes.given.values() for size in one)
    return f"known: {', '.join(known)}; the body has them to {100 * sizes.tolerance:.0f} cm or so"


def _centres(points: Tensor, seen: Tensor) -> Tensor:
    """(B, 3) the middle of each row's points, which outliers do not move."""
    middle = points.masked_fill((seen <= 0)[..., None], torch.nan).nanmedian(1).values
    return middle.nan_to_num(0.0)


def _in_batches(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: tuple[str, ...],
    positions: Tensor,
    seen: Tensor,
    config: PointConfig,
    size: int,
    known: KnownSize | None,
    labels: Sequence[str],
) -> PointSolution:
    parts = [
        fit_positions(body, pose_prior, names, positions[rows], seen[rows], config, sizes=known, labels=labels[rows])
        for rows in (slice(start, start + size) for start in range(0, len(positions), max(1, size)))
    ]
    return parts[0] if len(parts) == 1 else PointSolution.concatenate(parts)


def looks_exchanged(
    body: BodyModel,
    pose_prior: GaussianMixture,
    names: tuple[str, ...],
    positions: Tensor,
    seen: Tensor,
    found: PointSolution,
    config: PointConfig,
) -> Tensor:
    """(B,) bool: rows that fit badly, and much better with left and right exchanged.

    Args:
        body, pose_prior, names, config: as for `fit_positions`.
        positions, seen: (B, P, 3) and (B, P), as it was given them.
        found: of them.
    """
    result = torch.zeros(len(positions), dtype=torch.bool, device=positions.device)
    places = trust.exchange(names)
    if places is None:
        return result
    cost = strain(body, pose_prior, found)
    doubtful = torch.nonzero(cost > trust.DOUBTFUL)[:, 0]
    if not len(doubtful):
        return result
    there = torch.tensor(places, device=positions.device)
    moved = positions[doubtful][:, there.clamp_min(0)]
    kept = torch.where(there >= 0, seen[doubtful][:, there.clamp_min(0)], 0.0)
    other = fit_positions(body, pose_prior, names, moved, kept, config)
    result[doubtful] = strain(body, pose_prior, other) < trust.BETTER * cost[doubtful]
    return result


def strain(body: BodyModel, pose_prior: GaussianMixture, found: PointSolution) -> Tensor:
    """(B,) how far points lie off their body, and how unlikely its pose is, in units of what is usual."""
    off = found.distances.clamp(max=2 * trust.FAR).nanmean(1).nan_to_num(0.0) / trust.HALF
    pose = pose_prior.energy(found.params[:, body.layout.body_pose])
    return off + (pose / trust.USUAL_POSE)


def _estimate(
    body: BodyModel,
    used: tuple[str, ...],
    positions: Tensor,
    seen: Tensor,
    found: PointSolution,
    verdict: trust.PointTrust,
    frame: PointFrame,
    names: Sequence[str],
    regions: Mapping[str, Tensor],
) -> BodyEstimate:
    """The record that everything else takes: keypoints are the canonical joints among the points, as the camera sees
    them."""
    count = len(positions)
    canonical = [CANONICAL_JOINTS.index(plain) if (plain := _canonical(name)) else -1 for name in used]
    chosen = [place for place, joint in enumerate(canonical) if joint >= 0]
    joints = [canonical[place] for place in chosen]
    intrinsics = frame.intrinsics.to(positions).expand(count, 3, 3).clone()
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
        names=tuple(names),
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
