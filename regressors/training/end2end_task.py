"""End-to-end refinement from 2D annotations, as Pavlakos et al. 2018, section 4.3, do it: the loss of what the networks
make of a picture, drawn back into it, takes turns with each network's own training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from ...body import axis_angle_to_matrix
from ...camera import project
from ...rendering import silhouette
from ..datasets import PersonCrops
from ..end2end import PARTS, EndToEnd, Part, annotated_joints, drawn_by, observations_of, run_forward
from ..human2d import Sight
from ..losses import human2d_loss, projection_loss
from ..prediction import predict_params
from . import human2d_task
from .refinement import hold_statistics
from .tasks import PoseTask, ShapeTask

Turn = Literal["human2d", "priors", "end2end"]
TURNS: tuple[Turn, ...] = ("human2d", "priors", "end2end")
ALTERNATIONS: dict[str, tuple[Turn, ...]] = {
    "individual": ("human2d", "priors"),
    "end2end": ("end2end",),
    "alternated": ("end2end", "human2d", "priors"),
}
"""Who takes turns, over and over. ``alternated`` is the paper's; the others are what it is compared with."""


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """Settings of the refinement."""

    turns: tuple[Turn, ...] = ALTERNATIONS["alternated"]  # a step each, from the first again after the last
    weight: float = 10.0  # of L_Pi; where gradients are clipped well below its own, it changes nothing
    moves: tuple[Part, ...] = PARTS  # what L_Pi moves; its gradients go through the rest all the same
    confidence: bool = True  # whether they go through confidences, too
    statistics: Literal["batch", "held"] = "batch"  # of Human2D's batch norm: the new pictures', or as they were
    pose_batch: int = 128  # synthetic people in a step of the priors, over all processes
    shape_batch: int = 32  # and synthetic silhouettes

    def __post_init__(self) -> None:
        for name, known in (("turns", TURNS), ("moves", PARTS)):
            given = getattr(self, name)
            unknown = sorted(set(given) - set(known))
            if unknown or not given:
                raise ValueError(f"{name}: expected one or more of {', '.join(known)}, got {', '.join(unknown) or '-'}")
        for name in ("pose_batch", "shape_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")

    def turn(self, step: int) -> Turn:
        """Whose turn step 0, 1, ... is."""
        return self.turns[step % len(self.turns)]


class Pictures(Protocol):
    """Source of annotated pictures."""

    def batch(self, step: int, count: int, rows: slice = ...) -> PersonCrops:
        """The rows of batch number ``step`` of ``count`` pictures."""


class End2EndTask:
    """Goes on with trained networks.

    Args:
        networks: to start from; changed in place.
        target: annotated pictures to refine on.
        heldout: annotated pictures to evaluate on.
        refinement: None for the defaults.
        bodies: (N, any) the true bodies of the held-out pictures, where they are known.
        sources: the tasks that the priors were trained with; None makes them where it is ever the priors' turn.
        seed: of the priors' synthetic people.
    Raises:
        ValueError: there is no held-out picture.
    """

    leaves_weights_out = True  # a turn reaches some of the networks

    def __init__(
        self,
        networks: EndToEnd,
        target: Pictures,
        heldout: PersonCrops,
        *,
        refinement: Refinement | None = None,
        bodies: Tensor | None = None,
        sources: tuple[PoseTask, ShapeTask] | None = None,
        seed: int = 0,
    ) -> None:
        if not len(heldout.picture):
            raise ValueError("heldout: expected at least one annotated picture, got none")
        self._networks, self.target, self.heldout, self.bodies = networks, target, heldout, bodies
        self.refinement = refinement or Refinement()
        if sources is None and "priors" in self.refinement.turns:
            tasks = (
                PoseTask(networks.body, network=networks.pose.config, seed=seed),
                ShapeTask(networks.body, network=networks.shape.config, seed=seed),
            )
            sources = tasks
        self.sources = sources

    @property
    def model(self) -> EndToEnd:
        return self._networks

    def loss(self, model: nn.Module, step: int, rows: slice, batch_size: int) -> Tensor:
        turn = self.refinement.turn(step)
        hold_statistics(self._networks.pose)
        hold_statistics(self._networks.shape)
        if self.refinement.statistics == "held":
            hold_statistics(self._networks.human2d)
        if turn == "priors":
            return model(lambda networks, half: self._priors_loss(networks, half, step, rows, batch_size))
        crops = self.target.batch(step, batch_size, rows).to(self._networks.body.device)
        compute = self._human2d_loss if turn == "human2d" else self._projection_loss
        return model(lambda networks, half: compute(networks, half, crops))

    def _human2d_loss(self, networks: EndToEnd, half: bool, crops: PersonCrops) -> Tensor:
        outputs = run_forward(networks.human2d, _channels_last(crops.picture), half)
        return human2d_loss(outputs, crops.heatmaps, crops.known, crops.body, crops.has_body)

    def _priors_loss(self, networks: EndToEnd, half: bool, step: int, rows: slice, batch_size: int) -> Tensor:
        assert self.sources is not None  # made where it is the priors' turn
        pose, shape = self.sources
        parts = []
        for task, network, count in (
            (pose, networks.pose, self.refinement.pose_batch),
            (shape, networks.shape, self.refinement.shape_batch),
        ):
            own = slice(rows.start * count // batch_size, rows.stop * count // batch_size)
            parts.append(task.loss(partial(run_forward, network, half=half), step, own, count))
        return parts[0] + parts[1]

    def _projection_loss(self, networks: EndToEnd, half: bool, crops: PersonCrops) -> Tensor:
        networks.pose.eval()  # with its mirror image's answer, as in use
        refinement = self.refinement
        drawn = networks.seen_and_drawn(
            _channels_last(crops.picture),
            crops.intrinsics,
            moves=refinement.moves,
            confidence=refinement.confidence,
            half=half,
        )
        losses = projection_loss(
            drawn.joints / crops.picture.shape[-1],
            crops.positions / crops.picture.shape[-1],
            crops.known,
            drawn.cover,
            torch.where(crops.has_body[:, None, None], crops.body, drawn.cover.detach()),
        )
        return refinement.weight * torch.where(drawn.known, losses, 0).mean()

    def evaluate(self) -> dict[str, float]:
        """`errors` on the held-out pictures, and the pose prior's on the people it was trained for."""
        answered = predict_pictures(self._networks, self.heldout)
        found = errors(self._networks, self.heldout, answered, bodies=self.bodies)
        if self.sources is not None:
            found["source_surface_mm"] = self.sources[0].errors_of(self._networks.pose)["noisy_surface_mm"]
        return found


class PicturePredictions(NamedTuple):
    """Human2D's output for B pictures, and the bodies (B, D) predicted from it."""

    sight: Sight
    params: Tensor


def predict_pictures(networks: EndToEnd, crops: PersonCrops, *, half: bool = False) -> PicturePredictions:
    """Predict bodies from pictures with Human2D and `predict_params`, not by the differentiable chain."""
    sight = human2d_task.see_all(networks.human2d, crops.picture, half=half)
    observations = observations_of(sight, crops.intrinsics, networks.human2d.config.joints)
    return PicturePredictions(sight, predict_params(observations, networks.body, networks=networks.networks).params)


def errors(
    networks: EndToEnd, crops: PersonCrops, answered: PicturePredictions, *, bodies: Tensor | None = None
) -> dict[str, float]:
    """Errors of predicted bodies against the annotations of pictures.

    Returns:
        Means: ``joints_percent`` distance of projected joints, percent of the picture's side; ``silhouette_iou`` of
        bodies and ``mask_iou`` of Human2D's silhouettes, percent; ``pck`` of Human2D (see `human2d_task.evaluate`);
        and where true bodies are given ``surface_mm``, per-vertex, with the pelvis joints laid together.
    """
    body, size, drawn = networks.body, crops.picture.shape[-1], crops.body.shape[-1]
    sight, params = answered
    predicted = body.from_params(params)
    orientation = axis_angle_to_matrix(body.layout.split(params).global_orient)
    points = annotated_joints(body.canonical_joints(predicted), orientation)[:, networks.joints]
    apart = (project(points, crops.intrinsics) - crops.positions).norm(dim=-1).clamp_max(size)
    cover = silhouette(predicted.vertices, body.faces, drawn_by(crops.intrinsics), (drawn, drawn)).mask
    seen, true = cover > 0.5, crops.body > 0.5
    iou = (seen & true).sum((1, 2)) / (seen | true).sum((1, 2)).clamp_min(1)
    found = {"joints_percent": 100 / size * _mean(apart, crops.known)}
    if crops.has_body.any():
        found["silhouette_iou"] = 100 * _mean(iou, crops.has_body)
    if bodies is not None:
        true_body = body.from_params(bodies)
        ours, theirs = (one.vertices - one.joints[:, :1] for one in (predicted, true_body))
        found["surface_mm"] = 1000 * float((ours - theirs).norm(dim=-1).mean())
    return {**found, **human2d_task.score(sight, crops, networks.human2d.config.joints)}


def _mean(values: Tensor, known: Tensor) -> float:
    """Of the values that are known."""
    return float((values * known).sum() / known.sum().clamp_min(1))


def _channels_last(pictures: Tensor) -> Tensor:
    return pictures.contiguous(memory_format=torch.channels_last)
