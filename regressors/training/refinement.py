"""Refining PosePrior on people of whom only 2D keypoints are known, as Pavlakos et al. 2018, section 4.3, do.

Keypoints alone leave depth open, so every batch holds synthetic people with their full losses as well.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..batches import generator_of
from ..losses import keypoint_reprojection_loss, point_loss
from ..normalisation import NormalisedKeypoints, normalise
from ..pose_prior import PosePrior, PosePriorOutput
from ..shape_prior import NUM_BETAS
from .tasks import PoseTask


class Annotated(NamedTuple):
    """N people seen in images: keypoints (N, K, 2) pixels, confidence (N, K), intrinsics (N, 3, 3)."""

    keypoints: Tensor
    confidence: Tensor
    intrinsics: Tensor


class RefineTask:
    """Goes on with a trained PosePrior.

    Args:
        source: the task it was trained with; its batches come again from the first.
        network: the weights to start from; changed in place.
        target: the people that are annotated in 2D.
        weight: of the reprojection loss, in squared sizes of the person.
        anchor: weight of how far, in metres, the annotated people's joints and surface leave the places that the
            weights at the start gave them: keypoints know nothing of depth, and few people are fitted in many ways.
        seed: of the order in which people are drawn.
    Raises:
        ValueError: there is no annotated person.
    """

    def __init__(
        self,
        source: PoseTask,
        network: PosePrior,
        target: Annotated,
        *,
        weight: float = 300.0,
        anchor: float = 0.0,
        seed: int = 0,
    ) -> None:
        if not len(target.keypoints):
            raise ValueError("target: expected at least one annotated person, got none")
        self.source, self._model, self.target = source, network, target
        self.weight, self.anchor, self.seed = weight, anchor, seed
        self._first = deepcopy(network).eval()

    @property
    def model(self) -> PosePrior:
        return self._model

    def loss(self, model: nn.Module, step: int, rows: slice, batch_size: int) -> Tensor:
        hold_statistics(self._model)
        generator = generator_of(self.seed, step)
        chosen = torch.randint(len(self.target.keypoints), (batch_size,), generator=generator)[rows]
        inputs = normalise(*(value[chosen] for value in self.target))
        output: PosePriorOutput = model(inputs.features)
        total = self.weight * reprojection_loss(self._model, output, inputs)
        if self.anchor > 0:
            total = total + self.anchor * self._change(output, inputs)
        return self.source.loss(model, step, rows, batch_size) + total

    def evaluate(self) -> dict[str, float]:
        """The reprojection loss of all annotated people, and the source's errors."""
        inputs = normalise(*self.target)
        loss = reprojection_loss(self._model, self._model(inputs.features), inputs)
        return {"reprojection": float(loss.detach()), **self.source.errors_of(self._model)}

    def _change(self, output: PosePriorOutput, inputs: NormalisedKeypoints) -> Tensor:
        """Mean distance, metres, of joints and surface from where they were, relative to the pelvis, at mean shape."""
        mean = output.world.new_zeros(len(output.world), NUM_BETAS)
        with torch.no_grad():
            before = self.source.surface.pose(self._first(inputs.features).world, mean)
        return point_loss(self.source.surface.pose(output.world, mean), before)


def hold_statistics(network: nn.Module) -> None:
    """Batch norm keeps the statistics of the first training: two kinds of batches in turn would leave it neither's
    (refinement then lost 14 mm, whatever the weight of the reprojection)."""
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.eval()


def reprojection_loss(network: PosePrior, output: PosePriorOutput, inputs: NormalisedKeypoints) -> Tensor:
    """Reprojection error of the predicted joints of a mean-shaped body, in squared sizes of the person."""
    positions, confidence, size = network.split(inputs.features)
    identity = torch.eye(3, dtype=size.dtype, device=size.device).expand(len(size), 3, 3)
    rays = positions * size[:, None, None]
    return keypoint_reprojection_loss(network.skeleton.points(output.world), rays, confidence, identity)
