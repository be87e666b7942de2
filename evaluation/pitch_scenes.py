"""Gauge of `--pitch people`: scenes of several people before cameras of known pitch, and how well these are told."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import BodyModel, Gravity, axis_angle_to_matrix, compile_points, matrix_to_axis_angle
from ..body.pose_library import PoseLibrary
from ..body.standing import STANDING_POINTS, standing
from ..observations.people import Observations
from ..regressors.synthesis import DetectorNoise, camera_rotations
from ..rows import rowwise_atan2
from .synthetic import SyntheticConfig, as_detected, posed_people

Kind = Literal["nobody stands", "half stand", "alike", "alike, to the camera"]
KINDS: tuple[Kind, ...] = ("nobody stands", "half stand", "alike", "alike, to the camera")
"""Who is in a scene: people who do not stand; each stands by a chance of a half; people who do not stand, in poses of
one recording, who face one way within 30 degrees, or the camera."""

SCENE_PITCH_DEG = (-5.0, 35.0)
INSIDE_SIGMAS = 1.64  # nine in ten
_ONE_WAY = math.radians(30.0)
_SUBJECT_CAP = 300


class PitchScenes(NamedTuple):
    """Observations of B people, their true parameters (B, D), their scenes (B,) int64, and (B,) degrees by which the
    camera of each looks down."""

    observations: Observations
    params: Tensor
    scenes: Tensor
    pitch_deg: Tensor


class PitchErrors(NamedTuple):
    """Of S scenes: mean degrees that pitches are off; percent of true ones within 1.64 sigma; percent that are told
    further, and the mean degrees and percent within of those (NaN where there are none)."""

    off_deg: float
    inside: float
    shown: float
    shown_off_deg: float
    shown_inside: float


def pitch_scenes(
    body: BodyModel,
    library: PoseLibrary,
    count: int,
    people: int,
    *,
    kind: Kind,
    seed: int,
    config: SyntheticConfig,
    noise: DetectorNoise | None = None,
) -> PitchScenes:
    """Draw scenes.

    Args:
        body: all people's.
        library: poses to draw from, no subject counting for more than 300.
        count: of scenes. people: in each.
        kind: of scene.
        seed: everything random comes from it.
        config: of cameras and keypoints; the pitch is drawn here, `SCENE_PITCH_DEG`.
        noise: a detector's, in place of the config's; None: the config's.
    """
    rng = np.random.default_rng(seed)
    rows = _drawn(body, library, (count, people), kind, rng)
    pitch_deg = rng.uniform(*SCENE_PITCH_DEG, count)
    pitch, roll = np.deg2rad(pitch_deg), np.deg2rad(config.roll_deg) * rng.normal(size=count)
    way = 0.0 if kind == "alike, to the camera" else rng.uniform(-math.pi, math.pi, (count, 1))
    apart = _ONE_WAY if kind.startswith("alike") else math.pi
    yaw = (way + rng.uniform(-apart, apart, (count, people))).ravel()
    world = camera_rotations(*(torch.from_numpy(a) for a in (yaw, np.repeat(pitch, people), np.repeat(roll, people))))
    whole = posed_people(body, _facing_z(library.poses[rows]).numpy(), rng, config, world)
    if noise is not None:
        whole = as_detected(body, whole, noise, seed=seed)
    scenes = torch.arange(count).repeat_interleave(people)
    return PitchScenes(whole.observations, whole.params, scenes, torch.from_numpy(pitch_deg).to(whole.params)[scenes])


def pitch_errors(gravity: Gravity, people: PitchScenes) -> PitchErrors:
    """How good pitches (B,) of the scenes' people are."""
    first = torch.cat((people.scenes.new_ones(1, dtype=torch.bool), people.scenes.diff() != 0))
    off = (torch.rad2deg(gravity.pitch.to(people.pitch_deg)) - people.pitch_deg)[first].abs()
    sigma = torch.rad2deg(gravity.sigma.to(off))[first]
    inside, shown = (off <= INSIDE_SIGMAS * sigma).to(off), gravity.pitch_deg.isfinite()[first]
    numbers = (off.mean(), 100 * inside.mean(), 100 * shown.to(off).mean())
    of_shown = (off[shown].mean(), 100 * inside[shown].mean())
    return PitchErrors(*(float(number) for number in (*numbers, *of_shown)))


def _drawn(
    body: BodyModel, library: PoseLibrary, size: tuple[int, int], kind: Kind, rng: np.random.Generator
) -> Tensor:
    """Rows of the library, of so many scenes and people in each: (S * P,), scene by scene."""
    weight = library.subject_balanced_weights(_SUBJECT_CAP).numpy()
    stands = _stands(body, library.poses).numpy()
    do_not, do = (np.flatnonzero(stands == want) for want in (False, True))

    def choose(among: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        return rng.choice(among, shape, p=weight[among] / weight[among].sum())

    rows = choose(do_not, size)
    if kind == "half stand":
        rows = np.where(rng.random(size) < 0.5, choose(do, size), rows)
    elif kind != "nobody stands":
        _, takes = np.unique(library.takes, return_inverse=True)
        rows = np.stack([choose(do_not[takes[do_not] == takes[first]], size[1:]) for first in rows[:, 0]])
    return torch.from_numpy(rows.ravel())


def _stands(body: BodyModel, poses: Tensor) -> Tensor:
    """(N,) bool, of poses in a world with y up."""
    params = body.layout.zeros(len(poses), body.v_template)
    params[:, body.layout.pose] = poses.to(params)
    points = [compile_points(body, STANDING_POINTS).points(some) for some in params.split(4096)]
    return standing(torch.cat(points) * params.new_tensor([1.0, -1.0, -1.0])) >= 0.5


def _facing_z(poses: Tensor) -> Tensor:
    """Poses (N, 72) turned about the vertical until people face +z, as far as they face anywhere."""
    turned = axis_angle_to_matrix(poses[:, :3].double())
    left = turned[:, :, 0]
    heading = rowwise_atan2(-left[:, 2], left[:, 0])
    back = torch.zeros(len(poses), 3, dtype=torch.float64)
    back[:, 1] = -heading
    return torch.cat((matrix_to_axis_angle(axis_angle_to_matrix(back) @ turned).to(poses), poses[:, 3:]), 1)
