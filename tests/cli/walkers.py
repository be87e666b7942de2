"""A film of two people who walk past each other, one of whom leaves the picture and comes back; and their keypoints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, axis_angle_to_matrix, load_body, matrix_to_axis_angle
from anchorfit.camera import project
from anchorfit.observations.conventions import CONVENTIONS
from anchorfit.observations.videos import write_video
from anchorfit.rendering import overlay

RATE = 12.0
COLORS = ((0.8, 0.2, 0.2), (0.2, 0.6, 0.2))
AWAY = range(9, 13)
"""Frames in which the second person is out of sight."""


def walkers(frames: int) -> torch.Tensor:
    """(2, T, 85) parameters: one from left to right, another, farther away, from right to left."""
    params = torch.zeros(2, frames, 85)
    phase = torch.arange(frames) * 0.7
    for person, (start, pace, depth, facing) in enumerate(((-0.9, 0.09, 3.6, 0.8), (1.0, -0.085, 4.4, -0.8))):
        turn = torch.tensor([[np.pi, 0.0, 0.0], [0.0, facing, 0.0]])
        params[person, :, :3] = _compose(turn)
        for joint, swing in (("left_hip", 0.5), ("right_hip", -0.5), ("left_shoulder", 0.0), ("right_shoulder", 0.0)):
            at = 3 * SMPL_JOINTS.index(joint)
            params[person, :, at] = swing * torch.sin(phase)
        params[person, :, 3 * SMPL_JOINTS.index("left_shoulder") + 2] = -1.1
        params[person, :, 3 * SMPL_JOINTS.index("right_shoulder") + 2] = 1.1
        params[person, :, 72] = (1.5, -1.5)[person]
        params[person, :, 82] = start + pace * torch.arange(frames)
        params[person, :, 83], params[person, :, 84] = 0.2, depth
    return params


def write_walkers(folder: Path, frames: int = 24, size: tuple[int, int] = (320, 240)) -> tuple[Path, Path]:
    """``walk.mp4``, and ``openpose/`` beside it with a file a frame; in which frame who stands first says nothing."""
    width, height = size
    body = load_body()
    intrinsics = torch.tensor([[float(width), 0, width / 2], [0, float(width), height / 2], [0, 0, 1]])
    ground = np.random.default_rng(0).integers(90, 130, (height, width, 3), dtype=np.uint8)
    params = walkers(frames)
    with torch.no_grad():
        posed = [body.from_params(person) for person in params]
        pixels = [project(body.canonical_joints(bodies), intrinsics) for bodies in posed]
    films = []
    (folder / "openpose").mkdir()
    for frame in range(frames):
        here = [0] if frame in AWAY else [1, 0] if frame % 2 else [0, 1]
        vertices, colors = torch.stack([posed[who].vertices[frame] for who in here]), [COLORS[who] for who in here]
        films.append(overlay(ground, vertices, body.faces, intrinsics, colors=colors))
        people = [{"person_id": [-1], "pose_keypoints_2d": _body25(pixels[who][frame], size)} for who in here]
        name = folder / "openpose" / f"walk_{frame:012}_keypoints.json"
        name.write_text(json.dumps({"version": 1.3, "people": people}))
    write_video(folder / "walk.mp4", films, RATE)
    return folder / "walk.mp4", folder / "openpose"


def _body25(pixels: torch.Tensor, size: tuple[int, int]) -> list[float]:
    numbers: list[float] = []
    for joint in CONVENTIONS["body25"]:
        x, y = pixels[CANONICAL_JOINTS.index(joint)].tolist()
        inside = 0 <= x <= size[0] and 0 <= y <= size[1]
        numbers += [x, y, 0.9] if inside else [0.0, 0.0, 0.0]
    return numbers


def _compose(turns: torch.Tensor) -> torch.Tensor:
    first, second = axis_angle_to_matrix(turns)
    return matrix_to_axis_angle(first @ second)
