"""Direct prediction: keypoints and masks in, bodies out, in one forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from ..body import BodyModel, PointSet, compile_points, matrix_to_axis_angle
from ..observations.people import Observations
from ..rows import Rows
from .normalisation import FEWEST_JOINTS, normalise
from .pose_prior import PosePrior
from .shape_prior import NUM_BETAS, ShapePrior, crop_mask
from .synthesis.silhouettes import MASK_SIZE
from .translation import FALLBACK_DEPTH, place
from .weights import POSE_PRIOR, WEIGHTS, load_pose_prior_network, load_shape_prior_network, read_prior

_MASKS = 4  # masks at a time, filled up likewise
_ROWS = 16  # people at a time, filled up: matrix products round alike then, and a row does not depend on its batch


@dataclass(frozen=True, kw_only=True)
class Priors:
    """The trained networks, in evaluation mode.

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
        params: (B, 85) = [pose 72 | betas 10 | transl 3], camera frame: what `fitting.anchored` starts from.
        posed: (B,) bool; False where too few joints were seen: there the body stands upright, facing the camera.
        shaped: (B,) bool; False where no usable mask was given: there betas are 0, the mean shape.
        placed: (B,) bool; False where the keypoints do not tell the translation: there it is 5 m before the camera.
        reasons: B short texts, empty where posed and placed.
    """

    params: Tensor
    posed: Tensor
    shaped: Tensor
    placed: Tensor
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.reasons)


@lru_cache(maxsize=4)
def load_priors(folder: Path | None = None) -> Priors:
    """Trained priors: ``pose_prior.safetensors`` and every ``shape_prior*.safetensors`` of a folder.

    Args:
        folder: None for those that ship with the package. Of which kind it has none, the package's are taken.
    Raises:
        FileNotFoundError: the folder has neither.
        ValueError: as `weights.load_pose_prior_network`.
    """
    found = folder or WEIGHTS
    pose = found / POSE_PRIOR.name
    shapes = sorted(found.glob("shape_prior*.safetensors"))
    if not pose.is_file() and not shapes:
        raise FileNotFoundError(
            f"{found}: no {pose.name} and no shape_prior.safetensors; `anchorfit train priors` makes them"
        )
    return Priors(
        pose=load_pose_prior_network(pose if pose.is_file() else None),
        shapes={
            read_prior(path, "shape").training["body"]: load_shape_prior_network(path)
            for path in shapes or sorted(WEIGHTS.glob("shape_prior*.safetensors"))
        },
    )


def predict(observations: Observations, body: BodyModel, *, priors: Priors | None = None) -> Prediction:
    """Bodies from keypoints, with shapes from masks where there are any.

    Args:
        observations: B people. Bad numbers make a row fall back, with a reason; they touch no other row.
        body: in whose shape space the people are; sets device and type of the result.
        priors: None for those in the package, whose ShapePriors know the open bodies.
    Raises:
        ValueError: there are no people.
    """
    if not len(observations):
        raise ValueError("observations: expected at least one person, got none")
    priors = priors or load_priors()
    points = _compiled(body)
    parts = []
    with torch.inference_mode():
        for first in range(0, len(observations), _ROWS):
            rows = list(range(first, min(first + _ROWS, len(observations))))
            spare = _ROWS - len(rows)
            filled = observations.rows(rows + rows[:1] * spare)
            filled = replace(filled, masks=filled.masks[: len(rows)] + (None,) * spare)
            parts.append(_predict_rows(filled, body, points, priors).rows(range(len(rows))))
    return Prediction.concatenate(parts)


@lru_cache(maxsize=4)
def _compiled(body: BodyModel) -> PointSet:
    """The canonical joints of a body; preparing them takes as long as a batch of predictions."""
    return compile_points(body)


def _predict_rows(observations: Observations, body: BodyModel, points: PointSet, priors: Priors) -> Prediction:
    seen = observations.to(body.device, torch.float32)
    inputs = normalise(seen.keypoints, seen.confidence, seen.intrinsics)
    local = priors.pose.to(body.device)(inputs.features).local
    turned = torch.cat((inputs.view.mT[:, None] @ local[:, :1], local[:, 1:]), 1)
    upright = torch.zeros(len(seen), 72, device=body.device)
    upright[:, 0] = torch.pi
    params = torch.zeros(len(seen), 72 + NUM_BETAS + 3, device=body.device)
    params[:, :72] = torch.where(inputs.usable[:, None], matrix_to_axis_angle(turned).flatten(1), upright)
    shaped = _predict_betas(priors.shapes.get(body.name), observations, params)
    standing = points.points(params.to(body.dtype)).float()
    placement = place(standing, seen.keypoints, seen.confidence, seen.intrinsics)
    placed = placement.found & inputs.usable
    before = torch.tensor([0.0, 0.0, FALLBACK_DEPTH], device=body.device)
    params[:, -3:] = torch.where(placed[:, None], placement.translation, before)
    reasons = tuple(_reason(*flags) for flags in zip(inputs.usable.tolist(), placed.tolist(), strict=True))
    return Prediction(params=params.to(body.dtype), posed=inputs.usable, shaped=shaped, placed=placed, reasons=reasons)


def _predict_betas(network: ShapePrior | None, observations: Observations, params: Tensor) -> Tensor:
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
        params[some, 72 : 72 + NUM_BETAS] = network.to(params.device)(masks)[: len(some)]
        shaped[some] = True
    return shaped


def _reason(usable: bool, placed: bool) -> str:
    if not usable:
        return f"fewer than {FEWEST_JOINTS} usable keypoints to predict a pose from"
    return "" if placed else "the keypoints do not tell how far away the person is"
