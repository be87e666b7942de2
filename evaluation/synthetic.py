"""People whose truth is known: posed bodies before random cameras, with keypoints as a detector would give them.

For benchmarks and tests: poses come from the caller (a held-out part of the pose library), everything else from a seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, compile_points, matrix_to_axis_angle
from ..camera import intrinsics_matrix, project
from ..observations.conventions import CONVENTIONS, convention_name
from ..observations.people import Observations
from ..observations.person_size import stature
from ..regressors.synthesis import DetectorNoise, camera_rotations, detector_hips, simulate_detections


@dataclass(frozen=True, kw_only=True)
class SyntheticConfig:
    """Settings of synthetic people and their detector."""

    convention: str = "coco17"
    image_size: tuple[int, int] = (640, 480)  # pixels, width and height
    focal_range: tuple[float, float] = (0.9, 1.5)  # in image diagonals
    height_range: tuple[float, float] = (120.0, 420.0)  # pixels that a person of the body's stature takes
    pitch_deg: tuple[float, float] = (-10.0, 25.0)  # the camera looks down by so much
    roll_deg: float = 5.0  # standard deviation
    beta_scale: float = 1.0  # standard deviation of betas
    noise: float = 0.012  # standard deviation of a keypoint, in person heights
    outliers: float = 0.03  # share of keypoints that are far off
    outlier_noise: float = 0.12  # their standard deviation, in person heights
    missing: float = 0.1  # share of keypoints that are not seen
    hips_up: float = 0.035  # metres by which a detector's hips lie above the body's hip joints,
    hips_out: float = 0.025  # and outside of them


class SyntheticSet(NamedTuple):
    """Observations of B people and their true parameters (B, D)."""

    observations: Observations
    params: Tensor


def make_people(
    body: BodyModel, poses: np.ndarray, count: int, *, seed: int, config: SyntheticConfig | None = None
) -> SyntheticSet:
    """Draw synthetic people.

    Args:
        body: the body they have.
        poses: (N, 72) to draw from, the global orientation in a world with y up.
        count: B.
        seed: everything random comes from it.
        config: what the people are like.
    Returns:
        Observations with the true cameras, and the true parameters, in the body's type and on its device.
    """
    rng = np.random.default_rng(seed)
    return posed_people(body, poses[rng.integers(len(poses), size=count)], rng, config or SyntheticConfig())


def posed_people(
    body: BodyModel, poses: np.ndarray, rng: np.random.Generator, config: SyntheticConfig, world: Tensor | None = None
) -> SyntheticSet:
    """Synthetic people in given poses (B, 72); the rest as `make_people`.

    Args:
        world: (B, 3, 3) rotations from a world with y up into the cameras; None: drawn.
    """
    count = len(poses)
    pose = torch.as_tensor(poses, dtype=torch.float64)
    width, height = config.image_size
    focal = math.hypot(width, height) * torch.as_tensor(rng.uniform(*config.focal_range, count))
    size = torch.as_tensor(rng.uniform(*config.height_range, count))
    depth = focal * stature(body) / size
    world = _cameras(rng, count, config) if world is None else world.double()
    orientation = world @ axis_angle_to_matrix(pose[:, body.layout.global_orient])
    betas = torch.as_tensor(rng.normal(0.0, config.beta_scale, (count, body.num_betas))).clamp(-2.5, 2.5)
    aim = torch.as_tensor(rng.uniform(-0.25, 0.25, (count, 2))) * torch.tensor([width, height]) / focal[:, None]
    params = body.layout.join(
        global_orient=matrix_to_axis_angle(orientation),
        body_pose=pose[:, body.layout.body_pose],
        betas=betas,
        transl=torch.cat((aim, torch.ones(count, 1)), 1) * depth[:, None],
    )
    intrinsics = intrinsics_matrix(focal, (width / 2, height / 2))
    points = compile_points(body, CANONICAL_JOINTS).points(params.to(body.v_template)).double().cpu()
    points = detector_hips(points, orientation, up=config.hips_up, out=config.hips_out)
    keypoints, confidence = noisy_keypoints(rng, project(points, intrinsics), size, config)
    observations = Observations(
        keypoints=keypoints,
        confidence=confidence,
        intrinsics=intrinsics,
        image_size=torch.tensor([[width, height]]).expand(count, 2),
        names=tuple(f"synthetic#{index}" for index in range(count)),
    ).to(body.v_template.device, body.v_template.dtype)
    return SyntheticSet(observations, params.to(body.v_template))


def _cameras(rng: np.random.Generator, count: int, config: SyntheticConfig) -> Tensor:
    """(B, 3, 3) rotations from a world with y up into cameras around the person."""
    yaw = rng.uniform(-math.pi, math.pi, count)
    pitch = np.deg2rad(rng.uniform(*config.pitch_deg, count))
    roll = np.deg2rad(config.roll_deg) * rng.normal(size=count)
    return camera_rotations(*(torch.as_tensor(angle) for angle in (yaw, pitch, roll)))


def noisy_keypoints(
    rng: np.random.Generator, pixels: Tensor, size: Tensor, config: SyntheticConfig
) -> tuple[Tensor, Tensor]:
    """Keypoints (B, K, 2) and confidence (B, K) of a detector, from true pixels (B, K, 2) and people's sizes (B,)."""
    shape = tuple(pixels.shape[:2])
    share = np.where(rng.random(shape) < config.outliers, config.outlier_noise, config.noise)
    noise = torch.as_tensor(rng.normal(size=(*shape, 2)) * share[..., None]) * size[:, None, None]
    known = torch.zeros(len(CANONICAL_JOINTS), dtype=torch.bool)
    for name in CONVENTIONS[convention_name(config.convention)]:
        if name is not None:
            known[CANONICAL_JOINTS.index(name)] = True
    seen = known & torch.as_tensor(rng.random(shape) >= config.missing)
    confidence = torch.where(seen, torch.as_tensor(rng.uniform(0.6, 1.0, shape)), 0.0)
    return torch.where(seen[..., None], pixels + noise, 0.0), confidence


def as_detected(body: BodyModel, people: SyntheticSet, noise: DetectorNoise, *, seed: int) -> SyntheticSet:
    """The same people with keypoints as detectors and annotators make them."""
    pixels = project(compile_points(body, CANONICAL_JOINTS).points(people.params), people.observations.intrinsics)
    height_px = (pixels.amax(1) - pixels.amin(1)).amax(1)
    keypoints, confidence = simulate_detections(pixels, height_px, torch.Generator().manual_seed(seed), noise)
    return people._replace(observations=replace(people.observations, keypoints=keypoints, confidence=confidence))
