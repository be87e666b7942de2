"""Batches of synthetic people: the same seed and step give the same batch, on every device."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ...body import BodyModel, PointSet, axis_angle_to_matrix, compile_points, matrix_to_axis_angle
from ...camera import intrinsics_matrix, project
from ...observations.person_size import stature
from ..batches import generator_of
from .cameras import camera_rotations
from .detector import Detections, DetectorNoise, detector_hips, simulate_detections
from .poses import PoseSource, PoseVariation
from .silhouettes import MaskNoise, render_masks, simple_poses, spoil


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """Settings of synthetic people, cameras and detectors."""

    variation: PoseVariation | None = field(default_factory=PoseVariation)  # None: poses as they were recorded
    beta_scale: float = 1.0  # standard deviation of betas
    largest_beta: float = 2.5
    pitch_deg: tuple[float, float] = (-15.0, 30.0)  # the camera looks down by so much
    facing: float = 0.0  # share of people who face the camera, within 40 degrees for two in three of them
    wide_pitch: float = 0.1  # share of cameras that look up or down by up to 60 degrees
    roll_deg: float = 8.0  # standard deviation
    image_size: tuple[int, int] = (640, 480)  # pixels, width and height
    focal_range: tuple[float, float] = (0.7, 2.0)  # image diagonals
    height_range: tuple[float, float] = (100.0, 480.0)  # pixels that a person of the body's stature takes
    off_centre: float = 0.25  # of the image's size, how far from its middle people are at most
    detector: DetectorNoise = field(default_factory=DetectorNoise)
    simple: float = 0.5  # share of silhouettes of bodies between a T and an A pose, seen from in front or behind
    mask_noise: MaskNoise = field(default_factory=MaskNoise)

    @staticmethod
    def photographed() -> Synthesis:
        """What PosePrior is trained on: people who stand, sit and act, as detectors and annotators see them."""
        return Synthesis(
            variation=PoseVariation(recorded=0.35, standing=0.18, sitting=0.06, acting=0.15),
            detector=DetectorNoise(
                noise=0.035,
                habits=1.5,
                along_limbs=0.5,
                foreign=0.05,
                cornered=0.05,
                guessed=0.3,
                footless=0.06,
                headless=0.04,
                hips_up=0.025,
                hips_out=0.02,
            ),
        )


class SyntheticPeople(NamedTuple):
    """B people.

    params: (B, D) the truth, camera frame.
    points: (B, K, 3) their canonical joints, metres, camera frame.
    keypoints, confidence: (B, K, 2) pixels and (B, K): what was detected.
    intrinsics: (B, 3, 3) pixels.
    """

    params: Tensor
    points: Tensor
    keypoints: Tensor
    confidence: Tensor
    intrinsics: Tensor


class SyntheticMasks(NamedTuple):
    """params: (B, D) the truth, camera frame; masks: (B, 64, 64) cover in 0..1, cropped to the person."""

    params: Tensor
    masks: Tensor


class Synthesizer:
    """Makes batches of people of one body.

    Args:
        body: sets the device.
        source: of poses.
        config: what the rest is like.
        seed: with the step, everything random comes from it.
    """

    def __init__(self, body: BodyModel, source: PoseSource, config: Synthesis | None = None, *, seed: int = 0) -> None:
        self.body = body
        self.source = source
        self.config = config or Synthesis()
        self.seed = seed
        self._points: PointSet = compile_points(body)

    def people(self, step: int, count: int) -> SyntheticPeople:
        """Batch number ``step``, of ``count`` people. No gradients."""
        generator = self.generator(step)
        with torch.no_grad():
            pose = self.source.draw(count, generator, self.config.variation)
            params, intrinsics, height_px = self._placed(pose, generator)
            return self._observed(params, intrinsics, height_px, generator)

    def masks(self, step: int, count: int) -> SyntheticMasks:
        """Batch number ``step`` of silhouettes. No gradients."""
        generator = self.generator(step)
        with torch.no_grad():
            pose = self.source.draw(count, generator, self.config.variation)
            params, intrinsics, _ = self._placed(pose, generator)
            simple = torch.rand(count, generator=generator) < self.config.simple
            parts = self.body.layout.split(params)
            body_pose = torch.where(simple[:, None], simple_poses(count, generator), parts.body_pose)
            turn = 0.3 * torch.randn(count, generator=generator)
            turn = turn + math.pi * (torch.rand(count, generator=generator) < 0.5)
            upright = camera_rotations(turn, 0.1 * torch.randn(count, generator=generator), torch.zeros(count))
            orient = torch.where(simple[:, None], matrix_to_axis_angle(upright), parts.global_orient)
            params = self.body.layout.join(**parts._replace(global_orient=orient, body_pose=body_pose)._asdict())
            shift = self.config.mask_noise.jitter * (2 * torch.rand(count, 3, generator=generator) - 1)
            params, intrinsics, shift = (value.to(self.body.v_template) for value in (params, intrinsics, shift))
            masks = render_masks(self.body, params, intrinsics, shift=shift)
            return SyntheticMasks(params, spoil(masks, generator, self.config.mask_noise))

    def placed(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Parameters (B, D) and intrinsics (B, 3, 3) of people in poses of the source, on the CPU."""
        params, intrinsics, _ = self._placed(self.source.draw(count, generator, self.config.variation), generator)
        return params, intrinsics

    def generator(self, step: int) -> torch.Generator:
        """Where everything random of a batch comes from."""
        return generator_of(self.seed, step)

    def _placed(self, pose: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters (B, D), intrinsics (B, 3, 3) and the standing height in pixels (B,), on the CPU."""
        config, count, where = self.config, len(pose), self.body.layout
        orientation, body_pose = axis_angle_to_matrix(pose[:, where.global_orient]), pose[:, where.body_pose]

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(count, *shape, generator=generator)

        pitch = torch.where(
            uniform(0, 1) < config.wide_pitch, uniform(-60, 60), uniform(config.pitch_deg[0], config.pitch_deg[1])
        )
        roll = config.roll_deg * torch.randn(count, generator=generator)
        yaw = uniform(-math.pi, math.pi)
        if config.facing > 0:
            towards = orientation[:, :, 2]
            facing = 0.7 * torch.randn(count, generator=generator) - torch.atan2(towards[:, 0], towards[:, 2])
            yaw = torch.where(uniform(0, 1) < config.facing, facing, yaw)
        world = camera_rotations(yaw, torch.deg2rad(pitch), torch.deg2rad(roll))
        width, height = config.image_size
        focal = math.hypot(width, height) * uniform(*config.focal_range)
        height_px = uniform(*config.height_range)
        depth = focal * stature(self.body) / height_px
        aim = uniform(-config.off_centre, config.off_centre, 2) * torch.tensor([width, height]) / focal[:, None]
        betas = config.beta_scale * torch.randn(count, where.num_betas, generator=generator)
        params = where.join(
            global_orient=matrix_to_axis_angle(world @ orientation),
            body_pose=body_pose,
            betas=betas.clamp(-config.largest_beta, config.largest_beta),
            transl=torch.cat((aim, torch.ones(count, 1)), 1) * depth[:, None],
        )
        return params, intrinsics_matrix(focal, (width / 2, height / 2)), height_px

    def _observed(
        self, params: Tensor, intrinsics: Tensor, height_px: Tensor, generator: torch.Generator
    ) -> SyntheticPeople:
        detector = self.config.detector
        share = torch.rand(len(params), generator=generator)
        params, intrinsics, height_px, share = (
            value.to(self.body.v_template) for value in (params, intrinsics, height_px, share)
        )
        points = self._points.points(params)
        orientation = axis_angle_to_matrix(params[:, self.body.layout.global_orient])
        seen = detector_hips(points, orientation, up=share * detector.hips_up, out=share * detector.hips_out)
        found: Detections = simulate_detections(project(seen, intrinsics), height_px, generator, detector)
        return SyntheticPeople(params, points, found.keypoints, found.confidence, intrinsics)
