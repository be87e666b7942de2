"""Training tasks: networks with their data, loss and held-out errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from ...body.joint_sets import SMPL_PARENTS
from ...body.parameters import NUM_JOINTS, Layout, Parameters
from ...body.skinning import world_rotations
from ...camera import project
from ..losses import (
    aligned_point_loss,
    axis_angle_loss,
    betas_loss,
    keypoint_reprojection_loss,
    matrix_loss,
    point_loss,
    pose_angles_deg,
    six_d_loss,
    squared_point_loss,
)
from ..normalisation import normalise
from ..pose_prior import PosePrior, PosePriorConfig, PosePriorOutput
from ..shape_prior import ShapePrior, ShapePriorConfig
from ..surface import SurfaceSample
from ..synthesis import (
    DetectorNoise,
    MaskNoise,
    PoseSource,
    Synthesis,
    Synthesizer,
    SyntheticMasks,
    SyntheticPeople,
    shipped_poses,
)
from ..synthesis.poses import training_poses

HELDOUT_PEOPLE = 1024
HELDOUT_SEED = 77
HELDOUT_CAP = 300  # poses a held-out subject counts for at most
EXACT = DetectorNoise(
    clean=1.0,
    missing=0.0,
    truncated=0.0,
    hidden_limbs=0.0,
    hips_up=0.0,
    hips_out=0.0,
    conventions=(("coco17", 1.0),),
)
"""COCO's keypoints as they are."""


@dataclass(frozen=True, kw_only=True)
class PoseLoss:
    """Weights of the losses; 0 leaves one out."""

    axis_angle: float = 0.0  # needs the representation axis_angle and the frame parent
    local: float = 0.1  # rotation matrices relative to the parents
    world: float = 0.1  # and relative to the camera
    points: float = 10.0  # mean distance of joints and surface, metres
    aligned: float = 10.0  # and of joints alone, after the best similarity transform
    squared_points: float = 0.0  # its square, the paper's
    six_d: float = 0.0  # the first two columns of the local matrices
    reprojection: float = 0.0  # of the joints, in sizes of the person


class PoseTask:
    """PosePrior from keypoints.

    Args:
        body: on whose skeleton and surface it learns; sets the device.
        network: its shape, or a trained one to go on with, changed in place; None for the default shape. A head for its
            uncertainty is left out: it knows the answers that were.
        synthesis: None for `Synthesis.photographed`.
        weights: None for the default losses.
        poses: None for `training_poses`.
        seed: of weights and data.
    Raises:
        ValueError: the axis-angle loss with another output.
    """

    def __init__(
        self,
        body: BodyModel,
        *,
        network: PosePrior | PosePriorConfig | None = None,
        synthesis: Synthesis | None = None,
        weights: PoseLoss | None = None,
        poses: PoseSource | None = None,
        seed: int = 0,
    ) -> None:
        torch.manual_seed(seed)
        model = network.without_uncertainty() if isinstance(network, PosePrior) else PosePrior(network)
        self._model, self.weights = model.to(body.device), weights or PoseLoss()
        shape = (model.config.representation, model.config.frame)
        if self.weights.axis_angle > 0 and shape != ("axis_angle", "parent"):
            raise ValueError("axis_angle: this loss needs the representation axis_angle in the frame parent")
        self._model.skeleton.measure(body)
        self.surface = SurfaceSample.of(body)
        self.synthesis = synthesis or Synthesis.photographed()
        self.data = Synthesizer(body, poses or training_poses(), self.synthesis, seed=seed)
        self.heldout = heldout_people(body)

    @property
    def model(self) -> PosePrior:
        return self._model

    def loss(self, model: Callable[..., Any], step: int, rows: slice, batch_size: int) -> Tensor:
        people = _rows(self.data.people(step, batch_size), rows)
        inputs = normalise(people.keypoints, people.confidence, people.intrinsics)
        output: PosePriorOutput = model(inputs.features)
        local, world = true_rotations(people.params, inputs.view)
        weights = self.weights
        total = output.local.new_zeros(())
        if weights.axis_angle > 0:
            pose = _parts(people.params).pose.unflatten(1, (NUM_JOINTS, 3))
            pose = torch.cat((matrix_to_axis_angle(local[:, :1]), pose[:, 1:]), 1)  # turned, as the network's is
            total = total + weights.axis_angle * axis_angle_loss(output.raw, pose)
        if weights.local > 0:
            total = total + weights.local * matrix_loss(output.local, local)
        if weights.world > 0:
            total = total + weights.world * matrix_loss(output.world, world)
        if weights.six_d > 0:
            total = total + weights.six_d * six_d_loss(output.local, local)
        if weights.points + weights.aligned + weights.squared_points + weights.reprojection > 0:
            betas = _parts(people.params).betas
            predicted, target = self.surface.pose(output.world, betas), self.surface.pose(world, betas)
            total = total + weights.points * point_loss(predicted, target)
            total = total + weights.squared_points * squared_point_loss(predicted, target)
            if weights.aligned > 0:
                aligned = aligned_point_loss(predicted[:, :NUM_JOINTS], target[:, :NUM_JOINTS])
                total = total + weights.aligned * aligned
            if weights.reprojection > 0:
                joints = target[:, :NUM_JOINTS] + self._pelvis(people.params, inputs.view)[:, None]
                camera = torch.eye(3, device=joints.device).expand(len(joints), 3, 3)
                seen, sure = project(joints, camera), torch.ones_like(joints[..., 0])
                error = keypoint_reprojection_loss(predicted[:, :NUM_JOINTS], seen, sure, camera)
                total = total + weights.reprojection * error
        return total

    def _pelvis(self, params: Tensor, view: Tensor) -> Tensor:
        """(B, 3) the true pelvis joints, in the turned camera's frame."""
        parts = _parts(params)
        rest = self.surface.joints[0] + parts.betas @ self.surface.joints_shape[0].mT
        return (view @ (rest + parts.transl)[..., None])[..., 0]

    def evaluate(self) -> dict[str, float]:
        """Root-aligned mean joint and surface errors and the mean angle between rotations, on held-out subjects."""
        return self.errors_of(self._model)

    @torch.no_grad()
    def errors_of(self, network: PosePrior) -> dict[str, float]:
        """As `evaluate`, of another network."""
        errors = {}
        for name, people in self.heldout.items():
            inputs = normalise(people.keypoints, people.confidence, people.intrinsics)
            output = network(inputs.features)
            local, _ = true_rotations(people.params, inputs.view)
            distance = self._distances(output, people, inputs.view)
            errors[f"{name}_joints_mm"] = 1000 * float(distance[:, :24].mean())
            errors[f"{name}_surface_mm"] = 1000 * float(distance[:, 24:].mean())
            errors[f"{name}_deg"] = float(pose_angles_deg(output.local, local).mean())
        return errors

    @torch.inference_mode()
    def joint_errors_mm(self, network: PosePrior, people: SyntheticPeople) -> Tensor:
        """(B,) root-aligned mean joint errors of a network in evaluation mode."""
        inputs = normalise(people.keypoints, people.confidence, people.intrinsics)
        return 1000 * self._distances(network(inputs.features), people, inputs.view)[:, :24].mean(1)

    def _distances(self, output: PosePriorOutput, people: SyntheticPeople, view: Tensor) -> Tensor:
        """(B, 24 + M) metres from the true joints and surface sample, all relative to the pelvis joint."""
        _, world = true_rotations(people.params, view)
        betas = _parts(people.params).betas
        return (self.surface.pose(output.world, betas) - self.surface.pose(world, betas)).norm(dim=-1)


def heldout_people(body: BodyModel) -> dict[str, SyntheticPeople]:
    """People in recorded poses of held-out subjects: ``clean`` COCO keypoints, and ``noisy`` ones of all conventions.

    Both are the same whatever a training draws, so that figures of all trainings compare.
    """
    synthesis = Synthesis()
    source = shipped_poses("heldout", cap=HELDOUT_CAP)
    plain = replace(synthesis, variation=None)
    return {
        name: Synthesizer(body, source, replace(plain, detector=detector), seed=HELDOUT_SEED).people(0, HELDOUT_PEOPLE)
        for name, detector in (("clean", EXACT), ("noisy", replace(synthesis.detector, clean=0.0)))
    }


def true_rotations(params: Tensor, view: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 24, 3, 3) relative to the parents, and relative to the turned camera (see `normalisation`)."""
    local = axis_angle_to_matrix(_parts(params).pose.unflatten(1, (NUM_JOINTS, 3)))
    local = torch.cat(((view @ local[:, 0])[:, None], local[:, 1:]), 1)
    return local, world_rotations(local, SMPL_PARENTS)


def _parts(params: Tensor) -> Parameters:
    return Layout.of_size(params.shape[1]).split(params)


def _rows(people: SyntheticPeople, rows: slice) -> SyntheticPeople:
    return SyntheticPeople(*(value[rows] for value in people))


class ShapeTask:
    """ShapePrior from silhouettes: of a given shape, or a trained one to go on with, changed in place."""

    def __init__(
        self,
        body: BodyModel,
        *,
        network: ShapePrior | ShapePriorConfig | None = None,
        synthesis: Synthesis | None = None,
        surface_weight: float = 20.0,
        seed: int = 0,
    ) -> None:
        torch.manual_seed(seed)
        # Channels last: a third faster on CPUs. (PyTorch's own types leave the argument out.)
        model = network if isinstance(network, ShapePrior) else ShapePrior(network)
        self._model: ShapePrior = model.to(body.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.layout, self.surface = body.layout, SurfaceSample.of(body)
        self.surface_weight = surface_weight
        synthesis = synthesis or Synthesis()
        self.data = Synthesizer(body, shipped_poses("train"), synthesis, seed=seed)
        self.heldout = heldout_masks(body, synthesis)

    @property
    def model(self) -> ShapePrior:
        return self._model

    def loss(self, model: Callable[..., Any], step: int, rows: slice, batch_size: int) -> Tensor:
        params, masks = (value[rows] for value in self.data.masks(step, batch_size))
        betas, target = self.layout.fit_betas(model(masks)), _parts(params).betas
        surface = point_loss(self._rest(betas), self._rest(target))
        return betas_loss(betas, target) + self.surface_weight * surface

    def evaluate(self) -> dict[str, float]:
        """Mean errors of the surface at rest, in mm: of the mean shape and of the prediction."""
        errors = {}
        for name, (params, masks) in self.heldout.items():
            betas = _parts(params).betas
            target, mean_shape = self._rest(betas), self._rest(torch.zeros_like(betas))
            predicted = self._rest(self.layout.fit_betas(self._model(masks)))
            errors[f"{name}_mean_mm"] = 1000 * float((mean_shape - target).norm(dim=-1).mean())
            errors[f"{name}_mm"] = 1000 * float((predicted - target).norm(dim=-1).mean())
        return errors

    def _rest(self, betas: Tensor) -> Tensor:
        """(B, 24 + M, 3) joints and surface sample at rest, relative to the pelvis joint."""
        still = torch.eye(3, dtype=betas.dtype, device=betas.device).expand(len(betas), 24, 3, 3)
        return self.surface.pose(still, betas)


def heldout_masks(body: BodyModel, synthesis: Synthesis) -> dict[str, SyntheticMasks]:
    """``simple``: clean silhouettes between a T and an A; ``noisy``: as in training, in poses of held-out subjects."""
    source = shipped_poses("heldout", cap=HELDOUT_CAP)
    clean = replace(synthesis, variation=None, simple=1.0, mask_noise=MaskNoise(clean=1.0, jitter=0.0))
    noisy = replace(synthesis, variation=None, simple=0.0)
    return {
        name: Synthesizer(body, source, config, seed=HELDOUT_SEED).masks(0, HELDOUT_PEOPLE // 4)
        for name, config in (("simple", clean), ("noisy", noisy))
    }
