"""Direct prediction: keypoints and masks in, bodies out, in one forward pass, and half of another for whose keypoints
are doubted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, matrix_to_axis_angle
from ..body.kinematics import compiled_points
from ..body.limbs import limb_confidence, limb_directions
from ..body.parameters import NUM_POSE, Layout
from ..body.standing import Gravity
from ..body.uncertainty import Correlation, PoseUncertainty
from ..camera import rays_of
from ..deprecation import renamed_arguments
from ..observations.doubts import far_off
from ..observations.people import Observations
from ..rows import FEWEST_ROWS, Rows, filled
from .balance import Lean, balanced, lean_of
from .folding import fold, folded
from .limb_cues import CUE_WEIGHT, blend_limbs
from .normalisation import FEWEST_JOINTS, NormalisedKeypoints, Rays, normalise, seen_rays
from .passes import once_size, pass_size
from .pose_prior import PosePrior, PosePriorOutput, local_rotations
from .shape_prior import ShapePrior, crop_mask
from .skeleton import Skeleton
from .synthesis.silhouettes import MASK_SIZE
from .translation import FALLBACK_DEPTH, Sightlines
from .trunks import TrunkLean, trunk_lean_of
from .uncertainty import Sureness, in_camera
from .weights import POSE_PRIOR, WEIGHTS, load_pose_prior_network, load_shape_prior_network, read_weights

SHAPE_PRIORS = (
    "shape_prior.safetensors",
    "shape_prior_female.safetensors",
    "shape_prior_male.safetensors",
)
_MASKS = 4  # masks at a time, filled up


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The trained networks, in evaluation mode (formerly ``Priors``).

    Attributes:
        pose: any body's.
        shapes: ShapePriors by the name of the body whose betas they know; every other body keeps its mean shape.
    """

    pose: PosePrior
    shapes: Mapping[str, ShapePrior] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Prediction(Rows):
    """B predicted bodies; rows are independent of each other.

    Attributes:
        params: (B, D) as the body's layout has them, camera frame: what `fitting.anchored` starts from.
        posed: (B,) bool; False where too few joints were seen: there the body stands upright, facing the camera.
        shaped: (B,) bool; False where no usable mask was given: there betas are 0, the mean shape.
        placed: (B,) bool; False where the keypoints do not tell the translation: there it is 5 m before the camera.
        reasons: B short texts, empty where posed and placed.
        doubted: (B, K) bool, keypoints that lie far off the body that the others show, which were left out.
        uncertainty: how sure rotations and place are, of the mean shape; None of a network that does not say it.
    """

    params: Tensor
    posed: Tensor
    shaped: Tensor
    placed: Tensor
    reasons: tuple[str, ...]
    doubted: Tensor
    uncertainty: PoseUncertainty | None = None

    def __len__(self) -> int:
        return len(self.reasons)


@lru_cache(maxsize=4)
def load_networks(folder: Path | None = None) -> Networks:
    """Load trained networks (formerly ``load_priors``).

    They are ``pose_prior.safetensors`` and every ``shape_prior*.safetensors`` of a folder.

    Args:
        folder: None for those that ship with the package. Of which kind it has none, the package's are taken.
    Raises:
        FileNotFoundError: the folder has neither, or the package lacks one of its own.
        ValueError: as `weights.load_pose_prior_network`.
    """
    found = folder or WEIGHTS
    gone = next((name for name in SHAPE_PRIORS if not (WEIGHTS / name).is_file()), None)
    if folder is None and gone is not None:
        raise FileNotFoundError(
            f"{WEIGHTS / gone}: no such file, but it belongs to the package; install anchorfit again"
        )
    pose = found / POSE_PRIOR.name
    shapes = sorted(found.glob("shape_prior*.safetensors"))
    if not pose.is_file() and not shapes:
        raise FileNotFoundError(
            f"{found}: no {pose.name} and no shape_prior.safetensors; `anchorfit train priors` makes them"
        )
    return Networks(
        pose=load_pose_prior_network(pose if pose.is_file() else None),
        shapes={
            read_weights(path, "shape").training["body"]: load_shape_prior_network(path)
            for path in shapes or sorted(WEIGHTS.glob("shape_prior*.safetensors"))
        },
    )


@renamed_arguments(priors="networks")
def predict_params(
    observations: Observations, body: BodyModel, *, networks: Networks | None = None, gravity: Gravity | None = None
) -> Prediction:
    """Predict bodies from keypoints, with shapes from masks where there are any (formerly ``predict``).

    Args:
        observations: B people; limbs are drawn to joints that were seen in space. Bad numbers make a row fall back,
            with a reason; they touch no other row.
        body: in whose shape space the people are; sets device and type of the result.
        networks: (formerly ``priors``) None for those in the package, whose ShapePriors know the open bodies.
        gravity: what is known of it before each row's camera, towards which bodies that stand are turned; None: what
            is usual.
    Raises:
        ValueError: there are no people.
    """
    return pose_people(observations, body, networks=networks).placed(gravity)


def predict_lean(observations: Observations, body: BodyModel, *, networks: Networks | None = None) -> Lean:
    """The lean of bodies as they are predicted, not yet turned; arguments as of `predict_params`."""
    return pose_people(observations, body, networks=networks).lean()


def pose_people(observations: Observations, body: BodyModel, *, networks: Networks | None = None) -> PosedPeople:
    """What the networks say of people, before anything is said of gravity; arguments as of `predict_params`."""
    if not len(observations):
        raise ValueError("observations: expected at least one person, got none")
    networks = networks or _shipped_networks()
    pose = _on_skeleton(folded(networks.pose, body.device), body)
    shape = networks.shapes.get(body.name)
    with torch.inference_mode():
        everybody, size = torch.arange(len(observations), device=body.device), pass_size(pose, len(observations))
        posed = _Posed.concatenate(
            [_pose_rows(observations.rows(some), size, body, pose, shape) for some in everybody.split(size)]
        )
        again = everybody[posed.doubted.any(1)]
        if len(again):
            size = once_size(pose, len(again))
            for some in again.split(size):
                _look_again(observations.rows(some), some, size, posed, body, pose)
    return PosedPeople(observations, body, posed)


class PosedPeople:
    """People as the networks pose them; `placed` turns those who stand towards balance and puts all before their
    cameras, as often as gravity becomes better known."""

    def __init__(self, observations: Observations, body: BodyModel, posed: _Posed) -> None:
        self._observations, self._body, self._posed = observations, body, posed

    def placed(self, gravity: Gravity | None = None) -> Prediction:
        """The prediction, as `predict_params` makes it."""
        count = len(self._observations)
        gravity = Gravity.usual(count) if gravity is None else gravity
        with torch.inference_mode():
            found = _place_rows(self._posed, self._body, gravity.to(self._body.device, torch.float32))
        return found.rows(range(count))  # copies: tensors of inference mode must not get out

    def lean(self) -> Lean:
        """The lean of bodies that are not yet turned."""
        return self.leans()[0]

    def leans(self) -> tuple[Lean, TrunkLean]:
        """The lean of bodies that are not yet turned, and that of their trunks: what tells the pitch of a camera."""
        found = self.placed(Gravity.unknown(len(self._observations)))
        seen = self._observations.to(self._body.device, self._body.dtype)
        sightlines = Sightlines.of(seen_rays(rays_of(seen.keypoints, seen.intrinsics), seen.confidence))
        points = compiled_points(self._body).points(found.params)
        lean, trunk = lean_of(points, sightlines), trunk_lean_of(points, sightlines)
        shown = found.posed & found.placed  # the others stand upright, whatever was seen
        return lean._replace(certainty=lean.certainty * shown), trunk._replace(certainty=trunk.certainty * shown)


@dataclass(frozen=True, kw_only=True)
class _Posed(Rows):
    """B rows that the network saw: keypoints that are doubted, parameters at the origin, which have betas of their own,
    points and pelvis there, which rows are usable, and the rays that are believed.

    How sure the network is, it said at its first look, relative to ``view``: it saw there that something is wrong.
    """

    doubted: Tensor
    params: Tensor
    shaped: Tensor
    points: Tensor
    usable: Tensor
    rays: Tensor
    weight: Tensor
    view: Tensor
    whitening: Tensor | None
    camera: Tensor | None
    links: Correlation | None

    def __len__(self) -> int:
        return len(self.params)


class _Look(NamedTuple):
    """What the network says at a look: R rows, filled up; pose: (R, 72) axis-angle, camera frame."""

    inputs: NormalisedKeypoints
    pose: Tensor
    sureness: Sureness | None


@lru_cache(maxsize=1)
def _shipped_networks() -> Networks:
    """The package's networks, folded, and without the unfolded ones: they take their memory once."""
    whole = load_networks.__wrapped__()
    return Networks(pose=fold(whole.pose), shapes={name: fold(network) for name, network in whole.shapes.items()})


def _on_skeleton(pose: PosePrior, body: BodyModel) -> PosePrior:
    """The network, comparing its prediction with the keypoints on a child's skeleton where the body is a child's.

    Adults stay on the skeleton that it was trained on, men and women alike.
    """
    return _on_skeleton_of(pose, body) if body.ages_years else pose


@lru_cache(maxsize=4)
def _on_skeleton_of(pose: PosePrior, body: BodyModel) -> PosePrior:
    with torch.inference_mode(False):
        skeleton = Skeleton().to(body.device)
        skeleton.measure(body)
        other = copy(pose)
        other._modules = {**pose._modules, "skeleton": skeleton}
    return other


def _look(seen: Observations, size: int, pose: PosePrior, answer: Callable[[Tensor], PosePriorOutput]) -> _Look:
    """What ``answer``, of the network, says of ``size`` rows; of fewer, copies of the first are seen beside them."""
    rows = max(size, FEWEST_ROWS)
    keypoints, confidence, intrinsics = (
        _filled(values, rows) for values in (seen.keypoints, seen.confidence, seen.intrinsics)
    )
    inputs = normalise(keypoints, confidence, intrinsics)
    found = answer(inputs.features[:size])  # fewer rows take it less time, and nothing besides
    local = _local_rotations(pose, found, inputs, _filled(seen.world, rows))
    local[:, 0] = inputs.view.mT @ local[:, 0]
    upright = keypoints.new_zeros(NUM_POSE)
    upright[0] = torch.pi
    turned = torch.where(inputs.usable[:, None], matrix_to_axis_angle(local).flatten(1), upright)
    return _Look(inputs, turned, found.sureness)


def _points(body: BodyModel, params: Tensor) -> Tensor:
    """(B, K + 1, 3) metres: canonical joints and the pelvis joint."""
    return compiled_points(body, (*CANONICAL_JOINTS, "joint:pelvis")).points(params.to(body.dtype)).float()


def _pose_rows(
    observations: Observations, size: int, body: BodyModel, pose: PosePrior, shape: ShapePrior | None
) -> _Posed:
    """One pass over rows, of which the network sees ``size``; the networks are folded or will be."""
    layout = body.layout
    look = _look(observations.to(body.device, torch.float32), size, pose, pose)
    inputs = look.inputs
    params = layout.zeros(len(look.pose), look.pose)
    params[:, layout.pose] = look.pose
    shaped = _predict_betas(shape, observations, layout, params)
    points = _points(body, params)
    placement = Sightlines.of(inputs.seen).place(points[:, :-1])
    doubted = far_off(placement.rays_of(points[:, :-1]), *inputs.seen)
    sure, head = look.sureness, pose.uncertainty
    posed = _Posed(
        doubted=doubted,
        params=params,
        shaped=shaped,
        points=points,
        usable=inputs.usable,
        rays=inputs.seen.rays,
        weight=inputs.seen.weight,
        view=inputs.view,
        whitening=None if sure is None else _filled(sure.whitening, len(params)),
        camera=None if sure is None else _filled(sure.camera, len(params)),
        links=None if head is None else head.links,
    )
    return posed.rows(slice(0, len(observations)))


def _look_again(
    observations: Observations, which: Tensor, size: int, posed: _Posed, body: BodyModel, pose: PosePrior
) -> None:
    """Writes into ``posed`` how rows ``which`` are posed without the keypoints that are doubted; the network sees
    ``size`` at once."""
    seen = observations.to(body.device, torch.float32)
    seen = replace(seen, confidence=torch.where(posed.doubted[which], 0.0, seen.confidence))
    look = _look(seen, size, pose, pose.once)
    params = _filled(posed.params[which], len(look.pose))
    params[:, body.layout.pose] = look.pose
    for told, found in (
        (posed.params, params),
        (posed.points, _points(body, params)),
        (posed.usable, look.inputs.usable),
        (posed.rays, look.inputs.seen.rays),
        (posed.weight, look.inputs.seen.weight),
    ):
        told[which] = found[: len(which)]


def _place_rows(posed: _Posed, body: BodyModel, gravity: Gravity) -> Prediction:
    """Rows before their cameras, those who stand turned towards balance."""
    count, layout = len(posed), body.layout
    which = filled(torch.arange(count, device=posed.params.device))
    posed, gravity = posed.rows(which), gravity.rows(which)
    params, points = posed.params, posed.points
    sightlines = Sightlines.of(Rays(posed.rays, posed.weight))
    placement = sightlines.place(points[:, :-1])
    placement = placement._replace(found=placement.found & posed.usable)
    where = layout.global_orient
    params[:, where], placement = balanced(
        params[:, where], points[:, :-1], points[:, -1], placement, sightlines, gravity
    )
    placed = placement.found
    before = params.new_tensor([0.0, 0.0, FALLBACK_DEPTH])
    params[:, layout.transl] = torch.where(placed[:, None], placement.translation, before)
    known = None
    if posed.whitening is not None and posed.camera is not None and posed.links is not None:
        pelvis = compiled_points(body, ("joint:pelvis",)).points(params.to(body.dtype))[:, 0].float()
        known = in_camera(Sureness(posed.whitening, posed.camera), posed.view, pelvis, posed.links)
        known = known.rows(slice(0, count)).to(body.device, body.dtype)
    posed, placed = posed.rows(slice(0, count)), placed[:count]
    reasons = tuple(_reason(*flags) for flags in zip(posed.usable.tolist(), placed.tolist(), strict=True))
    return Prediction(
        params=params[:count].to(body.dtype),
        posed=posed.usable,
        shaped=posed.shaped,
        placed=placed,
        reasons=reasons,
        doubted=posed.doubted,
        uncertainty=known,
    )


def _local_rotations(pose: PosePrior, found: PosePriorOutput, inputs: NormalisedKeypoints, world: Tensor) -> Tensor:
    """(B, 24, 3, 3) of the network, drawn to limbs that were seen in space: joints (B, K, 3), camera frame, or NaN.

    Rows beyond those that the network was given are copies of the first.
    """
    local = _filled(found.local, len(world))
    if bool(world.isnan().all()):
        return local
    directions = limb_directions(world)
    told = torch.isfinite(directions).all(-1).any(-1)
    if not bool(told.any()):
        return local
    turned = (inputs.view[:, None] * directions[:, :, None]).sum(-1)
    weight = CUE_WEIGHT * limb_confidence(inputs.seen.weight)
    blended = blend_limbs(_filled(found.world, len(world)), pose.skeleton.bones, turned, weight)
    return torch.where(told[:, None, None, None], local_rotations(blended), local)


def _filled(values: Tensor, size: int) -> Tensor:
    """Pad to ``size`` rows with copies of the first one."""
    missing = size - len(values)
    return values if missing <= 0 else torch.cat((values, values[:1].expand(missing, *values.shape[1:])))


def _predict_betas(network: ShapePrior | None, observations: Observations, layout: Layout, params: Tensor) -> Tensor:
    """Writes betas into ``params`` for the rows whose mask can be used, and says which they are (B,)."""
    shaped = torch.zeros(len(params), dtype=torch.bool, device=params.device)
    if network is None:
        return shaped
    found = [(row, crop_mask(mask)) for row, mask in enumerate(observations.masks) if mask is not None]
    crops = {row: crop for row, crop in found if crop is not None}
    rows = list(crops)
    for first in range(0, len(rows), _MASKS):
        some = rows[first : first + _MASKS]
        masks = torch.zeros(_MASKS, MASK_SIZE, MASK_SIZE, device=params.device)
        for index, row in enumerate(some):
            masks[index] = crops[row]
        params[some, layout.betas] = layout.fit_betas(folded(network, params.device)(masks)[: len(some)])
        shaped[some] = True
    return shaped


def _reason(usable: bool, placed: bool) -> str:
    if not usable:
        return f"fewer than {FEWEST_JOINTS} usable keypoints to predict a pose from"
    return "" if placed else "the keypoints do not tell how far away the person is"
