"""Recorded takes as a standing camera films them: true bodies in its frame, and what a detector sees of them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from motion.archive import Take, read_takes
from motion.library import LibrarySettings, convert_takes

from anchorfit.body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.soles import soles
from anchorfit.camera import intrinsics_matrix, project
from anchorfit.observations import Observations
from anchorfit.observations.conventions import CONVENTIONS
from anchorfit.regressors.synthesis.detector import detector_hips

RATE = 30.0
SIZE, FOCAL = (1280, 720), 1100.0
CMU_LEG = 0.93  # metres from the root to the floor of people who stand, in CMU's takes


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A camera: metres above the floor and from the middle of the take, degrees it looks down, and from which side."""

    height: float = 1.4
    distance: float = 5.0
    pitch_deg: float = 8.0
    yaw_deg: float = 90.0


@dataclass(frozen=True, kw_only=True)
class Filmed:
    """A take on film.

    Attributes:
        params: (T, D) true bodies, camera frame.
        up: (3,) and height: the true floor, ``up . x + height`` above it.
        contact: (T, 8) bool, sole points that stand.
        observations: what a detector sees.
    """

    params: Tensor
    up: Tensor
    height: float
    contact: Tensor
    observations: Observations


def takes_of(archive: Path, names: Sequence[str]) -> dict[str, tuple[Take, Tensor]]:
    """Takes by name, at 30 frames a second, and their SMPL poses (T, 72)."""
    found = [take for take in read_takes(archive, stride=4, report=lambda line: None) if take.name in names]
    return {
        take.name: (take, torch.from_numpy(motion.poses).float().flatten(1))
        for take in found
        for motion in convert_takes([take], LibrarySettings())
    }


def on_the_ground(body: BodyModel, take: Take, poses: Tensor, betas: Tensor) -> Tensor:
    """(T, D) the take's bodies, y up, floor at 0: the root's path scaled to the body's legs."""
    params = body.layout.zeros(len(poses), poses)
    params[:, body.layout.pose] = poses
    params[:, body.layout.betas] = betas
    pelvis = body.rest_joints(betas[None])[0, 0]
    leg = float(pelvis[1] - body.from_params(params[:1] * 0 + _shaped(body, betas)).vertices[0, :, 1].amin())
    root = torch.from_numpy(take.root).float() * (leg / CMU_LEG)
    params[:, body.layout.transl] = root - root.mean(0) * torch.tensor([1.0, 0.0, 1.0]) - pelvis
    points = compiled_points(body, soles(body).names)
    lowest = points.points(params)[..., 1].amin(1)
    params[:, body.layout.transl.start + 1] -= lowest.quantile(0.2)
    return params


def _shaped(body: BodyModel, betas: Tensor) -> Tensor:
    row = body.layout.zeros(1, betas)
    row[:, body.layout.betas] = betas
    return row


def standing_points(body: BodyModel, params: Tensor, *, speed: float = 0.25, low: float = 0.025) -> Tensor:
    """(T, 8) bool, sole points of bodies (y up, floor at 0) that are low and slow."""
    where = compiled_points(body, soles(body).names).points(params)
    step = (where[1:] - where[:-1]).norm(dim=-1) * RATE
    around = torch.maximum(torch.cat((step[:1], step)), torch.cat((step, step[-1:])))
    return (where[..., 1] < low) & (around < speed)


def leveled(body: BodyModel, params: Tensor, *, half: int = 15) -> Tensor:
    """The same without the drift of a recording's floor: the lowest place of soles within half a second, smoothed."""
    low = compiled_points(body, soles(body).names).points(params)[..., 1].amin(1)[None, None]
    padded = torch.nn.functional.pad(low, (2 * half, 2 * half), mode="replicate")
    envelope = -torch.nn.functional.max_pool1d(-padded, 2 * half + 1, 1)
    params = params.clone()
    params[:, body.layout.transl.start + 1] -= torch.nn.functional.avg_pool1d(envelope, 2 * half + 1, 1)[0, 0]
    return params


def planted(body: BodyModel, params: Tensor) -> Tensor:
    """The same with the paths of the root such that what stands stands still on the floor, and nothing is below it.

    Between frames in which something stands the height is mended by what lies between: a root that leaped by 4 cm from
    one frame to the next where a foot came to stand would be no body's.
    """
    points = compiled_points(body, soles(body).names)
    params = leveled(body, params)
    for _ in range(3):
        where = points.points(params)
        stands = standing_points(body, params, speed=0.5, low=0.04)
        both = (stands[1:] & stands[:-1]).float()[..., None]
        slip = ((where[1:] - where[:-1]) * both).sum(1) / both.sum(1).clamp_min(1)
        slip[:, 1] = 0
        path = torch.cat((slip.new_zeros(1, 3), slip.cumsum(0)))
        params = params.clone()
        params[:, body.layout.transl] -= path
        low = points.points(params)[..., 1].amin(1)
        on = torch.nonzero(stands.any(1))[:, 0]
        mended = np.interp(np.arange(len(low)), on.numpy(), low[on].numpy()) if len(on) else np.zeros(len(low))
        low -= torch.from_numpy(mended).to(low)
        params[:, body.layout.transl.start + 1] -= torch.from_numpy(mended).to(low) + low.clamp(max=0)
    return params


def filmed(
    body: BodyModel,
    world: Tensor,
    scene: Scene = Scene(),
    *,
    convention: str = "body25",
    noise: float = 0.01,
    seed: int = 0,
) -> Filmed:
    """Film bodies (T, D), y up, floor at 0.

    Args:
        convention: joints that the detector knows.
        noise: standard deviation of keypoints, shares of the person's height in the image; half of it lasts for frames.
    """
    pitch, yaw = math.radians(scene.pitch_deg), math.radians(scene.yaw_deg)
    level = torch.tensor([[math.cos(yaw), 0, -math.sin(yaw)], [0, -1, 0], [-math.sin(yaw), 0, -math.cos(yaw)]])
    down = torch.tensor([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    turn = down @ level
    up = turn[:, 1]
    # The middle of the take's hips is in the middle of the picture: so far before the camera, so far below it.
    layout = body.layout
    pelvis = body.rest_joints(world[:1, layout.betas])[0, 0]
    middle = turn @ (world[:, layout.transl] + pelvis).mean(0)
    ahead = torch.tensor([0.0, 0.0, scene.distance])
    drop = float(up @ (ahead - middle))  # height of the world's origin, seen from the camera
    shift = ahead - middle + up * (-scene.height - drop)
    params = world.clone()
    params[:, layout.global_orient] = matrix_to_axis_angle(turn @ axis_angle_to_matrix(world[:, layout.global_orient]))
    params[:, layout.transl] = (world[:, layout.transl] + pelvis) @ turn.T + shift - pelvis
    observed = detected(body, params, convention, noise, seed)
    return Filmed(
        params=params, up=up, height=scene.height, contact=standing_points(body, world), observations=observed
    )


def detected(body: BodyModel, params: Tensor, convention: str, noise: float, seed: int) -> Observations:
    """What a detector sees of bodies (T, D): hips too high, noise that partly lasts, outliers, missing joints."""
    generator = torch.Generator().manual_seed(seed)
    count, joints = len(params), len(CANONICAL_JOINTS)
    points = compiled_points(body, CANONICAL_JOINTS).points(params)
    turn = axis_angle_to_matrix(params[:, body.layout.global_orient])
    intrinsics = intrinsics_matrix(FOCAL, (SIZE[0] / 2, SIZE[1] / 2)).expand(count, 3, 3)
    pixels = project(detector_hips(points, turn, up=0.02, out=0.015), intrinsics)
    tall = FOCAL * 1.7 / points[:, 0, 2]
    fresh = torch.randn(count, joints, 2, generator=generator)
    lasting = torch.zeros_like(fresh)
    for row in range(1, count):
        lasting[row] = 0.8 * lasting[row - 1] + 0.6 * torch.randn(joints, 2, generator=generator)
    off = noise * tall[:, None, None] * (fresh + lasting) / math.sqrt(2)
    outlier = torch.rand(count, joints, generator=generator) < 0.01
    off = torch.where(outlier[..., None], 6 * off, off)
    seen = torch.tensor([name in CONVENTIONS[convention] for name in CANONICAL_JOINTS])
    seen = seen & (torch.rand(count, joints, generator=generator) > 0.02)
    sure = torch.where(outlier, 0.3, 0.6 + 0.4 * torch.rand(count, joints, generator=generator))
    return Observations(
        keypoints=torch.where(seen[..., None], pixels + off, 0.0),
        confidence=sure * seen,
        intrinsics=intrinsics,
        image_size=torch.tensor([SIZE] * count),
        names=tuple(f"take@{row:06d}#0" for row in range(count)),
        time_s=torch.arange(count) / RATE,
    )


def rows_of(take: Filmed, rows: slice) -> Filmed:
    """Some frames."""
    return replace(
        take, params=take.params[rows], contact=take.contact[rows], observations=take.observations.rows(rows)
    )


def hidden(take: Filmed, words: Sequence[str]) -> Filmed:
    """The same without the joints whose names end in one of these words."""
    gone = torch.tensor([name.split("_")[-1] in words for name in CANONICAL_JOINTS])
    seen = take.observations
    kept = replace(
        seen,
        keypoints=seen.keypoints.masked_fill(gone[:, None], 0.0),
        confidence=seen.confidence.masked_fill(gone, 0.0),
    )
    return replace(take, observations=kept)
