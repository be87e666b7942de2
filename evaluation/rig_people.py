"""People whose truth is known before rigs of calibrated cameras, with keypoints as a detector would give them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, compile_points
from ..camera import intrinsics_matrix
from ..cameras import CalibratedCamera
from ..observations import Person
from ..regressors.synthesis import detector_hips
from .synthetic import SyntheticConfig, noisy_keypoints


@dataclass(frozen=True, kw_only=True)
class RigPeople:
    """B people in V views.

    Attributes:
        params: (B, D) in the world, metres.
        views: camera's name -> B people, an instant each, called by their number.
    """

    params: Tensor
    views: dict[str, list[Person]]


def ring_of_cameras(
    count: int = 4,
    *,
    distance: float = 4.0,
    height: float = 1.4,
    image_size: tuple[int, int] = (1280, 960),
    focal: float | None = None,
    distortion: tuple[float, ...] = (),
    first_deg: float = 20.0,
) -> tuple[CalibratedCamera, ...]:
    """Cameras on a circle that look at its middle, 0.9 m above the ground of a world with y up.

    Args:
        count: V, named cam1, cam2 ...
        distance, height: metres, of the cameras.
        image_size: pixels. focal: pixels; None: the image's diagonal.
        distortion: of all.
        first_deg: the turn of the first about y from z; the others follow at equal angles.
    """
    found = []
    for number in range(count):
        angle = math.radians(first_deg) + 2 * math.pi * number / count
        centre = torch.tensor([distance * math.sin(angle), height, distance * math.cos(angle)], dtype=torch.float64)
        forward = torch.tensor([0.0, 0.9, 0.0], dtype=torch.float64) - centre
        forward = forward / forward.norm()
        right = torch.linalg.cross(forward, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
        right = right / right.norm()
        rotation = torch.stack((right, torch.linalg.cross(forward, right), forward))
        width, tall = image_size
        found.append(
            CalibratedCamera(
                name=f"cam{number + 1}",
                intrinsics=intrinsics_matrix(focal or math.hypot(width, tall), (width / 2, tall / 2)),
                rotation=rotation,
                translation=-rotation @ centre,
                distortion=distortion,
                image_size=image_size,
            )
        )
    return tuple(found)


def people_in_rig(
    body: BodyModel,
    params: Tensor,
    cameras: Sequence[CalibratedCamera],
    *,
    seed: int,
    config: SyntheticConfig | None = None,
) -> RigPeople:
    """What a detector sees of bodies in each view.

    Args:
        body: the body they have.
        params: (B, D) in the world, y up, near the middle of the rig.
        cameras: the rig, in metres.
        seed: of the detector's noise.
        config: of the detector; its image size and cameras are not looked at.
    """
    config = config or SyntheticConfig()
    rng = np.random.default_rng(seed)
    points = compile_points(body, CANONICAL_JOINTS).points(params.to(body.v_template)).double().cpu()
    orientation = axis_angle_to_matrix(params[:, body.layout.global_orient].double().cpu())
    points = detector_hips(points, orientation, up=config.hips_up, out=config.hips_out)
    views = {}
    for camera in cameras:
        pixels = camera.project(points)
        size = (pixels.nan_to_num().amax(1) - pixels.nan_to_num(nan=1e9).amin(1)).amax(-1)
        keypoints, confidence = noisy_keypoints(rng, pixels.nan_to_num(), size, config)
        confidence = torch.where(pixels.isfinite().all(-1), confidence, 0.0)
        views[camera.name] = [
            Person(
                person_id="0",
                keypoints=keypoints[row].numpy(),
                confidence=confidence[row].numpy(),
                image_size=camera.image_size,
            )
            for row in range(len(params))
        ]
    return RigPeople(params=params, views=views)
