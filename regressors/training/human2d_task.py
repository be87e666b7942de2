"""Training Human2D, on synthetic pictures and, where there are any, annotated photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...body import BodyModel
from ..datasets import AnnotatedPhotographs, PersonCrops
from ..human2d import Human2D, Human2DConfig, Sight, see
from ..losses import human2d_loss
from ..synthesis import shipped_poses
from ..synthesis.images import ImageSynthesis, SyntheticImages
from .refinement import hold_statistics

HELDOUT_SEED = 78
CORRECT = 0.2  # of the torso


class Human2DTask:
    """Human2D from pictures.

    Args:
        body: that is drawn; sets the device.
        network: its shape, or a trained one to go on with, changed in place; None for the default shape.
        hold: whether batch norm keeps the statistics that the network came with.
        synthesis: None for its defaults.
        photographs: annotated ones to learn from, too.
        share: of the steps that take photographs.
        backdrops: photographs without people, for synthetic pictures (see `SyntheticImages`).
        heldout: number of synthetic pictures, in poses of held-out subjects, to evaluate on.
        seed: of weights and data.
    """

    def __init__(
        self,
        body: BodyModel,
        *,
        network: Human2D | Human2DConfig | None = None,
        hold: bool = False,
        synthesis: ImageSynthesis | None = None,
        photographs: AnnotatedPhotographs | None = None,
        share: float = 0.5,
        backdrops: Sequence[np.ndarray] = (),
        heldout: int = 128,
        seed: int = 0,
    ) -> None:
        synthesis = synthesis or ImageSynthesis()
        torch.manual_seed(seed)
        network = network if isinstance(network, Human2D) else Human2D(network)
        self._model: Human2D = network.to(body.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._holds, joints = hold, network.config.joints
        train, test = (shipped_poses(split) for split in ("train", "heldout"))
        self.data = SyntheticImages(body, train, synthesis, backdrops=backdrops, joints=joints, seed=seed)
        as_recorded = replace(synthesis, people=replace(synthesis.people, variation=None))
        unseen = SyntheticImages(body, test, as_recorded, joints=joints, seed=HELDOUT_SEED)
        self.heldout = unseen.batch(0, heldout)
        self.photographs, self.share = photographs, share if photographs is not None else 0.0

    @property
    def model(self) -> Human2D:
        return self._model

    def loss(self, model: nn.Module, step: int, rows: slice, batch_size: int) -> Tensor:
        if self._holds:
            hold_statistics(self._model)
        crops = self._batch(step, rows, batch_size).to(next(model.parameters()).device)
        pictures = crops.picture.contiguous(memory_format=torch.channels_last)
        return human2d_loss(model(pictures), crops.heatmaps, crops.known, crops.body, crops.has_body)

    def _batch(self, step: int, rows: slice, batch_size: int) -> PersonCrops:
        if self.photographs is not None and int((step + 1) * self.share) > int(step * self.share):
            return self.photographs.batch(step, batch_size, rows)
        return self.data.batch(step, batch_size, rows)

    def evaluate(self) -> dict[str, float]:
        """On held-out synthetic pictures: joints within a fifth of the torso, mean IoU of silhouettes, in percent."""
        return evaluate_human2d(self._model, self.heldout)


def evaluate_human2d(network: Human2D, crops: PersonCrops) -> dict[str, float]:
    """`score` of what the network sees in the pictures."""
    return score(see_all(network, crops.picture), crops, network.config.joints)


def see_all(network: Human2D, pictures: Tensor, *, at_once: int = 16, half: bool = False) -> Sight:
    """`human2d.see` for any number of pictures."""
    parts = [see(network, some, half=half) for some in pictures.split(at_once)]
    return Sight(*(torch.cat(values) for values in zip(*parts, strict=True)))


def score(sight: Sight, crops: PersonCrops, joints: tuple[str, ...]) -> dict[str, float]:
    """PCK@0.2 (joints inside the picture; as `evaluation.detection`) and mean IoU of silhouettes, in percent."""
    right, inside, iou = score_pictures(sight, crops, joints)
    return {"pck": 100 * float(right.sum() / inside.sum().clamp_min(1)), "mask_iou": 100 * float(iou.nanmean())}


class PictureScores(NamedTuple):
    """Scores of each picture (B,): correct joints, annotated joints, and the IoU of silhouettes, NaN without."""

    right: Tensor
    joints: Tensor
    mask_iou: Tensor


def score_pictures(sight: Sight, crops: PersonCrops, joints: tuple[str, ...]) -> PictureScores:
    """Score Human2D's output against the truth: PCK@0.2 of the known joints inside, and silhouettes."""
    size = crops.picture.shape[-1]
    inside = ((crops.positions >= 0) & (crops.positions <= size)).all(-1) & crops.known
    distance = (sight.positions - crops.positions).norm(dim=-1)
    right = (distance <= CORRECT * _torso(joints, crops)[:, None]) & inside
    seen, true = sight.body > 0.5, crops.body > 0.5
    iou = (seen & true).sum((1, 2)) / (seen | true).sum((1, 2)).clamp_min(1)
    return PictureScores(right.sum(1), inside.sum(1), torch.where(crops.has_body, iou, torch.nan))


def _torso(joints: tuple[str, ...], crops: PersonCrops) -> Tensor:
    """(B,) pixels: the longer diagonal from a shoulder to the other side's hip; a fifth of the crop without these."""
    longest = crops.positions.new_zeros(len(crops.positions))
    for side, other in (("left", "right"), ("right", "left")):
        if f"{side}_shoulder" in joints and f"{other}_hip" in joints:
            ends = [joints.index(f"{side}_shoulder"), joints.index(f"{other}_hip")]
            length = (crops.positions[:, ends[0]] - crops.positions[:, ends[1]]).norm(dim=-1)
            longest = torch.maximum(longest, length * crops.known[:, ends].all(1))
    return torch.where(longest > 0, longest, crops.picture.shape[-1] / 5)
