"""A film of somebody who steps on the spot, and of somebody who sits, seen whole or to the waist; their keypoints."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.soles import soles
from anchorfit.camera import default_intrinsics, project
from anchorfit.observations.conventions import CONVENTIONS
from anchorfit.observations.videos import write_video

RATE, HEIGHT, SIZE = 20.0, 1.2, (640, 480)
_LEGS = ("knee", "ankle", "toe", "heel")


def standers(frames: int) -> torch.Tensor:
    """(3, T, D) parameters: who steps, to the left; who sits, to the right and farther away; who steps, nearer."""
    body = load_body()
    params = body.layout.zeros(3 * frames, body.v_template).view(3, frames, -1)
    phase = 2 * math.pi * torch.arange(frames) / RATE
    params[..., 0] = math.pi
    for side, sign in (("left", -1.0), ("right", 1.0)):
        at = {name: 3 * SMPL_JOINTS.index(f"{side}_{name}") for name in ("hip", "knee", "shoulder")}
        lifted = (-sign * torch.sin(phase)).clamp(min=0)
        params[..., at["shoulder"] + 2] = sign * 1.1
        params[[0, 2], :, at["hip"]] = -0.9 * lifted
        params[[0, 2], :, at["knee"]] = 1.4 * lifted
        params[1, :, at["hip"]], params[1, :, at["knee"]] = -1.5, 1.5
    x = body.layout.transl.start
    for person, (aside, depth) in enumerate(((-0.7, 4.0), (0.9, 4.8), (0.5, 3.4))):
        params[person, :, x], params[person, :, x + 2] = aside, depth
        low = compiled_points(body, soles(body).names).points(params[person])[..., 1].amax(1)
        params[person, :, x + 1] += HEIGHT - low
    return params


def write_standers(folder: Path, frames: int, *, legs: bool = True) -> tuple[Path, Path]:
    """``two.mp4``, and ``openpose/`` beside it: the first and the second, whose ``legs`` are seen or not."""
    body, (width, height) = load_body(), SIZE
    points = compiled_points(body, CANONICAL_JOINTS).points(standers(frames)[:2].flatten(0, 1))
    pixels = project(points, default_intrinsics(*SIZE).expand(2 * frames, 3, 3))
    pixels = pixels + torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
    (folder / "openpose").mkdir()
    for frame in range(frames):
        people = []
        for person in range(2):
            numbers: list[float] = []
            for joint in CONVENTIONS["body25"]:
                hidden = person == 1 and not legs and str(joint).split("_")[-1] in _LEGS
                x, y = pixels[person * frames + frame, CANONICAL_JOINTS.index(joint)].tolist()
                numbers += [0.0, 0.0, 0.0] if hidden else [x, y, 0.9]
            people.append({"person_id": [-1], "pose_keypoints_2d": numbers})
        name = folder / "openpose" / f"two_{frame:012}_keypoints.json"
        name.write_text(json.dumps({"version": 1.3, "people": people}))
    ground = np.random.default_rng(0).integers(90, 130, (height, width, 3), dtype=np.uint8)
    write_video(folder / "two.mp4", [ground] * frames, RATE)
    return folder / "two.mp4", folder / "openpose"
